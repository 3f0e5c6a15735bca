const float32 = new Float32Array(1);
const float32Bits = new Uint32Array(float32.buffer);

/** The largest number that a half holds. */
export const largestHalf = 65_504;

/** Bits of the half nearest to each number, ties to even; past 65,519 infinity, NaN stays NaN. */
export function halvesOf(numbers: Float32Array): Uint16Array {
  const halves = new Uint16Array(numbers.length);
  numbers.forEach((value, i) => (halves[i] = halfBitsOf(value)));
  return halves;
}

/** The numbers that halves hold. */
export const float32OfHalves = (halves: Uint16Array): Float32Array =>
  new Float32Array(Uint32Array.from(halves, float32BitsOfHalf).buffer);

function float32BitsOfHalf(half: number): number {
  const sign = (half & 0x8000) << 16;
  const exponent = (half >> 10) & 0x1f;
  const fraction = half & 0x3ff;
  if (exponent === 0x1f) return sign | 0x7f800000 | (fraction << 13);
  if (exponent > 0) return sign | ((exponent + 112) << 23) | (fraction << 13);
  if (fraction === 0) return sign;
  // A subnormal half is a normal float: shift its leading one into the implicit place.
  const shift = Math.clz32(fraction) - 21;
  return sign | ((113 - shift) << 23) | (((fraction << shift) & 0x3ff) << 13);
}

function halfBitsOf(value: number): number {
  float32[0] = value;
  const bits = float32Bits[0] ?? 0;
  const sign = (bits >>> 16) & 0x8000;
  const magnitude = bits & 0x7fffffff;
  if (magnitude > 0x7f800000) return sign | 0x7e00;
  if (magnitude >= 0x477ff000) return sign | 0x7c00;
  if (magnitude < 0x38800000) {
    // Subnormal or zero: a float of this size plus 0.5 keeps exactly the half's bits, rounded.
    float32[0] = Math.abs(value) + 0.5;
    return sign | ((float32Bits[0] ?? 0) - 0x3f000000);
  }
  const rounded = magnitude + 0xfff + ((magnitude >>> 13) & 1);
  return sign | ((rounded - 0x38000000) >>> 13);
}
