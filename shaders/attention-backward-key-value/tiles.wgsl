// attention-backward-key-value/tiles: the sums of attention-backward-key-value, HEIGHT rows of one
// key-value head per workgroup, 32 queries at a time. How threads and workgroup memory are shared out:
// shaders/attention-forward/tiles.wgsl; here it is 16 KiB.
//
// Queries are walked from the first of these rows to the last that any of them is seen by. The rows of a
// prompt and of its responses follow each other, so few of them see none of these rows.
//
// The header gives `const HEAD_DIM: u32`, a multiple of 4, at most 128.
// HEIGHT is 32, and 16 where heads are larger than 64.
// Grid: ceil(rows / HEIGHT) workgroups, folded over x and y, by kv_heads in z.
// Numerics: f32; queries in row order, heads in turn for every 32 queries, added one after another.

struct Params { rows: u32, heads: u32, kv_heads: u32, scale: f32 }
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> spans: array<u32>;
@group(0) @binding(2) var<storage, read> qkv: array<vec4f>;
@group(0) @binding(3) var<storage, read> lse: array<f32>;
@group(0) @binding(4) var<storage, read> delta: array<f32>;
@group(0) @binding(5) var<storage, read> dout: array<vec4f>;
@group(0) @binding(6) var<storage, read_write> dqkv: array<vec4f>;

const QUADS = HEAD_DIM / 4;
const LINES = select(1u, 2u, QUADS <= 16);
const HEIGHT = 16 * LINES;
const ACROSS = select(4u, 8u, QUADS >= 8); // threads that share a row's sums
const DOWN = 128 / ACROSS; // rows from one of a thread's rows to its next
const ROWS = HEIGHT / DOWN;
const COLUMNS = (QUADS + ACROSS - 1) / ACROSS;
const QUERIES = select(select(8u, 16u, QUADS <= 16), 32u, QUADS <= 4); // held at a time

// Row ty + 16 * line of the keys: quad c of 4 in cell c * 16 + ty; of the values two lines later. Query 4 * tx + line: quad c in cell 64 + c * 8 + tx, of dout from cell 96 on. Later query
// 4 * j + line of those held: its quads from cell j * QUADS on, of dout from cell 64 on.
var<workgroup> tile: array<array<vec4f, 128>, 4>;
// Row ty + 16 * line: the probabilities of queries 4 * j to 4 * j + 3 in cell j * 16 + ty, and LINES later
// the gradients of their scores.
var<workgroup> shares: array<array<vec4f, 128>, 2 * LINES>;

