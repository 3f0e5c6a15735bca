import { vec2d } from 'wgpu-matrix';

/**
 * Rotates pair (i, i + D/2) of each of the leading heads of a row by position * theta^(-2 i / D),
 * in float64. Columns past the heads are values and stay.
 */
export function ropeReference(
  rows: ArrayLike<number>,
  positions: ArrayLike<number>,
  {
    heads,
    headDim,
    theta,
    direction = 1,
  }: { heads: number; headDim: number; theta: number; direction?: number },
): Float64Array {
  const out = Float64Array.from(rows);
  const stride = rows.length / positions.length;
  const origin = vec2d.create(0, 0);
  const turned = vec2d.create();
  for (let i = 0; i < headDim / 2; i++) {
    const frequency = Math.exp((-2 * i * Math.log(theta)) / headDim);
    for (let head = heads - 1; head >= 0; head--) {
      for (let n = 0; n < positions.length; n++) {
        const angle = direction * positions[n] * frequency;
        const at = n * stride + head * headDim + i;
        vec2d.rotate([rows[at], rows[at + headDim / 2]], origin, angle, turned);
        [out[at], out[at + headDim / 2]] = turned;
      }
    }
  }
  return out;
}
