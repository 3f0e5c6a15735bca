// weight: reads numbers of a matrix, or of a cache of keys and values, that lies in memory as f32,
// or as f16 with two numbers per word.
//
// Header (kernels/lib/weight.ts), for f32 and for f16:
//   WEIGHT_WORDS    4u or 2u        words that hold four numbers
//   alias Weight    f32 or u32      of a binding that is read number by number
//   alias Weights   vec4f or vec2u  of a binding that is read four by four
//
// Halves are unpacked from words, not loaded as f16: every adapter can do that, and a software
// adapter, which loads word by word, loads half as many words.

// Numbers in one element of a binding of `Weight`.
const NUMBERS_PER_WEIGHT = 4u / WEIGHT_WORDS;

// Number `at` of a row-major matrix; it lies in element at / NUMBERS_PER_WEIGHT.
fn number_as_f32(element: Weight, at: u32) -> f32 {
  if (WEIGHT_WORDS == 2u) { return unpack2x16float(bitcast<u32>(element))[at & 1]; }
  return bitcast<f32>(element);
}

fn as_f32(element: Weights) -> vec4f {
  if (WEIGHT_WORDS == 2u) {
    return vec4f(
      unpack2x16float(bitcast<u32>(element.x)),
      unpack2x16float(bitcast<u32>(element.y)),
    );
  }
  return bitcast<vec4f>(vec4(element.xy, element[WEIGHT_WORDS - 2], element[WEIGHT_WORDS - 1]));
}
