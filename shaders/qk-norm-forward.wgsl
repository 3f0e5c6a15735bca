// qk-norm-forward: RMSNorm of each query and key head, values copied; one thread per head.
//
//   out[n, h, :] = x[n, h, :] / sqrt(mean(x[n, h, :]^2) + epsilon) * gain(weight_h)  for query, key heads
//   out[n, h, :] = x[n, h, :]                                                        for value heads
// weight_h is query_weight for the first `heads` heads and key_weight for the next `kv_heads`
// (Qwen3's q_norm and k_norm; arXiv:2505.09388 section 2). gain: shaders/lib/gain.wgsl.
//
// in   x             f32 (N, (heads + 2 kv_heads) * D)  D a multiple of 4
//      query_weight  f32 (D)
//      key_weight    f32 (D)
// out  out           f32 as x, overwritten for n < rows
//
// Grid: ceil(rows * (heads + 2 kv_heads) / 64) workgroups, folded over x and y.
// Numerics: f32.

struct Params { rows: u32, heads: u32, kv_heads: u32, quads: u32, epsilon: f32 }
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> x: array<vec4f>;
@group(0) @binding(2) var<storage, read> query_weight: array<vec4f>;
@group(0) @binding(3) var<storage, read> key_weight: array<vec4f>;
@group(0) @binding(4) var<storage, read_write> out: array<vec4f>;

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u,
        @builtin(local_invocation_index) lane: u32) {
  let index = (group.y * groups.x + group.x) * 64 + lane;
  let all_heads = params.heads + 2 * params.kv_heads;
  if (index >= params.rows * all_heads) { return; }
  let head = index % all_heads;
  let base = index * params.quads;
  var sum = 0.0;
  for (var c = 0u; c < params.quads; c++) { sum += dot(x[base + c], x[base + c]); }
  let scale = inverseSqrt(sum / f32(params.quads * 4) + params.epsilon);
  for (var c = 0u; c < params.quads; c++) {
    var v = x[base + c];
    if (head < params.heads) {
      v *= scale * gain(query_weight[c]);
    } else if (head < params.heads + params.kv_heads) {
      v *= scale * gain(key_weight[c]);
    }
    out[base + c] = v;
  }
}
