// attention-forward/tiles: the sums of attention-forward, HEIGHT rows of one head per workgroup, 32 keys
// at a time.
//
// A thread that keeps a head's query and sum in registers has none left for heads of 64 and more. Here
// 128 threads share out both products: of the scores a thread computes those of LINES rows and 4 keys,
// of the sums the quads of few columns of 2 or 4 rows. What they multiply lies in workgroup memory, 16
// features or 8 to 16 keys at a time; the probabilities go through it too (15 KiB in all). Cells of
// neighbouring rows are exchanged with `^`, so that threads which store together meet in no bank.
// Loops over lines and columns have constant bounds: unrolled, their arrays are registers.
//
// Keys are walked segment after segment of the rows, a prefix that neighbouring segments share once.
// Blocks of keys begin where a segment does, so that a row's sums do not depend on its neighbours.
//
// The header gives `const HEAD_DIM: u32`, a multiple of 4, at most 128.
// HEIGHT is 64, and 32 where heads are larger than 64.
// Grid: ceil(rows / HEIGHT) workgroups, folded over x and y, by heads in z.
// Numerics: f32; keys in row order, prefix first, the softmax's maximum moved every 32 keys.

struct Params { rows: u32, heads: u32, kv_heads: u32, scale: f32 }
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> spans: array<u32>;
@group(0) @binding(2) var<storage, read> qkv: array<vec4f>;
@group(0) @binding(3) var<storage, read_write> out: array<vec4f>;
@group(0) @binding(4) var<storage, read_write> lse: array<f32>;

const QUADS = HEAD_DIM / 4;
const LINES = select(2u, 4u, QUADS <= 16);
const HEIGHT = 16 * LINES;
const ACROSS = select(4u, 8u, QUADS >= 8); // threads that share a row's sums
const DOWN = 128 / ACROSS; // rows from one of a thread's rows to its next
const ROWS = HEIGHT / DOWN;
const COLUMNS = (QUADS + ACROSS - 1) / ACROSS;
const VALUES = select(8u, 16u, QUADS <= 16); // held at a time

// Row ty + 16 * line of the queries: quad c of 4 in cell c * 16 + ty. Key 4 * tx + line: quad c in cell
// 64 + c * 8 + tx. Later value 4 * j + line of those held: its quads from cell j * QUADS on.
var<workgroup> tile: array<array<vec4f, 96>, 4>;
// Row ty + 16 * line: the probabilities of keys 4 * j to 4 * j + 3 in cell j * 16 + ty.
var<workgroup> shares: array<array<vec4f, 128>, LINES>;
var<workgroup> factors: array<f32, HEIGHT>; // of the rows' sums

