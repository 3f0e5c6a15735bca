// attention-backward-query/tiles: the sums of attention-backward-query, HEIGHT rows of one head per
// workgroup, 32 keys at a time. How threads and workgroup memory are shared out:
// shaders/attention-forward/tiles.wgsl.
//
// The header gives `const HEAD_DIM: u32`, a multiple of 4, at most 128.
// HEIGHT is 64, and 32 where heads are larger than 64.
// Grid: ceil(rows / HEIGHT) workgroups, folded over x and y, by heads in z.
// Numerics: f32; keys in row order, prefix first, added one after another.

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
const LINES = select(2u, 4u, QUADS <= 16);
const HEIGHT = 16 * LINES;
const ACROSS = select(4u, 8u, QUADS >= 8); // threads that share a row's sums
const DOWN = 128 / ACROSS; // rows from one of a thread's rows to its next
const ROWS = HEIGHT / DOWN;
const COLUMNS = (QUADS + ACROSS - 1) / ACROSS;
const KEYS = select(8u, 16u, QUADS <= 16); // held at a time

// Row ty + 16 * line of the queries: quad c of 2 in cell c * 16 + ty, of dout from cell 32 on. Key
// 4 * tx + line: quad c in cell 64 + c * 8 + tx, of its value from cell 80 on. Later key 4 * j + line of
// those held: its quads from cell j * QUADS on.
var<workgroup> tile: array<array<vec4f, 96>, 4>;
// Row ty + 16 * line: the gradients of the scores of keys 4 * j to 4 * j + 3 in cell j * 16 + ty.
var<workgroup> slopes: array<array<vec4f, 128>, LINES>;
var<workgroup> deltas: array<f32, HEIGHT>;

