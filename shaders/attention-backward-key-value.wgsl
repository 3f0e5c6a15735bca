// attention-backward-key-value: gradient of attention with respect to keys and values, one thread
// per row and key-value head. It walks the rows that attend to its own, so nothing is scattered.
//
//   queries of key j: [j, self_end) and, for rows of a shared prompt, [suffix_start, suffix_end);
//                     of these, those whose windows reach j
//   p_ij = exp(scale * dot(q_i, k_j) - lse_i)
//   dv_j = sum_i p_ij * dout_i
//   dk_j = scale * sum_i p_ij * (dot(dout_i, v_j) - delta_i) * q_i
// summed over the query heads that share the key-value head. Needs qkv and lse of the forward pass
// and delta of attention-backward-query. Dao et al. 2022, arXiv:2205.14135, appendix B.
//
// in   spans  u32 (N, 6)
//      qkv    f32 (N, (heads + 2 kv_heads) * HEAD_DIM)
//      lse    f32 (N, heads)
//      delta  f32 (N, heads)
//      dout   f32 (N, heads * HEAD_DIM)
// out  dqkv   f32 as qkv: the key and value columns of rows n < rows are overwritten
//
// The header gives `const HEAD_DIM: u32`, a multiple of 4. Window: shaders/lib/window.wgsl.
// Grid: ceil(rows * kv_heads / 64) workgroups, folded over x and y.
// Numerics: f32; queries in row order, own segment first, heads innermost.

struct Params { rows: u32, heads: u32, kv_heads: u32, scale: f32 }
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> spans: array<u32>;
@group(0) @binding(2) var<storage, read> qkv: array<vec4f>;
@group(0) @binding(3) var<storage, read> lse: array<f32>;
@group(0) @binding(4) var<storage, read> delta: array<f32>;
@group(0) @binding(5) var<storage, read> dout: array<vec4f>;
@group(0) @binding(6) var<storage, read_write> dqkv: array<vec4f>;

const QUADS = HEAD_DIM / 4;

fn sum4(v: vec4f) -> f32 { return (v.x + v.y) + (v.z + v.w); }

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u,
        @builtin(local_invocation_index) lane: u32) {
  let index = (group.y * groups.x + group.x) * 64 + lane;
  if (index >= params.rows * params.kv_heads) { return; }
  let row = index / params.kv_heads;
  let kv_head = index % params.kv_heads;
  let shared_by = params.heads / params.kv_heads;
  let stride = (params.heads + 2 * params.kv_heads) * QUADS;
  let key_at = row * stride + (params.heads + kv_head) * QUADS;
  let value_at = key_at + params.kv_heads * QUADS;
  var k: array<vec4f, QUADS>;
  var v: array<vec4f, QUADS>;
  var dk: array<vec4f, QUADS>;
  var dv: array<vec4f, QUADS>;
  for (var c = 0u; c < QUADS; c++) {
    k[c] = qkv[key_at + c] * params.scale;
    v[c] = qkv[value_at + c];
    dk[c] = vec4f();
    dv[c] = vec4f();
  }
  for (var part = 0u; part < 2; part++) {
    var start = row;
    var end = spans[row * 6 + 1];
    if (part == 1) { start = spans[row * 6 + 4]; end = spans[row * 6 + 5]; }
    for (var i = start; i < end; i++) {
      if (is_beyond(i, row)) {
        i = spans[i * 6 + 1] - 1; // so are the later rows of its segment
        continue;
      }
      for (var h = 0u; h < shared_by; h++) {
        let head = kv_head * shared_by + h;
        let query_at = i * stride + head * QUADS;
        let out_at = (i * params.heads + head) * QUADS;
        var scores = vec4f();
        var values = vec4f();
        for (var c = 0u; c < QUADS; c++) {
          scores += k[c] * qkv[query_at + c];
          values += v[c] * dout[out_at + c];
        }
        let p = exp(sum4(scores) - lse[i * params.heads + head]);
        let ds = p * (sum4(values) - delta[i * params.heads + head]);
        for (var c = 0u; c < QUADS; c++) {
          dk[c] += ds * qkv[query_at + c];
          dv[c] += p * dout[out_at + c];
        }
      }
    }
  }
  for (var c = 0u; c < QUADS; c++) {
    dqkv[key_at + c] = dk[c] * params.scale;
    dqkv[value_at + c] = dv[c];
  }
}
