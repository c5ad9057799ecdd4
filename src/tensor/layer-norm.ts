import { LayerNormArgs } from "../engine/layouts.ts";
import { ShapeError } from "../errors.ts";
import { checkDimensions, checkType } from "./check.ts";
import { addColumnSums, rowParts } from "./split.ts";
import { record } from "./tape.ts";
import type { Tensor } from "./tensor.ts";

/**
 * Layer normalisation over the last dimension (Ba et al. 2016), as PyTorch's: y = w⊙(x − µ)/√(σ² + ε) + b, with the
 * mean µ and the biased variance σ² of each row. x […, C], weight and bias [C]; `epsilon` default 1e-5.
 * @throws ShapeError where weight or bias is not as long as a row.
 */
export function layerNorm(
  x: Tensor,
  weight?: Tensor,
  bias?: Tensor,
  options: { epsilon?: number } = {},
): Tensor {
  const { epsilon = 1e-5 } = options;
  checkType("layerNorm", x, "f32");
  if (x.rank === 0) throw new ShapeError(`layerNorm: expected at least one dimension, got ${x}`);
  const columns = x.shape[x.rank - 1];
  if (weight) checkDimensions("layerNorm, weight", weight, [columns]);
  if (bias) checkDimensions("layerNorm, bias", bias, [columns]);
  const { engine } = x;
  const rows = x.size / columns;
  const pass = {
    rows,
    columns,
    epsilon,
    x: engine.use(x),
    weight: weight ? engine.use(weight) : 0,
    bias: bias ? engine.use(bias) : 0,
    moments: engine.empty([rows, 2], "f32", "moments").pointer,
  };
  const y = engine.empty(x.shape, "f32", "layerNorm");
  const args = engine.args(LayerNormArgs, { ...pass, y: y.pointer, dy: 0, dx: 0, dWeight: 0 });
  const byRows = rowParts(engine, rows, columns, 16, 1);
  engine.run("layerNormForward", byRows, args);
  record([y], [x, weight, bias], () => {
    const dy = y.gradient.pointer;
    const dx = x.requiresGrad ? x.gradient.pointer : 0;
    const dWeight = weight?.requiresGrad ? weight.gradient.pointer : 0;
    const dBias = bias?.requiresGrad ? bias.gradient.pointer : 0;
    const args = engine.args(LayerNormArgs, { ...pass, y: y.pointer, dy, dx, dWeight });
    if (dx) engine.run("layerNormBackward", byRows, args);
    if (dWeight) {
      const byColumns = engine.parts(Math.ceil(columns / 16), 0.5 * rows * columns);
      engine.run("layerNormBackwardWeight", byColumns, args);
    }
    if (dBias) addColumnSums(engine, dBias, dy, 0, rows, columns, columns);
  });
  return y;
}
