/** Loss of one action of the critic in float64. Its gradient is checked by finite differences. */
export function valueLossReference(
  value: number,
  oldValue: number,
  target: number,
  clip = Infinity,
): { loss: number; decided: boolean } {
  const nearest = Math.min(Math.max(value, oldValue - clip), oldValue + clip);
  const free = (value - target) ** 2 / 2;
  const bounded = (nearest - target) ** 2 / 2;
  return { loss: free > bounded ? free : bounded, decided: bounded > free };
}
