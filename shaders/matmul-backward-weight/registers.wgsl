// matmul-backward-weight/registers: the sums of matmul-backward-weight, eight output features by
// eight input features per thread. For K and N that are multiples of 4. Why:
// shaders/matmul-forward/registers.wgsl.
//
// Grid: ceil(K / 64) by ceil((row_end - row_start) / 8): small workgroups, or a small layer would
// keep one core busy.
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

@compute @workgroup_size(8)
fn main(@builtin(global_invocation_id) id: vec3u) {
  let rows = params.rows / 4;
  let columns = params.columns / 4;
  let row = params.row_start + id.y * 8;
  let column = id.x * 2;
  if (row >= params.row_end || column >= columns) { return; }
  // Four rows or columns past the edge repeat the last four and are not stored.
  let row0 = row / 4;
  let row1 = min(row0 + 1, rows - 1);
  let column1 = min(column + 1, columns - 1);
  var sum0_0 = vec4f();
  var sum0_1 = vec4f();
  var sum1_0 = vec4f();
  var sum1_1 = vec4f();
  var sum2_0 = vec4f();
  var sum2_1 = vec4f();
  var sum3_0 = vec4f();
  var sum3_1 = vec4f();
  var sum4_0 = vec4f();
  var sum4_1 = vec4f();
  var sum5_0 = vec4f();
  var sum5_1 = vec4f();
  var sum6_0 = vec4f();
  var sum6_1 = vec4f();
  var sum7_0 = vec4f();
  var sum7_1 = vec4f();
  for (var i = 0u; i < params.inner; i++) {
    let x0 = x[i * columns + column];
    let x1 = x[i * columns + column1];
    let dy0 = dy[i * rows + row0];
    let dy1 = dy[i * rows + row1];
    sum0_0 += dy0.x * x0;
    sum0_1 += dy0.x * x1;
    sum1_0 += dy0.y * x0;
    sum1_1 += dy0.y * x1;
    sum2_0 += dy0.z * x0;
    sum2_1 += dy0.z * x1;
    sum3_0 += dy0.w * x0;
    sum3_1 += dy0.w * x1;
    sum4_0 += dy1.x * x0;
    sum4_1 += dy1.x * x1;
    sum5_0 += dy1.y * x0;
    sum5_1 += dy1.y * x1;
    sum6_0 += dy1.z * x0;
    sum6_1 += dy1.z * x1;
    sum7_0 += dy1.w * x0;
    sum7_1 += dy1.w * x1;
  }
  // A loop, so that a driver compiles the epilogue once; from `row`, so that none unrolls it.
  var sums = array<vec4f, 16>(
    sum0_0, sum1_0, sum2_0, sum3_0,
    sum4_0, sum5_0, sum6_0, sum7_0,
    sum0_1, sum1_1, sum2_1, sum3_1,
    sum4_1, sum5_1, sum6_1, sum7_1,
  );
  let end = min(params.row_end, row + 8);
  for (var at = row; at < end; at++) {
    finish(at, column, sums[at - row]);
    finish(at, column + 1, sums[at - row + 8]);
  }
}
