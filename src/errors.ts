/**
 * The errors that Unrolled throws on purpose. Each message says what was expected, what came, and where, so
 * that a program can show it to a person as it is. They stand beside the engine, not in it, because readers of
 * files and texts throw them too and know nothing of the engine.
 */
export class UnrolledError extends Error {
  /** The class's: written out, since minifiers rename classes. */
  override readonly name: string = "UnrolledError";
}

/** A tensor, or the sizes given for one, do not fit the operation. */
export class ShapeError extends UnrolledError {
  override readonly name = "ShapeError";
}

/** Bytes that were read (a model file, a tokenizer, a text) are not what their format says. */
export class FormatError extends UnrolledError {
  override readonly name = "FormatError";
}

/** A number that must be finite is not: a loss or a gradient became NaN or infinite. */
export class NumericError extends UnrolledError {
  override readonly name = "NumericError";
}

/** The engine was asked for what it cannot do: memory ran out, a tensor outlived its step, it was closed. */
export class EngineError extends UnrolledError {
  override readonly name = "EngineError";
}

/** An option has a value outside its range, or options contradict each other. */
export class ConfigError extends UnrolledError {
  override readonly name = "ConfigError";
}

/** A file cannot be read or written: it is missing, protected, a directory, or the disk is full. */
export class FileError extends UnrolledError {
  override readonly name = "FileError";
}
