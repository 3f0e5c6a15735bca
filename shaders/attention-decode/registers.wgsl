// attention-decode/registers: the sums of attention-decode, one thread per row and query head. The
// thread keeps its query and its mean in registers. Loads take most of a software adapter's time:
// here every number of keys and values is loaded once, and nothing else per key. `scores` is left
// alone, `qkv` unrotated.
//
// The header gives `const HEAD_DIM: u32`, a multiple of 4, at most 32. Only constants index arrays:
// SwiftShader loads an element lane by lane where a loop counter indexes it. Threads of a row's
// heads are neighbours, so that lanes read neighbouring memory. A quad of lanes per head, with one
// key per lane, was 1.3 to 1.4 times slower.
// Grid: ceil(rows * heads / ROWS) workgroups, folded over x and y.
// Numerics: f32; keys in order, the new key first, then the prompt's; sums are rescaled at each
// larger score.

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
override ROWS: u32 = 8;
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

const QUADS = HEAD_DIM / 4;
const HALF = QUADS / 2;

alias Head = array<vec4f, 8>;

// The softmax so far: the largest score, and relative to it the sums of weights and of values.
struct Seen {
  top: f32,
  weight: f32,
  values: Head,
}

fn sum(v: vec4f) -> f32 {
  return (v.x + v.y) + (v.z + v.w);
}

fn new_head(at: u32) -> Head {
  var head: Head;
  if (QUADS > 0) { head[0] = qkv[at]; }
  if (QUADS > 1) { head[1] = qkv[at + 1]; }
  if (QUADS > 2) { head[2] = qkv[at + 2]; }
  if (QUADS > 3) { head[3] = qkv[at + 3]; }
  if (QUADS > 4) { head[4] = qkv[at + 4]; }
  if (QUADS > 5) { head[5] = qkv[at + 5]; }
  if (QUADS > 6) { head[6] = qkv[at + 6]; }
  if (QUADS > 7) { head[7] = qkv[at + 7]; }
  return head;
}

fn prompt_head(at: u32) -> Head {
  var head: Head;
  if (QUADS > 0) { head[0] = as_f32(prompts[at]); }
  if (QUADS > 1) { head[1] = as_f32(prompts[at + 1]); }
  if (QUADS > 2) { head[2] = as_f32(prompts[at + 2]); }
  if (QUADS > 3) { head[3] = as_f32(prompts[at + 3]); }
  if (QUADS > 4) { head[4] = as_f32(prompts[at + 4]); }
  if (QUADS > 5) { head[5] = as_f32(prompts[at + 5]); }
  if (QUADS > 6) { head[6] = as_f32(prompts[at + 6]); }
  if (QUADS > 7) { head[7] = as_f32(prompts[at + 7]); }
  return head;
}

fn cached_head(at: u32) -> Head {
  var head: Head;
  if (QUADS > 0) { head[0] = as_f32(cache[at]); }
  if (QUADS > 1) { head[1] = as_f32(cache[at + 1]); }
  if (QUADS > 2) { head[2] = as_f32(cache[at + 2]); }
  if (QUADS > 3) { head[3] = as_f32(cache[at + 3]); }
  if (QUADS > 4) { head[4] = as_f32(cache[at + 4]); }
  if (QUADS > 5) { head[5] = as_f32(cache[at + 5]); }
  if (QUADS > 6) { head[6] = as_f32(cache[at + 6]); }
  if (QUADS > 7) { head[7] = as_f32(cache[at + 7]); }
  return head;
}

fn keep_head(at: u32, head: Head) {
  if (QUADS > 0) { keep(at, head[0]); }
  if (QUADS > 1) { keep(at + 1, head[1]); }
  if (QUADS > 2) { keep(at + 2, head[2]); }
  if (QUADS > 3) { keep(at + 3, head[3]); }
  if (QUADS > 4) { keep(at + 4, head[4]); }
  if (QUADS > 5) { keep(at + 5, head[5]); }
  if (QUADS > 6) { keep(at + 6, head[6]); }
  if (QUADS > 7) { keep(at + 7, head[7]); }
}

fn product(a: Head, b: Head) -> f32 {
  var products = a[0] * b[0];
  if (QUADS > 1) { products += a[1] * b[1]; }
  if (QUADS > 2) { products += a[2] * b[2]; }
  if (QUADS > 3) { products += a[3] * b[3]; }
  if (QUADS > 4) { products += a[4] * b[4]; }
  if (QUADS > 5) { products += a[5] * b[5]; }
  if (QUADS > 6) { products += a[6] * b[6]; }
  if (QUADS > 7) { products += a[7] * b[7]; }
  return sum(products);
}

// Column c of a head and column HALF + c, rotated.
fn turned(low: vec4f, high: vec4f, at: u32) -> mat2x4f {
  let cosine = table[at];
  let sine = table[at + HALF];
  return mat2x4f(low * cosine - high * sine, high * cosine + low * sine);
}

