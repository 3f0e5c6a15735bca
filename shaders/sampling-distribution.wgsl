// sampling-distribution: the probabilities that sample-token draws from.
//
//   probability_i = weight_i / sum_j weight_j, weights filtered as in shaders/lib/sampling.wgsl
//
// in   logits         f32 (R, V)
//      stop_ids       u32 (S)     the first stop_count of them are banned
// out  probabilities  f32 (R, V)  overwritten; exactly 0 where filtered
//
// Grid: ceil(R / ROWS) workgroups, LANES threads per row (LANES a power of 2).
// Numerics: f32; within 1e-6 of float64 (test/kernels/sampling-distribution.test.ts).

struct Params {
  row_count: u32,
  vocabulary: u32, // V
  stop_count: u32,
  temperature: f32,
  top_k: u32,
  top_p: f32,
  min_p: f32,
}
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> logits: array<f32>;
@group(0) @binding(2) var<storage, read> stop_ids: array<u32>;
@group(0) @binding(3) var<storage, read_write> probabilities: array<f32>;

@compute @workgroup_size(LANES, ROWS)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_id) local: vec3u) {
  let index = group.x * ROWS + local.y;
  lane = local.x;
  row_slot = local.y * LANES;
  row.start = index * params.vocabulary;
  row.count = select(0, params.vocabulary, index < params.row_count);
  row.ban = params.stop_count > 0;
  solve_row(0.0);
  for (var id = lane; id < row.count; id += LANES) {
    probabilities[row.start + id] = kept_weight(id, logits[row.start + id]) / row.total;
  }
}
