/** Gradient clipping (Pascanu et al. 2013), in place. */

/**
 * Scales all gradients by maxNorm / norm when their common Euclidean norm is above maxNorm. Returns the norm
 * before clipping. PyTorch adds 1e-6 to the divisor; this does not.
 */
export function clipByGlobalNorm(gradients: readonly Float32Array[], maxNorm: number): number {
  let sum = 0;
  for (const gradient of gradients) {
    for (let i = 0; i < gradient.length; i++) sum += gradient[i] * gradient[i];
  }
  const norm = Math.sqrt(sum);
  if (norm > maxNorm) {
    const scale = maxNorm / norm;
    for (const gradient of gradients) {
      for (let i = 0; i < gradient.length; i++) gradient[i] *= scale;
    }
  }
  return norm;
}

/** Limits every element to [−limit, limit]. */
export function clipByValue(gradients: readonly Float32Array[], limit: number): void {
  for (const gradient of gradients) {
    for (let i = 0; i < gradient.length; i++) gradient[i] = Math.max(-limit, Math.min(limit, gradient[i]));
  }
}