fn rotated(head: Head, at: u32) -> Head {
  var turn: mat2x4f;
  var rotated = head;
  if (HALF > 0) {
    turn = turned(head[0], head[HALF], at);
    rotated[0] = turn[0];
    rotated[HALF] = turn[1];
  }
  if (HALF > 1) {
    turn = turned(head[1], head[HALF + 1], at + 1);
    rotated[1] = turn[0];
    rotated[HALF + 1] = turn[1];
  }
  if (HALF > 2) {
    turn = turned(head[2], head[HALF + 2], at + 2);
    rotated[2] = turn[0];
    rotated[HALF + 2] = turn[1];
  }
  if (HALF > 3) {
    turn = turned(head[3], head[HALF + 3], at + 3);
    rotated[3] = turn[0];
    rotated[HALF + 3] = turn[1];
  }
  return rotated;
}

fn joined(seen: Seen, score: f32, value: Head) -> Seen {
  let top = max(seen.top, score);
  let fade = exp(seen.top - top);
  let weight = exp(score - top);
  var values = seen.values;
  if (QUADS > 0) { values[0] = values[0] * fade + weight * value[0]; }
  if (QUADS > 1) { values[1] = values[1] * fade + weight * value[1]; }
  if (QUADS > 2) { values[2] = values[2] * fade + weight * value[2]; }
  if (QUADS > 3) { values[3] = values[3] * fade + weight * value[3]; }
  if (QUADS > 4) { values[4] = values[4] * fade + weight * value[4]; }
  if (QUADS > 5) { values[5] = values[5] * fade + weight * value[5]; }
  if (QUADS > 6) { values[6] = values[6] * fade + weight * value[6]; }
  if (QUADS > 7) { values[7] = values[7] * fade + weight * value[7]; }
  return Seen(top, seen.weight * fade + weight, values);
}

@compute @workgroup_size(ROWS)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u,
        @builtin(local_invocation_index) local: u32) {
  let index = (group.y * groups.x + group.x) * ROWS + local;
  let pair = min(index, params.rows * params.heads - 1);
  let row = pair / params.heads;
  let head = pair - row * params.heads;
  let group_heads = params.heads / params.kv_heads;
  let kv_head = head / group_heads;
  let length = status[row * 2];
  let live = index == pair && length > 0 && status[row * 2 + 1] == 0;

  let row_step = (params.heads + 2 * params.kv_heads) * QUADS;
  let slot_step = 2 * params.kv_heads * QUADS;
  let value_step = params.kv_heads * QUADS; // from a key to its value
  // No index is past its array: why, shaders/attention-decode.wgsl.
  let new_query = min(row * row_step + head * QUADS, arrayLength(&qkv) - 1);
  let new_key = row * row_step + (params.heads + kv_head) * QUADS;
  let prompt_length = select(0, episodes[row * 6 + 4], live);
  let first_prompt = min(episodes[row * 6 + 3] * slot_step, arrayLength(&prompts) - 1);
  let prompt_key = first_prompt + kv_head * QUADS;
  let past = select(0, length - 1, live); // slots of the cache in use
  // The first keys that are seen.
  var first_of_prompt = 0u;
  var first_past = 0u;
  if (WINDOW > 0) {
    let first = max(prompt_length + past + 1, WINDOW) - WINDOW;
    first_of_prompt = min(first, prompt_length);
    first_past = first - first_of_prompt;
  }
  let past_key = min(row * params.columns * slot_step, arrayLength(&cache) - 1) + kv_head * QUADS;

  var query = new_head(new_query);
  var key = new_head(new_key);
  let value = new_head(new_key + value_step);
  var seen = Seen(params.scale * product(query, key), 1, value);
  if (params.rotate != 0) {
    let entry = (prompt_length + past) * QUADS;
    query = rotated(query, entry);
    key = rotated(key, entry);
  }
  // Of the heads that share a key and value, one stores them.
  if (live && head == kv_head * group_heads) {
    let slot = past_key + past * slot_step;
    keep_head(slot, key);
    keep_head(slot + value_step, value);
  }

  var at = prompt_key + first_of_prompt * slot_step;
  for (var i = first_of_prompt; i < prompt_length; i++) {
    let score = params.scale * product(query, prompt_head(at));
    seen = joined(seen, score, prompt_head(at + value_step));
    at += slot_step;
  }
  at = past_key + first_past * slot_step;
  for (var i = first_past; i < past; i++) {
    let score = params.scale * product(query, cached_head(at));
    seen = joined(seen, score, cached_head(at + value_step));
    at += slot_step;
  }
  if (!live) { return; }
  at = pair * QUADS;
  if (QUADS > 0) { out[at] = seen.values[0] / seen.weight; }
  if (QUADS > 1) { out[at + 1] = seen.values[1] / seen.weight; }
  if (QUADS > 2) { out[at + 2] = seen.values[2] / seen.weight; }
  if (QUADS > 3) { out[at + 3] = seen.values[3] / seen.weight; }
  if (QUADS > 4) { out[at + 4] = seen.values[4] / seen.weight; }
  if (QUADS > 5) { out[at + 5] = seen.values[5] / seen.weight; }
  if (QUADS > 6) { out[at + 6] = seen.values[6] / seen.weight; }
  if (QUADS > 7) { out[at + 7] = seen.values[7] / seen.weight; }
}
