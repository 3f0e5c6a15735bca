// attention-backward-query/quad: the sums of attention-backward-query, eight rows of one head per
// quad of lanes, two per lane. Each lane loads one key of four, with its value, for all lanes. Why:
// shaders/attention-forward/quad.wgsl. Heads and header: shaders/lib/quad-head.wgsl.
//
// Grid: ceil(rows / 8) workgroups, folded over x and y, by heads in z.
// Numerics: f32; prefix first, keys four at a time, in another order in each lane.

struct Params { rows: u32, heads: u32, kv_heads: u32, scale: f32 }
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> spans: array<u32>;
@group(0) @binding(2) var<storage, read> qkv: array<vec4f>;
@group(0) @binding(3) var<storage, read> out: array<vec4f>;
@group(0) @binding(4) var<storage, read> lse: array<f32>;
@group(0) @binding(5) var<storage, read> dout: array<vec4f>;
@group(0) @binding(6) var<storage, read_write> delta: array<f32>;
@group(0) @binding(7) var<storage, read_write> dqkv: array<vec4f>;

fn dout_head(at: u32) -> Head {
  var head: Head;
  if (QUADS > 0) { head[0] = dout[at]; }
  if (QUADS > 1) { head[1] = dout[at + 1]; }
  if (QUADS > 2) { head[2] = dout[at + 2]; }
  if (QUADS > 3) { head[3] = dout[at + 3]; }
  if (QUADS > 4) { head[4] = dout[at + 4]; }
  if (QUADS > 5) { head[5] = dout[at + 5]; }
  if (QUADS > 6) { head[6] = dout[at + 6]; }
  if (QUADS > 7) { head[7] = dout[at + 7]; }
  return head;
}

// The product of a head of `dout` with its head of `out`.
fn product_with_out(head: Head, at: u32) -> f32 {
  var sums = vec4f();
  if (QUADS > 0) { sums += head[0] * out[at]; }
  if (QUADS > 1) { sums += head[1] * out[at + 1]; }
  if (QUADS > 2) { sums += head[2] * out[at + 2]; }
  if (QUADS > 3) { sums += head[3] * out[at + 3]; }
  if (QUADS > 4) { sums += head[4] * out[at + 4]; }
  if (QUADS > 5) { sums += head[5] * out[at + 5]; }
  if (QUADS > 6) { sums += head[6] * out[at + 6]; }
  if (QUADS > 7) { sums += head[7] * out[at + 7]; }
  return sum4(sums);
}

// A sum of heads, plus the four other heads times their factors.
fn add_heads(sums: ptr<function, Head>, heads: Heads, factors: vec4f) {
  if (QUADS > 0) { sums[0] += heads[0] * factors; }
  if (QUADS > 1) { sums[1] += heads[1] * factors; }
  if (QUADS > 2) { sums[2] += heads[2] * factors; }
  if (QUADS > 3) { sums[3] += heads[3] * factors; }
  if (QUADS > 4) { sums[4] += heads[4] * factors; }
  if (QUADS > 5) { sums[5] += heads[5] * factors; }
  if (QUADS > 6) { sums[6] += heads[6] * factors; }
  if (QUADS > 7) { sums[7] += heads[7] * factors; }
}

fn store_scaled(at: u32, head: Head, scale: f32) {
  if (QUADS > 0) { dqkv[at] = head[0] * scale; }
  if (QUADS > 1) { dqkv[at + 1] = head[1] * scale; }
  if (QUADS > 2) { dqkv[at + 2] = head[2] * scale; }
  if (QUADS > 3) { dqkv[at + 3] = head[3] * scale; }
  if (QUADS > 4) { dqkv[at + 4] = head[4] * scale; }
  if (QUADS > 5) { dqkv[at + 5] = head[5] * scale; }
  if (QUADS > 6) { dqkv[at + 6] = head[6] * scale; }
  if (QUADS > 7) { dqkv[at + 7] = head[7] * scale; }
}

