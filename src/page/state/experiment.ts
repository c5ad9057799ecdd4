/**
 * The settings of an experiment: one table says for each its choices, its default and its paper; the form, the
 * address and the options of createTrainer all come from it.
 */
import { type LanguageModelConfig, splitText, type TrainerOptions } from "unrolled";
import { GATES, KINDS } from "../library.ts";
import { firstPrompt } from "./held-out.ts";
import { OWN, SUPPLIED } from "./supplied.ts";

export interface Settings {
  text: string;
  tokenizer: "char" | "bpe" | "word";
  vocabSize: number;
  cell: "rnn" | "gru" | "lstm";
  hiddenSize: number;
  numLayers: number;
  embeddingSize: number;
  dropout: number;
  sequenceLength: number;
  batchSize: number;
  optimizer: "adam" | "adamw" | "rmsprop" | "sgd";
  learningRate: number;
  schedule: "cosine" | "step" | "plateau" | "constant";
  clip: number;
  steps: number;
  seed: number;
  numerics: "reproducible" | "fast";
}

export interface Choice {
  value: string;
  label: string;
  /** Who described it. */
  paper?: string;
}

export interface ChoiceField {
  label: string;
  help?: string;
  choices: readonly Choice[];
  default: string;
}

export interface NumberField {
  label: string;
  help?: string;
  paper?: string;
  /** What the slider stops at; an address may hold any number between the first and the last. */
  stops: readonly number[];
  default: number;
  integer?: boolean;
  format?: (value: number) => string;
}

const choice = (value: string, label: string, paper?: string): Choice => ({ value, label, paper });

export const CHOICES = {
  text: {
    label: "Text",
    choices: [...SUPPLIED.map(({ id, title }) => choice(id, title)), choice(OWN, "Your own")],
    default: "moby-dick",
  },
  tokenizer: {
    label: "Tokens",
    help: "what it reads and writes one by one",
    choices: [
      choice("char", "Characters", "Sutskever, Martens & Hinton 2011"),
      choice("bpe", "Byte pairs", "Sennrich, Haddow & Birch 2016"),
      choice("word", "Words", "Bengio et al. 2003"),
    ],
    default: "char",
  },
  cell: {
    label: "Cell",
    help: "how units remember: gates reach further back",
    choices: [
      choice("rnn", "RNN", "Elman 1990"),
      choice("gru", "GRU", "Cho et al. 2014"),
      choice("lstm", "LSTM", "Hochreiter & Schmidhuber 1997"),
    ],
    default: "lstm",
  },
  optimizer: {
    label: "Optimizer",
    help: "how gradients become steps",
    choices: [
      choice("adam", "Adam", "Kingma & Ba 2015"),
      choice("adamw", "AdamW", "Loshchilov & Hutter 2019"),
      choice("rmsprop", "RMSProp", "Hinton 2012"),
      choice("sgd", "SGD", "Robbins & Monro 1951"),
    ],
    default: "adam",
  },
  schedule: {
    label: "Schedule",
    choices: [
      choice("cosine", "Cosine", "Loshchilov & Hutter 2017"),
      choice("step", "Steps", "halved every tenth of the run · Darken & Moody 1990"),
      choice("plateau", "Plateau", "a tenth when validation stops improving · Krizhevsky et al. 2012"),
      choice("constant", "Constant", "Widrow & Hoff 1960"),
    ],
    default: "cosine",
  },
  numerics: {
    label: "Arithmetic",
    choices: [
      choice("reproducible", "Same bits", "the same seed gives the same weights in every browser"),
      choice("fast", "Fastest", "fused multiply-adds where the browser has them"),
    ],
    default: "reproducible",
  },
} as const satisfies Record<string, ChoiceField>;

const rate = (value: number): string => value.toPrecision(2).replace(/\.?0+$/, "");

