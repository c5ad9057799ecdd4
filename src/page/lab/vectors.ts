/**
 * Learns word vectors: skip-gram with a whole softmax (Mikolov et al. 2013a), small enough for a visit. A word's
 * vector has to predict the words around it; frequent words are passed over more often than not (2013b).
 */
import {
  type Batch,
  createEngine,
  crossEntropy,
  type DataSource,
  Embedding,
  type Engine,
  Linear,
  Module,
  type Tensor,
  train,
  WordTokenizer,
} from "unrolled";

export interface VectorsInput {
  text: string;
  vocabSize: number;
  size: number;
  steps: number;
}

export interface VectorsOutput {
  step: number;
  steps: number;
  loss: number;
  /** Of each word, the most frequent first. */
  words: string[];
  size: number;
  /** [words, size] */
  vectors: Float32Array;
}

const WINDOW = 5;
const BATCH = 512;
/** The share of a text that a word may have before it is passed over. */
const FREQUENT = 1e-3;
/** Milliseconds between two looks at the vectors. */
const EVERY = 250;

interface Pairs extends Batch {
  centres: Int32Array;
  contexts: Int32Array;
}

class SkipGram extends Module {
  readonly engine: Engine;
  readonly embedding: Embedding;
  readonly output: Linear;

  constructor(engine: Engine, vocabSize: number, embeddingSize: number) {
    super();
    this.engine = engine;
    this.embedding = new Embedding(engine, { vocabSize, embeddingSize });
    this.output = new Linear(engine, { inputSize: embeddingSize, outputSize: vocabSize });
    // From N(0, 1) it would take long until vectors say more than their start.
    const { weight } = this.embedding;
    weight.set(Array.from(weight.toArray(), (value) => 0.1 * value));
  }

  loss({ centres, contexts }: Pairs): { loss: Tensor; count: number } {
    const { engine } = this;
    const logits = this.output.forward(this.embedding.forward(engine.ids(centres, [centres.length])));
    return { loss: crossEntropy(logits, engine.ids(contexts, [contexts.length])), count: centres.length };
  }
}

export async function learnVectors(
  { text, vocabSize, size, steps }: VectorsInput,
  onProgress: (progress: VectorsOutput) => void,
): Promise<VectorsOutput> {
  const tokenizer = await WordTokenizer.train(text, { vocabSize, lowercase: true });
  const words = Array.from({ length: tokenizer.vocabSize }, (_, id) => tokenizer.idToToken(id) ?? "");
  const data = new PairSource(tokenizer.encode(text), words);
  const engine = await createEngine({ numerics: "reproducible", seed: 1, threads: 1 });
  try {
    const model = new SkipGram(engine, words.length, size);
    const look = (step: number, loss: number): VectorsOutput => ({
      step,
      steps,
      loss,
      words,
      size,
      vectors: model.embedding.weight.toArray() as Float32Array,
    });
    let last = performance.now();
    let loss = Number.NaN;
    onProgress(look(0, loss));
    for await (const report of train(model, data, { steps, learningRate: 0.01, evaluateEvery: 0 })) {
      loss = report.loss;
      if (performance.now() - last < EVERY) continue;
      last = performance.now();
      onProgress(look(report.step, loss));
    }
    return look(steps, loss);
  } finally {
    engine.close();
  }
}

/** Pairs of a word and one near it, drawn from the whole text; always the same for a step. */
class PairSource implements DataSource<Pairs> {
  readonly stepsPerEpoch: number;
  /** The text's words that are left when unknown ones, signs and most of the frequent ones are passed over. */
  readonly #ids: Int32Array;

  constructor(ids: Int32Array, words: readonly string[]) {
    const counts = new Float64Array(words.length);
    for (const id of ids) counts[id]++;
    const isWord = words.map((word) => /\p{L}/u.test(word) && word !== "<unk>");
    let seen = 0;
    this.#ids = ids.filter((id) => {
      if (!isWord[id]) return false;
      const keep = Math.sqrt((FREQUENT * ids.length) / counts[id]);
      return hash(seen++) < keep;
    });
    this.stepsPerEpoch = Math.ceil((2 * WINDOW * this.#ids.length) / BATCH);
  }

  trainBatch(step: number): Pairs {
    const centres = new Int32Array(BATCH);
    const contexts = new Int32Array(BATCH);
    const { length } = this.#ids;
    for (let i = 0; i < BATCH; i++) {
      const at = WINDOW + Math.floor(hash(3 * (step * BATCH + i)) * (length - 2 * WINDOW));
      const distance = 1 + Math.floor(hash(3 * (step * BATCH + i) + 1) * WINDOW);
      const side = hash(3 * (step * BATCH + i) + 2) < 0.5 ? -1 : 1;
      centres[i] = this.#ids[at];
      contexts[i] = this.#ids[at + side * distance];
    }
    return { centres, contexts, continues: false };
  }

  validationBatches(): Iterable<Pairs> {
    return [];
  }
}

/** A number in [0, 1) that looks random. */
function hash(n: number): number {
  let x = Math.imul(n + 1, 0x9e3779b1);
  x = Math.imul(x ^ (x >>> 16), 0x85ebca6b);
  x = Math.imul(x ^ (x >>> 13), 0xc2b2ae35);
  return ((x ^ (x >>> 16)) >>> 0) / 2 ** 32;
}
