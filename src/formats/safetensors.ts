/**
 * Reads and writes safetensors (https://github.com/huggingface/safetensors#format), the format in which
 * weights are exchanged with PyTorch. A file is
 *
 *   8 bytes      N, length of the header, unsigned little-endian
 *   N bytes      JSON { name: { dtype, shape, data_offsets: [begin, end] } …, __metadata__: { key: string } }
 *   the rest     the tensors' bytes, little-endian, row-major; offsets count from here, no gaps, no overlaps
 *
 * Numbers are taken as the machine has them, since the machines that run JavaScript are little-endian.
 */
import { FormatError, ShapeError } from "../errors.ts";
import { bfloat16ToFloat32, float16ToFloat32 } from "./half.ts";
import { findDuplicateKey } from "./json-keys.ts";
import { isIndex, isObject, show } from "./json-values.ts";

/** F32 and I32 come as numbers, other types as their bytes, which `toFloat32` converts if they are floats. */
export type SafeTensor =
  | { readonly dtype: "F32"; readonly shape: readonly number[]; readonly data: Float32Array }
  | { readonly dtype: "I32"; readonly shape: readonly number[]; readonly data: Int32Array }
  | {
      readonly dtype: "F64" | "F16" | "BF16" | "I64" | "U8";
      readonly shape: readonly number[];
      readonly data: Uint8Array;
    };

export type SafeTensorDtype = SafeTensor["dtype"];

export interface SafetensorsFile {
  /** In the order of their data. */
  readonly tensors: Map<string, SafeTensor>;
  readonly metadata: Record<string, string>;
}

/** Bytes of one element. */
export const ITEM_SIZE: Record<SafeTensorDtype, number> = {
  F64: 8,
  I64: 8,
  F32: 4,
  I32: 4,
  F16: 2,
  BF16: 2,
  U8: 1,
};
const LENGTH_BYTES = 8;
const MAX_HEADER = 100_000_000;
const METADATA = "__metadata__";

/**
 * Tensors are written in the order of the map, but wider element types first, so that each is aligned.
 * @throws ShapeError if a tensor's data do not have the size of its shape, or its name is `__metadata__`.
 */
export function writeSafetensors(
  tensors: ReadonlyMap<string, SafeTensor>,
  metadata: Readonly<Record<string, string>> = {},
): Uint8Array<ArrayBuffer> {
  const ordered = [...tensors].sort(([, a], [, b]) => ITEM_SIZE[b.dtype] - ITEM_SIZE[a.dtype]);
  const entries: [string, object][] = Object.keys(metadata).length > 0 ? [[METADATA, metadata]] : [];
  let dataLength = 0;
  for (const [name, { dtype, shape, data }] of ordered) {
    checkWritable(name, dtype, shape, data.byteLength);
    const end = dataLength + data.byteLength;
    entries.push([name, { dtype, shape, data_offsets: [dataLength, end] }]);
    dataLength = end;
  }
  // fromEntries, since assigning to a key "__proto__" would set no property.
  const header = new TextEncoder().encode(JSON.stringify(Object.fromEntries(entries)));
  const headerLength = Math.ceil(header.length / 8) * 8;

  const file = new Uint8Array(LENGTH_BYTES + headerLength + dataLength);
  new DataView(file.buffer).setBigUint64(0, BigInt(headerLength), true);
  file.set(header, LENGTH_BYTES);
  file.fill(0x20, LENGTH_BYTES + header.length, LENGTH_BYTES + headerLength);
  let position = LENGTH_BYTES + headerLength;
  for (const [, { data }] of ordered) {
    file.set(new Uint8Array(data.buffer, data.byteOffset, data.byteLength), position);
    position += data.byteLength;
  }
  return file;
}

/**
 * Reads a whole file, trusting nothing in it. The tensors are copies: `bytes` may lie at any alignment, be a
 * view of shared memory, and change afterwards.
 * @throws FormatError saying what is wrong and where.
 */
export function readSafetensors(bytes: Uint8Array): SafetensorsFile {
  if (!ArrayBuffer.isView(bytes)) {
    const got = Object.prototype.toString.call(bytes).slice(8, -1);
    throw new FormatError(`safetensors: expected the bytes of a file, a Uint8Array, got ${got}`);
  }
  const { header, dataStart } = readHeader(bytes);
  const { [METADATA]: metadata, ...records } = header;
  const dataLength = bytes.length - dataStart;
  const infos = Object.entries(records).map(([name, record]) => readRecord(name, record, dataLength));
  infos.sort((a, b) => a.begin - b.begin || a.end - b.end);

  const tensors = new Map<string, SafeTensor>();
  let position = 0;
  for (const { name, dtype, shape, begin, end } of infos) {
    if (begin !== position) {
      const kind = begin < position ? "overlaps the tensor before" : "leaves a gap after the tensor before";
      fail(`${where(name)}: data_offsets: expected to begin at ${position}, got ${begin}, which ${kind}`);
    }
    // Not `slice`: a Buffer's does not copy.
    const { buffer } = new Uint8Array(bytes.subarray(dataStart + begin, dataStart + end));
    tensors.set(name, viewOf(dtype, shape, buffer));
    position = end;
  }
  if (position !== dataLength) {
    fail(`expected the tensors to fill the ${dataLength} bytes of data, but they end at ${position}`);
  }
  return { tensors, metadata: readMetadata(metadata) };
}

/**
 * A copy of the tensor as f32. F16 and BF16 widen exactly; F64 rounds to nearest.
 * @throws FormatError for a dtype of integers, or data of half an element.
 */
