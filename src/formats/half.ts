const float32 = new Float32Array(1);
const float32Bits = new Uint32Array(float32.buffer);

/** The largest finite number of a half. */
export const largestHalf = 65_504;

// Loops throughout: `from` with an array and a function first builds a list of objects, and V8
// aborts the process when that list has 2^27 entries. Embeddings of released models are that large.

/** Bits of the half nearest to each number, ties to even; above 65,519 infinity; NaN stays NaN. */
export function halvesOf(numbers: Float32Array): Uint16Array {
  const halves = new Uint16Array(numbers.length);
  for (let i = 0; i < numbers.length; i++) halves[i] = halfBitsOf(numbers[i] ?? 0);
  return halves;
}

/** The f32 values of halves. */
export function float32OfHalves(halves: Uint16Array): Float32Array<ArrayBuffer> {
  const bits = new Uint32Array(halves.length);
  for (let i = 0; i < bits.length; i++) bits[i] = float32BitsOfHalf(halves[i] ?? 0);
  return new Float32Array(bits.buffer);
}

/** Bits of the bfloat16 nearest to each number, ties to even; NaN stays NaN. */
export function bfloat16Of(numbers: Float32Array): Uint16Array {
  const halves = new Uint16Array(numbers.length);
  for (let i = 0; i < numbers.length; i++) halves[i] = bfloat16BitsOf(numbers[i] ?? 0);
  return halves;
}

/** The f32 values of bfloat16 bits. */
export function float32OfBfloat16(halves: Uint16Array): Float32Array<ArrayBuffer> {
  const bits = new Uint32Array(halves.length);
  for (let i = 0; i < bits.length; i++) bits[i] = (halves[i] ?? 0) << 16;
  return new Float32Array(bits.buffer);
}

function bfloat16BitsOf(value: number): number {
  float32[0] = value;
  const bits = float32Bits[0] ?? 0;
  if ((bits & 0x7fffffff) > 0x7f800000) return (bits >>> 16) | 0x40;
  return (bits + 0x7fff + ((bits >>> 16) & 1)) >>> 16;
}

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
