// matmul-backward-input/registers: the sums of matmul-backward-input, sixteen rows by sixteen
// columns per thread. For K and N that are multiples of 4. Why:
// shaders/matmul-forward/registers.wgsl.
//
// Grid: ceil(K / 64) by ceil((row_end - row_start) / 64).
// Numerics: per output one f32 sum, four products at a time, n ascending.

struct Params {
  row_start: u32,
  row_end: u32,
  inner: u32, // N
  columns: u32, // K
  accumulate: u32,
}
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> dy: array<vec4f>;
@group(0) @binding(2) var<storage, read> weight: array<Weights>;
@group(0) @binding(3) var<storage, read_write> dx: array<vec4f>;

// What a sum starts from. `column` counts four columns at a time.
fn begin(row: u32, column: u32) -> vec4f {
  let columns = params.columns / 4;
  if (params.accumulate != 2 || row >= params.row_end || column >= columns) { return vec4f(); }
  return dx[row * columns + column];
}

fn begin_rows(row: u32, column: u32) -> mat4x4f {
  return mat4x4f(
    begin(row, column),
    begin(row + 1, column),
    begin(row + 2, column),
    begin(row + 3, column),
  );
}

fn finish(row: u32, column: u32, sum: vec4f) {
  let columns = params.columns / 4;
  if (row >= params.row_end || column >= columns) { return; }
  let at = row * columns + column;
  var value = sum;
  if (params.accumulate == 1) { value += dx[at]; }
  dx[at] = value;
}

@compute @workgroup_size(4, 4)
fn main(@builtin(global_invocation_id) id: vec3u) {
  let inner = params.inner / 4;
  let columns = params.columns / 4;
  let row = params.row_start + id.y * 16;
  let column = id.x * 4;
  if (row >= params.row_end || column >= columns) { return; }
  // A row or column past the edge repeats the last one and is not stored.
  let last = params.row_end - 1;
  let dy0 = row * inner;
  let dy1 = min(row + 1, last) * inner;
  let dy2 = min(row + 2, last) * inner;
  let dy3 = min(row + 3, last) * inner;
  let dy4 = min(row + 4, last) * inner;
  let dy5 = min(row + 5, last) * inner;
  let dy6 = min(row + 6, last) * inner;
  let dy7 = min(row + 7, last) * inner;
  let dy8 = min(row + 8, last) * inner;
  let dy9 = min(row + 9, last) * inner;
  let dy10 = min(row + 10, last) * inner;
  let dy11 = min(row + 11, last) * inner;
  let dy12 = min(row + 12, last) * inner;
  let dy13 = min(row + 13, last) * inner;
  let dy14 = min(row + 14, last) * inner;
  let dy15 = min(row + 15, last) * inner;
  let w0 = column;
  let w1 = min(column + 1, columns - 1);
  let w2 = min(column + 2, columns - 1);
  let w3 = min(column + 3, columns - 1);
  // sumR_C: rows 4 R to 4 R + 3, one per column of the matrix, by the columns 4 C to 4 C + 3.
  var sum0_0 = begin_rows(row, column);
  var sum0_1 = begin_rows(row, column + 1);
  var sum0_2 = begin_rows(row, column + 2);
  var sum0_3 = begin_rows(row, column + 3);
  var sum1_0 = begin_rows(row + 4, column);
  var sum1_1 = begin_rows(row + 4, column + 1);
  var sum1_2 = begin_rows(row + 4, column + 2);
  var sum1_3 = begin_rows(row + 4, column + 3);
  var sum2_0 = begin_rows(row + 8, column);
  var sum2_1 = begin_rows(row + 8, column + 1);
  var sum2_2 = begin_rows(row + 8, column + 2);
  var sum2_3 = begin_rows(row + 8, column + 3);
  var sum3_0 = begin_rows(row + 12, column);
  var sum3_1 = begin_rows(row + 12, column + 1);
  var sum3_2 = begin_rows(row + 12, column + 2);
  var sum3_3 = begin_rows(row + 12, column + 3);
  for (var n = 0u; n < inner; n++) {
    let line = n * 4 * columns;
    let rows0 = mat4x4f(dy[dy0 + n], dy[dy1 + n], dy[dy2 + n], dy[dy3 + n]);
    let rows1 = mat4x4f(dy[dy4 + n], dy[dy5 + n], dy[dy6 + n], dy[dy7 + n]);
    let rows2 = mat4x4f(dy[dy8 + n], dy[dy9 + n], dy[dy10 + n], dy[dy11 + n]);
    let rows3 = mat4x4f(dy[dy12 + n], dy[dy13 + n], dy[dy14 + n], dy[dy15 + n]);
    let weight0 = mat4x4f(
      weight_quad(line + w0),
      weight_quad(line + columns + w0),
      weight_quad(line + 2 * columns + w0),
      weight_quad(line + 3 * columns + w0),
    );
    sum0_0 += weight0 * rows0;
    sum1_0 += weight0 * rows1;
    sum2_0 += weight0 * rows2;
    sum3_0 += weight0 * rows3;
    let weight1 = mat4x4f(
      weight_quad(line + w1),
      weight_quad(line + columns + w1),
      weight_quad(line + 2 * columns + w1),
      weight_quad(line + 3 * columns + w1),
    );
    sum0_1 += weight1 * rows0;
    sum1_1 += weight1 * rows1;
    sum2_1 += weight1 * rows2;
    sum3_1 += weight1 * rows3;
    let weight2 = mat4x4f(
      weight_quad(line + w2),
      weight_quad(line + columns + w2),
      weight_quad(line + 2 * columns + w2),
      weight_quad(line + 3 * columns + w2),
    );
    sum0_2 += weight2 * rows0;
    sum1_2 += weight2 * rows1;
    sum2_2 += weight2 * rows2;
    sum3_2 += weight2 * rows3;
    let weight3 = mat4x4f(
      weight_quad(line + w3),
      weight_quad(line + columns + w3),
      weight_quad(line + 2 * columns + w3),
      weight_quad(line + 3 * columns + w3),
    );
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
