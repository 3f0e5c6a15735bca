// attention-forward/subgroup: the sums of attention-forward, eight rows of one head per workgroup.
// Lanes share keys and values by subgroup broadcast.
//
// A software adapter loads lane by lane, with a bounds check for each lane. Here each of eight
// lanes loads one key and its value for all lanes: an eighth of the loads. Correct where a subgroup
// has at least 8 lanes.
//
// The header gives `const HEAD_DIM: u32`, a multiple of 4, at most 32: a head stays in registers.
// Grid: ceil(rows / 8) workgroups, folded over x and y, by heads in z.
// Numerics: f32; keys in row order, prefix first, eight at a time.

struct Params { rows: u32, heads: u32, kv_heads: u32, scale: f32 }
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> spans: array<u32>;
@group(0) @binding(2) var<storage, read> qkv: array<vec4f>;
@group(0) @binding(3) var<storage, read_write> out: array<vec4f>;
@group(0) @binding(4) var<storage, read_write> lse: array<f32>;

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
  let own_range = vec2u(spans[row * 6], row + 1);
  let prefix_range = vec2u(spans[row * 6 + 2], spans[row * 6 + 3]);
  let firsts = vec2u(first_own(row), first_prefix(row));
  // Segment after segment of the eight rows; a lane skips keys that its own row does not see.
  // Blocks begin where a segment does, so that a row's sums do not depend on its neighbours.
  var prefix = vec2u();
  var has_prefix = false;
  var member = row0;
  while (member <= last) {
    let own_first = spans[member * 6];
    let own_end = min(spans[member * 6 + 1], last + 1);
    let mine = row >= member && row < own_end;
    // Neighbouring responses to one prompt share the walk over the prompt.
    let known = prefix;
    prefix = vec2u(spans[member * 6 + 2], spans[member * 6 + 3]);
    let prefix_keys = select(prefix.y - prefix.x, 0, all(prefix == known));
    let prefix_blocks = (prefix_keys + 7) / 8;
    let blocks = prefix_blocks + (own_end - own_first + 7) / 8;
    // Blocks that the windows of all eight rows have passed.
    var past_prefix = 0u;
    var past_own = 0u;
    if (WINDOW > 0) {
      past_own = (first_own(member) - own_first) / 8;
      if (prefix_blocks > 0) {
        past_prefix = (prefix_from(member, own_end > last) - prefix.x) / 8;
      }
    }
    for (var step = past_prefix; step + past_own < blocks; step++) {
      let in_prefix = step < prefix_blocks;
      let block = select(step + past_own, step, in_prefix);
      let first = select(own_first + (block - prefix_blocks) * 8, prefix.x + block * 8, in_prefix);
      let range = select(own_range, prefix_range, in_prefix);
      let new_keys = select(mine, !has_prefix && all(prefix_range == prefix), in_prefix);
      let at = min(first + lane, last) * stride;
      var product0 = vec4f();
      var product1 = vec4f();
      var product2 = vec4f();
      var product3 = vec4f();
      var product4 = vec4f();
      var product5 = vec4f();
      var product6 = vec4f();
      var product7 = vec4f();
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
      }
      let keys = vec4u(first) + vec4u(0, 1, 2, 3);
      let first_key = select(firsts.x, firsts.y, in_prefix);
      let see0 = (keys >= vec4u(first_key)) & (keys < vec4u(range.y)) & vec4(new_keys);
      let see1 = (keys + 4 >= vec4u(first_key)) & (keys + 4 < vec4u(range.y)) & vec4(new_keys);
      let s0 = select(vec4f(-1e30), vec4f(sum4(product0), sum4(product1), sum4(product2), sum4(product3)), see0);
      let s1 = select(vec4f(-1e30), vec4f(sum4(product4), sum4(product5), sum4(product6), sum4(product7)), see1);
      let most = max(s0, s1);
      let next_top = max(top, max(max(most.x, most.y), max(most.z, most.w)));
      let fade = exp(top - next_top);
      let p0 = select(vec4f(), exp(s0 - next_top), see0);
      let p1 = select(vec4f(), exp(s1 - next_top), see1);
      top = next_top;
      weight = weight * fade + sum4(p0 + p1);
      for (var c = 0u; c < QUADS; c++) {
        let value = qkv[at + value_column + c];
        let mixed = ((p0.x * subgroupBroadcast(value, 0) + p0.y * subgroupBroadcast(value, 1))
          + (p0.z * subgroupBroadcast(value, 2) + p0.w * subgroupBroadcast(value, 3)))
          + ((p1.x * subgroupBroadcast(value, 4) + p1.y * subgroupBroadcast(value, 5))
          + (p1.z * subgroupBroadcast(value, 6) + p1.w * subgroupBroadcast(value, 7)));
        sum[c] = sum[c] * fade + mixed;
      }
    }
    has_prefix = has_prefix || all(prefix_range == prefix);
    member = own_end;
  }
  if (row0 + local.x > last) { return; }
  let index = row * params.heads + head;
  let norm = 1.0 / weight;
  for (var c = 0u; c < QUADS; c++) { out[index * QUADS + c] = sum[c] * norm; }
  lse[index] = top + log(weight);
}
