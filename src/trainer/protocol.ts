/*
 * What the page's thread and the trainer's worker say to each other. Every request has a number, which its replies
 * carry.
 */
import type { Activations, GateTerms } from "../diagnose/activations.ts";
import * as errors from "../errors.ts";
import type { GeneratedToken, GenerateOptions } from "../generate/text.ts";
import type {
  ModelSource,
  SampleSettings,
  StoredRun,
  TrainerInfo,
  TrainerOptions,
  TrainerReport,
  TrainerState,
} from "./options.ts";

export type TrainerSource = TrainerOptions | StoredRun | ModelSource;

export interface Inspection extends Activations {
  /** Each token's text. */
  tokens: string[];
  /** The text of every token in {@link Activations.next}. */
  names: Record<number, string>;
  /** The unit that was asked for, and what its equations add up, by gate. */
  unit?: { layer: number; index: number; terms: Record<string, GateTerms> };
}

export interface InspectOptions {
  /** How many of the likeliest next tokens to list at each place. Default 8. */
  alternatives?: number;
  /** Whose equations to take apart. */
  unit?: { layer: number; index: number };
}

/** What can be changed while it trains. */
export interface Adjustments {
  learningRate?: number;
  samples?: SampleSettings;
}

/** What is asked for, with what comes back. */
export interface Calls {
  open: { input: { source: TrainerSource; isolated: boolean }; output: TrainerInfo };
  /** Starts, or goes on. */
  run: { input: undefined; output: undefined };
  pause: { input: undefined; output: undefined };
  adjust: { input: Adjustments; output: undefined };
  save: { input: undefined; output: Uint8Array<ArrayBuffer> };
  checkpoint: { input: undefined; output: undefined };
  generate: { input: { prompt: string; options: Omit<GenerateOptions, "signal"> }; output: undefined };
  inspect: { input: { text: string; options: InspectOptions }; output: Inspection };
}

export type CallName = keyof Calls;

export type Request =
  | { [C in CallName]: { id: number; call: C; input: Calls[C]["input"] } }[CallName]
  /** Ends a `generate` early. */
  | { id: number; call: "cancel" };

export type Response =
  | { kind: "done"; id: number; output: unknown }
  | { kind: "error"; id: number; error: PlainError }
  /** Of a `generate`. */
  | { kind: "tokens"; id: number; tokens: GeneratedToken[] }
  | { kind: "reports"; reports: TrainerReport[] }
  | { kind: "state"; state: TrainerState; error?: PlainError };

/** A MessagePort, a Worker or a worker's own scope. */
export interface Port {
  postMessage(message: unknown, transfer?: Transferable[]): void;
  onmessage: ((event: MessageEvent) => void) | null;
}

/** An error that keeps its class on the way. */
export interface PlainError {
  name: string;
  message: string;
}

export function toPlainError(error: unknown): PlainError {
  return error instanceof Error
    ? { name: error.name, message: error.message }
    : { name: "Error", message: String(error) };
}

export function fromPlainError({ name, message }: PlainError): Error {
  const ErrorClass = (errors as Record<string, new (message: string) => Error>)[name];
  if (ErrorClass) return new ErrorClass(message);
  const error = new Error(message);
  error.name = name;
  return error;
}
