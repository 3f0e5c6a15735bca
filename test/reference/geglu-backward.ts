import { geluTanh } from './geglu-forward.ts';

/** Gradient of `gelu(gate) * up` in float64, by the tanh's own slope: (N, 2 width), gates first. */
export function gegluBackwardReference(
  gateUp: ArrayLike<number>,
  dout: ArrayLike<number>,
  width: number,
): Float64Array {
  const gradient = new Float64Array(gateUp.length);
  for (let f = 0; f < width; f++) {
    for (let n = 0; n < dout.length / width; n++) {
      const at = 2 * n * width + f;
      const gate = gateUp[at];
      const tanh = geluTanh(gate);
      const inner = Math.sqrt(2 / Math.PI) * (1 + 3 * 0.044715 * gate ** 2);
      const slope = 0.5 * (1 + tanh) + 0.5 * gate * (1 - tanh ** 2) * inner;
      gradient[at] = dout[n * width + f] * gateUp[at + width] * slope;
      gradient[at + width] = dout[n * width + f] * 0.5 * gate * (1 + tanh);
    }
  }
  return gradient;
}
