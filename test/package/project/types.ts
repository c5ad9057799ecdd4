// A user's TypeScript, which compiles against the package's declarations.
import {
  createEngine,
  type Engine,
  LanguageModel,
  type LanguageModelConfig,
  LSTM,
  generate as write,
} from "unrolled";
import { generate, type InferenceModel, loadModel, type NextToken, Reader } from "unrolled/generate";

export async function create(config: LanguageModelConfig): Promise<LanguageModel> {
  const engine: Engine = await createEngine({ numerics: "fast" });
  new LSTM(engine, { inputSize: 3, hiddenSize: 4 }).parameterCount.toFixed();
  return new LanguageModel(engine, config);
}

export async function read(model: LanguageModel): Promise<string> {
  let text = "";
  for await (const token of write(model, "A", { length: 3 })) text += token.text;
  return text;
}

export async function complete(bytes: Uint8Array, text: string): Promise<NextToken[]> {
  const model: InferenceModel = await loadModel(bytes);
  for await (const { probability } of generate(model, text, { length: 3 })) probability.toFixed();
  return new Reader(model).read(text).next({ count: 2 });
}
