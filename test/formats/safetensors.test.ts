import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { FormatError, ShapeError } from "../../src/errors.ts";
import {
  readSafetensors,
  type SafeTensor,
  toFloat32,
  writeSafetensors,
} from "../../src/formats/safetensors.ts";

const ITEM_SIZE = { F64: 8, I64: 8, F32: 4, I32: 4, F16: 2, BF16: 2, U8: 1 };

const tensor: fc.Arbitrary<SafeTensor> = fc
  .record({
    dtype: fc.constantFrom(...(Object.keys(ITEM_SIZE) as SafeTensor["dtype"][])),
    shape: fc.array(fc.nat(4), { maxLength: 3 }),
  })
  .chain(({ dtype, shape }) => {
    const length = shape.reduce((a, b) => a * b, ITEM_SIZE[dtype]);
    return fc.uint8Array({ minLength: length, maxLength: length }).map((bytes) => {
      const { buffer } = Uint8Array.from(bytes);
      if (dtype === "F32") return { dtype, shape, data: new Float32Array(buffer) };
      if (dtype === "I32") return { dtype, shape, data: new Int32Array(buffer) };
      return { dtype, shape, data: new Uint8Array(buffer) };
    });
  });

const name = fc.oneof(
  fc.string({ unit: "binary" }),
  fc.constantFrom("__proto__", "", "0", 'a"{', "toString"),
);
const tensorMap = fc
  .uniqueArray(fc.tuple(name, tensor), { selector: ([key]) => key, maxLength: 5 })
  .map((entries) => new Map(entries));
const metadataOf = fc.dictionary(name, fc.string({ unit: "binary" }), { maxKeys: 4 });

const bytesOf = ({ data }: SafeTensor) => new Uint8Array(data.buffer, data.byteOffset, data.byteLength);

/** A file with the given header, which is not checked. */
function fileOf(header: unknown, dataLength = 0): Uint8Array {
  const text = new TextEncoder().encode(typeof header === "string" ? header : JSON.stringify(header));
  const file = new Uint8Array(8 + text.length + dataLength);
  new DataView(file.buffer).setBigUint64(0, BigInt(text.length), true);
  file.set(text, 8);
  return file;
}

const small = () =>
  writeSafetensors(
    new Map<string, SafeTensor>([
      ["rnn.weight_ih_l0", { dtype: "F32", shape: [2, 3], data: Float32Array.of(1, 2, 3, 4, 5, 6) }],
      ["step", { dtype: "I32", shape: [], data: Int32Array.of(7) }],
      ["state", { dtype: "U8", shape: [3], data: Uint8Array.of(1, 2, 3) }],
    ]),
    { config: '{"hiddenSize":2}' },
  );

describe("writeSafetensors", () => {
  it("lays a file out as the format says", () => {
    const file = writeSafetensors(
      new Map([["a", { dtype: "F32", shape: [2], data: Float32Array.of(1, -2) }]]),
      {
        k: "v",
      },
    );
    const json = '{"__metadata__":{"k":"v"},"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}}';
    const headerLength = Math.ceil(json.length / 8) * 8;
    expect(new DataView(file.buffer).getBigUint64(0, true)).toBe(BigInt(headerLength));
    expect(new TextDecoder().decode(file.subarray(8, 8 + headerLength))).toBe(json.padEnd(headerLength, " "));
    expect([...file.subarray(8 + headerLength)]).toEqual([0, 0, 0x80, 0x3f, 0, 0, 0, 0xc0]);
  });

  it("aligns every tensor to its element type", () => {
    fc.assert(
      fc.property(tensorMap, (tensors) => {
        const file = writeSafetensors(tensors);
        const dataStart = 8 + Number(new DataView(file.buffer).getBigUint64(0, true));
        const header = JSON.parse(new TextDecoder().decode(file.subarray(8, dataStart)));
        expect(dataStart % 8).toBe(0);
        for (const [key, { dtype }] of tensors) {
          expect(header[key].data_offsets[0] % ITEM_SIZE[dtype]).toBe(0);
        }
      }),
    );
  });

  const hasSharedMemory = typeof SharedArrayBuffer === "function";

  it.runIf(hasSharedMemory)("writes views of shared memory", () => {
    const data = new Float32Array(new SharedArrayBuffer(16), 4, 2);
    data.set([3, 4]);
    const { tensors } = readSafetensors(
      writeSafetensors(new Map([["a", { dtype: "F32", shape: [2], data }]])),
    );
    expect(tensors.get("a")!.data).toEqual(Float32Array.of(3, 4));
  });

  it("refuses data of another size than their shape, and the reserved name", () => {
    const data = new Float32Array(3);
    for (const shape of [[2], [4], [-3, -1], [1.5, 2]]) {
      expect(() => writeSafetensors(new Map([["w", { dtype: "F32", shape, data }]]))).toThrow(ShapeError);
    }
    expect(() => writeSafetensors(new Map([["__metadata__", { dtype: "F32", shape: [3], data }]]))).toThrow(
      ShapeError,
    );
  });
});

