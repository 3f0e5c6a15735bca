// attention-decode-mix: softmax of the scores of attention-decode-scores and the mean of the values
// under it. One thread per row, query head and four columns of the head.
//
//   out[r,h] = sum_j exp(s_j) v_j / sum_j exp(s_j), over the keys of attention-decode-scores
// The softmax runs online over the keys in row order, as in attention-forward. Vaswani et al. 2017,
// arXiv:1706.03762, eq. 1; Dao et al. 2022, arXiv:2205.14135, section 3.1.
//
// in   episodes    u32 (R, 6)  [3] first prompt row, [4] prompt length
//      status      u32 (R, 2)  tokens drawn so far; then 0 where the row is running
//      scores      f32 (R, heads, keys)
//      prompt_qkv  f32 (N, (heads + 2 kv_heads) * D)  of the prompts' rows: values last
//      cache       f32 (R, T, 2 kv_heads * D)  keys, then values
// out  out         f32 (R, heads * D)  overwritten for running rows r < rows
//
// Grid: ceil(rows * heads * D / 4 / 64) workgroups, folded over x and y.
// Numerics: f32.

struct Params {
  rows: u32,
  heads: u32,
  kv_heads: u32,
  quads: u32,   // D / 4
  columns: u32, // T
  keys: u32,
}
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> episodes: array<u32>;
@group(0) @binding(2) var<storage, read> status: array<u32>;
@group(0) @binding(3) var<storage, read> scores: array<f32>;
@group(0) @binding(4) var<storage, read> prompt_qkv: array<vec4f>;
@group(0) @binding(5) var<storage, read> cache: array<vec4f>;
@group(0) @binding(6) var<storage, read_write> out: array<vec4f>;

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u,
        @builtin(local_invocation_index) lane: u32) {
  let index = (group.y * groups.x + group.x) * 64 + lane;
  let quads = params.quads;
  if (index >= params.rows * params.heads * quads) { return; }
  let head = (index / quads) % params.heads;
  let row = index / (quads * params.heads);
  if (status[row * 2 + 1] != 0) { return; }
  let kv_head = head / (params.heads / params.kv_heads);
  let column = (params.kv_heads + kv_head) * quads + index % quads; // of keys and values together
  let prompt_length = episodes[row * 6 + 4];
  let keys = prompt_length + status[row * 2];
  let score_at = (row * params.heads + head) * params.keys;

  // Values of the prompt, then of the response: the next key's lies `step` further on.
  var step = (params.heads + 2 * params.kv_heads) * quads;
  var at = episodes[row * 6 + 3] * step + params.heads * quads + column;
  var top = -1e30;
  var weight = 0.0;
  var sum = vec4f();
  for (var key = 0u; key < keys; key++) {
    if (key == prompt_length) {
      step = 2 * params.kv_heads * quads;
      at = row * params.columns * step + column;
    }
    let s = scores[score_at + key];
    let next_top = max(top, s);
    let fade = exp(top - next_top);
    let p = exp(s - next_top);
    top = next_top;
    weight = weight * fade + p;
    if (key < prompt_length) {
      sum = sum * fade + p * prompt_qkv[at];
    } else {
      sum = sum * fade + p * cache[at];
    }
    at += step;
  }
  out[index] = sum * (1.0 / weight);
}
