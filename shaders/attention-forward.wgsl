// attention-forward: causal attention over packed rows with a shared prefix, one thread per row and
// query head. No (T, T) matrix is written: the softmax runs online, and its log-sum-exp is stored.
//
//   keys of row i:   [prefix_start, prefix_end) and [self_start, i], those in its window
//   s_j      = scale * dot(q_i, k_j)
//   lse      = log sum_j exp(s_j)
//   out[i,h] = sum_j exp(s_j - lse) * v_j
// Query head h reads key-value head h / (heads / kv_heads). Vaswani et al. 2017, arXiv:1706.03762,
// eq. 1; the online form is Dao et al. 2022, arXiv:2205.14135, section 3.1.
//
// in   spans  u32 (N, 6)  self_start, self_end, prefix_start, prefix_end, suffix_start, suffix_end
//      qkv    f32 (N, (heads + 2 kv_heads) * HEAD_DIM)  rotated queries, rotated keys, values
// out  out    f32 (N, heads * HEAD_DIM)  overwritten for n < rows
//      lse    f32 (N, heads)             overwritten for n < rows; the backward pass needs it
//
// The header gives `const HEAD_DIM: u32`, a multiple of 4. Window: shaders/lib/window.wgsl.
// Grid: ceil(rows * heads / 64) workgroups, folded over x and y.
// Numerics: f32; keys in row order, prefix first.

struct Params { rows: u32, heads: u32, kv_heads: u32, scale: f32 }
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> spans: array<u32>;
@group(0) @binding(2) var<storage, read> qkv: array<vec4f>;
@group(0) @binding(3) var<storage, read_write> out: array<vec4f>;
@group(0) @binding(4) var<storage, read_write> lse: array<f32>;

const QUADS = HEAD_DIM / 4;

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u,
        @builtin(local_invocation_index) lane: u32) {
  let index = (group.y * groups.x + group.x) * 64 + lane;
  if (index >= params.rows * params.heads) { return; }
  let row = index / params.heads;
  let head = index % params.heads;
  let kv_head = head / (params.heads / params.kv_heads);
  let stride = (params.heads + 2 * params.kv_heads) * QUADS;
  let key_column = (params.heads + kv_head) * QUADS;
  let value_column = key_column + params.kv_heads * QUADS;
  var q: array<vec4f, QUADS>;
  var sum: array<vec4f, QUADS>;
  for (var c = 0u; c < QUADS; c++) {
    q[c] = qkv[row * stride + head * QUADS + c] * params.scale;
    sum[c] = vec4f();
  }
  var top = -1e30;
  var weight = 0.0;
  for (var part = 0u; part < 2; part++) {
    var start = first_prefix(row);
    var end = spans[row * 6 + 3];
    if (part == 1) { start = first_own(row); end = row + 1; }
    for (var key = start; key < end; key++) {
      let base = key * stride;
      var products = vec4f();
      for (var c = 0u; c < QUADS; c++) { products += q[c] * qkv[base + key_column + c]; }
      let s = (products.x + products.y) + (products.z + products.w);
      let next_top = max(top, s);
      let fade = exp(top - next_top);
      let p = exp(s - next_top);
      top = next_top;
      weight = weight * fade + p;
      for (var c = 0u; c < QUADS; c++) {
        sum[c] = sum[c] * fade + p * qkv[base + value_column + c];
      }
    }
  }
  let norm = 1.0 / weight;
  for (var c = 0u; c < QUADS; c++) { out[index * QUADS + c] = sum[c] * norm; }
  lse[index] = top + log(weight);
}