describe("readSafetensors", () => {
  it("gives back what was written", () => {
    fc.assert(
      fc.property(tensorMap, metadataOf, (tensors, metadata) => {
        const file = readSafetensors(writeSafetensors(tensors, metadata));
        expect(Object.entries(file.metadata).sort()).toEqual(Object.entries(metadata).sort());
        expect([...file.tensors.keys()].sort()).toEqual([...tensors.keys()].sort());
        for (const [key, expected] of tensors) {
          const got = file.tensors.get(key)!;
          expect([got.dtype, got.shape]).toEqual([expected.dtype, expected.shape]);
          expect(got.data.constructor).toBe(expected.data.constructor);
          expect(bytesOf(got)).toEqual(bytesOf(expected));
        }
      }),
    );
  });

  it("reads from any alignment, from shared memory, and copies", () => {
    const file = small();
    for (const Memory of [ArrayBuffer, globalThis.SharedArrayBuffer ?? ArrayBuffer]) {
      const bytes = new Uint8Array(new Memory(file.length + 3), 3);
      bytes.set(file);
      const { tensors } = readSafetensors(bytes);
      bytes.fill(0);
      expect(tensors.get("rnn.weight_ih_l0")!.data).toEqual(Float32Array.of(1, 2, 3, 4, 5, 6));
    }
  });

  it.runIf(typeof Buffer === "function")("copies from Node's Buffer, whose slice does not", () => {
    const buffer = Buffer.from(small());
    const { tensors } = readSafetensors(buffer);
    buffer.fill(0);
    expect(tensors.get("state")!.data).toEqual(Uint8Array.of(1, 2, 3));
  });

  it("reads a file without tensors, and without padding", () => {
    expect(readSafetensors(fileOf("{}"))).toEqual({ tensors: new Map(), metadata: {} });
    const empty = { a: { dtype: "F32", shape: [0, 5], data_offsets: [0, 0] } };
    expect(readSafetensors(fileOf(empty)).tensors.get("a")!.data.length).toBe(0);
  });

  const a = { dtype: "F32", shape: [2], data_offsets: [0, 8] };
  const b = (begin: number, end: number) => ({
    dtype: "U8",
    shape: [end - begin],
    data_offsets: [begin, end],
  });
  it.each<[string, unknown, number, string]>([
    ["an empty header", "", 0, 'header: expected "{" as the first byte, got an empty header'],
    ["an array", "[]", 0, 'header: expected "{" as the first byte, got 91'],
    ["broken JSON", "{]", 0, "header: expected JSON in UTF-8"],
    ["text after the header", "{}x", 0, "header: expected JSON in UTF-8"],
    ["a name twice", '{"a":1,"\\u0061" :2}', 0, 'the name "a" is there twice'],
    ["a property twice", '{"a":{"dtype":"U8","dtype":"U8"}}', 0, 'the name "dtype" is there twice'],
    ["a tensor that is no object", { a: 3 }, 0, 'tensor "a": expected an object, got 3'],
    ["an unknown dtype", { a: { ...a, dtype: "F7" } }, 8, 'tensor "a": dtype: expected one of F64'],
    ["an inherited dtype", { a: { ...a, dtype: "toString" } }, 8, 'tensor "a": dtype: expected one of F64'],
    ["no dtype", { a: { ...a, dtype: undefined } }, 8, "got nothing"],
    ["no shape", { a: { ...a, shape: undefined } }, 8, 'tensor "a": shape: expected an array'],
    ["a negative size", { a: { ...a, shape: [-2, -1] } }, 8, "got [-2,-1]"],
    ["a fraction as size", { a: { ...a, shape: [0.5, 4] } }, 8, "got [0.5,4]"],
    ["a size too large", { a: { ...a, shape: [1e300, 0] } }, 8, "got [1e+300,0]"],
    ["a product too large", { a: { ...a, shape: [9e15, 9e15] } }, 8, "data_offsets span 8"],
    [
      "a size that differs",
      { a: { ...a, shape: [3] } },
      8,
      "expected 12 bytes for F32 [3], data_offsets span 8",
    ],
    ["one offset", { a: { ...a, data_offsets: [0] } }, 8, 'tensor "a": data_offsets: expected two'],
    ["offsets in reverse", { a: { ...a, data_offsets: [8, 0] } }, 8, "expected begin ≤ end ≤ 8, got [8,0]"],
    ["offsets past the end", { a }, 7, "expected begin ≤ end ≤ 7"],
    [
      "data that nobody owns",
      { a },
      9,
      "expected the tensors to fill the 9 bytes of data, but they end at 8",
    ],
    [
      "a gap",
      { a, b: b(9, 10) },
      10,
      'tensor "b": data_offsets: expected to begin at 8, got 9, which leaves a gap',
    ],
    [
      "an overlap",
      { a, b: b(7, 9) },
      9,
      'tensor "b": data_offsets: expected to begin at 8, got 7, which overlaps',
    ],
    ["metadata that is no object", { __metadata__: "x" }, 0, "__metadata__: expected an object of strings"],
    [
      "metadata that is no string",
      { __metadata__: { k: 1 } },
      0,
      '__metadata__: "k": expected a string, got 1',
    ],
  ])("refuses %s", (_, header, dataLength, message) => {
    const read = () => readSafetensors(fileOf(header, dataLength));
    expect(read).toThrow(FormatError);
    expect(read).toThrow(message);
  });

  it("refuses what is no bytes", () => {
    for (const bytes of [new ArrayBuffer(8), "text", undefined]) {
      expect(() => readSafetensors(bytes as never)).toThrow(FormatError);
    }
    expect(() => readSafetensors(new ArrayBuffer(8) as never)).toThrow("a Uint8Array, got ArrayBuffer");
  });

  it("refuses a header that is not UTF-8", () => {
    const file = fileOf('{"?":1}');
    file[10] = 0xff;
    expect(() => readSafetensors(file)).toThrow("header: expected JSON in UTF-8");
  });

  it("refuses a header longer than the file, or than 100 MB, before it reads it", () => {
    const file = small();
    const length = new DataView(file.buffer);
    length.setBigUint64(0, BigInt(file.length - 7), true);
    expect(() => readSafetensors(file)).toThrow(`but only ${file.length - 8} follow`);
    length.setBigUint64(0, 100_000_001n, true);
    expect(() => readSafetensors(file)).toThrow("expected a header of at most 100000000 bytes");
    length.setBigUint64(0, 2n ** 64n - 1n, true);
    expect(() => readSafetensors(file)).toThrow(FormatError);
  });

  it("refuses a file cut anywhere", () => {
    const file = small();
    for (let length = 0; length < file.length; length++) {
      expect(() => readSafetensors(file.subarray(0, length)), `${length} bytes`).toThrow(FormatError);
    }
  });

  it("throws nothing but FormatError for damaged files", () => {
    const file = small();
    const flip = fc.tuple(fc.nat(file.length - 1), fc.integer({ min: 1, max: 255 }));
    fc.assert(
      fc.property(fc.array(flip, { minLength: 1, maxLength: 4 }), (flips) => {
        const damaged = file.slice();
        for (const [position, mask] of flips) damaged[position] ^= mask;
        try {
          readSafetensors(damaged);
        } catch (error) {
          expect(error).toBeInstanceOf(FormatError);
        }
      }),
      { numRuns: 5000 },
    );
  });
});

