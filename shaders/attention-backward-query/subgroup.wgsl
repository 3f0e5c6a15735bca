// attention-backward-query/subgroup: the sums of attention-backward-query, eight rows of one head
// per workgroup. Lanes share keys and values by subgroup broadcast. Why, and where it is correct:
// shaders/attention-forward/subgroup.wgsl.
//
// The header gives `const HEAD_DIM: u32`, a multiple of 4, at most 32.
// Grid: ceil(rows / 8) workgroups, folded over x and y, by heads in z.
// Numerics: f32; keys in row order, prefix first, eight at a time.

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

@compute @workgroup_size(8)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u,
        @builtin(local_invocation_id) local: vec3u,
        @builtin(subgroup_invocation_id) subgroup_lane: u32) {
  let row0 = (group.y * groups.x + group.x) * 8;
  if (row0 >= params.rows) { return; }
  let last = min(row0 + 8, params.rows) - 1;
  let row = min(row0 + local.x, last);
  let lane = subgroup_lane & 7;
  let head = group.z;
  let index = row * params.heads + head;
  let kv_head = head / (params.heads / params.kv_heads);
  let stride = (params.heads + 2 * params.kv_heads) * QUADS;
  let key_column = (params.heads + kv_head) * QUADS;
  let value_column = key_column + params.kv_heads * QUADS;
  // Every key range of the eight rows; a lane skips keys that its own row does not see.
  var own_first = row0;
  var prefix_first = 0xffffffffu;
  var prefix_end = 0u;
  for (var i = 0u; i < 8; i++) {
    let member = min(row0 + i, last);
    let span = member * 6;
    own_first = min(own_first, first_own(member));
    if (spans[span + 2] < spans[span + 3]) {
      prefix_first = min(prefix_first, first_prefix(member));
      prefix_end = max(prefix_end, spans[span + 3]);
    }
  }
  prefix_first = min(prefix_first, prefix_end);
  let prefix_blocks = (prefix_end - prefix_first + 7) / 8;
  let blocks = prefix_blocks + (last + 8 - own_first) / 8;
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
  for (var block = 0u; block < blocks; block++) {
    let in_prefix = block < prefix_blocks;
    let first = select(own_first + (block - prefix_blocks) * 8, prefix_first + block * 8, in_prefix);
    let low = select(first_own(row), first_prefix(row), in_prefix);
    let high = select(row + 1, spans[row * 6 + 3], in_prefix);
    let at = min(first + lane, last) * stride;
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
      let key = qkv[at + key_column + c];
      product0 += q[c] * subgroupBroadcast(key, 0);
      product1 += q[c] * subgroupBroadcast(key, 1);
      product2 += q[c] * subgroupBroadcast(key, 2);
      product3 += q[c] * subgroupBroadcast(key, 3);
      product4 += q[c] * subgroupBroadcast(key, 4);
      product5 += q[c] * subgroupBroadcast(key, 5);
      product6 += q[c] * subgroupBroadcast(key, 6);
      product7 += q[c] * subgroupBroadcast(key, 7);
      let value = qkv[at + value_column + c];
      pull0 += d[c] * subgroupBroadcast(value, 0);
      pull1 += d[c] * subgroupBroadcast(value, 1);
      pull2 += d[c] * subgroupBroadcast(value, 2);
      pull3 += d[c] * subgroupBroadcast(value, 3);
      pull4 += d[c] * subgroupBroadcast(value, 4);
      pull5 += d[c] * subgroupBroadcast(value, 5);
      pull6 += d[c] * subgroupBroadcast(value, 6);
      pull7 += d[c] * subgroupBroadcast(value, 7);
    }
    let keys = vec4u(first) + vec4u(0, 1, 2, 3);
    let see0 = (keys >= vec4u(low)) & (keys < vec4u(high));
    let see1 = (keys + 4 >= vec4u(low)) & (keys + 4 < vec4u(high));
    let s0 = vec4f(sum4(product0), sum4(product1), sum4(product2), sum4(product3));
    let s1 = vec4f(sum4(product4), sum4(product5), sum4(product6), sum4(product7));
    let pulls0 = vec4f(sum4(pull0), sum4(pull1), sum4(pull2), sum4(pull3)) - own_delta;
    let pulls1 = vec4f(sum4(pull4), sum4(pull5), sum4(pull6), sum4(pull7)) - own_delta;
    let ds0 = select(vec4f(), exp(s0 - own_lse) * pulls0, see0);
    let ds1 = select(vec4f(), exp(s1 - own_lse) * pulls1, see1);
    for (var c = 0u; c < QUADS; c++) {
      let key = qkv[at + key_column + c];
      dq[c] += ((ds0.x * subgroupBroadcast(key, 0) + ds0.y * subgroupBroadcast(key, 1))
        + (ds0.z * subgroupBroadcast(key, 2) + ds0.w * subgroupBroadcast(key, 3)))
        + ((ds1.x * subgroupBroadcast(key, 4) + ds1.y * subgroupBroadcast(key, 5))
        + (ds1.z * subgroupBroadcast(key, 6) + ds1.w * subgroupBroadcast(key, 7)));
    }
  }
  if (row0 + local.x > last) { return; }
  for (var c = 0u; c < QUADS; c++) {
    dqkv[row * stride + head * QUADS + c] = dq[c] * params.scale;
  }
  delta[index] = own_delta;
}
