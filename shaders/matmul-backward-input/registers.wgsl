// matmul-backward-input/registers: the sums of matmul-backward-input, eight rows by eight columns
// per thread. For K and N that are multiples of 4. Why: shaders/matmul-forward/registers.wgsl.
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
@group(0) @binding(2) var<storage, read> weight: array<vec4f>;
@group(0) @binding(3) var<storage, read_write> dx: array<vec4f>;

// `column` counts four columns at a time.
fn finish(row: u32, column: u32, sum: vec4f) {
  let columns = params.columns / 4;
  if (row >= params.row_end || column >= columns) { return; }
  let at = row * columns + column;
  var value = sum;
  if (params.accumulate != 0) { value += dx[at]; }
  dx[at] = value;
}

@compute @workgroup_size(8, 8)
fn main(@builtin(global_invocation_id) id: vec3u) {
  let inner = params.inner / 4;
  let columns = params.columns / 4;
  let row = params.row_start + id.y * 8;
  let column = id.x * 2;
  if (row >= params.row_end || column >= columns) { return; }
  // A row or column past the edge repeats the last one and is not stored.
  let last = params.row_end - 1;
  let dy0 = min(row, last) * inner;
  let dy1 = min(row + 1, last) * inner;
  let dy2 = min(row + 2, last) * inner;
  let dy3 = min(row + 3, last) * inner;
  let dy4 = min(row + 4, last) * inner;
  let dy5 = min(row + 5, last) * inner;
  let dy6 = min(row + 6, last) * inner;
  let dy7 = min(row + 7, last) * inner;
  let w0 = column;
  let w1 = min(column + 1, columns - 1);
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
  for (var n = 0u; n < inner; n++) {
    let line = n * 4 * columns;
    let weight0 = mat4x4f(
      weight[line + w0],
      weight[line + columns + w0],
      weight[line + 2 * columns + w0],
      weight[line + 3 * columns + w0],
    );
    let weight1 = mat4x4f(
      weight[line + w1],
      weight[line + columns + w1],
      weight[line + 2 * columns + w1],
      weight[line + 3 * columns + w1],
    );
    let v0 = dy[dy0 + n];
    sum0_0 += weight0 * v0;
    sum0_1 += weight1 * v0;
    let v1 = dy[dy1 + n];
    sum1_0 += weight0 * v1;
    sum1_1 += weight1 * v1;
    let v2 = dy[dy2 + n];
    sum2_0 += weight0 * v2;
    sum2_1 += weight1 * v2;
    let v3 = dy[dy3 + n];
    sum3_0 += weight0 * v3;
    sum3_1 += weight1 * v3;
    let v4 = dy[dy4 + n];
    sum4_0 += weight0 * v4;
    sum4_1 += weight1 * v4;
    let v5 = dy[dy5 + n];
    sum5_0 += weight0 * v5;
    sum5_1 += weight1 * v5;
    let v6 = dy[dy6 + n];
    sum6_0 += weight0 * v6;
    sum6_1 += weight1 * v6;
    let v7 = dy[dy7 + n];
    sum7_0 += weight0 * v7;
    sum7_1 += weight1 * v7;
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
