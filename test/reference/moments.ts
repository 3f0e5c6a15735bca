/** Mean and population variance in float64, in two passes. */
export function momentsReference(values: ArrayLike<number>): { mean: number; variance: number } {
  const numbers = Array.from(values);
  if (numbers.length === 0) return { mean: 0, variance: 0 };
  const mean = numbers.reduce((sum, value) => sum + value, 0) / numbers.length;
  const squares = numbers.reduce((sum, value) => sum + (value - mean) ** 2, 0);
  return { mean, variance: squares / numbers.length };
}
