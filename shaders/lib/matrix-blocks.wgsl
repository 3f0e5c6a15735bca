// matrix-blocks: reads numbers of a matrix `weight` (N, K) in int8 or int4, by their place among all
// numbers or among all fours, row after row.
//
// A row lies in blocks of 32 numbers, the last one filled up. A block in int8 is nine words: the
// scale s, an f16 in the lower half of its word; then 32 signed bytes q, four to a word, the first
// lowest: s * q. In int4 it is five words: s in the lower half of the first, the minimum m, an f16
// too, in the upper; then 32 nibbles u, eight to a word, the first lowest: m + s * u.
//
// Header (kernels/lib/weight.ts):
//   BLOCK_WORDS  9u or 5u
//   ROW_NUMBERS  K; 32u for every K whose rows fill their blocks, so that they share a pipeline
// Numerics: s * q and s * u are exact in f32, so a number is rounded once at most.

const ROW_BLOCKS = (ROW_NUMBERS + 31) / 32;

// The value of an f16 by its bits: unpack2x16float may take a subnormal one for zero.
fn float_of_half(bits: u32) -> f32 {
  let exponent = (bits >> 10) & 31;
  let fraction = bits & 1023;
  let normal = bitcast<f32>(((exponent + 112) << 23) | (fraction << 13));
  let magnitude = select(normal, f32(fraction) * 0x1p-24, exponent == 0);
  return select(magnitude, -magnitude, (bits & 0x8000) != 0);
}

// Four numbers of a block that begins at a word.
fn quad_of_block(first: u32, quad: u32) -> vec4f {
  let head = weight[first];
  let scale = float_of_half(head & 0xffff);
  if (BLOCK_WORDS == 9u) {
    let bytes = vec4i(bitcast<i32>(weight[first + 1 + quad])) << vec4u(24, 16, 8, 0);
    return scale * vec4f(bytes >> vec4u(24));
  }
  let nibbles = vec4u(weight[first + 1 + quad / 2] >> (quad % 2 * 16)) >> vec4u(0, 4, 8, 12);
  return float_of_half(head >> 16) + scale * vec4f(nibbles & vec4u(15));
}

// The place of a number once every row is filled up.
fn filled_up(at: u32) -> u32 {
  if (ROW_NUMBERS % 32 == 0) { return at; }
  return at / ROW_NUMBERS * (ROW_BLOCKS * 32 - ROW_NUMBERS) + at;
}

fn weight_quad(at: u32) -> vec4f {
  let quad = filled_up(at * 4) / 4;
  return quad_of_block(quad / 8 * BLOCK_WORDS, quad % 8);
}

fn weight_quads() -> u32 {
  return arrayLength(&weight) / (BLOCK_WORDS * ROW_BLOCKS) * ROW_NUMBERS / 4;
}

fn weight_number(at: u32) -> f32 {
  let number = filled_up(at);
  return quad_of_block(number / 32 * BLOCK_WORDS, number / 4 % 8)[number % 4];
}
