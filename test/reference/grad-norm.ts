/**
 * The norm, the clip scale and whether the update happens, in float64, from the gradients
 * themselves.
 */
export function gradNormReference(
  pages: readonly ArrayLike<number>[],
  losses: readonly number[],
  maxNorm: number,
): { norm: number; scale: number; live: boolean } {
  let norm = 0;
  for (const page of pages) {
    const square = Array.from(page).reduceRight((sum, value) => sum + value ** 2, 0);
    norm = Math.hypot(norm, Math.sqrt(square));
  }
  const scale = maxNorm / (norm + 1e-6);
  return {
    norm,
    scale: scale < 1 ? scale : 1,
    live: Number.isFinite(norm) && losses.every((loss) => Number.isFinite(loss)),
  };
}
