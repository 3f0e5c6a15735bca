// attention-backward-query/quad: the sums of attention-backward-query, eight rows of one head per quad
// of lanes, two a lane; each lane loads one key of four, with its value, for all. Why:
// shaders/attention-forward/quad.wgsl.
//
// The header gives `const HEAD_DIM: u32`, a multiple of 4, at most 32.
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

const QUADS = HEAD_DIM / 4;

fn sum4(v: vec4f) -> f32 { return (v.x + v.y) + (v.z + v.w); }

// What the four lanes hold, one a column, this lane's first, then those of lane ^ 1, ^ 2 and ^ 3.
fn shared4(own: vec4f) -> mat4x4f {
  return mat4x4f(own, quadSwapX(own), quadSwapY(own), quadSwapDiagonal(own));
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
  // Every key range of the eight rows; a lane leaves out what its own rows do not see.
  var own_first = row0;
  var prefix_first = 0xffffffffu;
  var prefix_end = 0u;
  for (var i = 0u; i < 8; i++) {
    let span = min(row0 + i, last) * 6;
    let has_prefix = spans[span + 2] < spans[span + 3];
    own_first = min(own_first, spans[span]);
    prefix_first = min(prefix_first, select(prefix_first, spans[span + 2], has_prefix));
    prefix_end = max(prefix_end, select(0, spans[span + 3], has_prefix));
  }
  prefix_first = min(prefix_first, prefix_end);
  let prefix_blocks = (prefix_end - prefix_first + 3) / 4;
  let blocks = prefix_blocks + (last + 4 - own_first) / 4;
  let spans_a = vec4u(spans[row_a * 6], row_a + 1, spans[row_a * 6 + 2], spans[row_a * 6 + 3]);
  let spans_b = vec4u(spans[row_b * 6], row_b + 1, spans[row_b * 6 + 2], spans[row_b * 6 + 3]);
  let lanes = vec4u(lane, lane ^ 1, lane ^ 2, lane ^ 3);
  let query_a = row_a * stride + head * QUADS;
  let query_b = row_b * stride + head * QUADS;
  var q0_a = vec4f();
  var d0_a = vec4f();
  var dq0_a = vec4f();
  var q0_b = vec4f();
  var d0_b = vec4f();
  var dq0_b = vec4f();
  var q1_a = vec4f();
  var d1_a = vec4f();
  var dq1_a = vec4f();
  var q1_b = vec4f();
  var d1_b = vec4f();
  var dq1_b = vec4f();
  var q2_a = vec4f();
  var d2_a = vec4f();
  var dq2_a = vec4f();
  var q2_b = vec4f();
  var d2_b = vec4f();
  var dq2_b = vec4f();
  var q3_a = vec4f();
  var d3_a = vec4f();
  var dq3_a = vec4f();
  var q3_b = vec4f();
  var d3_b = vec4f();
  var dq3_b = vec4f();
  var q4_a = vec4f();
  var d4_a = vec4f();
  var dq4_a = vec4f();
  var q4_b = vec4f();
  var d4_b = vec4f();
  var dq4_b = vec4f();
  var q5_a = vec4f();
  var d5_a = vec4f();
  var dq5_a = vec4f();
  var q5_b = vec4f();
  var d5_b = vec4f();
  var dq5_b = vec4f();
  var q6_a = vec4f();
  var d6_a = vec4f();
  var dq6_a = vec4f();
  var q6_b = vec4f();
  var d6_b = vec4f();
  var dq6_b = vec4f();
  var q7_a = vec4f();
  var d7_a = vec4f();
  var dq7_a = vec4f();
  var q7_b = vec4f();
  var d7_b = vec4f();
  var dq7_b = vec4f();
  var products_a = vec4f();
  var products_b = vec4f();
  if (QUADS > 0) {
    q0_a = qkv[query_a + 0] * params.scale;
    q0_b = qkv[query_b + 0] * params.scale;
    d0_a = dout[index_a * QUADS + 0];
    d0_b = dout[index_b * QUADS + 0];
    products_a += d0_a * out[index_a * QUADS + 0];
    products_b += d0_b * out[index_b * QUADS + 0];
  }
  if (QUADS > 1) {
    q1_a = qkv[query_a + 1] * params.scale;
    q1_b = qkv[query_b + 1] * params.scale;
    d1_a = dout[index_a * QUADS + 1];
    d1_b = dout[index_b * QUADS + 1];
    products_a += d1_a * out[index_a * QUADS + 1];
    products_b += d1_b * out[index_b * QUADS + 1];
  }
  if (QUADS > 2) {
    q2_a = qkv[query_a + 2] * params.scale;
    q2_b = qkv[query_b + 2] * params.scale;
    d2_a = dout[index_a * QUADS + 2];
    d2_b = dout[index_b * QUADS + 2];
    products_a += d2_a * out[index_a * QUADS + 2];
    products_b += d2_b * out[index_b * QUADS + 2];
  }
  if (QUADS > 3) {
    q3_a = qkv[query_a + 3] * params.scale;
    q3_b = qkv[query_b + 3] * params.scale;
    d3_a = dout[index_a * QUADS + 3];
    d3_b = dout[index_b * QUADS + 3];
    products_a += d3_a * out[index_a * QUADS + 3];
    products_b += d3_b * out[index_b * QUADS + 3];
  }
  if (QUADS > 4) {
    q4_a = qkv[query_a + 4] * params.scale;
    q4_b = qkv[query_b + 4] * params.scale;
    d4_a = dout[index_a * QUADS + 4];
    d4_b = dout[index_b * QUADS + 4];
    products_a += d4_a * out[index_a * QUADS + 4];
    products_b += d4_b * out[index_b * QUADS + 4];
  }
  if (QUADS > 5) {
    q5_a = qkv[query_a + 5] * params.scale;
    q5_b = qkv[query_b + 5] * params.scale;
    d5_a = dout[index_a * QUADS + 5];
    d5_b = dout[index_b * QUADS + 5];
    products_a += d5_a * out[index_a * QUADS + 5];
    products_b += d5_b * out[index_b * QUADS + 5];
  }
  if (QUADS > 6) {
    q6_a = qkv[query_a + 6] * params.scale;
    q6_b = qkv[query_b + 6] * params.scale;
    d6_a = dout[index_a * QUADS + 6];
    d6_b = dout[index_b * QUADS + 6];
    products_a += d6_a * out[index_a * QUADS + 6];
    products_b += d6_b * out[index_b * QUADS + 6];
  }
  if (QUADS > 7) {
    q7_a = qkv[query_a + 7] * params.scale;
    q7_b = qkv[query_b + 7] * params.scale;
    d7_a = dout[index_a * QUADS + 7];
    d7_b = dout[index_b * QUADS + 7];
    products_a += d7_a * out[index_a * QUADS + 7];
    products_b += d7_b * out[index_b * QUADS + 7];
  }
  let delta_a = sum4(products_a);
  let delta_b = sum4(products_b);
  let lse_a = lse[index_a];
  let lse_b = lse[index_b];
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
    var s_a = vec4f();
    var s_b = vec4f();
    var pull_a = vec4f();
    var pull_b = vec4f();
    var key0 = mat4x4f();
    var key1 = mat4x4f();
    var key2 = mat4x4f();
    var key3 = mat4x4f();
    var key4 = mat4x4f();
    var key5 = mat4x4f();
    var key6 = mat4x4f();
    var key7 = mat4x4f();
    if (QUADS > 0) {
      key0 = shared4(qkv[key_at + 0]);
      s_a += q0_a * key0;
      s_b += q0_b * key0;
      let value = shared4(qkv[value_at + 0]);
      pull_a += d0_a * value;
      pull_b += d0_b * value;
    }
    if (QUADS > 1) {
      key1 = shared4(qkv[key_at + 1]);
      s_a += q1_a * key1;
      s_b += q1_b * key1;
      let value = shared4(qkv[value_at + 1]);
      pull_a += d1_a * value;
      pull_b += d1_b * value;
    }
    if (QUADS > 2) {
      key2 = shared4(qkv[key_at + 2]);
      s_a += q2_a * key2;
      s_b += q2_b * key2;
      let value = shared4(qkv[value_at + 2]);
      pull_a += d2_a * value;
      pull_b += d2_b * value;
    }
    if (QUADS > 3) {
      key3 = shared4(qkv[key_at + 3]);
      s_a += q3_a * key3;
      s_b += q3_b * key3;
      let value = shared4(qkv[value_at + 3]);
      pull_a += d3_a * value;
      pull_b += d3_b * value;
    }
    if (QUADS > 4) {
      key4 = shared4(qkv[key_at + 4]);
      s_a += q4_a * key4;
      s_b += q4_b * key4;
      let value = shared4(qkv[value_at + 4]);
      pull_a += d4_a * value;
      pull_b += d4_b * value;
    }
    if (QUADS > 5) {
      key5 = shared4(qkv[key_at + 5]);
      s_a += q5_a * key5;
      s_b += q5_b * key5;
      let value = shared4(qkv[value_at + 5]);
      pull_a += d5_a * value;
      pull_b += d5_b * value;
    }
    if (QUADS > 6) {
      key6 = shared4(qkv[key_at + 6]);
      s_a += q6_a * key6;
      s_b += q6_b * key6;
      let value = shared4(qkv[value_at + 6]);
      pull_a += d6_a * value;
      pull_b += d6_b * value;
    }
    if (QUADS > 7) {
      key7 = shared4(qkv[key_at + 7]);
      s_a += q7_a * key7;
      s_b += q7_b * key7;
      let value = shared4(qkv[value_at + 7]);
      pull_a += d7_a * value;
      pull_b += d7_b * value;
    }
    let ds_a = select(vec4f(), exp(s_a - lse_a) * (pull_a - delta_a), see_a);
    let ds_b = select(vec4f(), exp(s_b - lse_b) * (pull_b - delta_b), see_b);
    if (QUADS > 0) {
      dq0_a += key0 * ds_a;
      dq0_b += key0 * ds_b;
    }
    if (QUADS > 1) {
      dq1_a += key1 * ds_a;
      dq1_b += key1 * ds_b;
    }
    if (QUADS > 2) {
      dq2_a += key2 * ds_a;
      dq2_b += key2 * ds_b;
    }
    if (QUADS > 3) {
      dq3_a += key3 * ds_a;
      dq3_b += key3 * ds_b;
    }
    if (QUADS > 4) {
      dq4_a += key4 * ds_a;
      dq4_b += key4 * ds_b;
    }
    if (QUADS > 5) {
      dq5_a += key5 * ds_a;
      dq5_b += key5 * ds_b;
    }
    if (QUADS > 6) {
      dq6_a += key6 * ds_a;
      dq6_b += key6 * ds_b;
    }
    if (QUADS > 7) {
      dq7_a += key7 * ds_a;
      dq7_b += key7 * ds_b;
    }
  }
  if (row0 + lane <= last) {
    if (QUADS > 0) { dqkv[query_a + 0] = dq0_a * params.scale; }
    if (QUADS > 1) { dqkv[query_a + 1] = dq1_a * params.scale; }
    if (QUADS > 2) { dqkv[query_a + 2] = dq2_a * params.scale; }
    if (QUADS > 3) { dqkv[query_a + 3] = dq3_a * params.scale; }
    if (QUADS > 4) { dqkv[query_a + 4] = dq4_a * params.scale; }
    if (QUADS > 5) { dqkv[query_a + 5] = dq5_a * params.scale; }
    if (QUADS > 6) { dqkv[query_a + 6] = dq6_a * params.scale; }
    if (QUADS > 7) { dqkv[query_a + 7] = dq7_a * params.scale; }
    delta[index_a] = delta_a;
  }
  if (row0 + 4 + lane <= last) {
    if (QUADS > 0) { dqkv[query_b + 0] = dq0_b * params.scale; }
    if (QUADS > 1) { dqkv[query_b + 1] = dq1_b * params.scale; }
    if (QUADS > 2) { dqkv[query_b + 2] = dq2_b * params.scale; }
    if (QUADS > 3) { dqkv[query_b + 3] = dq3_b * params.scale; }
    if (QUADS > 4) { dqkv[query_b + 4] = dq4_b * params.scale; }
    if (QUADS > 5) { dqkv[query_b + 5] = dq5_b * params.scale; }
    if (QUADS > 6) { dqkv[query_b + 6] = dq6_b * params.scale; }
    if (QUADS > 7) { dqkv[query_b + 7] = dq7_b * params.scale; }
    delta[index_b] = delta_b;
  }
}
