/**
 * The gradient of a float64 function by central differences. The error is about `step^2` times the
 * third derivative: 1e-8 for functions of unit size, far below f32 rounding.
 */
export function slopes(
  f: (at: Float64Array) => number,
  at: ArrayLike<number>,
  step = 1e-4,
): Float64Array {
  const moved = Float64Array.from(at);
  return moved.map((center, i) => {
    moved[i] = center + step;
    const above = f(moved);
    moved[i] = center - step;
    const below = f(moved);
    moved[i] = center;
    return (above - below) / (2 * step);
  });
}

/** `sum_i a_i b_i` in float64: a loss whose gradient with respect to `b` is `a`. */
export function inner(a: ArrayLike<number>, b: ArrayLike<number>): number {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += a[i] * b[i];
  return sum;
}
