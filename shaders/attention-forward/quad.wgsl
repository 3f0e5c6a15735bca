// attention-forward/quad: the sums of attention-forward, eight rows of one head per quad of lanes,
// two per lane. Each lane loads one key of four, with its value, for all lanes. Why:
// shaders/matmul-forward/quad.wgsl. Heads and header: shaders/lib/quad-head.wgsl.
//
// Grid: ceil(rows / 8) workgroups, folded over x and y, by heads in z.
// Numerics: f32; prefix first, keys four at a time; each four are added up in pairs.

struct Params { rows: u32, heads: u32, kv_heads: u32, scale: f32 }
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> spans: array<u32>;
@group(0) @binding(2) var<storage, read> qkv: array<vec4f>;
@group(0) @binding(3) var<storage, read_write> out: array<vec4f>;
@group(0) @binding(4) var<storage, read_write> lse: array<f32>;

// The softmax so far: the largest score, and relative to it the sums of weights and of values.
struct Seen {
  top: f32,
  weight: f32,
  values: Head,
}

fn most(v: vec4f) -> f32 { return max(max(v.x, v.y), max(v.z, v.w)); }

// Every lane adds the same pairs.
fn mixed(columns: mat4x4f, shares: vec4f) -> vec4f {
  let near = columns[0] * shares.x + columns[1] * shares.y;
  return near + (columns[2] * shares.z + columns[3] * shares.w);
}

// The softmax after four more keys, of which the row sees some.
fn joined(seen: Seen, scores: vec4f, see: vec4<bool>, values: Heads) -> Seen {
  let seen_scores = select(vec4f(-1e30), scores, see);
  let top = max(seen.top, most(seen_scores));
  let fade = exp(seen.top - top);
  let shares = select(vec4f(), exp(seen_scores - top), see);
  var sums = seen.values;
  if (QUADS > 0) { sums[0] = sums[0] * fade + mixed(values[0], shares); }
  if (QUADS > 1) { sums[1] = sums[1] * fade + mixed(values[1], shares); }
  if (QUADS > 2) { sums[2] = sums[2] * fade + mixed(values[2], shares); }
  if (QUADS > 3) { sums[3] = sums[3] * fade + mixed(values[3], shares); }
  if (QUADS > 4) { sums[4] = sums[4] * fade + mixed(values[4], shares); }
  if (QUADS > 5) { sums[5] = sums[5] * fade + mixed(values[5], shares); }
  if (QUADS > 6) { sums[6] = sums[6] * fade + mixed(values[6], shares); }
  if (QUADS > 7) { sums[7] = sums[7] * fade + mixed(values[7], shares); }
  return Seen(top, seen.weight * fade + sum4(shares), sums);
}

fn store(index: u32, seen: Seen) {
  let at = index * QUADS;
  let norm = 1.0 / seen.weight;
  if (QUADS > 0) { out[at] = seen.values[0] * norm; }
  if (QUADS > 1) { out[at + 1] = seen.values[1] * norm; }
  if (QUADS > 2) { out[at + 2] = seen.values[2] * norm; }
  if (QUADS > 3) { out[at + 3] = seen.values[3] * norm; }
  if (QUADS > 4) { out[at + 4] = seen.values[4] * norm; }
  if (QUADS > 5) { out[at + 5] = seen.values[5] * norm; }
  if (QUADS > 6) { out[at + 6] = seen.values[6] * norm; }
  if (QUADS > 7) { out[at + 7] = seen.values[7] * norm; }
  lse[index] = seen.top + log(seen.weight);
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
  let kv_head = head / (params.heads / params.kv_heads);
  let stride = (params.heads + 2 * params.kv_heads) * QUADS;
  let key_column = (params.heads + kv_head) * QUADS;
  let spans_a = vec4u(spans[row_a * 6], row_a + 1, spans[row_a * 6 + 2], spans[row_a * 6 + 3]);
  let spans_b = vec4u(spans[row_b * 6], row_b + 1, spans[row_b * 6 + 2], spans[row_b * 6 + 3]);
  let firsts_a = vec2u(first_own(row_a), first_prefix(row_a));
  let firsts_b = vec2u(first_own(row_b), first_prefix(row_b));
  let lanes = vec4u(lane, lane ^ 1, lane ^ 2, lane ^ 3);
  let query_a = scaled_head(row_a * stride + head * QUADS, params.scale);
  let query_b = scaled_head(row_b * stride + head * QUADS, params.scale);
  var seen_a = Seen(-1e30, 0, Head());
  var seen_b = Seen(-1e30, 0, Head());
  // Segment after segment of the eight rows; a lane skips keys that its own rows do not see. Blocks
  // begin where a segment does, so that a row's sums do not depend on its neighbours.
  var prefix = vec2u();
  var has_prefix_a = false;
  var has_prefix_b = false;
  var member = row0;
  while (member <= last) {
    let own_first = spans[member * 6];
    let own_end = min(spans[member * 6 + 1], last + 1);
    // Neighbouring responses to one prompt share the walk over the prompt.
    let known = prefix;
    prefix = vec2u(spans[member * 6 + 2], spans[member * 6 + 3]);
    let prefix_keys = select(prefix.y - prefix.x, 0, all(prefix == known));
    let prefix_blocks = (prefix_keys + 3) / 4;
    let blocks = prefix_blocks + (own_end - own_first + 3) / 4;
    // Blocks that the windows of all eight rows have passed.
    var past_prefix = 0u;
    var past_own = 0u;
    if (WINDOW > 0) {
      past_own = (first_own(member) - own_first) / 4;
      if (prefix_blocks > 0) {
        past_prefix = (prefix_from(member, own_end > last) - prefix.x) / 4;
      }
    }
    for (var step = past_prefix; step + past_own < blocks; step++) {
      let in_prefix = step < prefix_blocks;
      let block = select(step + past_own, step, in_prefix);
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
      let first_a = select(firsts_a.x, firsts_a.y, in_prefix);
      let first_b = select(firsts_b.x, firsts_b.y, in_prefix);
      let see_a = (keys >= vec4u(first_a)) & (keys < vec4u(range_a.y)) & vec4(new_a);
      let see_b = (keys >= vec4u(first_b)) & (keys < vec4u(range_b.y)) & vec4(new_b);
      let heads = qkv_heads(key_at);
      let scores_a = products(query_a, heads);
      let scores_b = products(query_b, heads);
      let values = qkv_heads(value_at);
      seen_a = joined(seen_a, scores_a, see_a, values);
      seen_b = joined(seen_b, scores_b, see_b, values);
    }
    has_prefix_a = has_prefix_a || all(spans_a.zw == prefix);
    has_prefix_b = has_prefix_b || all(spans_b.zw == prefix);
    member = own_end;
  }
  if (row0 + lane <= last) { store(row_a * params.heads + head, seen_a); }
  if (row0 + 4 + lane <= last) { store(row_b * params.heads + head, seen_b); }
}
