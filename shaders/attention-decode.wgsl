// attention-decode: attention of each row's newest token over its prompt, which the group shares,
// and its own response so far. The newest key and value go into the cache. LANES threads per row
// and query head.
//
//   keys of row r:  prompt rows [start, start + prompt length), then slots [0, length - 1) of its
//                   cache, then its own new key; with WINDOW the newest WINDOW of these
//   s_j      = scale * dot(q_r, k_j)
//   out[r,h] = sum_j exp(s_j) v_j / sum_j exp(s_j)
// Query head h reads key-value head h / (heads / kv_heads). Vaswani et al. 2017, arXiv:1706.03762,
// eq. 1. With rotate 1 queries and keys of qkv are not yet rotated (shaders/rope.wgsl) and are
// rotated here, by the position prompt length + length - 1. Query and new key have one position, so
// the rotation does not change their score.
//
// in   episodes    u32 (R, 6)  [3] first prompt row, [4] prompt length
//      status      u32 (R, 2)  length: tokens drawn so far; then 0 where the row is running
//      table       f32 (positions, D)  cosines, then sines; read only with rotate 1
//      prompts     f32 or f16 (N, 2 kv_heads * D)  of the prompts' rows: rotated keys, then values
// io   qkv         f32 (R, (heads + 2 kv_heads) * D)  with rotate 1 the queries are left rotated
//      cache       as prompts, (R, T, 2 kv_heads * D); slot length - 1 written, in f16 rounded
//      scores      f32 (R, heads, keys)  scratch
// out  out         f32 (R, heads * D)  overwritten for running rows r < rows
//
// Rows that are finished or have drawn nothing are left alone. Four keys and eight columns are
// taken at a time, because loads are costly on a software adapter. Nothing is unrolled over D: a
// software driver would compile that for up to a minute.
// Grid: ceil(rows * heads / ROWS) workgroups, folded over x and y; LANES a power of 2, at most 256
// threads a workgroup.
// Numerics: f32; the largest score is found before the first exponential.

struct Params {
  rows: u32,
  heads: u32,
  kv_heads: u32,
  quads: u32,   // D / 4
  columns: u32, // T
  keys: u32,
  rotate: u32,
  scale: f32,
}
override LANES: u32 = 1;
override ROWS: u32 = 64;
override WINDOW: u32 = 0; // newest keys that are seen, the own one included; 0: all
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> episodes: array<u32>;
@group(0) @binding(2) var<storage, read> status: array<u32>;
@group(0) @binding(3) var<storage, read> table: array<vec4f>;
@group(0) @binding(4) var<storage, read> prompts: array<Weights>;
@group(0) @binding(5) var<storage, read_write> qkv: array<vec4f>;
@group(0) @binding(6) var<storage, read_write> cache: array<Weights>;
@group(0) @binding(7) var<storage, read_write> scores: array<f32>;
@group(0) @binding(8) var<storage, read_write> out: array<vec4f>;

var<workgroup> partial: array<f32, 256>;

// All threads of the workgroup must call it. After the call, lanes may read what other lanes stored
// before it.
fn over_lanes(local: vec2u, value: f32, largest: bool) -> f32 {
  if (LANES == 1) { return value; }
  let slot = local.y * LANES;
  partial[slot + local.x] = value;
  for (var s = LANES / 2; s > 0; s /= 2) {
    workgroupBarrier();
    if (local.x < s) {
      let a = partial[slot + local.x];
      let b = partial[slot + local.x + s];
      partial[slot + local.x] = select(a + b, max(a, b), largest);
    }
  }
  storageBarrier();
  workgroupBarrier();
  let result = partial[slot];
  workgroupBarrier();
  return result;
}

fn sum(v: vec4f) -> f32 {
  return (v.x + v.y) + (v.z + v.w);
}

