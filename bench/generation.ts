/** W5: tokens one after another at batch 1, each the likeliest one, through the library's own `generate`. */
import { generate } from "../src/generate/generate.ts";
import { LanguageModel } from "../src/models/language-model.ts";
import type { Entry } from "./entry.ts";
import { createReferenceGenerator, randomWeights } from "./reference-model.ts";
import { generationFlops, workloadsOf } from "./workloads.ts";

/** The ids that a model writes after id 0. */
export async function writeIds(model: LanguageModel, length: number): Promise<number[]> {
  const ids: number[] = [];
  for await (const { id } of generate(model, [0], { length, temperature: 0 })) ids.push(id);
  return ids;
}

export const generationEntries: Entry[] = workloadsOf("generate").map((workload) => ({
  name: workload.name,
  title: workload.title,
  unit: "ms",
  flops: generationFlops(workload),
  figure: (milliseconds) => milliseconds,
  onEngine(engine) {
    const model = new LanguageModel(engine, workload).train(false);
    return () => writeIds(model, workload.length);
  },
  onReference: () => createReferenceGenerator(workload, randomWeights(workload)),
}));
