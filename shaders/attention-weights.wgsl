// attention-weights: what listed rows attend to, written out for people to look at, one thread per
// query head, listed row and key.
//
//   i = action_rows[a],   keys of row i: [prefix_start, prefix_end) and [self_start, i], in this order
//   weights[h, a, j] = exp(scale * dot(q_i, k_j) - lse[i, h]),   0 past the row's keys and
//                      before its window (shaders/lib/window.wgsl)
// The softmax of attention-forward, by the log-sum-exp that it leaves: the weights of a row sum to 1.
// Query head h reads key-value head h / (heads / kv_heads). Vaswani et al. 2017, arXiv:1706.03762,
// eq. 1.
//
// in   spans        u32 (N, 6)  self_start, self_end, prefix_start, prefix_end, suffix_start, suffix_end
//      action_rows  u32 (R)     rows, R >= actions; for token a of a response, the row that predicts it
//      qkv          f32 (N, (heads + 2 kv_heads) * HEAD_DIM)  rotated queries, rotated keys, values
//      lse          f32 (N, heads)  of the same qkv
// out  weights      f32 (heads * actions, keys)  overwritten; a row's keys past `keys` are left out
//
// The header gives `const HEAD_DIM: u32`, a multiple of 4.
// Grid: ceil(heads * actions * keys / 64) workgroups, folded over x and y.
// Numerics: f32; scores of size 10 leave weights within 5e-6 of float64
//           (test/kernels/attention-weights.test.ts).

struct Params { actions: u32, keys: u32, heads: u32, kv_heads: u32, scale: f32 }
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> spans: array<u32>;
@group(0) @binding(2) var<storage, read> action_rows: array<u32>;
@group(0) @binding(3) var<storage, read> qkv: array<vec4f>;
@group(0) @binding(4) var<storage, read> lse: array<f32>;
@group(0) @binding(5) var<storage, read_write> weights: array<f32>;

const QUADS = HEAD_DIM / 4;

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u,
        @builtin(local_invocation_index) lane: u32) {
  let index = (group.y * groups.x + group.x) * 64 + lane;
  if (index >= params.heads * params.actions * params.keys) { return; }
  let j = index % params.keys;
  let row = action_rows[(index / params.keys) % params.actions];
  let head = index / (params.keys * params.actions);
  let self_start = spans[row * 6];
  let prefix_start = spans[row * 6 + 2];
  let prefix = spans[row * 6 + 3] - prefix_start;
  // Keys stand in the order of their places.
  let end = prefix + row + 1 - self_start;
  if (j >= end || (WINDOW > 0 && end - j > WINDOW)) {
    weights[index] = 0.0;
    return;
  }
  let key = select(self_start + j - prefix, prefix_start + j, j < prefix);
  let stride = (params.heads + 2 * params.kv_heads) * QUADS;
  let query_at = row * stride + head * QUADS;
  let key_at = key * stride + (params.heads + head / (params.heads / params.kv_heads)) * QUADS;
  var products = vec4f();
  for (var c = 0u; c < QUADS; c++) { products += qkv[query_at + c] * qkv[key_at + c]; }
  let score = params.scale * ((products.x + products.y) + (products.z + products.w));
  weights[index] = exp(score - lse[row * params.heads + head]);
}
