// matmul-backward-weight/registers: the sums of matmul-backward-weight, sixteen output features by
// sixteen input features per thread. For K and N that are multiples of 4. Why:
// shaders/matmul-forward/registers.wgsl.
//
// Grid: ceil(K / 64) by ceil((row_end - row_start) / 32): workgroups are small, since otherwise a
// small layer would keep only one core busy.
// Numerics: per output one f32 sum, i ascending; the old dw is added after it.

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

// `column` counts four columns at a time.
fn finish(row: u32, column: u32, sum: vec4f) {
  let columns = params.columns / 4;
  if (row >= params.row_end || column >= columns) { return; }
  dw[row * columns + column] += sum;
}

@compute @workgroup_size(4, 2)
fn main(@builtin(global_invocation_id) id: vec3u) {
  let rows = params.rows / 4;
  let columns = params.columns / 4;
  let row = params.row_start + id.y * 16;
  let column = id.x * 4;
  if (row >= params.row_end || column >= columns) { return; }
  // Four rows or columns past the edge repeat the last four and are not stored.
  let row0 = row / 4;
  let row1 = min(row0 + 1, rows - 1);
  let row2 = min(row0 + 2, rows - 1);
  let row3 = min(row0 + 3, rows - 1);
  let column1 = min(column + 1, columns - 1);
  let column2 = min(column + 2, columns - 1);
  let column3 = min(column + 3, columns - 1);
  // sumR_C: output features 4 R to 4 R + 3, one per column of the matrix, by the inputs 4 C to 4 C
  // + 3.
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
  for (var i = 0u; i < params.inner; i++) {
    let x0 = x[i * columns + column];
    let x1 = x[i * columns + column1];
    let x2 = x[i * columns + column2];
    let x3 = x[i * columns + column3];
    let dy0 = dy[i * rows + row0];
    sum0_0 += mat4x4f(dy0.x * x0, dy0.y * x0, dy0.z * x0, dy0.w * x0);
    sum0_1 += mat4x4f(dy0.x * x1, dy0.y * x1, dy0.z * x1, dy0.w * x1);
    sum0_2 += mat4x4f(dy0.x * x2, dy0.y * x2, dy0.z * x2, dy0.w * x2);
    sum0_3 += mat4x4f(dy0.x * x3, dy0.y * x3, dy0.z * x3, dy0.w * x3);
    let dy1 = dy[i * rows + row1];
    sum1_0 += mat4x4f(dy1.x * x0, dy1.y * x0, dy1.z * x0, dy1.w * x0);
    sum1_1 += mat4x4f(dy1.x * x1, dy1.y * x1, dy1.z * x1, dy1.w * x1);
    sum1_2 += mat4x4f(dy1.x * x2, dy1.y * x2, dy1.z * x2, dy1.w * x2);
    sum1_3 += mat4x4f(dy1.x * x3, dy1.y * x3, dy1.z * x3, dy1.w * x3);
    let dy2 = dy[i * rows + row2];
    sum2_0 += mat4x4f(dy2.x * x0, dy2.y * x0, dy2.z * x0, dy2.w * x0);
    sum2_1 += mat4x4f(dy2.x * x1, dy2.y * x1, dy2.z * x1, dy2.w * x1);
    sum2_2 += mat4x4f(dy2.x * x2, dy2.y * x2, dy2.z * x2, dy2.w * x2);
    sum2_3 += mat4x4f(dy2.x * x3, dy2.y * x3, dy2.z * x3, dy2.w * x3);
    let dy3 = dy[i * rows + row3];
    sum3_0 += mat4x4f(dy3.x * x0, dy3.y * x0, dy3.z * x0, dy3.w * x0);
    sum3_1 += mat4x4f(dy3.x * x1, dy3.y * x1, dy3.z * x1, dy3.w * x1);
    sum3_2 += mat4x4f(dy3.x * x2, dy3.y * x2, dy3.z * x2, dy3.w * x2);
    sum3_3 += mat4x4f(dy3.x * x3, dy3.y * x3, dy3.z * x3, dy3.w * x3);
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
