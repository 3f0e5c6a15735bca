// matmul-forward/registers: the sums of matmul-forward, sixteen rows by sixteen columns per thread.
// For K and N that are multiples of 4.
//
// A software adapter loads lane by lane, with a bounds check for each lane: about 80 cycles for the
// vec4 of eight lanes. Arithmetic is cheap beside that. So a thread does 1,024 multiply-adds for 32
// loads and shares nothing. Its sums do not fit the registers, but that costs less. Threads past
// the edges leave at once.
//
// Grid: ceil(N / 64) by ceil((row_end - row_start) / 64).
// Numerics: per output one f32 sum, four products at a time, k ascending.

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
@group(0) @binding(3) var<storage, read> bias: array<vec4f>;
@group(0) @binding(4) var<storage, read> residual: array<vec4f>;
@group(0) @binding(5) var<storage, read_write> out: array<vec4f>;

// `column` counts four columns at a time.
fn finish(row: u32, column: u32, sum: vec4f) {
  let columns = params.columns / 4;
  if (row >= params.row_end || column >= columns) { return; }
  let at = row * columns + column;
  var value = sum;
  if (params.has_bias != 0) { value += bias[column]; }
  if (params.has_residual != 0) { value += residual[at]; }
  out[at] = value;
}

@compute @workgroup_size(4, 4)
fn main(@builtin(global_invocation_id) id: vec3u) {
  let inner = params.inner / 4;
  let row = params.row_start + id.y * 16;
  let column = id.x * 4;
  if (row >= params.row_end || column * 4 >= params.columns) { return; }
  // A row or column past the edge repeats the last one and is not stored.
  let last = params.row_end - 1;
  let last_column = params.columns / 4 - 1;
  let x0 = row * inner;
  let x1 = min(row + 1, last) * inner;
  let x2 = min(row + 2, last) * inner;
  let x3 = min(row + 3, last) * inner;
  let x4 = min(row + 4, last) * inner;
  let x5 = min(row + 5, last) * inner;
  let x6 = min(row + 6, last) * inner;
  let x7 = min(row + 7, last) * inner;
  let x8 = min(row + 8, last) * inner;
  let x9 = min(row + 9, last) * inner;
  let x10 = min(row + 10, last) * inner;
  let x11 = min(row + 11, last) * inner;
  let x12 = min(row + 12, last) * inner;
  let x13 = min(row + 13, last) * inner;
  let x14 = min(row + 14, last) * inner;
  let x15 = min(row + 15, last) * inner;
  let w0 = column * 4 * inner;
  let w1 = min(column + 1, last_column) * 4 * inner;
  let w2 = min(column + 2, last_column) * 4 * inner;
  let w3 = min(column + 3, last_column) * 4 * inner;
  // sumR_C: rows 4 R to 4 R + 3, one per column of the matrix, by the columns 4 C to 4 C + 3.
  var sum0_0 = mat4x4f();
  var sum0_1 = mat4x4f();
  var sum0_2 = mat4x4f();
  var sum0_3 = mat4x4f();
  var sum1_0 = mat4x4f();
  var sum1_1 = mat4x4f();
  var sum1_2 = mat4x4f();
  var sum1_3 = mat4x4f();
  var sum2_0 = mat4x4f();
  var sum2_1 = mat4x4f();
  var sum2_2 = mat4x4f();
  var sum2_3 = mat4x4f();
  var sum3_0 = mat4x4f();
  var sum3_1 = mat4x4f();
  var sum3_2 = mat4x4f();
  var sum3_3 = mat4x4f();
  for (var k = 0u; k < inner; k++) {
    let rows0 = mat4x4f(x[x0 + k], x[x1 + k], x[x2 + k], x[x3 + k]);
    let rows1 = mat4x4f(x[x4 + k], x[x5 + k], x[x6 + k], x[x7 + k]);
    let rows2 = mat4x4f(x[x8 + k], x[x9 + k], x[x10 + k], x[x11 + k]);
    let rows3 = mat4x4f(x[x12 + k], x[x13 + k], x[x14 + k], x[x15 + k]);
    let weight0 = transpose(mat4x4f(
      weight_quad(w0 + k),
      weight_quad(w0 + inner + k),
      weight_quad(w0 + 2 * inner + k),
      weight_quad(w0 + 3 * inner + k),
    ));
    sum0_0 += weight0 * rows0;
    sum1_0 += weight0 * rows1;
    sum2_0 += weight0 * rows2;
    sum3_0 += weight0 * rows3;
    let weight1 = transpose(mat4x4f(
      weight_quad(w1 + k),
      weight_quad(w1 + inner + k),
      weight_quad(w1 + 2 * inner + k),
      weight_quad(w1 + 3 * inner + k),
    ));
    sum0_1 += weight1 * rows0;
    sum1_1 += weight1 * rows1;
    sum2_1 += weight1 * rows2;
    sum3_1 += weight1 * rows3;
    let weight2 = transpose(mat4x4f(
      weight_quad(w2 + k),
      weight_quad(w2 + inner + k),
      weight_quad(w2 + 2 * inner + k),
      weight_quad(w2 + 3 * inner + k),
    ));
    sum0_2 += weight2 * rows0;
    sum1_2 += weight2 * rows1;
    sum2_2 += weight2 * rows2;
    sum3_2 += weight2 * rows3;
    let weight3 = transpose(mat4x4f(
      weight_quad(w3 + k),
      weight_quad(w3 + inner + k),
      weight_quad(w3 + 2 * inner + k),
      weight_quad(w3 + 3 * inner + k),
    ));
    sum0_3 += weight3 * rows0;
    sum1_3 += weight3 * rows1;
    sum2_3 += weight3 * rows2;
    sum3_3 += weight3 * rows3;
  }
  // A loop lets a driver compile the epilogue once. It starts at `row`, so no driver unrolls it.
  var sums = array<mat4x4f, 16>(
    sum0_0, sum1_0, sum2_0, sum3_0,
    sum0_1, sum1_1, sum2_1, sum3_1,
    sum0_2, sum1_2, sum2_2, sum3_2,
    sum0_3, sum1_3, sum2_3, sum3_3,
  );
  let end = min(params.row_end, row + 16);
  for (var at = row; at < end; at++) {
    let r = at - row;
    for (var c = 0u; c < 4; c++) {
      finish(at, column + c, sums[c * 4 + r / 4][r % 4]);
    }
  }
}
