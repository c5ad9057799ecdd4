/**
 * Writes ONNX models of a few nodes: protocol buffers by hand, of the fields of onnx.proto that such a model needs.
 * A field is its number and wire type, (number << 3) | type, then its value: 0 a varint, 2 a length and bytes.
 */

const OPSET = 17n;
const IR_VERSION = 8n;
const FLOAT = 1n;
const INT64 = 7n;
const TYPES = { float32: FLOAT, int64: INT64 };
const INT_ATTRIBUTE = 2n;

/**
 * The bytes of a model. `inputs` and `outputs` are [name, type, shape], `constants` [name, shape, Float32Array],
 * `nodes` { op, inputs, outputs, attributes } with integers as attributes; an input that is left out is "".
 */
export function onnxModel({ inputs, outputs, constants, nodes }) {
  const graph = [
    ...nodes.map((node) => message(1, nodeProto(node))),
    text(2, "graph"),
    ...constants.map(([name, shape, data]) => message(5, tensorProto(name, shape, data))),
    ...inputs.map((value) => message(11, valueInfo(...value))),
    ...outputs.map((value) => message(12, valueInfo(...value))),
  ];
  const opset = [text(1, ""), integer(2, OPSET)];
  return Buffer.concat([integer(1, IR_VERSION), message(7, graph), message(8, opset)]);
}

function nodeProto({ op, inputs, outputs, attributes = {} }) {
  return [
    ...inputs.map((name) => text(1, name)),
    ...outputs.map((name) => text(2, name)),
    text(4, op),
    ...Object.entries(attributes).map(([name, value]) =>
      message(5, [text(1, name), integer(3, BigInt(value)), integer(20, INT_ATTRIBUTE)]),
    ),
  ];
}

function tensorProto(name, shape, { buffer, byteOffset, byteLength }) {
  const dimensions = shape.map((size) => integer(1, BigInt(size)));
  return [
    ...dimensions,
    integer(2, FLOAT),
    text(8, name),
    bytes(9, Buffer.from(buffer, byteOffset, byteLength)),
  ];
}

function valueInfo(name, type, shape) {
  const dimensions = shape.map((size) => message(1, [integer(1, BigInt(size))]));
  const tensor = [integer(1, TYPES[type]), message(2, dimensions)];
  return [text(1, name), message(2, [message(1, tensor)])];
}

/** Seven bits a byte, the lowest first; the top bit says that more follow. Negative numbers as 64 bits. */
function varint(value) {
  const out = [];
  let rest = BigInt.asUintN(64, value);
  for (; rest > 0x7fn; rest >>= 7n) out.push(Number(rest & 0x7fn) | 0x80);
  return Buffer.from([...out, Number(rest)]);
}

const integer = (field, value) => Buffer.concat([varint(BigInt(field << 3)), varint(value)]);
const bytes = (field, data) =>
  Buffer.concat([varint(BigInt((field << 3) | 2)), varint(BigInt(data.length)), data]);
const text = (field, value) => bytes(field, Buffer.from(value));
const message = (field, parts) => bytes(field, Buffer.concat(parts));
