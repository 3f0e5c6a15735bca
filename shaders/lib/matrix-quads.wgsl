// matrix-quads: reads four neighbouring numbers of a matrix `weight` (N, K) in f32 or f16, by their
// place among all fours, row after row.

fn weight_quad(at: u32) -> vec4f { return as_f32(weight[at]); }

// How many fours the matrix has.
fn weight_quads() -> u32 { return arrayLength(&weight); }
