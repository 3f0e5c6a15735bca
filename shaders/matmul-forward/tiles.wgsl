// matmul-forward/tiles: the sums of matmul-forward, a tile of 8 * SIDE by 8 * SIDE outputs per
// workgroup and 8 by 8 outputs per thread. For K that is a multiple of 4.
//
// A GPU multiplies at its full rate only where nearly every instruction is a multiply-add. Here a
// thread reads 16 vec4 from workgroup memory for 256 multiply-adds. The 256 threads form GROUPS =
// 256 / SIDE^2 groups; where a layer has few tiles, tiles are smaller, and the groups share out k:
//
//   SIDE  GROUPS  tile   k at a time  reads of memory a multiply-add
//     16       1  128^2           16                            1/64
//      8       4   64^2           32                            1/32
//      4      16   32^2           64                            1/16
//
// Tiles hold quads of k. The places of a quad's cells of 16 bytes are exchanged (`swizzled`), so that
// neighbouring threads store to different banks; where SIDE is 4, two still meet in one bank. Loads
// meet in none.
//
// The header gives `const SIDE: u32`.
// Grid: ceil(N / (8 * SIDE)) by ceil((row_end - row_start) / (8 * SIDE)).
// Numerics: per output and group one f32 sum, four products at a time, k ascending; then the groups'
// sums in order.

struct Params {
  row_start: u32,
  row_end: u32,
  inner: u32, // K
  columns: u32, // N
  has_bias: u32,
  has_residual: u32,
}
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> x: array<vec4f>;
@group(0) @binding(2) var<storage, read> weight: array<Weights>;
@group(0) @binding(3) var<storage, read> bias: array<f32>;
@group(0) @binding(4) var<storage, read> residual: array<f32>;
@group(0) @binding(5) var<storage, read_write> out: array<f32>;

const GROUPS = 256 / (SIDE * SIDE);
const QUADS = 64 / SIDE; // of k, in a tile

// Eight lines of x, then eight of the weight. Row or column t + SIDE * line of the tile lies in cell
// quad * SIDE + t of the line. A first index that is a constant needs no check of bounds.
var<workgroup> tile: array<array<vec4f, 64>, 16>;

fn swizzled(quad: u32, t: u32) -> u32 {
  return quad * SIDE + (t ^ ((quad * max(1u, SIDE / 8)) & (min(SIDE, 8u) - 1)));
}

fn finish(row: u32, column: u32, sum: f32) {
  if (row >= params.row_end || column >= params.columns) { return; }
  let at = row * params.columns + column;
  var value = sum;
  if (params.has_bias != 0) { value += bias[column]; }
  if (params.has_residual != 0) { value += residual[at]; }
  out[at] = value;
}

// Stores four columns of eight of each thread, SIDE apart, and of each the four rows that stand SIDE
// apart. Sums go through workgroup memory: the groups' are added there, and a loop over them compiles
// to little.
fn finish_columns(row: u32, column: u32, a: vec4f, b: vec4f, c: vec4f, d: vec4f, thread: u32) {
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
    let first = row + place / SIDE;
    let to = column + which * SIDE + place % SIDE;
    finish(first, to, sum.x);
    finish(first + SIDE, to, sum.y);
    finish(first + 2 * SIDE, to, sum.z);
    finish(first + 3 * SIDE, to, sum.w);
  }
  workgroupBarrier();
}

@compute @workgroup_size(SIDE, SIDE, GROUPS)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(local_invocation_id) local: vec3u,
  @builtin(local_invocation_index) thread: u32,
) {
  let inner = params.inner / 4;
  let row0 = params.row_start + group.y * SIDE * 8;
  let column0 = group.x * SIDE * 8;
  // A thread loads one quad of k of two rows and of two columns. Their places are computed in each turn:
  // registers are scarcer than instructions.
  let quad = thread % QUADS;
  let line = thread / QUADS;
  let slot = swizzled(quad, line % SIDE);
  let cell = line / SIDE; // 0 to 3
  var low0 = vec4f(); // rows 0 to 3 of column 0, in steps of SIDE
  var low1 = vec4f();
  var low2 = vec4f();
  var low3 = vec4f();
  var low4 = vec4f();
  var low5 = vec4f();
  var low6 = vec4f();
  var low7 = vec4f();
  var high0 = vec4f(); // rows 4 to 7
  var high1 = vec4f();
  var high2 = vec4f();
  var high3 = vec4f();
  var high4 = vec4f();
  var high5 = vec4f();
  var high6 = vec4f();
  var high7 = vec4f();
  for (var k0 = 0u; k0 < inner; k0 += QUADS) {
    // Quads past the end are replaced by the last quad, with x 0.
    let inside = k0 + quad < inner;
    let k = min(k0 + quad, inner - 1);
    let x_row = row0 + line;
    let x_last = params.row_end - 1;
    let weight_row = column0 + line;
    let weight_last = params.columns - 1;
    tile[cell][slot] = select(vec4f(), x[min(x_row, x_last) * inner + k], inside);
    tile[cell + 4][slot] = select(vec4f(), x[min(x_row + 4 * SIDE, x_last) * inner + k], inside);
    tile[cell + 8][slot] = weight_quad(min(weight_row, weight_last) * inner + k);
    tile[cell + 12][slot] = weight_quad(min(weight_row + 4 * SIDE, weight_last) * inner + k);
    workgroupBarrier();
    for (var q = 0u; q < QUADS; q += GROUPS) {
      let v = swizzled(q + local.z, local.y);
      let w = swizzled(q + local.z, local.x);
      let low = mat4x4f(tile[0][v], tile[1][v], tile[2][v], tile[3][v]);
      let high = mat4x4f(tile[4][v], tile[5][v], tile[6][v], tile[7][v]);
      low0 += tile[8][w] * low;
      high0 += tile[8][w] * high;
      low1 += tile[9][w] * low;
      high1 += tile[9][w] * high;
      low2 += tile[10][w] * low;
      high2 += tile[10][w] * high;
      low3 += tile[11][w] * low;
      high3 += tile[11][w] * high;
      low4 += tile[12][w] * low;
      high4 += tile[12][w] * high;
      low5 += tile[13][w] * low;
      high5 += tile[13][w] * high;
      low6 += tile[14][w] * low;
      high6 += tile[14][w] * high;
      low7 += tile[15][w] * low;
      high7 += tile[15][w] * high;
    }
    workgroupBarrier();
  }
  finish_columns(row0, column0, low0, low1, low2, low3, thread);
  finish_columns(row0, column0 + 4 * SIDE, low4, low5, low6, low7, thread);
  finish_columns(row0 + 4 * SIDE, column0, high0, high1, high2, high3, thread);
  finish_columns(row0 + 4 * SIDE, column0 + 4 * SIDE, high4, high5, high6, high7, thread);
}
