// matmul-backward-weight/tiles: the sums of matmul-backward-weight, a tile of 8 * SIDE by 8 * SIDE
// outputs per workgroup and 8 by 8 outputs per thread. For K that is a multiple of 4, and any N.
//
// Sizes and groups are those of shaders/matmul-forward/tiles.wgsl. The groups share out the rows i. Both
// operands are read along their rows: a tile holds 256 / SIDE rows of each, and a thread's outputs are
// two quads of n by two quads of k. Where SIDE is 4, two stores meet in one bank; loads meet in none.
//
// The header gives `const SIDE: u32`, and `alias Cell` and CELL, the numbers in a cell of dy: vec4f and
// 4 where N is a multiple of 4, else f32 and 1.
// Grid: ceil(K / (8 * SIDE)) by ceil((row_end - row_start) / (8 * SIDE)).
// Numerics: per output and group one f32 sum, i ascending, then the groups' sums in order, then the old
// dw.

struct Params {
  row_start: u32,
  row_end: u32,
  inner: u32, // M in use
  rows: u32, // N
  columns: u32, // K
}
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> dy: array<Cell>;
@group(0) @binding(2) var<storage, read> x: array<vec4f>;
@group(0) @binding(3) var<storage, read_write> dw: array<vec4f>;

const GROUPS = 256 / (SIDE * SIDE);
const DEPTH = 256 / SIDE; // rows i of a tile

// Lines of dy's left quads, dy's right quads, x's left and x's right, four of each: quad t + SIDE * half
// of row 4 * j + m lies in cell j * SIDE + t of line m. A first index that is a constant needs no check
// of bounds.
var<workgroup> tile: array<array<vec4f, 64>, 16>;

// Four output features of a row that begins at cell `start`.
fn features(start: u32, cells: vec4u) -> vec4f {
  let first = vec4f(dy[start + cells.x]);
  if (CELL == 4) { return first; }
  return vec4f(
    first.x,
    vec4f(dy[start + cells.y]).x,
    vec4f(dy[start + cells.z]).x,
    vec4f(dy[start + cells.w]).x,
  );
}

// `column` counts four columns at a time.
fn finish(row: u32, column: u32, sum: vec4f) {
  let columns = params.columns / 4;
  if (row >= params.row_end || column >= columns) { return; }
  dw[row * columns + column] += sum;
}

// Stores a quad of k of four neighbouring rows of each thread. Why: shaders/matmul-forward/tiles.wgsl.
fn finish_rows(row: u32, column: u32, a: vec4f, b: vec4f, c: vec4f, d: vec4f, thread: u32) {
  let line = thread / 64;
  let cell = thread % 64;
  tile[line][cell] = a;
  tile[line + 4][cell] = b;
  tile[line + 8][cell] = c;
  tile[line + 12][cell] = d;
  workgroupBarrier();
  // A bound that no driver knows keeps the loop a loop.
  let items = select(4 * SIDE * SIDE, 0u, row >= params.row_end);
  for (var item = thread; item < items; item += 256) {
    let which = item / (SIDE * SIDE);
    let place = item % (SIDE * SIDE);
    var sum = vec4f();
    for (var at = which * 256 + place; at < which * 256 + 256; at += SIDE * SIDE) {
      sum += tile[at / 64][at % 64];
    }
    finish(row + place / SIDE * 4 + which, column + place % SIDE, sum);
  }
  workgroupBarrier();
}

@compute @workgroup_size(SIDE, SIDE, GROUPS)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(local_invocation_id) local: vec3u,
  @builtin(local_invocation_index) thread: u32,
) {
  let width = params.rows / CELL; // cells in a row of dy
  let columns = params.columns / 4;
  let row0 = params.row_start + group.y * SIDE * 8;
  let column0 = group.x * SIDE * 2;
  // A thread loads one quad of two rows of dy and of x. Features past the edges repeat the last ones
  // and are not stored.
  let across = thread % (2 * SIDE);
  let down = thread / (2 * SIDE); // and as many rows further down
  let cells = min((row0 + across * 4) / CELL + vec4u(0, 1, 2, 3), vec4u(width - 1));
  let x_at = min(column0 + across, columns - 1);
  let line = across / SIDE * 4 + down % 4;
  let slot = down / 4 * SIDE + across % SIDE;
  // Quads of dw: rows 0 to 3 and 4 to 7, by the left and the right quad of k.
  var left0 = vec4f();
  var left1 = vec4f();
  var left2 = vec4f();
  var left3 = vec4f();
  var left4 = vec4f();
  var left5 = vec4f();
  var left6 = vec4f();
  var left7 = vec4f();
  var right0 = vec4f();
  var right1 = vec4f();
  var right2 = vec4f();
  var right3 = vec4f();
  var right4 = vec4f();
  var right5 = vec4f();
  var right6 = vec4f();
  var right7 = vec4f();
  for (var i0 = 0u; i0 < params.inner; i0 += DEPTH) {
    // Rows past the end are replaced by the last row, with dy 0.
    let i = i0 + down;
    let mine = min(i, params.inner - 1);
    let other = min(i + DEPTH / 2, params.inner - 1);
    tile[line][slot] = select(vec4f(), features(mine * width, cells), i < params.inner);
    tile[line][slot + 32] =
      select(vec4f(), features(other * width, cells), i + DEPTH / 2 < params.inner);
    tile[line + 8][slot] = x[mine * columns + x_at];
    tile[line + 8][slot + 32] = x[other * columns + x_at];
    workgroupBarrier();
    for (var j = 0u; j < DEPTH / 4; j += GROUPS) {
      let v = (j + local.z) * SIDE + local.y;
      let w = (j + local.z) * SIDE + local.x;
      for (var m = 0u; m < 4; m++) {
        let low = tile[m][v];
        let high = tile[m + 4][v];
        let left = tile[m + 8][w];
        let right = tile[m + 12][w];
        left0 += low.x * left;
        right0 += low.x * right;
        left1 += low.y * left;
        right1 += low.y * right;
        left2 += low.z * left;
        right2 += low.z * right;
        left3 += low.w * left;
        right3 += low.w * right;
        left4 += high.x * left;
        right4 += high.x * right;
        left5 += high.y * left;
        right5 += high.y * right;
        left6 += high.z * left;
        right6 += high.z * right;
        left7 += high.w * left;
        right7 += high.w * right;
      }
    }
    workgroupBarrier();
  }
  finish_rows(row0, column0, left0, left1, left2, left3, thread);
  finish_rows(row0 + 4 * SIDE, column0, left4, left5, left6, left7, thread);
  finish_rows(row0, column0 + SIDE, right0, right1, right2, right3, thread);
  finish_rows(row0 + 4 * SIDE, column0 + SIDE, right4, right5, right6, right7, thread);
}
