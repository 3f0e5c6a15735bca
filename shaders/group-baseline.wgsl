// group-baseline: each sequence's reward relative to the other samples of its prompt.
//
//   d_i = R_i - R_first of the group, so that equal rewards give exactly 0
//   mode 1, mean:           d_i - mean d                               Dr. GRPO, arXiv:2503.20783
//   mode 2, mean and std:   (d_i - mean d) / (s + 1e-9), s over count - 1  GRPO, arXiv:2402.03300
//   mode 3, leave-one-out:  d_i - mean of the others                       RLOO, arXiv:2402.14740
// A group of one has no other sequence to compare with: 0 in every mode.
//
// in   groups            u32 (G, 2)  first sequence and sequence count of each group
//      sequence_rewards  f32 (S)
// out  shaped_rewards    f32 (S)     overwritten for the sequences of the groups
//
// Grid: ceil(G / 64) workgroups, a thread per group; groups are small.
// Numerics: f32, deviations in two passes; within 2e-6 + 2e-5 relative of float64
// (test/kernels/group-baseline.test.ts).

struct Params { group_count: u32, mode: u32 }
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> groups: array<vec2u>;
@group(0) @binding(2) var<storage, read> sequence_rewards: array<f32>;
@group(0) @binding(3) var<storage, read_write> shaped_rewards: array<f32>;

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3u) {
  if (id.x >= params.group_count) { return; }
  let first = groups[id.x].x;
  let count = groups[id.x].y;
  if (count == 0) { return; }
  let origin = sequence_rewards[first];
  var sum = 0.0;
  for (var i = 0u; i < count; i++) { sum += sequence_rewards[first + i] - origin; }
  let mean = sum / f32(count);
  let others = f32(max(count, 2) - 1);
  var factor = 1.0;
  if (params.mode == 2) {
    var square = 0.0;
    for (var i = 0u; i < count; i++) {
      let deviation = sequence_rewards[first + i] - origin - mean;
      square += deviation * deviation;
    }
    factor = 1.0 / (sqrt(square / others) + 1e-9);
  } else if (params.mode == 3) {
    factor = f32(count) / others; // d_i - (sum - d_i) / (n - 1) = (d_i - mean) n / (n - 1)
  }
  for (var i = 0u; i < count; i++) {
    shaped_rewards[first + i] = (sequence_rewards[first + i] - origin - mean) * factor;
  }
}