@compute @workgroup_size(128)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u,
        @builtin(local_invocation_index) thread: u32) {
  let row0 = (group.y * groups.x + group.x) * HEIGHT;
  if (row0 >= params.rows) { return; }
  let last = min(row0 + HEIGHT, params.rows) - 1;
  let kv_head = group.z;
  let shared_by = params.heads / params.kv_heads;
  let stride = (params.heads + 2 * params.kv_heads) * QUADS;
  let key_column = (params.heads + kv_head) * QUADS;
  let value_column = key_column + params.kv_heads * QUADS;
  var query_end = row0;
  for (var row = row0; row <= last; row++) {
    query_end = max(query_end, max(spans[row * 6 + 1], spans[row * 6 + 5]));
  }
  let tx = thread % 8;
  let ty = thread / 8;
  // Place of this thread's sums.
  let across = thread % ACROSS;
  let down = thread / ACROSS;
  var key_sums: array<vec4f, ROWS * COLUMNS>;
  var value_sums: array<vec4f, ROWS * COLUMNS>;
  for (var n = 0u; n < ROWS * COLUMNS; n++) {
    key_sums[n] = vec4f();
    value_sums[n] = vec4f();
  }
  let turns = (query_end - row0 + 31) / 32 * shared_by;
  for (var turn = 0u; turn < turns; turn++) {
    let query = row0 + turn / shared_by * 32;
    if (is_past(query, 32, last)) { continue; }
    let head = kv_head * shared_by + turn % shared_by;
    // Of four queries for each of a thread's rows: the scores, and the products of dout and value.
    var scores: array<vec4f, LINES>;
    var values: array<vec4f, LINES>;
    for (var n = 0u; n < LINES; n++) {
      scores[n] = vec4f();
      values[n] = vec4f();
    }
    for (var c0 = 0u; c0 < QUADS; c0 += 4) {
      let c = thread % 4;
      // Constant where features fill their chunks.
      let inside = QUADS % 4 == 0 || c0 + c < QUADS;
      let column = select(min(c0 + c, QUADS - 1), c0 + c, QUADS % 4 == 0);
      // Keys, then values.
      for (var item = thread / 4; item < 2 * HEIGHT; item += 32) {
        let place = item % HEIGHT;
        let is_value = item >= HEIGHT;
        let source = select(key_column, value_column, is_value) + column;
        let factor = select(params.scale, 1.0, is_value);
        tile[place / 16 + select(0u, 2u, is_value)][c * 16 + ((place % 16) ^ (c * 2))] =
          select(vec4f(), qkv[min(row0 + place, last) * stride + source] * factor, inside);
      }
      let line = thread / 32;
      let slot = thread / 4 % 8;
      let query_row = min(query + 4 * slot + line, query_end - 1);
      let own = 64 + c * 8 + (slot ^ (c * 2));
      tile[line][own] = qkv[query_row * stride + head * QUADS + column];
      tile[line][own + 32] = dout[(query_row * params.heads + head) * QUADS + column];
      workgroupBarrier();
      for (var q = 0u; q < 4; q++) {
        let v = q * 16 + (ty ^ (q * 2));
        let w = 64 + q * 8 + (tx ^ (q * 2));
        let queries = mat4x4f(tile[0][w], tile[1][w], tile[2][w], tile[3][w]);
        for (var n = 0u; n < LINES; n++) { scores[n] += tile[n][v] * queries; }
        let douts = mat4x4f(tile[0][w + 32], tile[1][w + 32], tile[2][w + 32], tile[3][w + 32]);
        for (var n = 0u; n < LINES; n++) { values[n] += tile[n + 2][v] * douts; }
      }
      workgroupBarrier();
    }
    let queries = vec4u(query + 4 * tx) + vec4u(0, 1, 2, 3);
    let at = min(queries, vec4u(query_end - 1)) * params.heads + head;
    let lses = vec4f(lse[at.x], lse[at.y], lse[at.z], lse[at.w]);
    let deltas = vec4f(delta[at.x], delta[at.y], delta[at.z], delta[at.w]);
    for (var n = 0u; n < LINES; n++) {
      let share = select(vec4f(), exp(scores[n] - lses), sees(queries, row0 + ty + 16 * n, last));
      let own = tx * 16 + (ty ^ tx);
      shares[n][own] = share;
      shares[n + LINES][own] = share * (values[n] - deltas);
    }
    for (var first = 0u; first < 32; first += QUERIES) {
      for (var at = thread; at < QUERIES * QUADS; at += 128) {
        let held = at / QUADS;
        let row = min(query + first + held, query_end - 1);
        let cell = held / 4 * QUADS + at % QUADS;
        tile[held % 4][cell] = qkv[row * stride + head * QUADS + at % QUADS];
        tile[held % 4][cell + 64] = dout[(row * params.heads + head) * QUADS + at % QUADS];
      }
      workgroupBarrier();
      for (var j = 0u; j < QUERIES / 4; j++) {
        let quad = first / 4 + j;
        let cell = quad * 16 + ((down % 16) ^ quad);
        for (var n = 0u; n < ROWS; n++) {
          let share = shares[down / 16 + n][cell];
          let slope = shares[down / 16 + n + LINES][cell];
          for (var c = 0u; c < COLUMNS; c++) {
            let at = j * QUADS + c * ACROSS + across;
            key_sums[n * COLUMNS + c] += slope.x * tile[0][at];
            key_sums[n * COLUMNS + c] += slope.y * tile[1][at];
            key_sums[n * COLUMNS + c] += slope.z * tile[2][at];
            key_sums[n * COLUMNS + c] += slope.w * tile[3][at];
            value_sums[n * COLUMNS + c] += share.x * tile[0][at + 64];
            value_sums[n * COLUMNS + c] += share.y * tile[1][at + 64];
            value_sums[n * COLUMNS + c] += share.z * tile[2][at + 64];
            value_sums[n * COLUMNS + c] += share.w * tile[3][at + 64];
          }
        }
      }
      workgroupBarrier();
    }
  }
  for (var n = 0u; n < ROWS; n++) {
    let row = row0 + down + n * DOWN;
    for (var c = 0u; c < COLUMNS; c++) {
      let column = c * ACROSS + across;
      if (row <= last && column < QUADS) {
        dqkv[row * stride + key_column + column] = key_sums[n * COLUMNS + c] * params.scale;
        dqkv[row * stride + value_column + column] = value_sums[n * COLUMNS + c];
      }
    }
  }
}

// Which of four queries see a row.
fn sees(queries: vec4u, row: u32, last: u32) -> vec4<bool> {
  if (row > last) { return vec4<bool>(); }
  let own = (queries >= vec4u(row)) & (queries < vec4u(spans[row * 6 + 1]));
  let suffix = (queries >= vec4u(spans[row * 6 + 4])) & (queries < vec4u(spans[row * 6 + 5]));
  return (own | suffix) & within(queries, row);
}
