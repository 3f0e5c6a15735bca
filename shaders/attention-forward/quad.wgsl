// attention-forward/quad: the sums of attention-forward, eight rows of one head per quad of lanes, two
// a lane; each lane loads one key of four, with its value, for all. Why:
// shaders/matmul-forward/quad.wgsl. Nothing is an array that a loop
// counts through, which SwiftShader loads lane by lane too: what is past the head is left out by
// constants.
//
// The header gives `const HEAD_DIM: u32`, a multiple of 4, at most 32.
// Grid: ceil(rows / 8) workgroups, folded over x and y, by heads in z.
// Numerics: f32; prefix first, keys four at a time, each four added up in pairs.

struct Params { rows: u32, heads: u32, kv_heads: u32, scale: f32 }
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> spans: array<u32>;
@group(0) @binding(2) var<storage, read> qkv: array<vec4f>;
@group(0) @binding(3) var<storage, read_write> out: array<vec4f>;
@group(0) @binding(4) var<storage, read_write> lse: array<f32>;

const QUADS = HEAD_DIM / 4;

fn sum4(v: vec4f) -> f32 { return (v.x + v.y) + (v.z + v.w); }

// What the four lanes hold, one a column, this lane's first, then those of lane ^ 1, ^ 2 and ^ 3.
fn shared4(own: vec4f) -> mat4x4f {
  return mat4x4f(own, quadSwapX(own), quadSwapY(own), quadSwapDiagonal(own));
}

// Whichever lane sums up, it adds the same pairs.
fn mixed(columns: mat4x4f, shares: vec4f) -> vec4f {
  let near = columns[0] * shares.x + columns[1] * shares.y;
  return near + (columns[2] * shares.z + columns[3] * shares.w);
}

fn most(v: vec4f) -> f32 { return max(max(v.x, v.y), max(v.z, v.w)); }