describe("toFloat32", () => {
  it("refuses data of half an element", () => {
    for (const dtype of ["F16", "BF16", "F64"] as const) {
      const broken = () => toFloat32({ dtype, shape: [1], data: new Uint8Array(3) });
      expect(broken).toThrow(FormatError);
      expect(broken).toThrow(`3 bytes are no whole elements of ${dtype}`);
    }
  });

  const raw = (array: Uint16Array | Float64Array) => new Uint8Array(array.buffer);

  it("widens or rounds the floating-point types, into a copy", () => {
    const data = Float32Array.of(1, -2);
    const copy = toFloat32({ dtype: "F32", shape: [2], data });
    data.fill(0);
    expect(copy).toEqual(Float32Array.of(1, -2));
    const f64 = raw(Float64Array.of(Math.PI, 1e300));
    expect(toFloat32({ dtype: "F64", shape: [2], data: f64 })).toEqual(Float32Array.of(Math.PI, Infinity));
    const f16 = raw(Uint16Array.of(0x3c00, 0xc100));
    expect(toFloat32({ dtype: "F16", shape: [2], data: f16 })).toEqual(Float32Array.of(1, -2.5));
    const bf16 = raw(Uint16Array.of(0x3f80, 0xc020));
    expect(toFloat32({ dtype: "BF16", shape: [2], data: bf16 })).toEqual(Float32Array.of(1, -2.5));
  });

  it("takes bytes at any alignment", () => {
    const data = Uint8Array.of(9, 0x00, 0x3c).subarray(1);
    expect(toFloat32({ dtype: "F16", shape: [1], data })).toEqual(Float32Array.of(1));
  });

  it("refuses integers", () => {
    const read = () => toFloat32({ dtype: "I32", shape: [1], data: Int32Array.of(1) });
    expect(read).toThrow(FormatError);
    expect(read).toThrow("expected a tensor of dtype F32, F16, BF16 or F64, got I32");
  });
});