export function toFloat32(tensor: SafeTensor): Float32Array<ArrayBuffer> {
  const { byteLength } = tensor.data;
  if (byteLength % ITEM_SIZE[tensor.dtype])
    fail(`${byteLength} bytes are no whole elements of ${tensor.dtype}`);
  switch (tensor.dtype) {
    case "F32":
      return new Float32Array(tensor.data);
    case "F64":
      return new Float32Array(new Float64Array(new Uint8Array(tensor.data).buffer));
    case "F16":
      return float16ToFloat32(new Uint16Array(new Uint8Array(tensor.data).buffer));
    case "BF16":
      return bfloat16ToFloat32(new Uint16Array(new Uint8Array(tensor.data).buffer));
    default:
      return fail(`expected a tensor of dtype F32, F16, BF16 or F64, got ${tensor.dtype}`);
  }
}

function checkWritable(
  name: string,
  dtype: SafeTensorDtype,
  shape: readonly number[],
  byteLength: number,
): void {
  if (name === METADATA)
    throw new ShapeError(`a tensor cannot be named ${METADATA}: the format keeps that name`);
  const expected = shape.reduce((product, size) => product * size, ITEM_SIZE[dtype]);
  if (!shape.every(isIndex) || expected !== byteLength) {
    throw new ShapeError(
      `${where(name)}: expected ${expected} bytes for ${dtype} [${shape.join(", ")}], got ${byteLength}`,
    );
  }
}

function readHeader(bytes: Uint8Array): { header: Record<string, unknown>; dataStart: number } {
  if (bytes.length < LENGTH_BYTES) {
    fail(`expected at least ${LENGTH_BYTES} bytes for the header's length, got ${bytes.length}`);
  }
  const length = new DataView(bytes.buffer, bytes.byteOffset, LENGTH_BYTES).getBigUint64(0, true);
  if (length > MAX_HEADER)
    fail(`expected a header of at most ${MAX_HEADER} bytes, got a length of ${length}`);
  const dataStart = LENGTH_BYTES + Number(length);
  if (dataStart > bytes.length) {
    fail(`the header should take ${length} bytes, but only ${bytes.length - LENGTH_BYTES} follow`);
  }
  const header = parseHeader(new Uint8Array(bytes.subarray(LENGTH_BYTES, dataStart)));
  return { header, dataStart };
}

function parseHeader(bytes: Uint8Array<ArrayBuffer>): Record<string, unknown> {
  if (bytes[0] !== 0x7b) fail(`header: expected "{" as the first byte, got ${bytes[0] ?? "an empty header"}`);
  let text: string;
  let header: Record<string, unknown>;
  try {
    text = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
    header = JSON.parse(text);
  } catch (cause) {
    throw new FormatError(`safetensors: header: expected JSON in UTF-8: ${(cause as Error).message}`, {
      cause,
    });
  }
  const duplicate = findDuplicateKey(text);
  if (duplicate !== undefined) fail(`header: the name ${JSON.stringify(duplicate)} is there twice`);
  return header;
}

interface TensorInfo {
  name: string;
  dtype: SafeTensorDtype;
  shape: number[];
  begin: number;
  end: number;
}

function readRecord(name: string, record: unknown, dataLength: number): TensorInfo {
  if (!isObject(record)) return fail(`${where(name)}: expected an object, got ${show(record)}`);
  const { dtype, shape, data_offsets: offsets } = record;
  if (typeof dtype !== "string" || !Object.hasOwn(ITEM_SIZE, dtype)) {
    return fail(
      `${where(name)}: dtype: expected one of ${Object.keys(ITEM_SIZE).join(", ")}, got ${show(dtype)}`,
    );
  }
  if (!Array.isArray(shape) || !shape.every(isIndex)) {
    return fail(`${where(name)}: shape: expected an array of non-negative integers, got ${show(shape)}`);
  }
  if (!Array.isArray(offsets) || offsets.length !== 2 || !offsets.every(isIndex)) {
    return fail(`${where(name)}: data_offsets: expected two non-negative integers, got ${show(offsets)}`);
  }
  const [begin, end] = offsets;
  if (begin > end || end > dataLength) {
    fail(`${where(name)}: data_offsets: expected begin ≤ end ≤ ${dataLength}, got ${show(offsets)}`);
  }
  // A product too large to be exact is far above any file's size, so it cannot pass for equal.
  const size = shape.reduce((product, n) => product * n, ITEM_SIZE[dtype as SafeTensorDtype]);
  if (size !== end - begin) {
    fail(
      `${where(name)}: expected ${size} bytes for ${dtype} ${show(shape)}, data_offsets span ${end - begin}`,
    );
  }
  return { name, dtype: dtype as SafeTensorDtype, shape, begin, end };
}

function readMetadata(metadata: unknown): Record<string, string> {
  if (metadata === undefined) return {};
  if (!isObject(metadata)) return fail(`${METADATA}: expected an object of strings, got ${show(metadata)}`);
  for (const [key, value] of Object.entries(metadata)) {
    if (typeof value !== "string") fail(`${METADATA}: ${show(key)}: expected a string, got ${show(value)}`);
  }
  return metadata as Record<string, string>;
}

function viewOf(dtype: SafeTensorDtype, shape: number[], buffer: ArrayBuffer): SafeTensor {
  if (dtype === "F32") return { dtype, shape, data: new Float32Array(buffer) };
  if (dtype === "I32") return { dtype, shape, data: new Int32Array(buffer) };
  return { dtype, shape, data: new Uint8Array(buffer) };
}

function where(name: string): string {
  return `safetensors: tensor ${JSON.stringify(name)}`;
}

function fail(message: string): never {
  throw new FormatError(message.startsWith("safetensors: ") ? message : `safetensors: ${message}`);
}
