import { Command } from "commander";
import { writeSafetensors } from "../formats/safetensors.ts";
import { loadLanguageModel } from "../models/model-file.ts";
import { toPyTorch } from "../models/pytorch.ts";
import { readFileChecked, writeFileAtomic } from "./atomic-write.ts";
import { choice, fileName } from "./options.ts";
import { about, checkIsOther, openEngine } from "./setup.ts";

const DTYPES = { f32: "F32", f16: "F16", bf16: "BF16" } as const;

interface Options {
  out: string;
  dtype: keyof typeof DTYPES;
}

export function exportCommand(): Command {
  return new Command("export")
    .description("Write a model's weights alone, as the state dict of a PyTorch module.")
    .argument("<model>", "model file or checkpoint, as `unrolled train` saved it")
    .option(
      "-o, --out <path>",
      "where the weights are saved, as safetensors",
      fileName,
      "weights.safetensors",
    )
    .addOption(choice("--dtype <type>", "how numbers are stored", Object.keys(DTYPES), "f32"))
    .action(run);
}

async function run(path: string, { out, dtype }: Options): Promise<void> {
  await checkIsOther("--out", out, path);
  const bytes = await readFileChecked(path);
  const engine = await openEngine({});
  const { model } = about(path, () => loadLanguageModel(engine, bytes));
  const tensors = about(path, () => toPyTorch(model, DTYPES[dtype]));
  // "pt": what readers take for weights of PyTorch.
  const metadata = { format: "pt", config: JSON.stringify(model.config) };
  await writeFileAtomic(out, writeSafetensors(tensors, metadata));
  for (const [name, { shape }] of tensors) console.log(`${name.padEnd(24)} [${shape.join(", ")}]`);
  console.log(`saved to ${out}, ${dtype}`);
  engine.close();
}