@compute @workgroup_size(128)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u,
        @builtin(local_invocation_index) thread: u32) {
  let row0 = (group.y * groups.x + group.x) * HEIGHT;
  if (row0 >= params.rows) { return; }
  let last = min(row0 + HEIGHT, params.rows) - 1;
  let head = group.z;
  let kv_head = head / (params.heads / params.kv_heads);
  let stride = (params.heads + 2 * params.kv_heads) * QUADS;
  let key_column = (params.heads + kv_head) * QUADS;
  let value_column = key_column + params.kv_heads * QUADS;
  if (thread < HEIGHT) {
    let at = min(row0 + thread, last) * params.heads + head;
    var products = vec4f();
    // A bound that no driver knows keeps the loop a loop.
    let end = (at + min(params.rows, 1)) * QUADS;
    for (var c = at * QUADS; c < end; c++) { products += dout[c] * out[c]; }
    let sum = (products.x + products.y) + (products.z + products.w);
    deltas[thread] = sum;
    if (row0 + thread <= last) { delta[at] = sum; }
  }
  workgroupBarrier();
  let tx = thread % 8;
  let ty = thread / 8;
  var own_lse: array<f32, LINES>;
  for (var n = 0u; n < LINES; n++) {
    own_lse[n] = lse[min(row0 + ty + 16 * n, last) * params.heads + head];
  }
  // Place of this thread's sums.
  let across = thread % ACROSS;
  let down = thread / ACROSS;
  var sums: array<vec4f, ROWS * COLUMNS>;
  for (var n = 0u; n < ROWS * COLUMNS; n++) { sums[n] = vec4f(); }
  // Rows [rows_first, rows_end) see keys [key, key_end) of this range, and of their own segment none
  // after themselves.
  var segment = row0;
  var prefixed = row0; // rows before it have seen their prefix
  var rows_first = row0;
  var rows_end = row0;
  var key = 0u;
  var key_end = 0u;
  var is_prefix = false;
  loop {
    if (key >= key_end) {
      if (segment > last) { break; }
      rows_first = segment;
      is_prefix = segment >= prefixed;
      if (is_prefix) {
        key = spans[segment * 6 + 2];
        key_end = spans[segment * 6 + 3];
        prefixed = min(spans[segment * 6 + 1], last + 1);
        while (prefixed <= last && spans[prefixed * 6 + 2] == key
            && spans[prefixed * 6 + 3] == key_end) {
          prefixed = min(spans[prefixed * 6 + 1], last + 1);
        }
        rows_end = prefixed;
        if (WINDOW > 0) { key += (prefix_from(segment, spans[segment * 6 + 1] > last) - key) / 32 * 32; }
      } else {
        key = spans[segment * 6];
        key_end = min(spans[segment * 6 + 1], last + 1);
        rows_end = key_end;
        if (WINDOW > 0) { key += (first_own(segment) - key) / 32 * 32; }
        segment = key_end;
      }
      continue;
    }
    // Of four keys for each of a thread's rows: the scores, and the products of dout and value.
    var scores: array<vec4f, LINES>;
    var values: array<vec4f, LINES>;
    for (var n = 0u; n < LINES; n++) {
      scores[n] = vec4f();
      values[n] = vec4f();
    }
    for (var c0 = 0u; c0 < QUADS; c0 += 2) {
      let c = thread % 2;
      let place = thread / 2; // 0 to 63
      // Constant where features fill their chunks.
      let inside = QUADS % 2 == 0 || c0 + c < QUADS;
      let column = select(min(c0 + c, QUADS - 1), c0 + c, QUADS % 2 == 0);
      if (place < HEIGHT) {
        let row = min(row0 + place, last);
        let cell = c * 16 + ((place % 16) ^ (c * 4));
        tile[place / 16][cell] =
          select(vec4f(), qkv[row * stride + head * QUADS + column] * params.scale, inside);
        tile[place / 16][cell + 32] =
          select(vec4f(), dout[(row * params.heads + head) * QUADS + column], inside);
      }
      // Half of the threads load keys, half values.
      let line = place % 32 / 8;
      let slot = place % 8;
      let key_row = min(key + 4 * slot + line, last);
      let source = select(key_column, value_column, place >= 32);
      tile[line][64 + place / 32 * 16 + c * 8 + (slot ^ (c * 4))] =
        qkv[key_row * stride + source + column];
      workgroupBarrier();
      for (var q = 0u; q < 2; q++) {
        let v = q * 16 + (ty ^ (q * 4));
        let w = 64 + q * 8 + (tx ^ (q * 4));
        let keys = mat4x4f(tile[0][w], tile[1][w], tile[2][w], tile[3][w]);
        for (var n = 0u; n < LINES; n++) { scores[n] += tile[n][v] * keys; }
        let held = mat4x4f(tile[0][w + 16], tile[1][w + 16], tile[2][w + 16], tile[3][w + 16]);
        for (var n = 0u; n < LINES; n++) { values[n] += tile[n][v + 32] * held; }
      }
      workgroupBarrier();
    }
    let keys = vec4u(key + 4 * tx) + vec4u(0, 1, 2, 3);
    for (var n = 0u; n < LINES; n++) {
      let row = row0 + ty + 16 * n;
      let is_walked = row >= rows_first && row < rows_end;
      let end = select(0u, select(row + 1, key_end, is_prefix), is_walked); // keys before it are seen
      let slope = exp(scores[n] - own_lse[n]) * (values[n] - deltas[ty + 16 * n]);
      var see = keys < vec4u(end);
      if (WINDOW > 0) {
        see &= keys >= vec4u(select(first_own(row), first_prefix(row), is_prefix));
      }
      slopes[n][tx * 16 + (ty ^ tx)] = select(vec4f(), slope, see);
    }
    for (var first = 0u; first < 32; first += KEYS) {
      for (var at = thread; at < KEYS * QUADS; at += 128) {
        let held = at / QUADS;
        let row = min(key + first + held, last);
        tile[held % 4][held / 4 * QUADS + at % QUADS] = qkv[row * stride + key_column + at % QUADS];
      }
      workgroupBarrier();
      for (var j = 0u; j < KEYS / 4; j++) {
        let quad = first / 4 + j;
        let cell = quad * 16 + ((down % 16) ^ quad);
        for (var n = 0u; n < ROWS; n++) {
          let slope = slopes[down / 16 + n * (DOWN / 16)][cell];
          for (var c = 0u; c < COLUMNS; c++) {
            let at = j * QUADS + c * ACROSS + across;
            sums[n * COLUMNS + c] += slope.x * tile[0][at];
            sums[n * COLUMNS + c] += slope.y * tile[1][at];
            sums[n * COLUMNS + c] += slope.z * tile[2][at];
            sums[n * COLUMNS + c] += slope.w * tile[3][at];
          }
        }
      }
      workgroupBarrier();
    }
    key += 32;
  }
  for (var n = 0u; n < ROWS; n++) {
    let row = row0 + down + n * DOWN;
    for (var c = 0u; c < COLUMNS; c++) {
      let column = c * ACROSS + across;
      if (row <= last && column < QUADS) {
        dqkv[row * stride + head * QUADS + column] = sums[n * COLUMNS + c] * params.scale;
      }
    }
  }
}
