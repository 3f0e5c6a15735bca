// qk-norm-backward: gradient of qk-norm with respect to its input, in place; one thread per head.
//
//   r = 1 / sqrt(mean(x^2) + epsilon),  xhat = x * r,  w = gain(weight)  (shaders/lib/gain.wgsl)
//   dx = r * (w * dy - xhat * mean(w * dy * xhat))   for query and key heads
//   dx = dy                                          for value heads
// Needs x, the input of the forward pass.
//
// in      x             f32 (N, (heads + 2 kv_heads) * D)  D a multiple of 4
//         query_weight  f32 (D)
//         key_weight    f32 (D)
// io      gradient      f32 as x: dy before, dx after, for n < rows
//
// Grid: ceil(rows * (heads + kv_heads) / 64) workgroups, folded over x and y.
// Numerics: f32; r is recomputed, not stored.

struct Params { rows: u32, heads: u32, kv_heads: u32, quads: u32, epsilon: f32 }
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> x: array<vec4f>;
@group(0) @binding(2) var<storage, read> query_weight: array<vec4f>;
@group(0) @binding(3) var<storage, read> key_weight: array<vec4f>;
@group(0) @binding(4) var<storage, read_write> gradient: array<vec4f>;

fn weight(head: u32, c: u32) -> vec4f {
  if (head < params.heads) { return gain(query_weight[c]); }
  return gain(key_weight[c]);
}

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u,
        @builtin(local_invocation_index) lane: u32) {
  let index = (group.y * groups.x + group.x) * 64 + lane;
  let normed = params.heads + params.kv_heads;
  if (index >= params.rows * normed) { return; }
  let row = index / normed;
  let head = index % normed;
  let base = (row * (normed + params.kv_heads) + head) * params.quads;
  var square = 0.0;
  var pull = 0.0;
  for (var c = 0u; c < params.quads; c++) {
    let v = x[base + c];
    square += dot(v, v);
    pull += dot(weight(head, c) * gradient[base + c], v);
  }
  let width = f32(params.quads * 4);
  let r = inverseSqrt(square / width + params.epsilon);
  pull *= r * r / width;
  for (var c = 0u; c < params.quads; c++) {
    gradient[base + c] = r * (weight(head, c) * gradient[base + c] - x[base + c] * pull);
  }
}
