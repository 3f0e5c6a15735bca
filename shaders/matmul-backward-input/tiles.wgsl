// matmul-backward-input/tiles: the sums of matmul-backward-input, a tile of 8 * SIDE by 8 * SIDE
// outputs per workgroup and 8 by 8 outputs per thread. For K that is a multiple of 4, and any N.
//
// Sizes, groups and cells are those of shaders/matmul-forward/tiles.wgsl. The groups share out n. Of
// dy a tile holds quads of n, of the weight quads of k: a thread's outputs are two quads of k of eight
// rows. Where SIDE is 4, two stores meet in one bank; loads meet in none.
//
// The header gives `const SIDE: u32`, and `alias Cell` and CELL, the numbers in a cell of dy: vec4f and
// 4 where N is a multiple of 4, else f32 and 1.
// Grid: ceil(K / (8 * SIDE)) by ceil((row_end - row_start) / (8 * SIDE)).
// Numerics: per output and group one f32 sum, four products at a time, n ascending; then the groups'
// sums in order; an old dx is added at the end, whether accumulate is 1 or 2.

struct Params {
  row_start: u32,
  row_end: u32,
  inner: u32, // N
  columns: u32, // K
  accumulate: u32,
}
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> dy: array<Cell>;
@group(0) @binding(2) var<storage, read> weight: array<Weights>;
@group(0) @binding(3) var<storage, read_write> dx: array<vec4f>;

const GROUPS = 256 / (SIDE * SIDE);
const QUADS = 64 / SIDE; // of n, in a tile

// Eight lines of dy, then of the weight. Row t + SIDE * line of dy's tile lies in cell quad * SIDE + t
// of the line; line 2 m + h of the weight holds n = 4 quad + m, its quad of k t + SIDE * h in cell
// quad * SIDE + t.
var<workgroup> tile: array<array<vec4f, 64>, 16>;

fn swizzled(quad: u32, t: u32) -> u32 {
  return quad * SIDE + (t ^ ((quad * max(1u, SIDE / 8)) & (min(SIDE, 8u) - 1)));
}

// Quad `quad` of the row of dy that begins at number `start`; 0 past the end.
fn gradients(start: u32, quad: u32) -> vec4f {
  let n = quad * 4;
  if (CELL == 4) {
    let cell = vec4f(dy[min(start + n, start + params.inner - 4) / CELL]);
    return select(vec4f(), cell, n < params.inner);
  }
  let last = start + params.inner - 1;
  let at = vec4u(start + n) + vec4u(0, 1, 2, 3);
  let cells = vec4f(
    vec4f(dy[min(at.x, last)]).x,
    vec4f(dy[min(at.y, last)]).x,
    vec4f(dy[min(at.z, last)]).x,
    vec4f(dy[min(at.w, last)]).x,
  );
  return select(vec4f(), cells, at <= vec4u(last));
}

// `column` counts four columns at a time.
fn finish(row: u32, column: u32, sum: vec4f) {
  let columns = params.columns / 4;
  if (row >= params.row_end || column >= columns) { return; }
  let at = row * columns + column;
  var value = sum;
  if (params.accumulate != 0) { value += dx[at]; }
  dx[at] = value;
}

// Stores a quad of k of four rows of each thread, SIDE apart. Why: shaders/matmul-forward/tiles.wgsl.
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
    finish(row + which * SIDE + place / SIDE, column + place % SIDE, sum);
  }
  workgroupBarrier();
}

@compute @workgroup_size(SIDE, SIDE, GROUPS)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(local_invocation_id) local: vec3u,
  @builtin(local_invocation_index) thread: u32,
) {
  let inner = params.inner;
  let columns = params.columns / 4;
  let row0 = params.row_start + group.y * SIDE * 8;
  let column0 = group.x * SIDE * 2;
  // A thread loads one quad of n of two rows of dy, and one quad of k of two rows of the weight.
  let quad = thread % QUADS;
  let line = thread / QUADS;
  let slot = swizzled(quad, line % SIDE);
  let cell = line / SIDE; // 0 to 3
  let across = thread % (2 * SIDE);
  let down = thread / (2 * SIDE); // and as many rows further down
  let weight_at = min(column0 + across, columns - 1);
  let weight_line = 8 + down % 4 * 2 + across / SIDE;
  let weight_slot = down / 4 * SIDE + across % SIDE;
  var left0 = vec4f(); // the first quad of k of row 0, in steps of SIDE
  var left1 = vec4f();
  var left2 = vec4f();
  var left3 = vec4f();
  var left4 = vec4f();
  var left5 = vec4f();
  var left6 = vec4f();
  var left7 = vec4f();
  var right0 = vec4f(); // the second
  var right1 = vec4f();
  var right2 = vec4f();
  var right3 = vec4f();
  var right4 = vec4f();
  var right5 = vec4f();
  var right6 = vec4f();
  var right7 = vec4f();
  for (var n0 = 0u; n0 < inner; n0 += QUADS * 4) {
    let last = params.row_end - 1;
    tile[cell][slot] = gradients(min(row0 + line, last) * inner, n0 / 4 + quad);
    tile[cell + 4][slot] = gradients(min(row0 + line + 4 * SIDE, last) * inner, n0 / 4 + quad);
    // Rows past the end are replaced by the last row: dy is 0 there.
    let n = n0 + down;
    tile[weight_line][weight_slot] = weight_quad(min(n, inner - 1) * columns + weight_at);
    tile[weight_line][weight_slot + 32] =
      weight_quad(min(n + QUADS * 2, inner - 1) * columns + weight_at);
    workgroupBarrier();
    for (var q = 0u; q < QUADS; q += GROUPS) {
      let v = swizzled(q + local.z, local.y);
      let w = (q + local.z) * SIDE + local.x;
      let left = mat4x4f(tile[8][w], tile[10][w], tile[12][w], tile[14][w]);
      let right = mat4x4f(tile[9][w], tile[11][w], tile[13][w], tile[15][w]);
      left0 += left * tile[0][v];
      right0 += right * tile[0][v];
      left1 += left * tile[1][v];
      right1 += right * tile[1][v];
      left2 += left * tile[2][v];
      right2 += right * tile[2][v];
      left3 += left * tile[3][v];
      right3 += right * tile[3][v];
      left4 += left * tile[4][v];
      right4 += right * tile[4][v];
      left5 += left * tile[5][v];
      right5 += right * tile[5][v];
      left6 += left * tile[6][v];
      right6 += right * tile[6][v];
      left7 += left * tile[7][v];
      right7 += right * tile[7][v];
    }
    workgroupBarrier();
  }
  finish_rows(row0, column0, left0, left1, left2, left3, thread);
  finish_rows(row0 + 4 * SIDE, column0, left4, left5, left6, left7, thread);
  finish_rows(row0, column0 + SIDE, right0, right1, right2, right3, thread);
  finish_rows(row0 + 4 * SIDE, column0 + SIDE, right4, right5, right6, right7, thread);
}