@compute @workgroup_size(4)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u,
        @builtin(local_invocation_index) lane: u32) {
  let row0 = (group.y * groups.x + group.x) * 8;
  if (row0 >= params.rows) { return; }
  let last = min(row0 + 8, params.rows) - 1;
  let row_a = min(row0 + lane, last);
  let row_b = min(row0 + 4 + lane, last);
  let head = group.z;
  let kv_head = head / (params.heads / params.kv_heads);
  let stride = (params.heads + 2 * params.kv_heads) * QUADS;
  let key_column = (params.heads + kv_head) * QUADS;
  let spans_a = vec4u(spans[row_a * 6], row_a + 1, spans[row_a * 6 + 2], spans[row_a * 6 + 3]);
  let spans_b = vec4u(spans[row_b * 6], row_b + 1, spans[row_b * 6 + 2], spans[row_b * 6 + 3]);
  let lanes = vec4u(lane, lane ^ 1, lane ^ 2, lane ^ 3);
  let query_a = row_a * stride + head * QUADS;
  let query_b = row_b * stride + head * QUADS;
  var q0_a = vec4f();
  var sum0_a = vec4f();
  var q0_b = vec4f();
  var sum0_b = vec4f();
  var q1_a = vec4f();
  var sum1_a = vec4f();
  var q1_b = vec4f();
  var sum1_b = vec4f();
  var q2_a = vec4f();
  var sum2_a = vec4f();
  var q2_b = vec4f();
  var sum2_b = vec4f();
  var q3_a = vec4f();
  var sum3_a = vec4f();
  var q3_b = vec4f();
  var sum3_b = vec4f();
  var q4_a = vec4f();
  var sum4_a = vec4f();
  var q4_b = vec4f();
  var sum4_b = vec4f();
  var q5_a = vec4f();
  var sum5_a = vec4f();
  var q5_b = vec4f();
  var sum5_b = vec4f();
  var q6_a = vec4f();
  var sum6_a = vec4f();
  var q6_b = vec4f();
  var sum6_b = vec4f();
  var q7_a = vec4f();
  var sum7_a = vec4f();
  var q7_b = vec4f();
  var sum7_b = vec4f();
  if (QUADS > 0) {
    q0_a = qkv[query_a + 0] * params.scale;
    q0_b = qkv[query_b + 0] * params.scale;
  }
  if (QUADS > 1) {
    q1_a = qkv[query_a + 1] * params.scale;
    q1_b = qkv[query_b + 1] * params.scale;
  }
  if (QUADS > 2) {
    q2_a = qkv[query_a + 2] * params.scale;
    q2_b = qkv[query_b + 2] * params.scale;
  }
  if (QUADS > 3) {
    q3_a = qkv[query_a + 3] * params.scale;
    q3_b = qkv[query_b + 3] * params.scale;
  }
  if (QUADS > 4) {
    q4_a = qkv[query_a + 4] * params.scale;
    q4_b = qkv[query_b + 4] * params.scale;
  }
  if (QUADS > 5) {
    q5_a = qkv[query_a + 5] * params.scale;
    q5_b = qkv[query_b + 5] * params.scale;
  }
  if (QUADS > 6) {
    q6_a = qkv[query_a + 6] * params.scale;
    q6_b = qkv[query_b + 6] * params.scale;
  }
  if (QUADS > 7) {
    q7_a = qkv[query_a + 7] * params.scale;
    q7_b = qkv[query_b + 7] * params.scale;
  }
  var top_a = -1e30;
  var top_b = -1e30;
  var weight_a = 0.0;
  var weight_b = 0.0;
  // Segment after segment of the eight rows; a lane leaves out what its own rows do not see. Blocks
  // begin where a segment does, so that a row's sums do not depend on its neighbours.
  var prefix = vec2u();
  var has_prefix_a = false;
  var has_prefix_b = false;
  var member = row0;
  while (member <= last) {
    let own_first = spans[member * 6];
    let own_end = min(spans[member * 6 + 1], last + 1);
    // Neighbours with one prompt share the walk over it.
    let known = prefix;
    prefix = vec2u(spans[member * 6 + 2], spans[member * 6 + 3]);
    let prefix_keys = select(prefix.y - prefix.x, 0, all(prefix == known));
    let prefix_blocks = (prefix_keys + 3) / 4;
    let blocks = prefix_blocks + (own_end - own_first + 3) / 4;
    for (var block = 0u; block < blocks; block++) {
      let in_prefix = block < prefix_blocks;
      let first = select(own_first + (block - prefix_blocks) * 4, prefix.x + block * 4, in_prefix);
      let key_at = min(first + lane, last) * stride + key_column;
      let value_at = key_at + params.kv_heads * QUADS;
      let keys = first + lanes;
      let range_a = select(spans_a.xy, spans_a.zw, in_prefix);
      let range_b = select(spans_b.xy, spans_b.zw, in_prefix);
      let mine_a = row_a >= member && row_a < own_end;
      let new_a = select(mine_a, !has_prefix_a && all(range_a == prefix), in_prefix);
      let mine_b = row_b >= member && row_b < own_end;
      let new_b = select(mine_b, !has_prefix_b && all(range_b == prefix), in_prefix);
      let see_a = (keys >= vec4u(range_a.x)) & (keys < vec4u(range_a.y)) & vec4(new_a);
      let see_b = (keys >= vec4u(range_b.x)) & (keys < vec4u(range_b.y)) & vec4(new_b);
      var s_a = vec4f();
      var s_b = vec4f();
      if (QUADS > 0) {
        let key = shared4(qkv[key_at + 0]);
        s_a += q0_a * key;
        s_b += q0_b * key;
      }
      if (QUADS > 1) {
        let key = shared4(qkv[key_at + 1]);
        s_a += q1_a * key;
        s_b += q1_b * key;
      }
      if (QUADS > 2) {
        let key = shared4(qkv[key_at + 2]);
        s_a += q2_a * key;
        s_b += q2_b * key;
      }
      if (QUADS > 3) {
        let key = shared4(qkv[key_at + 3]);
        s_a += q3_a * key;
        s_b += q3_b * key;
      }
      if (QUADS > 4) {
        let key = shared4(qkv[key_at + 4]);
        s_a += q4_a * key;
        s_b += q4_b * key;
      }
      if (QUADS > 5) {
        let key = shared4(qkv[key_at + 5]);
        s_a += q5_a * key;
        s_b += q5_b * key;
      }
      if (QUADS > 6) {
        let key = shared4(qkv[key_at + 6]);
        s_a += q6_a * key;
        s_b += q6_b * key;
      }
      if (QUADS > 7) {
        let key = shared4(qkv[key_at + 7]);
        s_a += q7_a * key;
        s_b += q7_b * key;
      }
      s_a = select(vec4f(-1e30), s_a, see_a);
      let top_before_a = top_a;
      top_a = max(top_a, most(s_a));
      let fade_a = exp(top_before_a - top_a);
      let p_a = select(vec4f(), exp(s_a - top_a), see_a);
      weight_a = weight_a * fade_a + sum4(p_a);
      s_b = select(vec4f(-1e30), s_b, see_b);
      let top_before_b = top_b;
      top_b = max(top_b, most(s_b));
      let fade_b = exp(top_before_b - top_b);
      let p_b = select(vec4f(), exp(s_b - top_b), see_b);
      weight_b = weight_b * fade_b + sum4(p_b);
      if (QUADS > 0) {
        let value = shared4(qkv[value_at + 0]);
        sum0_a = sum0_a * fade_a + mixed(value, p_a);
        sum0_b = sum0_b * fade_b + mixed(value, p_b);
      }
      if (QUADS > 1) {
        let value = shared4(qkv[value_at + 1]);
        sum1_a = sum1_a * fade_a + mixed(value, p_a);
        sum1_b = sum1_b * fade_b + mixed(value, p_b);
      }
      if (QUADS > 2) {
        let value = shared4(qkv[value_at + 2]);
        sum2_a = sum2_a * fade_a + mixed(value, p_a);
        sum2_b = sum2_b * fade_b + mixed(value, p_b);
      }
      if (QUADS > 3) {
        let value = shared4(qkv[value_at + 3]);
        sum3_a = sum3_a * fade_a + mixed(value, p_a);
        sum3_b = sum3_b * fade_b + mixed(value, p_b);
      }
      if (QUADS > 4) {
        let value = shared4(qkv[value_at + 4]);
        sum4_a = sum4_a * fade_a + mixed(value, p_a);
        sum4_b = sum4_b * fade_b + mixed(value, p_b);
      }
      if (QUADS > 5) {
        let value = shared4(qkv[value_at + 5]);
        sum5_a = sum5_a * fade_a + mixed(value, p_a);
        sum5_b = sum5_b * fade_b + mixed(value, p_b);
      }
      if (QUADS > 6) {
        let value = shared4(qkv[value_at + 6]);
        sum6_a = sum6_a * fade_a + mixed(value, p_a);
        sum6_b = sum6_b * fade_b + mixed(value, p_b);
      }
      if (QUADS > 7) {
        let value = shared4(qkv[value_at + 7]);
        sum7_a = sum7_a * fade_a + mixed(value, p_a);
        sum7_b = sum7_b * fade_b + mixed(value, p_b);
      }
    }
    has_prefix_a = has_prefix_a || all(spans_a.zw == prefix);
    has_prefix_b = has_prefix_b || all(spans_b.zw == prefix);
    member = own_end;
  }
  if (row0 + lane <= last) {
    let index = row_a * params.heads + head;
    let norm = 1.0 / weight_a;
    if (QUADS > 0) { out[index * QUADS + 0] = sum0_a * norm; }
    if (QUADS > 1) { out[index * QUADS + 1] = sum1_a * norm; }
    if (QUADS > 2) { out[index * QUADS + 2] = sum2_a * norm; }
    if (QUADS > 3) { out[index * QUADS + 3] = sum3_a * norm; }
    if (QUADS > 4) { out[index * QUADS + 4] = sum4_a * norm; }
    if (QUADS > 5) { out[index * QUADS + 5] = sum5_a * norm; }
    if (QUADS > 6) { out[index * QUADS + 6] = sum6_a * norm; }
    if (QUADS > 7) { out[index * QUADS + 7] = sum7_a * norm; }
    lse[index] = top_a + log(weight_a);
  }
  if (row0 + 4 + lane <= last) {
    let index = row_b * params.heads + head;
    let norm = 1.0 / weight_b;
    if (QUADS > 0) { out[index * QUADS + 0] = sum0_b * norm; }
    if (QUADS > 1) { out[index * QUADS + 1] = sum1_b * norm; }
    if (QUADS > 2) { out[index * QUADS + 2] = sum2_b * norm; }
    if (QUADS > 3) { out[index * QUADS + 3] = sum3_b * norm; }
    if (QUADS > 4) { out[index * QUADS + 4] = sum4_b * norm; }
    if (QUADS > 5) { out[index * QUADS + 5] = sum5_b * norm; }
    if (QUADS > 6) { out[index * QUADS + 6] = sum6_b * norm; }
    if (QUADS > 7) { out[index * QUADS + 7] = sum7_b * norm; }
    lse[index] = top_b + log(weight_b);
  }
}
