// cache: writes numbers to a cache of keys and values, as f32 or rounded to f16.
//
// Follows shaders/lib/weight.wgsl, with its header, and shaders/lib/half.wgsl. The kernel has a
// binding `cache` of `Weights`.

fn keep(at: u32, numbers: vec4f) {
  var words = bitcast<vec4u>(numbers);
  if (WEIGHT_WORDS == 2u) { words = vec4u(half_words(numbers), 0, 0); }
  cache[at][0] = bitcast<Weight>(words[0]);
  cache[at][1] = bitcast<Weight>(words[1]);
  if (WEIGHT_WORDS == 4u) {
    cache[at][WEIGHT_WORDS - 2] = bitcast<Weight>(words[2]);
    cache[at][WEIGHT_WORDS - 1] = bitcast<Weight>(words[3]);
  }
}
