import { NumericError } from "../errors.ts";

/** QR steps on one eigenvalue (or pair) before giving up; two or three are usual. */
const MOST_STEPS = 70;
/** After so many steps without success the shifts are unusual ones, which break cycles. */
const EXCEPTIONAL = 10;

/**
 * The largest absolute value of a square matrix's eigenvalues, complex ones included: what repeated multiplication
 * with the matrix grows by in the long run. All eigenvalues are computed, by Householder's reduction to Hessenberg
 * form and Francis' QR steps with two implicit shifts (Golub & Van Loan, Matrix Computations, 7.4 and 7.5), in f64:
 * about 10 n³ multiplications.
 * @param values n·n numbers, row-major.
 * @returns NaN if the matrix has a number that is not finite.
 */
export function spectralRadius(values: ArrayLike<number>, n: number): number {
  const a = Float64Array.from({ length: n * n }, (_, i) => values[i]);
  if (!a.every(Number.isFinite)) return Number.NaN;
  // With numbers up to 1 no square overflows, and none that matters underflows.
  const largest = a.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
  if (largest === 0) return 0;
  for (let i = 0; i < a.length; i++) a[i] /= largest;
  reduceToHessenberg(a, n);
  let radius = 0;
  let steps = 0;
  for (let high = n - 1; high >= 0; ) {
    // Eigenvalues that are all but equal may keep a coupling at the level of rounding, which then has to be let go.
    const slack = steps < EXCEPTIONAL ? Number.EPSILON : 100 ** (Math.floor(steps / EXCEPTIONAL) - 1);
    const low = lowestUncoupled(a, n, high, slack);
    if (low >= high - 1) {
      const modulus = low === high ? Math.abs(a[high * n + high]) : pairModulus(a, n, low);
      radius = Math.max(radius, modulus);
      high = low - 1;
      steps = 0;
      continue;
    }
    if (++steps > MOST_STEPS) {
      throw new NumericError(
        `spectralRadius: no eigenvalue of the ${n}×${n} matrix after ${MOST_STEPS} QR steps`,
      );
    }
    francisStep(a, n, low, high, steps % EXCEPTIONAL === 0);
  }
  return radius * largest;
}

/** Zeros below the first subdiagonal, by reflections from both sides, which keep the eigenvalues. */
function reduceToHessenberg(a: Float64Array, n: number): void {
  const v = new Float64Array(n);
  for (let k = 0; k < n - 2; k++) {
    let squares = 0;
    for (let i = k + 1; i < n; i++) {
      v[i] = a[i * n + k];
      squares += v[i] * v[i];
    }
    const norm = Math.sqrt(squares);
    if (norm === 0) continue;
    v[k + 1] += v[k + 1] < 0 ? -norm : norm;
    // vᵀv, from what the first element changed by.
    const length = 2 * norm * Math.abs(v[k + 1]);
    if (length === 0) continue;
    const dots = new Float64Array(n);
    for (let i = k + 1; i < n; i++) for (let j = k; j < n; j++) dots[j] += v[i] * a[i * n + j];
    for (let i = k + 1; i < n; i++) {
      const factor = (2 * v[i]) / length;
      for (let j = k; j < n; j++) a[i * n + j] -= factor * dots[j];
    }
    for (let i = 0; i < n; i++) {
      let dot = 0;
      for (let j = k + 1; j < n; j++) dot += a[i * n + j] * v[j];
      const factor = (2 * dot) / length;
      for (let j = k + 1; j < n; j++) a[i * n + j] -= factor * v[j];
    }
    for (let i = k + 2; i < n; i++) a[i * n + k] = 0;
  }
}

/**
 * The first row of the block that ends at `high` and falls apart nowhere. A coupling that is negligible beside its
 * neighbours and `slack` becomes zero; the whole matrix is about 1.
 */
function lowestUncoupled(a: Float64Array, n: number, high: number, slack: number): number {
  for (let low = high; low > 0; low--) {
    const at = low * n + low;
    const neighbours = Math.abs(a[at]) + Math.abs(a[at - n - 1]);
    if (Math.abs(a[at - 1]) <= Number.EPSILON * (neighbours + slack)) {
      a[at - 1] = 0;
      return low;
    }
  }
  return 0;
}

/** The larger modulus of the two eigenvalues of the 2×2 block at `at` on the diagonal. */
function pairModulus(a: Float64Array, n: number, at: number): number {
  const [p, q] = [a[at * n + at], a[at * n + at + 1]];
  const [r, s] = [a[(at + 1) * n + at], a[(at + 1) * n + at + 1]];
  const half = (p + s) / 2;
  const discriminant = ((p - s) / 2) * ((p - s) / 2) + q * r;
  if (discriminant >= 0) return Math.abs(half) + Math.sqrt(discriminant);
  return Math.sqrt(half * half - discriminant);
}

/** One QR step with both eigenvalues of the block's last 2×2 corner as shifts. */
function francisStep(a: Float64Array, n: number, low: number, high: number, exceptional: boolean): void {
  const at = (i: number, j: number): number => a[i * n + j];
  let sum = at(high - 1, high - 1) + at(high, high);
  let product = at(high - 1, high - 1) * at(high, high) - at(high - 1, high) * at(high, high - 1);
  if (exceptional) {
    const size = Math.abs(at(high, high - 1)) + Math.abs(at(high - 1, high - 2));
    sum = 1.5 * size;
    product = size * size;
  }
  // The first column of (A − σ₁)(A − σ₂).
  const corner = at(low, low);
  let x = corner * corner + at(low, low + 1) * at(low + 1, low) - sum * corner + product;
  let y = at(low + 1, low) * (corner + at(low + 1, low + 1) - sum);
  let z = at(low + 1, low) * at(low + 2, low + 1);
  for (let k = low; k < high; k++) {
    const rows = Math.min(3, high - k + 1);
    if (rows === 2) z = 0;
    reflect(a, n, k, rows, [x, y, z], Math.max(low, k - 1), low, high);
    x = at(k + 1, k);
    y = k + 2 <= high ? at(k + 2, k) : 0;
    z = k + 3 <= high ? at(k + 3, k) : 0;
  }
}

/** The reflection that turns `vector` into a multiple of (1, 0, 0), on rows and columns k … of the block. */
function reflect(
  a: Float64Array,
  n: number,
  k: number,
  rows: number,
  vector: [number, number, number],
  firstColumn: number,
  low: number,
  high: number,
): void {
  const [x, y, z] = vector;
  const norm = Math.sqrt(x * x + y * y + z * z);
  if (norm === 0) return;
  const u = x + (x < 0 ? -norm : norm);
  const factor = 2 / (u * u + y * y + z * z);
  const last = rows === 3;
  for (let j = firstColumn; j <= high; j++) {
    const i = k * n + j;
    const dot = factor * (u * a[i] + y * a[i + n] + (last ? z * a[i + 2 * n] : 0));
    a[i] -= dot * u;
    a[i + n] -= dot * y;
    if (last) a[i + 2 * n] -= dot * z;
  }
  const lastRow = Math.min(high, k + 3);
  for (let row = low; row <= lastRow; row++) {
    const i = row * n + k;
    const dot = factor * (u * a[i] + y * a[i + 1] + (last ? z * a[i + 2] : 0));
    a[i] -= dot * u;
    a[i + 1] -= dot * y;
    if (last) a[i + 2] -= dot * z;
  }
}
