const root = Math.sqrt(2 / Math.PI);

/** The tanh of the approximation of GELU, in float64. */
export const geluTanh = (z: number): number => Math.tanh(root * (z + 0.044715 * z ** 3));

/** `gelu(gate) * up` in float64, GELU by its tanh; `gateUp` is (N, 2 width), gates first. */
export function gegluForwardReference(gateUp: ArrayLike<number>, width: number): Float64Array {
  const rows = gateUp.length / (2 * width);
  const out = new Float64Array(rows * width);
  for (let f = 0; f < width; f++) {
    for (let n = 0; n < rows; n++) {
      const gate = gateUp[2 * n * width + f];
      const up = gateUp[(2 * n + 1) * width + f];
      out[n * width + f] = 0.5 * gate * (1 + geluTanh(gate)) * up;
    }
  }
  return out;
}
