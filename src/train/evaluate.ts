import { createPacer } from "../macrotask.ts";
import { inEvaluation } from "../nn/evaluation.ts";
import type { Tensor } from "../tensor/tensor.ts";
import { carry, drop } from "./carry.ts";
import type { Batch, Trainable } from "./interfaces.ts";

export interface Evaluation {
  /** Mean loss per prediction, nats. */
  loss: number;
  /** e^loss. */
  perplexity: number;
  /** loss / ln 2: bits per character where a token is a character. */
  bitsPerToken: number;
  /** How many predictions were made; without any, the other figures are NaN. */
  count: number;
}

/**
 * The mean loss over batches, in eval mode, carrying state as the batches say. Between two batches, while it serves timers
 * and messages, each part of the model is in the mode that it was in. Undefined if the signal aborted it.
 */
export async function evaluate<B extends Batch>(
  model: Trainable<B>,
  batches: Iterable<B>,
  options: { signal?: AbortSignal } = {},
): Promise<Evaluation | undefined> {
  const { engine } = model;
  const pause = createPacer();
  let carried: Tensor[] = [];
  let total = 0;
  let count = 0;
  try {
    for (const batch of batches) {
      await pause();
      if (options.signal?.aborted) return undefined;
      if (!batch.continues) {
        drop(carried);
        carried = [];
      }
      const step = (): void => {
        const result = model.loss(batch, carried);
        total += result.loss.item() * result.count;
        count += result.count;
        carried = carry(engine, carried, result.carried);
      };
      inEvaluation(model, () => engine.infer(step));
    }
  } finally {
    drop(carried);
    // Evaluation comes between steps of training, which needs the memory and changes the weights.
    for (const [, parameter] of model.namedParameters()) parameter.changed();
  }
  const loss = total / count;
  // biome-ignore lint/plugin: a figure to report, which no kernel reads.
  return { loss, perplexity: Math.exp(loss), bitsPerToken: loss / Math.LN2, count };
}
