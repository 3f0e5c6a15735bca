// lim-entry: an entry of the reward matrix, in either of its forms.
//
//   samples  f32 sums and u32 samples: r = sum / samples; 0 samples = missing
//   values   f32 values: r = value, finite; NaN = missing. Both bindings are the one array then.
//
// Bits tell whether a value is NaN: a compiler may assume that there are no NaNs.

override VALUES: bool = false;

// Which entries are present, from four words of `samples`.
fn is_present(words: vec4u) -> vec4<bool> {
  if (VALUES) { return (words & vec4u(0x7fffffff)) <= vec4u(0x7f800000); }
  return words > vec4u();
}

// Whether one of the four is missing: cheaper than asking for each, and seldom true.
fn is_any_missing(words: vec4u) -> bool {
  if (VALUES) {
    let bits = words << vec4u(1); // without the sign
    return max(max(bits.x, bits.y), max(bits.z, bits.w)) > 0xff000000;
  }
  return min(min(words.x, words.y), min(words.z, words.w)) == 0;
}

// 1 - r of four entries; anything where one is missing.
fn deficit_of(words: vec4u, sums: vec4f) -> vec4f {
  if (VALUES) { return 1 - bitcast<vec4f>(words); }
  let n = vec4f(max(words, vec4u(1)));
  return (n - sums) / n;
}

// r of one entry; anything where it is missing.
fn signal_of(word: u32, sum: f32) -> f32 {
  if (VALUES) { return bitcast<f32>(word); }
  return sum / f32(max(word, 1));
}
