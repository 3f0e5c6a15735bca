// scatter-actions: writes a micro-batch's per-action numbers into an array over the whole rollout.
//
//   destination[action_source[i]] = source[i]
//
// in   source         f32 (a)
//      action_source  u32 (a)  index of each action into the rollout's arrays, no index twice
// out  destination    f32 (A)  overwritten at those indices, left alone elsewhere
//
// Grid: a thread per action, workgroups of 64 folded over x and y.
// Numerics: a copy, exact.

struct Params { action_count: u32 }
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> source: array<f32>;
@group(0) @binding(2) var<storage, read> action_source: array<u32>;
@group(0) @binding(3) var<storage, read_write> destination: array<f32>;

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let i = id.y * groups.x * 64 + id.x;
  if (i >= params.action_count) { return; }
  destination[action_source[i]] = source[i];
}
