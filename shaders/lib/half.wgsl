// half: rounds four numbers to the nearest f16, ties to even. Past 65,519 they become infinity, and
// so does NaN.
//
// Computed on bits, and so the same on every adapter: pack2x16float may round either way, and may
// give anything past the largest half.

// Four numbers in two words; the first of a pair is in the lower half of its word.
fn half_words(values: vec4f) -> vec2u {
  let bits = bitcast<vec4u>(values);
  let magnitude = bits & vec4u(0x7fffffff);
  // From 2^-14 on the exponent gets a new bias, and 13 bits of the fraction are dropped. Below, a
  // half counts steps of 2^-24, and the leading one of a float is no longer implicit.
  let subnormal = magnitude < vec4u(0x38800000);
  let fraction = (bits & vec4u(0x7fffff)) | vec4u(0x800000);
  let kept = select(magnitude - 0x38000000, fraction, subnormal);
  let gone = select(vec4u(13), min(126 - (magnitude >> vec4u(23)), vec4u(25)), subnormal);
  let odd = (kept >> gone) & vec4u(1);
  let rounded = (kept + (vec4u(1) << (gone - 1)) - 1 + odd) >> gone;
  let halves = ((bits >> vec4u(16)) & vec4u(0x8000)) | min(rounded, vec4u(0x7c00));
  return halves.xz | (halves.yw << vec2u(16));
}
