// matrix-numbers: reads a number of a matrix `weight` (N, K) in f32 or f16, by its place among all,
// row after row.

fn weight_number(at: u32) -> f32 { return number_as_f32(weight[at / NUMBERS_PER_WEIGHT], at); }