export const NUMBERS = {
  vocabSize: {
    label: "Vocabulary",
    help: "tokens to learn at most",
    paper: "Sennrich, Haddow & Birch 2016",
    stops: [300, 512, 768, 1024, 1536, 2048, 3072, 4096, 8192],
    default: 1024,
    integer: true,
  },
  hiddenSize: {
    label: "Units",
    help: "in each layer",
    paper: "Karpathy, Johnson & Fei-Fei 2016",
    stops: [16, 32, 48, 64, 96, 128, 192, 256, 384, 512],
    default: 128,
    integer: true,
  },
  numLayers: {
    label: "Layers",
    help: "stacked: each reads the one below",
    paper: "Graves, Mohamed & Hinton 2013",
    stops: [1, 2, 3, 4],
    default: 1,
    integer: true,
  },
  embeddingSize: {
    label: "Embedding",
    help: "numbers in a token's vector",
    paper: "Bengio et al. 2003",
    stops: [8, 16, 32, 64, 96, 128, 192, 256],
    default: 64,
    integer: true,
  },
  dropout: {
    label: "Dropout",
    help: "share of numbers left out at random, against learning by heart",
    paper: "Srivastava et al. 2014; Zaremba et al. 2014",
    stops: [0, 0.05, 0.1, 0.15, 0.2, 0.25, 0.3, 0.4, 0.5],
    default: 0,
  },
  sequenceLength: {
    label: "Sequence",
    help: "steps that gradients flow back through",
    paper: "Williams & Peng 1990",
    stops: [8, 16, 24, 32, 48, 64, 96, 128, 192, 256],
    default: 64,
    integer: true,
  },
  batchSize: {
    label: "Batch",
    help: "sequences side by side",
    paper: "Keskar et al. 2017",
    stops: [4, 8, 16, 24, 32, 48, 64, 96, 128],
    default: 32,
    integer: true,
  },
  learningRate: {
    label: "Learning rate",
    help: "how far each step moves the weights",
    paper: "Bengio 2012",
    stops: [
      1e-4, 2e-4, 3e-4, 5e-4, 7e-4, 0.001, 0.0015, 0.002, 0.003, 0.004, 0.006, 0.01, 0.02, 0.05, 0.1, 0.3, 1,
    ],
    default: 0.006,
    format: rate,
  },
  clip: {
    label: "Clip",
    help: "largest norm of all gradients together",
    paper: "Pascanu, Mikolov & Bengio 2013",
    stops: [0.1, 0.25, 0.5, 1, 2, 5, 10, 1e9],
    default: 1,
    format: (value) => (value >= 1e9 ? "off" : rate(value)),
  },
  steps: {
    label: "Steps",
    help: "when to stop",
    paper: "Prechelt 1998",
    stops: [100, 200, 500, 1000, 1500, 2000, 3000, 5000, 10_000, 20_000],
    default: 2000,
    integer: true,
    format: (value) => value.toLocaleString("en"),
  },
  seed: {
    label: "Seed",
    help: "of weights, dropout and samples",
    paper: "Salmon et al. 2011",
    stops: Array.from({ length: 33 }, (_, i) => i),
    default: 1,
    integer: true,
  },
} as const satisfies Record<string, NumberField>;

export type ChoiceName = keyof typeof CHOICES;
export type NumberName = keyof typeof NUMBERS;

const DEFAULTS = Object.fromEntries(
  [...Object.entries(CHOICES), ...Object.entries(NUMBERS)].map(([name, field]) => [name, field.default]),
) as unknown as Settings;

/** Reads an address, taking nothing on trust: what is unknown or out of range becomes the default. */
export function readSettings(params: URLSearchParams): Settings {
  const settings: Record<string, string | number> = { ...DEFAULTS };
  for (const [name, field] of Object.entries(CHOICES)) {
    const value = params.get(name);
    if (value !== null && field.choices.some((one) => one.value === value)) settings[name] = value;
  }
  for (const [name, field] of Object.entries(NUMBERS) as [string, NumberField][]) {
    const text = params.get(name);
    const value = Number(text);
    if (text === null || text === "" || !Number.isFinite(value)) continue;
    const inside = Math.min(Math.max(value, field.stops[0]), field.stops[field.stops.length - 1]);
    settings[name] = field.integer ? Math.round(inside) : inside;
  }
  return settings as unknown as Settings;
}

