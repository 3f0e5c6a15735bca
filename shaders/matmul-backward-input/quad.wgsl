// matmul-backward-input/quad: the sums of matmul-backward-input, 64 rows by 32 columns per quad of
// lanes. The lanes share their rows of dy. For K and N that are multiples of 4. Why:
// shaders/matmul-forward/quad.wgsl.
//
// Grid: ceil(K / 32) by ceil((row_end - row_start) / 64).
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

// The rows of all four lanes, this lane's first, then those of lane ^ 1, ^ 2 and ^ 3. Column k of
// the result holds number k of each row.
fn shared_rows(own: vec4f) -> mat4x4f {
  return transpose(mat4x4f(own, quadSwapX(own), quadSwapY(own), quadSwapDiagonal(own)));
}

// What the sums of four rows start from: row i of the result is row + (lane ^ i), as in the sums.
fn begin_rows(row: u32, column: u32, lane: u32) -> mat4x4f {
  var lines = mat4x4f();
  let columns = params.columns / 4;
  if (params.accumulate != 2 || column >= columns) { return lines; }
  for (var i = 0u; i < 4; i++) {
    let from_row = row + (lane ^ i);
    if (from_row < params.row_end) { lines[i] = dx[from_row * columns + column]; }
  }
  return transpose(lines);
}

