// matmul-forward/registers: the sums of matmul-forward, eight rows by eight columns per thread.
// For K and N that are multiples of 4.
//
// A software adapter loads lane by lane, a bounds check each: about 80 cycles for the vec4 of eight
// lanes, beside which arithmetic is cheap. So a thread does 256 multiply-adds for 16 loads, keeps
// everything in registers and shares nothing. Threads past the edges leave at once.
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
@group(0) @binding(2) var<storage, read> weight: array<vec4f>;
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

@compute @workgroup_size(8, 8)
fn main(@builtin(global_invocation_id) id: vec3u) {
  let inner = params.inner / 4;
  let row = params.row_start + id.y * 8;
  let column = id.x * 2;
  if (row >= params.row_end || column * 4 >= params.columns) { return; }
  // A row or column past the edge repeats the last one and is not stored.
  let last = params.row_end - 1;
  let last_column = params.columns / 4 - 1;
  let x0 = min(row, last) * inner;
  let x1 = min(row + 1, last) * inner;
  let x2 = min(row + 2, last) * inner;
  let x3 = min(row + 3, last) * inner;
  let x4 = min(row + 4, last) * inner;
  let x5 = min(row + 5, last) * inner;
  let x6 = min(row + 6, last) * inner;
  let x7 = min(row + 7, last) * inner;
  let w0 = column * 4 * inner;
  let w1 = min(column + 1, last_column) * 4 * inner;
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
  for (var k = 0u; k < inner; k++) {
    let weight0 = mat4x4f(
      weight[w0 + k],
      weight[w0 + inner + k],
      weight[w0 + 2 * inner + k],
      weight[w0 + 3 * inner + k],
    );
    let weight1 = mat4x4f(
      weight[w1 + k],
      weight[w1 + inner + k],
      weight[w1 + 2 * inner + k],
      weight[w1 + 3 * inner + k],
    );
    let v0 = x[x0 + k];
    sum0_0 += v0 * weight0;
    sum0_1 += v0 * weight1;
    let v1 = x[x1 + k];
    sum1_0 += v1 * weight0;
    sum1_1 += v1 * weight1;
    let v2 = x[x2 + k];
    sum2_0 += v2 * weight0;
    sum2_1 += v2 * weight1;
    let v3 = x[x3 + k];
    sum3_0 += v3 * weight0;
    sum3_1 += v3 * weight1;
    let v4 = x[x4 + k];
    sum4_0 += v4 * weight0;
    sum4_1 += v4 * weight1;
    let v5 = x[x5 + k];
    sum5_0 += v5 * weight0;
    sum5_1 += v5 * weight1;
    let v6 = x[x6 + k];
    sum6_0 += v6 * weight0;
    sum6_1 += v6 * weight1;
    let v7 = x[x7 + k];
    sum7_0 += v7 * weight0;
    sum7_1 += v7 * weight1;
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
