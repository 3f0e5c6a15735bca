// matmul-backward-weight/quad: the sums of matmul-backward-weight, 64 output features by 32 input
// features per quad of lanes. The lanes share their columns of dy. For K and N that are multiples
// of 4. Why: shaders/matmul-forward/quad.wgsl.
//
// Grid: ceil(K / 32) by ceil((row_end - row_start) / 64).
// Numerics: per output one f32 sum, four products at a time, i ascending; the old dw is added after
// the sum.

struct Params {
  row_start: u32,
  row_end: u32,
  inner: u32, // M in use
  rows: u32, // N
  columns: u32, // K
}
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> dy: array<vec4f>;
@group(0) @binding(2) var<storage, read> x: array<vec4f>;
@group(0) @binding(3) var<storage, read_write> dw: array<vec4f>;

// The values that lane ^ 1, lane ^ 2 and lane ^ 3 hold.
fn beside(m: mat4x4f) -> mat4x4f {
  return mat4x4f(quadSwapX(m[0]), quadSwapX(m[1]), quadSwapX(m[2]), quadSwapX(m[3]));
}
fn below(m: mat4x4f) -> mat4x4f {
  return mat4x4f(quadSwapY(m[0]), quadSwapY(m[1]), quadSwapY(m[2]), quadSwapY(m[3]));
}
fn across(m: mat4x4f) -> mat4x4f {
  return mat4x4f(
    quadSwapDiagonal(m[0]),
    quadSwapDiagonal(m[1]),
    quadSwapDiagonal(m[2]),
    quadSwapDiagonal(m[3]),
  );
}

