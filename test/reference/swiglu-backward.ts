/** Gradient of `silu(gate) * up` in float64, by the quotient rule: (N, 2 width), gates first. */
export function swigluBackwardReference(
  gateUp: ArrayLike<number>,
  dout: ArrayLike<number>,
  width: number,
): Float64Array {
  const gradient = new Float64Array(gateUp.length);
  for (let f = 0; f < width; f++) {
    for (let n = 0; n < dout.length / width; n++) {
      const at = 2 * n * width + f;
      const gate = gateUp[at];
      const below = 1 + Math.exp(-gate);
      const slope = (below + gate * Math.exp(-gate)) / below ** 2;
      gradient[at] = dout[n * width + f] * gateUp[at + width] * slope;
      gradient[at + width] = (dout[n * width + f] * gate) / below;
    }
  }
  return gradient;
}
