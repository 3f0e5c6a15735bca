// whiten: subtracts a vector's mean and divides by its standard deviation.
//
//   whitened = (raw - centre * mean) / (scale ? sqrt(max(variance, 1e-8)) : 1)
// as the reference run normalises advantages, once per rollout over all actions.
//
// in   raw       f32 (A)
//      moments   f32 (4)  of the same values: mean, population variance
// out  whitened  f32 (A)  overwritten; one value alone becomes 0
//
// Grid: a thread per element, workgroups of 64 folded over x and y.
// Numerics: f32; within 1e-5 of float64 (test/kernels/whiten.test.ts).

struct Params { count: u32, centre: u32, scale: u32 }
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> raw: array<f32>;
@group(0) @binding(2) var<storage, read> moments: array<f32>;
@group(0) @binding(3) var<storage, read_write> whitened: array<f32>;

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let i = id.y * groups.x * 64 + id.x;
  if (i >= params.count) { return; }
  let centred = raw[i] - select(0.0, moments[0], params.centre != 0);
  whitened[i] = centred / select(1.0, sqrt(max(moments[1], 1e-8)), params.scale != 0);
}
