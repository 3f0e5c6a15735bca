// grad-norm-partial: sums of squares over parts of a flat page of gradients, one per thread.
//
//   partials[first_partial + p] = sum over the elements of part p of gradient^2
//
// in   gradients  f32 (n)  n a multiple of 4
// out  partials   f32 (M)  64 per workgroup from first_partial on, overwritten; the parts of other
//                          pages left alone
//
// Grid: each workgroup owns 64 * per_thread consecutive vectors, so that its reads lie together.
// Numerics: f32; a fixed order of additions, no atomics.

struct Params { vector_count: u32, per_thread: u32, first_partial: u32 }
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> gradients: array<vec4f>;
@group(0) @binding(2) var<storage, read_write> partials: array<f32>;

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) thread: u32) {
  let first = group.x * 64 * params.per_thread + thread;
  var sum = 0.0;
  for (var turn = 0u; turn < params.per_thread; turn++) {
    let i = first + 64 * turn;
    if (i >= params.vector_count) { break; }
    sum += dot(gradients[i], gradients[i]);
  }
  partials[params.first_partial + group.x * 64 + thread] = sum;
}