@compute @workgroup_size(4)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) lane: u32) {
  let inner = params.inner / 4;
  let columns = params.columns / 4;
  let row = params.row_start + group.y * 64;
  // Eight columns per lane, counted four at a time.
  let column = group.x * 8 + lane * 2;
  // A row or column past the end repeats the last one and is not stored.
  let last_row = arrayLength(&dy) - inner;
  let last_columns = weight_quads() - (4 * inner - 1) * columns - 1;
  let last_dx = arrayLength(&dx) - 1;
  let dy0 = min((row + lane) * inner, last_row);
  let dy1 = min((row + 4 + lane) * inner, last_row);
  let dy2 = min((row + 8 + lane) * inner, last_row);
  let dy3 = min((row + 12 + lane) * inner, last_row);
  let dy4 = min((row + 16 + lane) * inner, last_row);
  let dy5 = min((row + 20 + lane) * inner, last_row);
  let dy6 = min((row + 24 + lane) * inner, last_row);
  let dy7 = min((row + 28 + lane) * inner, last_row);
  let dy8 = min((row + 32 + lane) * inner, last_row);
  let dy9 = min((row + 36 + lane) * inner, last_row);
  let dy10 = min((row + 40 + lane) * inner, last_row);
  let dy11 = min((row + 44 + lane) * inner, last_row);
  let dy12 = min((row + 48 + lane) * inner, last_row);
  let dy13 = min((row + 52 + lane) * inner, last_row);
  let dy14 = min((row + 56 + lane) * inner, last_row);
  let dy15 = min((row + 60 + lane) * inner, last_row);
  let w0 = min(column, last_columns);
  let w1 = min(column + 1, last_columns);
  // sumR_C: rows 4 R + (lane ^ i), i a row of the matrix, by the lane's columns 4 C to 4 C + 3.
  var sum0_0 = begin_rows(row, column, lane);
  var sum0_1 = begin_rows(row, column + 1, lane);
  var sum1_0 = begin_rows(row + 4, column, lane);
  var sum1_1 = begin_rows(row + 4, column + 1, lane);
  var sum2_0 = begin_rows(row + 8, column, lane);
  var sum2_1 = begin_rows(row + 8, column + 1, lane);
  var sum3_0 = begin_rows(row + 12, column, lane);
  var sum3_1 = begin_rows(row + 12, column + 1, lane);
  var sum4_0 = begin_rows(row + 16, column, lane);
  var sum4_1 = begin_rows(row + 16, column + 1, lane);
  var sum5_0 = begin_rows(row + 20, column, lane);
  var sum5_1 = begin_rows(row + 20, column + 1, lane);
  var sum6_0 = begin_rows(row + 24, column, lane);
  var sum6_1 = begin_rows(row + 24, column + 1, lane);
  var sum7_0 = begin_rows(row + 28, column, lane);
  var sum7_1 = begin_rows(row + 28, column + 1, lane);
  var sum8_0 = begin_rows(row + 32, column, lane);
  var sum8_1 = begin_rows(row + 32, column + 1, lane);
  var sum9_0 = begin_rows(row + 36, column, lane);
  var sum9_1 = begin_rows(row + 36, column + 1, lane);
  var sum10_0 = begin_rows(row + 40, column, lane);
  var sum10_1 = begin_rows(row + 40, column + 1, lane);
  var sum11_0 = begin_rows(row + 44, column, lane);
  var sum11_1 = begin_rows(row + 44, column + 1, lane);
  var sum12_0 = begin_rows(row + 48, column, lane);
  var sum12_1 = begin_rows(row + 48, column + 1, lane);
  var sum13_0 = begin_rows(row + 52, column, lane);
  var sum13_1 = begin_rows(row + 52, column + 1, lane);
  var sum14_0 = begin_rows(row + 56, column, lane);
  var sum14_1 = begin_rows(row + 56, column + 1, lane);
  var sum15_0 = begin_rows(row + 60, column, lane);
  var sum15_1 = begin_rows(row + 60, column + 1, lane);
  for (var k = 0u; k < inner; k++) {
    let line = 4 * k * columns;
    let weight0 = transpose(mat4x4f(
      weight_quad(line + w0),
      weight_quad(line + columns + w0),
      weight_quad(line + 2 * columns + w0),
      weight_quad(line + 3 * columns + w0),
    ));
    let weight1 = transpose(mat4x4f(
      weight_quad(line + w1),
      weight_quad(line + columns + w1),
      weight_quad(line + 2 * columns + w1),
      weight_quad(line + 3 * columns + w1),
    ));
    let rows0 = shared_rows(dy[dy0 + k]);
    sum0_0 += rows0 * weight0;
    sum0_1 += rows0 * weight1;
    let rows1 = shared_rows(dy[dy1 + k]);
    sum1_0 += rows1 * weight0;
    sum1_1 += rows1 * weight1;
    let rows2 = shared_rows(dy[dy2 + k]);
    sum2_0 += rows2 * weight0;
    sum2_1 += rows2 * weight1;
    let rows3 = shared_rows(dy[dy3 + k]);
    sum3_0 += rows3 * weight0;
    sum3_1 += rows3 * weight1;
    let rows4 = shared_rows(dy[dy4 + k]);
    sum4_0 += rows4 * weight0;
    sum4_1 += rows4 * weight1;
    let rows5 = shared_rows(dy[dy5 + k]);
    sum5_0 += rows5 * weight0;
    sum5_1 += rows5 * weight1;
    let rows6 = shared_rows(dy[dy6 + k]);
    sum6_0 += rows6 * weight0;
    sum6_1 += rows6 * weight1;
    let rows7 = shared_rows(dy[dy7 + k]);
    sum7_0 += rows7 * weight0;
    sum7_1 += rows7 * weight1;
    let rows8 = shared_rows(dy[dy8 + k]);
    sum8_0 += rows8 * weight0;
    sum8_1 += rows8 * weight1;
    let rows9 = shared_rows(dy[dy9 + k]);
    sum9_0 += rows9 * weight0;
    sum9_1 += rows9 * weight1;
    let rows10 = shared_rows(dy[dy10 + k]);
    sum10_0 += rows10 * weight0;
    sum10_1 += rows10 * weight1;
    let rows11 = shared_rows(dy[dy11 + k]);
    sum11_0 += rows11 * weight0;
    sum11_1 += rows11 * weight1;
    let rows12 = shared_rows(dy[dy12 + k]);
    sum12_0 += rows12 * weight0;
    sum12_1 += rows12 * weight1;
    let rows13 = shared_rows(dy[dy13 + k]);
    sum13_0 += rows13 * weight0;
    sum13_1 += rows13 * weight1;
    let rows14 = shared_rows(dy[dy14 + k]);
    sum14_0 += rows14 * weight0;
    sum14_1 += rows14 * weight1;
    let rows15 = shared_rows(dy[dy15 + k]);
    sum15_0 += rows15 * weight0;
    sum15_1 += rows15 * weight1;
  }
  var sums = array<mat4x4f, 32>(
    transpose(sum0_0), transpose(sum0_1),
    transpose(sum1_0), transpose(sum1_1),
    transpose(sum2_0), transpose(sum2_1),
    transpose(sum3_0), transpose(sum3_1),
    transpose(sum4_0), transpose(sum4_1),
    transpose(sum5_0), transpose(sum5_1),
    transpose(sum6_0), transpose(sum6_1),
    transpose(sum7_0), transpose(sum7_1),
    transpose(sum8_0), transpose(sum8_1),
    transpose(sum9_0), transpose(sum9_1),
    transpose(sum10_0), transpose(sum10_1),
    transpose(sum11_0), transpose(sum11_1),
    transpose(sum12_0), transpose(sum12_1),
    transpose(sum13_0), transpose(sum13_1),
    transpose(sum14_0), transpose(sum14_1),
    transpose(sum15_0), transpose(sum15_1),
  );
  for (var at = 0u; at < 64; at++) {
    let to = row + (at & ~3u) + ((at & 3) ^ lane);
    for (var c = 0u; c < 2; c++) {
      if (to < params.row_end && column + c < columns) {
        let slot = min(to * columns + column + c, last_dx);
        var value = sums[at / 4 * 2 + c][at & 3];
        if (params.accumulate == 1) { value += dx[slot]; }
        dx[slot] = value;
      }
    }
  }
}
