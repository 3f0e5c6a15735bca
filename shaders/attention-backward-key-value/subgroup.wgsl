// attention-backward-key-value/subgroup: the sums of attention-backward-key-value, eight rows of
// one key-value head per workgroup. Lanes share queries and gradients by subgroup broadcast. Why,
// and where it is correct: shaders/attention-forward/subgroup.wgsl.
//
// The header gives `const HEAD_DIM: u32`, a multiple of 4, at most 32.
// Grid: ceil(rows / 8) workgroups, folded over x and y, by key-value heads in z.
// Numerics: f32; queries in row order, eight at a time, own segment first, heads innermost.

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

@compute @workgroup_size(8)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u,
        @builtin(local_invocation_id) local: vec3u,
        @builtin(subgroup_invocation_id) subgroup_lane: u32) {
  let row0 = (group.y * groups.x + group.x) * 8;
  if (row0 >= params.rows) { return; }
  let last = min(row0 + 8, params.rows) - 1;
  let row = min(row0 + local.x, last);
  let lane = subgroup_lane & 7;
  let kv_head = group.z;
  let shared_by = params.heads / params.kv_heads;
  let stride = (params.heads + 2 * params.kv_heads) * QUADS;
  let key_at = row * stride + (params.heads + kv_head) * QUADS;
  let value_at = key_at + params.kv_heads * QUADS;
  // Every query range of the eight keys; a lane skips queries that do not see its own key.
  var own_end = row0;
  var suffix_first = 0xffffffffu;
  var suffix_end = 0u;
  for (var i = 0u; i < 8; i++) {
    let span = min(row0 + i, last) * 6;
    own_end = max(own_end, spans[span + 1]);
    if (spans[span + 4] < spans[span + 5]) {
      suffix_first = min(suffix_first, spans[span + 4]);
      suffix_end = max(suffix_end, spans[span + 5]);
    }
  }
  suffix_first = min(suffix_first, suffix_end);
  let own_blocks = (own_end - row0 + 7) / 8;
  let blocks = own_blocks + (suffix_end - suffix_first + 7) / 8;
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
  for (var block = 0u; block < blocks; block++) {
    let own = block < own_blocks;
    let first = select(suffix_first + (block - own_blocks) * 8, row0 + block * 8, own);
    if (is_past(first, 8, last)) { continue; }
    let low = select(spans[row * 6 + 4], row, own);
    let high = select(spans[row * 6 + 5], spans[row * 6 + 1], own);
    let query = min(first + lane, select(suffix_end, own_end, own) - 1);
    let queries = vec4u(first) + vec4u(0, 1, 2, 3);
    let in0 = (queries >= vec4u(low)) & (queries < vec4u(high));
    let in1 = (queries + 4 >= vec4u(low)) & (queries + 4 < vec4u(high));
    let see0 = in0 & within(queries, row);
    let see1 = in1 & within(queries + 4, row);
    for (var h = 0u; h < shared_by; h++) {
      let head = kv_head * shared_by + h;
      let query_at = query * stride + head * QUADS;
      let out_at = (query * params.heads + head) * QUADS;
      var product0 = vec4f();
      var product1 = vec4f();
      var product2 = vec4f();
      var product3 = vec4f();
      var product4 = vec4f();
      var product5 = vec4f();
      var product6 = vec4f();
      var product7 = vec4f();
      var pull0 = vec4f();
      var pull1 = vec4f();
      var pull2 = vec4f();
      var pull3 = vec4f();
      var pull4 = vec4f();
      var pull5 = vec4f();
      var pull6 = vec4f();
      var pull7 = vec4f();
      for (var c = 0u; c < QUADS; c++) {
        let q = qkv[query_at + c];
        product0 += k[c] * subgroupBroadcast(q, 0);
        product1 += k[c] * subgroupBroadcast(q, 1);
        product2 += k[c] * subgroupBroadcast(q, 2);
        product3 += k[c] * subgroupBroadcast(q, 3);
        product4 += k[c] * subgroupBroadcast(q, 4);
        product5 += k[c] * subgroupBroadcast(q, 5);
        product6 += k[c] * subgroupBroadcast(q, 6);
        product7 += k[c] * subgroupBroadcast(q, 7);
        let d = dout[out_at + c];
        pull0 += v[c] * subgroupBroadcast(d, 0);
        pull1 += v[c] * subgroupBroadcast(d, 1);
        pull2 += v[c] * subgroupBroadcast(d, 2);
        pull3 += v[c] * subgroupBroadcast(d, 3);
        pull4 += v[c] * subgroupBroadcast(d, 4);
        pull5 += v[c] * subgroupBroadcast(d, 5);
        pull6 += v[c] * subgroupBroadcast(d, 6);
        pull7 += v[c] * subgroupBroadcast(d, 7);
      }
      let sums = lse[query * params.heads + head];
      let deltas = delta[query * params.heads + head];
      let lse0 = vec4f(subgroupBroadcast(sums, 0), subgroupBroadcast(sums, 1), subgroupBroadcast(sums, 2), subgroupBroadcast(sums, 3));
      let lse1 = vec4f(subgroupBroadcast(sums, 4), subgroupBroadcast(sums, 5), subgroupBroadcast(sums, 6), subgroupBroadcast(sums, 7));
      let delta0 = vec4f(subgroupBroadcast(deltas, 0), subgroupBroadcast(deltas, 1), subgroupBroadcast(deltas, 2), subgroupBroadcast(deltas, 3));
      let delta1 = vec4f(subgroupBroadcast(deltas, 4), subgroupBroadcast(deltas, 5), subgroupBroadcast(deltas, 6), subgroupBroadcast(deltas, 7));
      let s0 = vec4f(sum4(product0), sum4(product1), sum4(product2), sum4(product3));
      let s1 = vec4f(sum4(product4), sum4(product5), sum4(product6), sum4(product7));
      let p0 = select(vec4f(), exp(s0 - lse0), see0);
      let p1 = select(vec4f(), exp(s1 - lse1), see1);
      let ds0 = p0 * (vec4f(sum4(pull0), sum4(pull1), sum4(pull2), sum4(pull3)) - delta0);
      let ds1 = p1 * (vec4f(sum4(pull4), sum4(pull5), sum4(pull6), sum4(pull7)) - delta1);
      for (var c = 0u; c < QUADS; c++) {
        let q = qkv[query_at + c];
        dk[c] += ((ds0.x * subgroupBroadcast(q, 0) + ds0.y * subgroupBroadcast(q, 1))
          + (ds0.z * subgroupBroadcast(q, 2) + ds0.w * subgroupBroadcast(q, 3)))
          + ((ds1.x * subgroupBroadcast(q, 4) + ds1.y * subgroupBroadcast(q, 5))
          + (ds1.z * subgroupBroadcast(q, 6) + ds1.w * subgroupBroadcast(q, 7)));
        let d = dout[out_at + c];
        dv[c] += ((p0.x * subgroupBroadcast(d, 0) + p0.y * subgroupBroadcast(d, 1))
          + (p0.z * subgroupBroadcast(d, 2) + p0.w * subgroupBroadcast(d, 3)))
          + ((p1.x * subgroupBroadcast(d, 4) + p1.y * subgroupBroadcast(d, 5))
          + (p1.z * subgroupBroadcast(d, 6) + p1.w * subgroupBroadcast(d, 7)));
      }
    }
  }
  if (row0 + local.x > last) { return; }
  for (var c = 0u; c < QUADS; c++) {
    dqkv[key_at + c] = dk[c] * params.scale;
    dqkv[value_at + c] = dv[c];
  }
}
