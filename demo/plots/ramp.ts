/** Red, green, blue in [0, 255]. */
export type Rgb = readonly [number, number, number];

// Points of viridis: even in lightness, and apart for the common kinds of colour blindness.
const stops: readonly Rgb[] = [
  [68, 1, 84],
  [59, 82, 139],
  [33, 145, 140],
  [94, 201, 98],
  [253, 231, 37],
];

/** The heat map's colour of a share in [0, 1]; what lies outside takes the end's. */
export function rampColor(share: number): Rgb {
  const place = Math.min(1, Math.max(0, share)) * (stops.length - 1);
  const below = Math.min(stops.length - 2, Math.floor(place));
  const [low, high] = [stops[below], stops[below + 1]];
  if (!low || !high) return [0, 0, 0];
  const mix = (channel: 0 | 1 | 2) =>
    Math.round(low[channel] + (high[channel] - low[channel]) * (place - below));
  return [mix(0), mix(1), mix(2)];
}