/** What differs from the defaults, and the text in any case. */
export function writeSettings(settings: Settings): URLSearchParams {
  const params = new URLSearchParams();
  for (const [name, value] of Object.entries(settings)) {
    if (name === "text" || value !== DEFAULTS[name as keyof Settings]) params.set(name, String(value));
  }
  return params;
}

/** Numbers that the optimizer keeps for each weight. */
const SLOTS = { adam: 2, adamw: 2, rmsprop: 1, sgd: 0 };

/**
 * The vocabulary's size as far as it is known before tokens are learnt.
 * @param characters how many the text has, from {@link countCharacters}.
 */
export function expectedVocabulary({ tokenizer, vocabSize }: Settings, characters: number): number {
  // And one for what it never saw.
  return tokenizer === "char" ? characters + 1 : vocabSize;
}

/** How many different characters a run learns from the text: those of the part that is not held out. */
export function countCharacters(text: string): number {
  const training = splitText(text, validationFractionOf(text))[0].toWellFormed();
  const seen = new Uint8Array(0x110000);
  let count = 0;
  for (let i = 0; i < training.length; i++) {
    const codePoint = training.codePointAt(i)!;
    if (codePoint > 0xffff) i++;
    if (seen[codePoint] === 0) count++;
    seen[codePoint] = 1;
  }
  return count;
}

export function countParameters(config: LanguageModelConfig): number {
  const { cell = "lstm", vocabSize: V, hiddenSize: H, embeddingSize: E = H, numLayers: L = 1 } = config;
  const gates = GATES[KINDS[cell]];
  const layers = gates * H * (E + H + 2) + (L - 1) * gates * H * (2 * H + 2);
  return V * E + layers + V * H + V;
}

/** Bytes of the engine's memory while it trains: weights, gradients and moments, and one step's results. */
export function estimateMemory(all: Settings, vocabSize: number): number {
  const {
    cell,
    hiddenSize: H,
    numLayers: L,
    embeddingSize: E,
    sequenceLength: T,
    batchSize: B,
    optimizer,
  } = all;
  const weights = countParameters({ ...all, vocabSize }) * (2 + SLOTS[optimizer]);
  const states = cell === "lstm" ? 2 : 1;
  const extra = cell === "gru" ? 1 : 0;
  const layer = H * (GATES[KINDS[cell]] + 2 * states + extra);
  const step = T * B * (2 * E + L * layer + 2 * vocabSize);
  return 4 * (weights + step);
}

/** Held out at most: an evaluation should take a moment, not a minute. */
const MOST_HELD_OUT = 60_000;

function validationFractionOf(text: string): number {
  return Math.min(0.1, MOST_HELD_OUT / text.length);
}

/** Whether it has too few tokens for one batch however it is cut: at most one a byte, or a character. */
export function isTooShort({ tokenizer, batchSize, sequenceLength }: Settings, text: string): boolean {
  const mostTokens = tokenizer === "bpe" ? 3 * text.length : text.length;
  return (1 - validationFractionOf(text)) * mostTokens <= batchSize * sequenceLength;
}

export function trainerOptions(all: Settings, text: string, name: string | undefined): TrainerOptions {
  const { cell, hiddenSize, numLayers, embeddingSize, dropout, tokenizer, vocabSize } = all;
  const { batchSize, sequenceLength, optimizer, learningRate, schedule, clip, steps, seed, numerics } = all;
  const validationFraction = validationFractionOf(text);
  const evaluateEvery = Math.max(10, Math.round(steps / 20));
  return {
    text,
    tokenizer,
    ...(tokenizer !== "char" && { vocabSize }),
    model: { cell, hiddenSize, numLayers, embeddingSize, dropout },
    batchSize,
    sequenceLength,
    validationFraction,
    training: {
      steps,
      optimizer,
      learningRate,
      schedule,
      clip: clip >= 1e9 ? Number.POSITIVE_INFINITY : clip,
      evaluateEvery,
      ...(schedule === "plateau" && { patience: 1 }),
    },
    engine: { numerics, seed },
    samples: {
      length: tokenizer === "char" ? 240 : 60,
      temperature: 0.7,
      seed,
      prompt: firstPrompt(splitText(text, validationFraction)[1]),
    },
    ...(name !== undefined && { checkpoint: name, checkpointEvery: 10 }),
  };
}
