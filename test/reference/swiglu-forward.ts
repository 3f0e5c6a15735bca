/** `silu(gate) * up` in float64; `gateUp` is (N, 2 width), gates first. */
export function swigluForwardReference(gateUp: ArrayLike<number>, width: number): Float64Array {
  const rows = gateUp.length / (2 * width);
  const out = new Float64Array(rows * width);
  for (let f = 0; f < width; f++) {
    for (let n = 0; n < rows; n++) {
      const gate = gateUp[2 * n * width + f];
      const up = gateUp[(2 * n + 1) * width + f];
      out[n * width + f] = (gate * up) / (1 + Math.exp(-gate));
    }
  }
  return out;
}
