// attention-decode-scores: dot products of each row's newest query with the keys of its prompt, shared
// by the group, and of its own response so far. `split` threads per row and query head share the keys.
//
//   keys of row r:  prompt rows [start, start + prompt length), then slots [0, length) of its cache
//   s_j = scale * dot(q_r, k_j)
// Query head h reads key-value head h / (heads / kv_heads).
//
// in   episodes    u32 (R, 6)  [3] first prompt row, [4] prompt length
//      status      u32 (R, 2)  length: tokens drawn so far, the newest in slot length - 1; then 0
//                              where the row is running
//      qkv         f32 (R, (heads + 2 kv_heads) * D)  rotated queries first
//      prompt_qkv  f32 (N, same)  of the prompts' rows, rotated
//      cache       f32 (R, T, 2 kv_heads * D)  rotated keys, then values
// out  scores      f32 (R, heads, keys)  the first prompt length + length of each running row written
//
// A loop over D, not an unrolled head in registers, which software drivers compile for up to a minute;
// and threads across the keys (split > 1) keep a GPU busy when rows are few.
// Grid: ceil(rows * heads * split / 64) workgroups, folded over x and y.
// Numerics: f32.

struct Params {
  rows: u32,
  heads: u32,
  kv_heads: u32,
  quads: u32,   // D / 4
  columns: u32, // T
  keys: u32,
  split: u32,
  scale: f32,
}
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> episodes: array<u32>;
@group(0) @binding(2) var<storage, read> status: array<u32>;
@group(0) @binding(3) var<storage, read> qkv: array<vec4f>;
@group(0) @binding(4) var<storage, read> prompt_qkv: array<vec4f>;
@group(0) @binding(5) var<storage, read> cache: array<vec4f>;
@group(0) @binding(6) var<storage, read_write> scores: array<f32>;

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u,
        @builtin(local_invocation_index) lane: u32) {
  let index = (group.y * groups.x + group.x) * 64 + lane;
  if (index >= params.rows * params.heads * params.split) { return; }
  let head = (index / params.split) % params.heads;
  let row = index / (params.split * params.heads);
  if (status[row * 2 + 1] != 0) { return; }
  let quads = params.quads;
  let kv_head = head / (params.heads / params.kv_heads);
  let stride = (params.heads + 2 * params.kv_heads) * quads;
  let query_at = row * stride + head * quads;
  let score_at = (row * params.heads + head) * params.keys;
  let prompt_at = episodes[row * 6 + 3] * stride + (params.heads + kv_head) * quads;
  let prompt_length = episodes[row * 6 + 4];
  let slot_stride = 2 * params.kv_heads * quads;
  let cache_at = row * params.columns * slot_stride + kv_head * quads;
  let keys = prompt_length + status[row * 2];
  for (var key = index % params.split; key < keys; key += params.split) {
    var products = vec4f();
    if (key < prompt_length) {
      let at = prompt_at + key * stride;
      for (var c = 0u; c < quads; c++) { products += qkv[query_at + c] * prompt_qkv[at + c]; }
    } else {
      let at = cache_at + (key - prompt_length) * slot_stride;
      for (var c = 0u; c < quads; c++) { products += qkv[query_at + c] * cache[at + c]; }
    }
    scores[score_at + key] = params.scale * ((products.x + products.y) + (products.z + products.w));
  }
}