@compute @workgroup_size(LANES, ROWS)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u,
        @builtin(local_invocation_id) local: vec3u) {
  let index = (group.y * groups.x + group.x) * ROWS + local.y;
  let pair = min(index, params.rows * params.heads - 1);
  let lane = local.x;
  let quads = params.quads;
  let row = pair / params.heads;
  let head = pair - row * params.heads;
  let group_heads = params.heads / params.kv_heads;
  let kv_head = head / group_heads;
  let length = status[row * 2];
  let live = index == pair && length > 0 && status[row * 2 + 1] == 0;

  let row_step = (params.heads + 2 * params.kv_heads) * quads;
  let slot_step = 2 * params.kv_heads * quads;
  let value_step = params.kv_heads * quads; // from a key to its value
  // No index is past its array. But SwiftShader divides, lane by lane, to find an array's length,
  // and does so again in every loop, unless the length was asked for before the loop.
  let query = min(row * row_step + head * quads, arrayLength(&qkv) - 1);
  let new_key = row * row_step + (params.heads + kv_head) * quads;
  let prompt_length = select(0, episodes[row * 6 + 4], live);
  let first_prompt = min(episodes[row * 6 + 3] * slot_step, arrayLength(&prompts) - 1);
  let prompt_key = first_prompt + kv_head * quads;
  let past = select(0, length - 1, live); // slots of the cache in use
  // The first keys that are seen.
  var first_of_prompt = 0u;
  var first_past = 0u;
  if (WINDOW > 0) {
    let first = max(prompt_length + past + 1, WINDOW) - WINDOW;
    first_of_prompt = min(first, prompt_length);
    first_past = first - first_of_prompt;
  }
  let past_key = min(row * params.columns * slot_step, arrayLength(&cache) - 1) + kv_head * quads;
  let score_at = min(pair * params.keys, arrayLength(&scores) - 1);

  var products = vec4f();
  for (var c = 0u; c < quads; c++) { products += qkv[query + c] * qkv[new_key + c]; }
  let new_score = params.scale * sum(products);
  // Also a barrier: all lanes have read the query before it is rotated.
  var top = over_lanes(local.xy, new_score, true);

  if (live && params.rotate != 0) {
    let half = quads / 2;
    let entry = (prompt_length + length - 1) * quads;
    for (var c = lane; c < half; c += LANES) {
      let cosine = table[entry + c];
      let sine = table[entry + half + c];
      let a = qkv[query + c];
      let b = qkv[query + half + c];
      qkv[query + c] = a * cosine - b * sine;
      qkv[query + half + c] = b * cosine + a * sine;
    }
  }
  // Of the heads that share a key and value, one stores them.
  if (live && head == kv_head * group_heads) {
    let half = select(quads, quads / 2, params.rotate != 0);
    let entry = (prompt_length + length - 1) * quads;
    let slot = past_key + past * slot_step;
    for (var c = lane; c < half; c += LANES) {
      if (params.rotate != 0) {
        let cosine = table[entry + c];
        let sine = table[entry + half + c];
        let a = qkv[new_key + c];
        let b = qkv[new_key + half + c];
        keep(slot + c, a * cosine - b * sine);
        keep(slot + half + c, b * cosine + a * sine);
      } else {
        keep(slot + c, qkv[new_key + c]);
      }
    }
    for (var c = lane; c < quads; c += LANES) {
      keep(slot + value_step + c, qkv[new_key + value_step + c]);
    }
  }
  if (LANES > 1) {
    storageBarrier();
    workgroupBarrier();
  }

  for (var key = first_of_prompt + lane; key < prompt_length; key += 4 * LANES) {
    // A key past the end repeats the last one and is not stored.
    let last = prompt_length - 1;
    let at0 = prompt_key + key * slot_step;
    let at1 = prompt_key + min(key + LANES, last) * slot_step;
    let at2 = prompt_key + min(key + 2 * LANES, last) * slot_step;
    let at3 = prompt_key + min(key + 3 * LANES, last) * slot_step;
    var products0 = vec4f();
    var products1 = vec4f();
    var products2 = vec4f();
    var products3 = vec4f();
    for (var c = 0u; c < quads; c++) {
      let q = qkv[query + c];
      products0 += q * as_f32(prompts[at0 + c]);
      products1 += q * as_f32(prompts[at1 + c]);
      products2 += q * as_f32(prompts[at2 + c]);
      products3 += q * as_f32(prompts[at3 + c]);
    }
    let s = params.scale * vec4f(sum(products0), sum(products1), sum(products2), sum(products3));
    top = max(top, max(max(s.x, s.y), max(s.z, s.w)));
    let end = min(prompt_length, key + 4 * LANES);
    for (var at = key; at < end; at += LANES) { scores[score_at + at] = s[(at - key) / LANES]; }
  }
  for (var key = first_past + lane; key < past; key += 4 * LANES) {
    let last = past - 1;
    let at0 = past_key + key * slot_step;
    let at1 = past_key + min(key + LANES, last) * slot_step;
    let at2 = past_key + min(key + 2 * LANES, last) * slot_step;
    let at3 = past_key + min(key + 3 * LANES, last) * slot_step;
    var products0 = vec4f();
    var products1 = vec4f();
    var products2 = vec4f();
    var products3 = vec4f();
    for (var c = 0u; c < quads; c++) {
      let q = qkv[query + c];
      products0 += q * as_f32(cache[at0 + c]);
      products1 += q * as_f32(cache[at1 + c]);
      products2 += q * as_f32(cache[at2 + c]);
      products3 += q * as_f32(cache[at3 + c]);
    }
    let s = params.scale * vec4f(sum(products0), sum(products1), sum(products2), sum(products3));
    top = max(top, max(max(s.x, s.y), max(s.z, s.w)));
    let end = min(past, key + 4 * LANES);
    for (var at = key; at < end; at += LANES) {
      scores[score_at + prompt_length + at] = s[(at - key) / LANES];
    }
  }

  top = over_lanes(local.xy, top, true);
  let new_weight = exp(new_score - top);
  var total = select(0.0, new_weight, lane == 0);
  for (var key = first_of_prompt + first_past + lane; key < prompt_length + past; key += LANES) {
    let weight = exp(scores[score_at + key] - top);
    scores[score_at + key] = weight;
    total += weight;
  }
  total = over_lanes(local.xy, total, false);
  if (!live) { return; }

  for (var c = lane; c < quads; c += 2 * LANES) {
    let other = min(c + LANES, quads - 1); // past the head: the last columns again, not stored
    var mean0 = new_weight * qkv[new_key + value_step + c];
    var mean1 = new_weight * qkv[new_key + value_step + other];
    var at = prompt_key + value_step + first_of_prompt * slot_step;
    for (var key = first_of_prompt; key < prompt_length; key++) {
      let weight = scores[score_at + key];
      mean0 += weight * as_f32(prompts[at + c]);
      mean1 += weight * as_f32(prompts[at + other]);
      at += slot_step;
    }
    at = past_key + value_step + first_past * slot_step;
    for (var key = first_past; key < past; key++) {
      let weight = scores[score_at + prompt_length + key];
      mean0 += weight * as_f32(cache[at + c]);
      mean1 += weight * as_f32(cache[at + other]);
      at += slot_step;
    }
    out[pair * quads + c] = mean0 / total;
    if (c + LANES < quads) { out[pair * quads + other] = mean1 / total; }
  }
}