fn seen(keys: vec4u, start: u32, end: u32) -> vec4<bool> {
  if (WINDOW == 0) { return keys < vec4u(end); }
  return (keys >= vec4u(start)) & (keys < vec4u(end));
}

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
  let tx = thread % 8;
  let ty = thread / 8;
  // Place of this thread's sums.
  let across = thread % ACROSS;
  let down = thread / ACROSS;
  var sums: array<vec4f, ROWS * COLUMNS>;
  for (var n = 0u; n < ROWS * COLUMNS; n++) { sums[n] = vec4f(); }
  var top = vec4f(-1e30);
  var weight = vec4f(); // of this thread's keys
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
    // Scores of four keys for each of a thread's rows.
    var scores: array<vec4f, LINES>;
    for (var n = 0u; n < LINES; n++) { scores[n] = vec4f(); }
    for (var c0 = 0u; c0 < QUADS; c0 += 4) {
      let c = thread % 4;
      // Constant where features fill their chunks.
      let inside = QUADS % 4 == 0 || c0 + c < QUADS;
      let column = select(min(c0 + c, QUADS - 1), c0 + c, QUADS % 4 == 0);
      for (var place = thread / 4; place < HEIGHT; place += 32) {
        let row = min(row0 + place, last);
        tile[place / 16][c * 16 + ((place % 16) ^ (c * 2))] =
          select(vec4f(), qkv[row * stride + head * QUADS + column] * params.scale, inside);
      }
      let line = thread / 32;
      let slot = thread / 4 % 8;
      let key_row = min(key + 4 * slot + line, last);
      tile[line][64 + c * 8 + (slot ^ (c * 2))] = qkv[key_row * stride + key_column + column];
      workgroupBarrier();
      for (var q = 0u; q < 4; q++) {
        let v = q * 16 + (ty ^ (q * 2));
        let w = 64 + q * 8 + (tx ^ (q * 2));
        let keys = mat4x4f(tile[0][w], tile[1][w], tile[2][w], tile[3][w]);
        for (var n = 0u; n < LINES; n++) { scores[n] += tile[n][v] * keys; }
      }
      workgroupBarrier();
    }
    let keys = vec4u(key + 4 * tx) + vec4u(0, 1, 2, 3);
    var starts: array<u32, LINES>; // keys from them on are seen
    var ends: array<u32, LINES>; // keys before them are seen
    var most = vec4f(-1e30);
    for (var n = 0u; n < LINES; n++) {
      let row = row0 + ty + 16 * n;
      let is_walked = row >= rows_first && row < rows_end;
      ends[n] = select(0u, select(row + 1, key_end, is_prefix), is_walked);
      if (WINDOW > 0) { starts[n] = select(first_own(row), first_prefix(row), is_prefix); }
      let s = select(vec4f(-1e30), scores[n], seen(keys, starts[n], ends[n]));
      scores[n] = s;
      most[n] = max(max(s.x, s.y), max(s.z, s.w));
    }
    tile[thread / 32][thread % 32] = most;
    workgroupBarrier();
    var next_top = top;
    for (var t = 0u; t < 8; t++) { next_top = max(next_top, tile[ty / 4][ty % 4 * 8 + t]); }
    let fade = exp(top - next_top);
    top = next_top;
    for (var n = 0u; n < LINES; n++) {
      let p = select(vec4f(), exp(scores[n] - top[n]), seen(keys, starts[n], ends[n]));
      weight[n] = weight[n] * fade[n] + ((p.x + p.y) + (p.z + p.w));
      shares[n][tx * 16 + (ty ^ tx)] = p;
      if (tx == 0) { factors[ty + 16 * n] = fade[n]; }
    }
    workgroupBarrier();
    for (var n = 0u; n < ROWS; n++) {
      let factor = factors[down + n * DOWN];
      for (var c = 0u; c < COLUMNS; c++) { sums[n * COLUMNS + c] *= factor; }
    }
    for (var first = 0u; first < 32; first += VALUES) {
      for (var at = thread; at < VALUES * QUADS; at += 128) {
        let value = at / QUADS;
        let row = min(key + first + value, last);
        tile[value % 4][value / 4 * QUADS + at % QUADS] =
          qkv[row * stride + value_column + at % QUADS];
      }
      workgroupBarrier();
      // The bound is VALUES / 4. No driver knows it where heads are large: unrolled, the loop would take
      // more than 128 registers there.
      for (var j = 0u; j < min(VALUES / 4, select(VALUES, key_end * VALUES, QUADS > 16)); j++) {
        let quad = first / 4 + j;
        let cell = quad * 16 + ((down % 16) ^ quad);
        for (var n = 0u; n < ROWS; n++) {
          let share = shares[down / 16 + n * (DOWN / 16)][cell];
          for (var c = 0u; c < COLUMNS; c++) {
            let at = j * QUADS + c * ACROSS + across;
            sums[n * COLUMNS + c] += share.x * tile[0][at];
            sums[n * COLUMNS + c] += share.y * tile[1][at];
            sums[n * COLUMNS + c] += share.z * tile[2][at];
            sums[n * COLUMNS + c] += share.w * tile[3][at];
          }
        }
      }
      workgroupBarrier();
    }
    key += 32;
  }
  tile[thread / 32][thread % 32] = weight;
  workgroupBarrier();
  var total = vec4f();
  for (var t = 0u; t < 8; t++) { total += tile[ty / 4][ty % 4 * 8 + t]; }
  if (tx == 0) {
    let logs = top + log(total);
    for (var n = 0u; n < LINES; n++) {
      let row = row0 + ty + 16 * n;
      factors[ty + 16 * n] = 1 / total[n];
      if (row <= last) { lse[row * params.heads + head] = logs[n]; }
    }
  }
  workgroupBarrier();
  for (var n = 0u; n < ROWS; n++) {
    let row = row0 + down + n * DOWN;
    let factor = factors[down + n * DOWN];
    for (var c = 0u; c < COLUMNS; c++) {
      let column = c * ACROSS + across;
      if (row <= last && column < QUADS) {
        out[(row * params.heads + head) * QUADS + column] = sums[n * COLUMNS + c] * factor;
      }
    }
  }
}
