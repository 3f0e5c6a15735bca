// attention-backward-key-value/quad: the sums of attention-backward-key-value, eight rows of one
// key-value head per quad of lanes, two per lane. Each lane loads one query of four, with its
// gradient, for all lanes. Why: shaders/attention-forward/quad.wgsl.
//
// The header gives `const HEAD_DIM: u32`, a multiple of 4, at most 32.
// Grid: ceil(rows / 8) workgroups, folded over x and y, by key-value heads in z.
// Numerics: f32; own segment first, queries four at a time, in another order in each lane, heads
// innermost.

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

// The values of the four lanes, one per column: this lane's first, then those of lane ^ 1, ^ 2, ^
// 3.
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
  let kv_head = group.z;
  let shared_by = params.heads / params.kv_heads;
  let stride = (params.heads + 2 * params.kv_heads) * QUADS;
  let key_column = (params.heads + kv_head) * QUADS;
  let value_column = key_column + params.kv_heads * QUADS;
  // Every query range of the eight keys; a lane skips queries that do not see its own keys.
  var own_end = row0;
  var suffix_first = 0xffffffffu;
  var suffix_end = 0u;
  for (var i = 0u; i < 8; i++) {
    let span = min(row0 + i, last) * 6;
    let has_suffix = spans[span + 4] < spans[span + 5];
    own_end = max(own_end, spans[span + 1]);
    suffix_first = min(suffix_first, select(suffix_first, spans[span + 4], has_suffix));
    suffix_end = max(suffix_end, select(0, spans[span + 5], has_suffix));
  }
  suffix_first = min(suffix_first, suffix_end);
  let own_blocks = (own_end - row0 + 3) / 4;
  let blocks = own_blocks + (suffix_end - suffix_first + 3) / 4;
  let spans_a = vec4u(row_a, spans[row_a * 6 + 1], spans[row_a * 6 + 4], spans[row_a * 6 + 5]);
  let spans_b = vec4u(row_b, spans[row_b * 6 + 1], spans[row_b * 6 + 4], spans[row_b * 6 + 5]);
  let lanes = vec4u(lane, lane ^ 1, lane ^ 2, lane ^ 3);
  var k0_a = vec4f();
  var v0_a = vec4f();
  var dk0_a = vec4f();
  var dv0_a = vec4f();
  var k0_b = vec4f();
  var v0_b = vec4f();
  var dk0_b = vec4f();
  var dv0_b = vec4f();
  var k1_a = vec4f();
  var v1_a = vec4f();
  var dk1_a = vec4f();
  var dv1_a = vec4f();
  var k1_b = vec4f();
  var v1_b = vec4f();
  var dk1_b = vec4f();
  var dv1_b = vec4f();
  var k2_a = vec4f();
  var v2_a = vec4f();
  var dk2_a = vec4f();
  var dv2_a = vec4f();
  var k2_b = vec4f();
  var v2_b = vec4f();
  var dk2_b = vec4f();
  var dv2_b = vec4f();
  var k3_a = vec4f();
  var v3_a = vec4f();
  var dk3_a = vec4f();
  var dv3_a = vec4f();
  var k3_b = vec4f();
  var v3_b = vec4f();
  var dk3_b = vec4f();
  var dv3_b = vec4f();
  var k4_a = vec4f();
  var v4_a = vec4f();
  var dk4_a = vec4f();
  var dv4_a = vec4f();
  var k4_b = vec4f();
  var v4_b = vec4f();
  var dk4_b = vec4f();
  var dv4_b = vec4f();
  var k5_a = vec4f();
  var v5_a = vec4f();
  var dk5_a = vec4f();
  var dv5_a = vec4f();
  var k5_b = vec4f();
  var v5_b = vec4f();
  var dk5_b = vec4f();
  var dv5_b = vec4f();
  var k6_a = vec4f();
  var v6_a = vec4f();
  var dk6_a = vec4f();
  var dv6_a = vec4f();
  var k6_b = vec4f();
  var v6_b = vec4f();
  var dk6_b = vec4f();
  var dv6_b = vec4f();
  var k7_a = vec4f();
  var v7_a = vec4f();
  var dk7_a = vec4f();
  var dv7_a = vec4f();
  var k7_b = vec4f();
  var v7_b = vec4f();
  var dk7_b = vec4f();
  var dv7_b = vec4f();
  if (QUADS > 0) {
    k0_a = qkv[row_a * stride + key_column + 0] * params.scale;
    k0_b = qkv[row_b * stride + key_column + 0] * params.scale;
    v0_a = qkv[row_a * stride + value_column + 0];
    v0_b = qkv[row_b * stride + value_column + 0];
  }
  if (QUADS > 1) {
    k1_a = qkv[row_a * stride + key_column + 1] * params.scale;
    k1_b = qkv[row_b * stride + key_column + 1] * params.scale;
    v1_a = qkv[row_a * stride + value_column + 1];
    v1_b = qkv[row_b * stride + value_column + 1];
  }
  if (QUADS > 2) {
    k2_a = qkv[row_a * stride + key_column + 2] * params.scale;
    k2_b = qkv[row_b * stride + key_column + 2] * params.scale;
    v2_a = qkv[row_a * stride + value_column + 2];
    v2_b = qkv[row_b * stride + value_column + 2];
  }
  if (QUADS > 3) {
    k3_a = qkv[row_a * stride + key_column + 3] * params.scale;
    k3_b = qkv[row_b * stride + key_column + 3] * params.scale;
    v3_a = qkv[row_a * stride + value_column + 3];
    v3_b = qkv[row_b * stride + value_column + 3];
  }
  if (QUADS > 4) {
    k4_a = qkv[row_a * stride + key_column + 4] * params.scale;
    k4_b = qkv[row_b * stride + key_column + 4] * params.scale;
    v4_a = qkv[row_a * stride + value_column + 4];
    v4_b = qkv[row_b * stride + value_column + 4];
  }
  if (QUADS > 5) {
    k5_a = qkv[row_a * stride + key_column + 5] * params.scale;
    k5_b = qkv[row_b * stride + key_column + 5] * params.scale;
    v5_a = qkv[row_a * stride + value_column + 5];
    v5_b = qkv[row_b * stride + value_column + 5];
  }
  if (QUADS > 6) {
    k6_a = qkv[row_a * stride + key_column + 6] * params.scale;
    k6_b = qkv[row_b * stride + key_column + 6] * params.scale;
    v6_a = qkv[row_a * stride + value_column + 6];
    v6_b = qkv[row_b * stride + value_column + 6];
  }
  if (QUADS > 7) {
    k7_a = qkv[row_a * stride + key_column + 7] * params.scale;
    k7_b = qkv[row_b * stride + key_column + 7] * params.scale;
    v7_a = qkv[row_a * stride + value_column + 7];
    v7_b = qkv[row_b * stride + value_column + 7];
  }
  for (var block = 0u; block < blocks; block++) {
    let own = block < own_blocks;
    let first = select(suffix_first + (block - own_blocks) * 4, row0 + block * 4, own);
    if (is_past(first, 4, last)) { continue; }
    let query = min(first + lane, select(suffix_end, own_end, own) - 1);
    let queries = first + lanes;
    let range_a = select(spans_a.zw, spans_a.xy, own);
    let range_b = select(spans_b.zw, spans_b.xy, own);
    let in_a = (queries >= vec4u(range_a.x)) & (queries < vec4u(range_a.y));
    let in_b = (queries >= vec4u(range_b.x)) & (queries < vec4u(range_b.y));
    let see_a = in_a & within(queries, row_a);
    let see_b = in_b & within(queries, row_b);
    for (var h = 0u; h < shared_by; h++) {
      let head = kv_head * shared_by + h;
      let query_at = query * stride + head * QUADS;
      let out_at = (query * params.heads + head) * QUADS;
      var s_a = vec4f();
      var s_b = vec4f();
      var pull_a = vec4f();
      var pull_b = vec4f();
      var q0 = mat4x4f();
      var d0 = mat4x4f();
      var q1 = mat4x4f();
      var d1 = mat4x4f();
      var q2 = mat4x4f();
      var d2 = mat4x4f();
      var q3 = mat4x4f();
      var d3 = mat4x4f();
      var q4 = mat4x4f();
      var d4 = mat4x4f();
      var q5 = mat4x4f();
      var d5 = mat4x4f();
      var q6 = mat4x4f();
      var d6 = mat4x4f();
      var q7 = mat4x4f();
      var d7 = mat4x4f();
      if (QUADS > 0) {
        q0 = shared4(qkv[query_at + 0]);
        s_a += k0_a * q0;
        s_b += k0_b * q0;
        d0 = shared4(dout[out_at + 0]);
        pull_a += v0_a * d0;
        pull_b += v0_b * d0;
      }
      if (QUADS > 1) {
        q1 = shared4(qkv[query_at + 1]);
        s_a += k1_a * q1;
        s_b += k1_b * q1;
        d1 = shared4(dout[out_at + 1]);
        pull_a += v1_a * d1;
        pull_b += v1_b * d1;
      }
      if (QUADS > 2) {
        q2 = shared4(qkv[query_at + 2]);
        s_a += k2_a * q2;
        s_b += k2_b * q2;
        d2 = shared4(dout[out_at + 2]);
        pull_a += v2_a * d2;
        pull_b += v2_b * d2;
      }
      if (QUADS > 3) {
        q3 = shared4(qkv[query_at + 3]);
        s_a += k3_a * q3;
        s_b += k3_b * q3;
        d3 = shared4(dout[out_at + 3]);
        pull_a += v3_a * d3;
        pull_b += v3_b * d3;
      }
      if (QUADS > 4) {
        q4 = shared4(qkv[query_at + 4]);
        s_a += k4_a * q4;
        s_b += k4_b * q4;
        d4 = shared4(dout[out_at + 4]);
        pull_a += v4_a * d4;
        pull_b += v4_b * d4;
      }
      if (QUADS > 5) {
        q5 = shared4(qkv[query_at + 5]);
        s_a += k5_a * q5;
        s_b += k5_b * q5;
        d5 = shared4(dout[out_at + 5]);
        pull_a += v5_a * d5;
        pull_b += v5_b * d5;
      }
      if (QUADS > 6) {
        q6 = shared4(qkv[query_at + 6]);
        s_a += k6_a * q6;
        s_b += k6_b * q6;
        d6 = shared4(dout[out_at + 6]);
        pull_a += v6_a * d6;
        pull_b += v6_b * d6;
      }
      if (QUADS > 7) {
        q7 = shared4(qkv[query_at + 7]);
        s_a += k7_a * q7;
        s_b += k7_b * q7;
        d7 = shared4(dout[out_at + 7]);
        pull_a += v7_a * d7;
        pull_b += v7_b * d7;
      }
      let both = vec4f(lse[query * params.heads + head], delta[query * params.heads + head], 0.0, 0.0);
      let rows = transpose(shared4(both));
      let p_a = select(vec4f(), exp(s_a - rows[0]), see_a);
      let p_b = select(vec4f(), exp(s_b - rows[0]), see_b);
      let ds_a = p_a * (pull_a - rows[1]);
      let ds_b = p_b * (pull_b - rows[1]);
      if (QUADS > 0) {
        dk0_a += q0 * ds_a;
        dk0_b += q0 * ds_b;
        dv0_a += d0 * p_a;
        dv0_b += d0 * p_b;
      }
      if (QUADS > 1) {
        dk1_a += q1 * ds_a;
        dk1_b += q1 * ds_b;
        dv1_a += d1 * p_a;
        dv1_b += d1 * p_b;
      }
      if (QUADS > 2) {
        dk2_a += q2 * ds_a;
        dk2_b += q2 * ds_b;
        dv2_a += d2 * p_a;
        dv2_b += d2 * p_b;
      }
      if (QUADS > 3) {
        dk3_a += q3 * ds_a;
        dk3_b += q3 * ds_b;
        dv3_a += d3 * p_a;
        dv3_b += d3 * p_b;
      }
      if (QUADS > 4) {
        dk4_a += q4 * ds_a;
        dk4_b += q4 * ds_b;
        dv4_a += d4 * p_a;
        dv4_b += d4 * p_b;
      }
      if (QUADS > 5) {
        dk5_a += q5 * ds_a;
        dk5_b += q5 * ds_b;
        dv5_a += d5 * p_a;
        dv5_b += d5 * p_b;
      }
      if (QUADS > 6) {
        dk6_a += q6 * ds_a;
        dk6_b += q6 * ds_b;
        dv6_a += d6 * p_a;
        dv6_b += d6 * p_b;
      }
      if (QUADS > 7) {
        dk7_a += q7 * ds_a;
        dk7_b += q7 * ds_b;
        dv7_a += d7 * p_a;
        dv7_b += d7 * p_b;
      }
    }
  }
  if (row0 + lane <= last) {
    let key_at = row_a * stride + key_column;
    let value_at = row_a * stride + value_column;
    if (QUADS > 0) {
      dqkv[key_at + 0] = dk0_a * params.scale;
      dqkv[value_at + 0] = dv0_a;
    }
    if (QUADS > 1) {
      dqkv[key_at + 1] = dk1_a * params.scale;
      dqkv[value_at + 1] = dv1_a;
    }
    if (QUADS > 2) {
      dqkv[key_at + 2] = dk2_a * params.scale;
      dqkv[value_at + 2] = dv2_a;
    }
    if (QUADS > 3) {
      dqkv[key_at + 3] = dk3_a * params.scale;
      dqkv[value_at + 3] = dv3_a;
    }
    if (QUADS > 4) {
      dqkv[key_at + 4] = dk4_a * params.scale;
      dqkv[value_at + 4] = dv4_a;
    }
    if (QUADS > 5) {
      dqkv[key_at + 5] = dk5_a * params.scale;
      dqkv[value_at + 5] = dv5_a;
    }
    if (QUADS > 6) {
      dqkv[key_at + 6] = dk6_a * params.scale;
      dqkv[value_at + 6] = dv6_a;
    }
    if (QUADS > 7) {
      dqkv[key_at + 7] = dk7_a * params.scale;
      dqkv[value_at + 7] = dv7_a;
    }
  }
  if (row0 + 4 + lane <= last) {
    let key_at = row_b * stride + key_column;
    let value_at = row_b * stride + value_column;
    if (QUADS > 0) {
      dqkv[key_at + 0] = dk0_b * params.scale;
      dqkv[value_at + 0] = dv0_b;
    }
    if (QUADS > 1) {
      dqkv[key_at + 1] = dk1_b * params.scale;
      dqkv[value_at + 1] = dv1_b;
    }
    if (QUADS > 2) {
      dqkv[key_at + 2] = dk2_b * params.scale;
      dqkv[value_at + 2] = dv2_b;
    }
    if (QUADS > 3) {
      dqkv[key_at + 3] = dk3_b * params.scale;
      dqkv[value_at + 3] = dv3_b;
    }
    if (QUADS > 4) {
      dqkv[key_at + 4] = dk4_b * params.scale;
      dqkv[value_at + 4] = dv4_b;
    }
    if (QUADS > 5) {
      dqkv[key_at + 5] = dk5_b * params.scale;
      dqkv[value_at + 5] = dv5_b;
    }
    if (QUADS > 6) {
      dqkv[key_at + 6] = dk6_b * params.scale;
      dqkv[value_at + 6] = dv6_b;
    }
    if (QUADS > 7) {
      dqkv[key_at + 7] = dk7_b * params.scale;
      dqkv[value_at + 7] = dv7_b;
    }
  }
}
