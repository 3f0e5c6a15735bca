// attention-backward-query: gradient of attention with respect to the queries, one thread per row
// and query head. The probabilities are recomputed from the stored log-sum-exp.
//
//   delta = dot(dout_i, out_i)
//   p_j   = exp(scale * dot(q_i, k_j) - lse_i)
//   dq_i  = scale * sum_j p_j * (dot(dout_i, v_j) - delta) * k_j
// over the keys of row i as in attention-forward, whose qkv, out and lse it needs.
// Dao et al. 2022, arXiv:2205.14135, appendix B.
//
// in   spans  u32 (N, 6)
//      qkv    f32 (N, (heads + 2 kv_heads) * HEAD_DIM)
//      out    f32 (N, heads * HEAD_DIM)
//      lse    f32 (N, heads)
//      dout   f32 (N, heads * HEAD_DIM)
// out  delta  f32 (N, heads)  overwritten for n < rows; attention-backward-key-value needs it
//      dqkv   f32 as qkv: the query columns of rows n < rows are overwritten, the others left
//
// The header gives `const HEAD_DIM: u32`, a multiple of 4.
// Grid: ceil(rows * heads / 64) workgroups, folded over x and y.
// Numerics: f32; keys in row order, prefix first.

struct Params { rows: u32, heads: u32, kv_heads: u32, scale: f32 }
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> spans: array<u32>;
@group(0) @binding(2) var<storage, read> qkv: array<vec4f>;
@group(0) @binding(3) var<storage, read> out: array<vec4f>;
@group(0) @binding(4) var<storage, read> lse: array<f32>;
@group(0) @binding(5) var<storage, read> dout: array<vec4f>;
@group(0) @binding(6) var<storage, read_write> delta: array<f32>;
@group(0) @binding(7) var<storage, read_write> dqkv: array<vec4f>;

const QUADS = HEAD_DIM / 4;

fn sum4(v: vec4f) -> f32 { return (v.x + v.y) + (v.z + v.w); }

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
  var d: array<vec4f, QUADS>;
  var dq: array<vec4f, QUADS>;
  var products = vec4f();
  for (var c = 0u; c < QUADS; c++) {
    q[c] = qkv[row * stride + head * QUADS + c] * params.scale;
    d[c] = dout[index * QUADS + c];
    dq[c] = vec4f();
    products += d[c] * out[index * QUADS + c];
  }
  let own_delta = sum4(products);
  let own_lse = lse[index];
  for (var part = 0u; part < 2; part++) {
    var start = first_prefix(row);
    var end = spans[row * 6 + 3];
    if (part == 1) { start = first_own(row); end = row + 1; }
    for (var key = start; key < end; key++) {
      let base = key * stride;
      var scores = vec4f();
      var values = vec4f();
      for (var c = 0u; c < QUADS; c++) {
        scores += q[c] * qkv[base + key_column + c];
        values += d[c] * qkv[base + value_column + c];
      }
      let ds = exp(sum4(scores) - own_lse) * (sum4(values) - own_delta);
      for (var c = 0u; c < QUADS; c++) { dq[c] += ds * qkv[base + key_column + c]; }
    }
  }
  for (var c = 0u; c < QUADS; c++) {
    dqkv[row * stride + head * QUADS + c] = dq[c] * params.scale;
  }
  delta[index] = own_delta;
}
