import { diagnose, type Engine, type LayerDiagnosis, TemporalOrder, train } from "unrolled";
import { type Cell, hiddenSizeFor, MemoryModel } from "../memory/model.ts";

export interface CellResult {
  cell: Cell;
  hiddenSize: number;
  steps: number;
  /** On data never trained on, before and after; guessing has ln 4 = 1.386. */
  lossBefore: number;
  lossAfter: number;
  /** As PyTorch starts it. */
  plain: LayerDiagnosis;
  /** With memories as long as the sequences (chrono initialisation), which is where training begins. */
  before: LayerDiagnosis;
  after: LayerDiagnosis;
}

const PARAMETERS = 4500;
const BATCH_SIZE = 32;
const LEARNING_RATE = { rnn: 0.003, lstm: 0.02, gru: 0.02 };

/** A cell on the temporal order problem, which asks for memory of `length` steps: its gradients before and after. */
export async function measureCell(
  engine: Engine,
  cell: Cell,
  options: { length: number; steps: number; seed: number; onStep: (step: number) => void },
): Promise<CellResult> {
  const { length, steps, seed, onStep } = options;
  const task = new TemporalOrder({ length, batchSize: BATCH_SIZE, seed });
  const { inputSize, outputSize } = task;
  const hiddenSize = hiddenSizeFor(cell, inputSize, outputSize, PARAMETERS);
  const [batch] = task.validationBatches();
  const create = (longest?: number): MemoryModel => {
    engine.random.state = { seed, block: 0 };
    return new MemoryModel(engine, { cell, inputSize, hiddenSize, outputSize, longest });
  };
  const look = (model: MemoryModel) => {
    const { loss, layers } = diagnose(model, batch);
    return { loss, layer: layers[0] };
  };
  const untouched = create();
  const plain = look(untouched);
  untouched.free();
  const model = create(length);
  const before = look(model);
  const training = {
    steps,
    learningRate: LEARNING_RATE[cell],
    warmup: Math.min(50, steps),
    evaluateEvery: 0,
  };
  for await (const report of train(model, task, training)) onStep(report.step);
  const after = look(model);
  model.free();
  return {
    ...{ cell, hiddenSize, steps },
    ...{ lossBefore: before.loss, lossAfter: after.loss },
    ...{ plain: plain.layer, before: before.layer, after: after.layer },
  };
}