@compute @workgroup_size(4)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u,
        @builtin(local_invocation_index) lane: u32) {
  let row0 = (group.y * groups.x + group.x) * 8;
  if (row0 >= params.rows) { return; }
  let last = min(row0 + 8, params.rows) - 1;
  let row_a = min(row0 + lane, last);
  let row_b = min(row0 + 4 + lane, last);
  let head = group.z;
  let index_a = row_a * params.heads + head;
  let index_b = row_b * params.heads + head;
  let kv_head = head / (params.heads / params.kv_heads);
  let stride = (params.heads + 2 * params.kv_heads) * QUADS;
  let key_column = (params.heads + kv_head) * QUADS;
  // Every key range of the eight rows; a lane skips keys that its own rows do not see.
  var own_first = row0;
  var prefix_first = 0xffffffffu;
  var prefix_end = 0u;
  for (var i = 0u; i < 8; i++) {
    let row = min(row0 + i, last);
    let span = row * 6;
    let has_prefix = spans[span + 2] < spans[span + 3];
    own_first = min(own_first, first_own(row));
    prefix_first = min(prefix_first, select(prefix_first, first_prefix(row), has_prefix));
    prefix_end = max(prefix_end, select(0, spans[span + 3], has_prefix));
  }
  prefix_first = min(prefix_first, prefix_end);
  let prefix_blocks = (prefix_end - prefix_first + 3) / 4;
  let blocks = prefix_blocks + (last + 4 - own_first) / 4;
  let spans_a = vec4u(first_own(row_a), row_a + 1, first_prefix(row_a), spans[row_a * 6 + 3]);
  let spans_b = vec4u(first_own(row_b), row_b + 1, first_prefix(row_b), spans[row_b * 6 + 3]);
  let lanes = vec4u(lane, lane ^ 1, lane ^ 2, lane ^ 3);
  let query_a = row_a * stride + head * QUADS;
  let query_b = row_b * stride + head * QUADS;
  let q_a = scaled_head(query_a, params.scale);
  let q_b = scaled_head(query_b, params.scale);
  let d_a = dout_head(index_a * QUADS);
  let d_b = dout_head(index_b * QUADS);
  let delta_a = product_with_out(d_a, index_a * QUADS);
  let delta_b = product_with_out(d_b, index_b * QUADS);
  let lse_a = lse[index_a];
  let lse_b = lse[index_b];
  var dq_a: Head;
  var dq_b: Head;
  for (var block = 0u; block < blocks; block++) {
    let in_prefix = block < prefix_blocks;
    let first = select(own_first + (block - prefix_blocks) * 4, prefix_first + block * 4, in_prefix);
    let key_at = min(first + lane, last) * stride + key_column;
    let value_at = key_at + params.kv_heads * QUADS;
    let keys = first + lanes;
    let range_a = select(spans_a.xy, spans_a.zw, in_prefix);
    let range_b = select(spans_b.xy, spans_b.zw, in_prefix);
    let see_a = (keys >= vec4u(range_a.x)) & (keys < vec4u(range_a.y));
    let see_b = (keys >= vec4u(range_b.x)) & (keys < vec4u(range_b.y));
    let key = qkv_heads(key_at);
    let value = qkv_heads(value_at);
    let s_a = products(q_a, key);
    let s_b = products(q_b, key);
    let pull_a = products(d_a, value);
    let pull_b = products(d_b, value);
    let ds_a = select(vec4f(), exp(s_a - lse_a) * (pull_a - delta_a), see_a);
    let ds_b = select(vec4f(), exp(s_b - lse_b) * (pull_b - delta_b), see_b);
    add_heads(&dq_a, key, ds_a);
    add_heads(&dq_b, key, ds_b);
  }
  if (row0 + lane <= last) {
    store_scaled(query_a, dq_a, params.scale);
    delta[index_a] = delta_a;
  }
  if (row0 + 4 + lane <= last) {
    store_scaled(query_b, dq_b, params.scale);
    delta[index_b] = delta_b;
  }
}
