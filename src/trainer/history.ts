import type { History, SampleReport, TrainerReport } from "./options.ts";

/** Numbers one after the other, in an array that doubles. */
class Column {
  #values = new Float32Array(1024);
  #length = 0;

  push(value: number): void {
    if (this.#length === this.#values.length) {
      const longer = new Float32Array(2 * this.#length);
      longer.set(this.#values);
      this.#values = longer;
    }
    this.#values[this.#length++] = value;
  }

  toArray(): Float32Array {
    return this.#values.slice(0, this.#length);
  }
}

/** How many samples are kept, the latest ones. */
const MOST_SAMPLES = 50;

/** The reports of a run as columns that grow. */
export interface GrowingHistory {
  add(report: TrainerReport): void;
  /** A copy. */
  toHistory(): History;
}

export function createHistory(): GrowingHistory {
  return growHistory({
    loss: new Float32Array(),
    gradientNorm: new Float32Array(),
    learningRate: new Float32Array(),
    validation: [],
    samples: [],
  });
}

/** A history that goes on from what was kept. */
export function growHistory(before: History): GrowingHistory {
  const columns = { loss: new Column(), gradientNorm: new Column(), learningRate: new Column() };
  const names = ["loss", "gradientNorm", "learningRate"] as const;
  for (const name of names) for (const value of before[name]) columns[name].push(value);
  const validation = [...before.validation];
  const samples: SampleReport[] = [...before.samples];
  return {
    add(report) {
      if (report.kind === "step") {
        for (const name of names) columns[name].push(report[name]);
      } else if (report.kind === "validation") {
        const { step, loss, bitsPerToken } = report;
        validation.push({ step, loss, bitsPerToken });
      } else {
        samples.push(report);
        if (samples.length > MOST_SAMPLES) samples.shift();
      }
    },
    toHistory: () => ({
      loss: columns.loss.toArray(),
      gradientNorm: columns.gradientNorm.toArray(),
      learningRate: columns.learningRate.toArray(),
      validation: [...validation],
      samples: [...samples],
    }),
  };
}
