// Scales of the figures of lessons.

/** Pixels from one label to the next. */
const LABEL = 16;

/** Maps one range onto another along a straight line. */
export const linear =
  (from: readonly [number, number], to: readonly [number, number]) =>
  (value: number): number =>
    to[0] + ((value - from[0]) / (from[1] - from[0])) * (to[1] - to[0]);

/** A path through points; a point without a place is left out. */
export const pathThrough = (points: readonly (readonly [number, number])[]): string =>
  points
    .filter(([x, y]) => Number.isFinite(x + y))
    .map(([x, y], i) => `${i === 0 ? 'M' : 'L'}${x.toFixed(1)} ${y.toFixed(1)}`)
    .join('');

/** Round numbers over a range, at most `most` steps. */
export function ticksOf(low: number, high: number, most: number): number[] {
  const step =
    [0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 25, 50, 100].find((one) => (high - low) / one <= most) ??
    high - low;
  const first = Math.ceil(low / step - 1e-9);
  const last = Math.floor(high / step + 1e-9);
  return Array.from({ length: last - first + 1 }, (_, i) => (first + i) * step);
}

/** Moves labels down where they would cover each other, the highest first. */
export function labelsApart<Label extends { readonly y: number }>(
  labels: readonly Label[],
): Label[] {
  let before = -Infinity;
  return [...labels]
    .sort((a, b) => a.y - b.y)
    .map((label) => {
      before = Math.max(label.y, before + LABEL);
      return { ...label, y: before };
    });
}