@compute @workgroup_size(4)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) lane: u32) {
  let rows = params.rows / 4;
  let columns = params.columns / 4;
  let row = params.row_start + group.y * 64;
  // Eight columns per lane, counted four at a time.
  let column = group.x * 8 + lane * 2;
  // Features past the edge repeat the last four and are not stored. The bounds below hold the
  // arrays' lengths, asked for before the loop; why: shaders/matmul-forward/quad.wgsl.
  let last_row = min(rows, arrayLength(&dy)) - 1;
  let last_column = min(columns, arrayLength(&x)) - 1;
  let last_dw = arrayLength(&dw) - 1;
  let row0 = min(row / 4 + lane, last_row);
  let row1 = min(row / 4 + 4 + lane, last_row);
  let row2 = min(row / 4 + 8 + lane, last_row);
  let row3 = min(row / 4 + 12 + lane, last_row);
  let column0 = min(column, last_column);
  let column1 = min(column + 1, last_column);
  // sumR_S_C: four output features from 16 R + 4 (lane ^ S), one per column of the matrix, by the
  // lane's input features 4 C to 4 C + 3.
  var sum0_0_0 = mat4x4f();
  var sum0_0_1 = mat4x4f();
  var sum0_1_0 = mat4x4f();
  var sum0_1_1 = mat4x4f();
  var sum0_2_0 = mat4x4f();
  var sum0_2_1 = mat4x4f();
  var sum0_3_0 = mat4x4f();
  var sum0_3_1 = mat4x4f();
  var sum1_0_0 = mat4x4f();
  var sum1_0_1 = mat4x4f();
  var sum1_1_0 = mat4x4f();
  var sum1_1_1 = mat4x4f();
  var sum1_2_0 = mat4x4f();
  var sum1_2_1 = mat4x4f();
  var sum1_3_0 = mat4x4f();
  var sum1_3_1 = mat4x4f();
  var sum2_0_0 = mat4x4f();
  var sum2_0_1 = mat4x4f();
  var sum2_1_0 = mat4x4f();
  var sum2_1_1 = mat4x4f();
  var sum2_2_0 = mat4x4f();
  var sum2_2_1 = mat4x4f();
  var sum2_3_0 = mat4x4f();
  var sum2_3_1 = mat4x4f();
  var sum3_0_0 = mat4x4f();
  var sum3_0_1 = mat4x4f();
  var sum3_1_0 = mat4x4f();
  var sum3_1_1 = mat4x4f();
  var sum3_2_0 = mat4x4f();
  var sum3_2_1 = mat4x4f();
  var sum3_3_0 = mat4x4f();
  var sum3_3_1 = mat4x4f();
  for (var i = 0u; i < params.inner; i += 4) {
    // Rows past the end repeat the last row, times 0.
    let at = min(vec4u(i) + vec4u(0, 1, 2, 3), vec4u(params.inner - 1));
    let live = select(vec4f(), vec4f(1.0), vec4u(i) + vec4u(0, 1, 2, 3) < vec4u(params.inner));
    let x_at = at * columns;
    let dy_at = at * rows;
    let x0 = mat4x4f(
      x[x_at.x + column0],
      x[x_at.y + column0],
      x[x_at.z + column0],
      x[x_at.w + column0],
    );
    let x1 = mat4x4f(
      x[x_at.x + column1],
      x[x_at.y + column1],
      x[x_at.z + column1],
      x[x_at.w + column1],
    );
    let dy0 = mat4x4f(
      dy[dy_at.x + row0],
      dy[dy_at.y + row0] * live.y,
      dy[dy_at.z + row0] * live.z,
      dy[dy_at.w + row0] * live.w,
    );
    sum0_0_0 += x0 * transpose(dy0);
    sum0_0_1 += x1 * transpose(dy0);
    let dy0_1 = transpose(beside(dy0));
    sum0_1_0 += x0 * dy0_1;
    sum0_1_1 += x1 * dy0_1;
    let dy0_2 = transpose(below(dy0));
    sum0_2_0 += x0 * dy0_2;
    sum0_2_1 += x1 * dy0_2;
    let dy0_3 = transpose(across(dy0));
    sum0_3_0 += x0 * dy0_3;
    sum0_3_1 += x1 * dy0_3;
    let dy1 = mat4x4f(
      dy[dy_at.x + row1],
      dy[dy_at.y + row1] * live.y,
      dy[dy_at.z + row1] * live.z,
      dy[dy_at.w + row1] * live.w,
    );
    sum1_0_0 += x0 * transpose(dy1);
    sum1_0_1 += x1 * transpose(dy1);
    let dy1_1 = transpose(beside(dy1));
    sum1_1_0 += x0 * dy1_1;
    sum1_1_1 += x1 * dy1_1;
    let dy1_2 = transpose(below(dy1));
    sum1_2_0 += x0 * dy1_2;
    sum1_2_1 += x1 * dy1_2;
    let dy1_3 = transpose(across(dy1));
    sum1_3_0 += x0 * dy1_3;
    sum1_3_1 += x1 * dy1_3;
    let dy2 = mat4x4f(
      dy[dy_at.x + row2],
      dy[dy_at.y + row2] * live.y,
      dy[dy_at.z + row2] * live.z,
      dy[dy_at.w + row2] * live.w,
    );
    sum2_0_0 += x0 * transpose(dy2);
    sum2_0_1 += x1 * transpose(dy2);
    let dy2_1 = transpose(beside(dy2));
    sum2_1_0 += x0 * dy2_1;
    sum2_1_1 += x1 * dy2_1;
    let dy2_2 = transpose(below(dy2));
    sum2_2_0 += x0 * dy2_2;
    sum2_2_1 += x1 * dy2_2;
    let dy2_3 = transpose(across(dy2));
    sum2_3_0 += x0 * dy2_3;
    sum2_3_1 += x1 * dy2_3;
    let dy3 = mat4x4f(
      dy[dy_at.x + row3],
      dy[dy_at.y + row3] * live.y,
      dy[dy_at.z + row3] * live.z,
      dy[dy_at.w + row3] * live.w,
    );
    sum3_0_0 += x0 * transpose(dy3);
    sum3_0_1 += x1 * transpose(dy3);
    let dy3_1 = transpose(beside(dy3));
    sum3_1_0 += x0 * dy3_1;
    sum3_1_1 += x1 * dy3_1;
    let dy3_2 = transpose(below(dy3));
    sum3_2_0 += x0 * dy3_2;
    sum3_2_1 += x1 * dy3_2;
    let dy3_3 = transpose(across(dy3));
    sum3_3_0 += x0 * dy3_3;
    sum3_3_1 += x1 * dy3_3;
  }
  var sums = array<mat4x4f, 32>(
    sum0_0_0, sum0_0_1, sum0_1_0, sum0_1_1, sum0_2_0, sum0_2_1, sum0_3_0, sum0_3_1,
    sum1_0_0, sum1_0_1, sum1_1_0, sum1_1_1, sum1_2_0, sum1_2_1, sum1_3_0, sum1_3_1,
    sum2_0_0, sum2_0_1, sum2_1_0, sum2_1_1, sum2_2_0, sum2_2_1, sum2_3_0, sum2_3_1,
    sum3_0_0, sum3_0_1, sum3_1_0, sum3_1_1, sum3_2_0, sum3_2_1, sum3_3_0, sum3_3_1,
  );
  for (var at = 0u; at < 64; at++) {
    let four = at / 4;
    let to = row + (at & 3) + 4 * ((four & ~3u) + ((four & 3) ^ lane));
    for (var c = 0u; c < 2; c++) {
      if (to < params.row_end && column + c < columns) {
        dw[min(to * columns + column + c, last_dw)] += sums[four * 2 + c][at & 3];
      }
    }
  }
}
