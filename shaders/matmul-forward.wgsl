// matmul-forward: a linear layer, one output column and eight rows per thread.
//
//   out_{i,n} = sum_k x_{i,k} * weight_{n,k} + bias_n + residual_{i,n}
//
// in   x         f32 (M, K)
//      weight    f32, f16, int8 or int4 (N, K)  Hugging Face layout: output features first
//      bias      f32 (N)     read only where has_bias is 1
//      residual  f32 (M, N)  read only where has_residual is 1
// out  out       f32 (M, N)  rows [row_start, row_end) overwritten, others untouched
//
// Grid: ceil(N / LANES) by ceil((row_end - row_start) / 8). Lanes run along the columns and a
// workgroup's rows are uniform: software adapters then load x once for all lanes.
// Numerics: one f32 accumulator per output, k ascending, the epilogue after the sum.

struct Params {
  row_start: u32,
  row_end: u32,
  inner: u32, // K
  columns: u32, // N
  has_bias: u32,
  has_residual: u32,
}
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> x: array<f32>;
@group(0) @binding(2) var<storage, read> weight: array<Weight>;
@group(0) @binding(3) var<storage, read> bias: array<f32>;
@group(0) @binding(4) var<storage, read> residual: array<f32>;
@group(0) @binding(5) var<storage, read_write> out: array<f32>;

override LANES: u32 = 32;

fn finish(row: u32, column: u32, sum: f32) {
  if (row >= params.row_end || column >= params.columns) { return; }
  let at = row * params.columns + column;
  var value = sum;
  if (params.has_bias != 0) { value += bias[column]; }
  if (params.has_residual != 0) { value += residual[at]; }
  out[at] = value;
}

@compute @workgroup_size(LANES)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_id) local: vec3u) {
  let inner = params.inner;
  let row = params.row_start + group.y * 8;
  let column = group.x * LANES + local.x;
  // Past the edges the last row and column are computed again and not stored.
  let last = params.row_end - 1;
  let from0 = min(row, last) * inner;
  let from1 = min(row + 1, last) * inner;
  let from2 = min(row + 2, last) * inner;
  let from3 = min(row + 3, last) * inner;
  let from4 = min(row + 4, last) * inner;
  let from5 = min(row + 5, last) * inner;
  let from6 = min(row + 6, last) * inner;
  let from7 = min(row + 7, last) * inner;
  let weight0 = min(column, params.columns - 1) * inner;
  var sum0 = 0.0;
  var sum1 = 0.0;
  var sum2 = 0.0;
  var sum3 = 0.0;
  var sum4 = 0.0;
  var sum5 = 0.0;
  var sum6 = 0.0;
  var sum7 = 0.0;
  for (var k = 0u; k < inner; k++) {
    let at = weight0 + k;
    let w = weight_number(at);
    sum0 = fma(x[from0 + k], w, sum0);
    sum1 = fma(x[from1 + k], w, sum1);
    sum2 = fma(x[from2 + k], w, sum2);
    sum3 = fma(x[from3 + k], w, sum3);
    sum4 = fma(x[from4 + k], w, sum4);
    sum5 = fma(x[from5 + k], w, sum5);
    sum6 = fma(x[from6 + k], w, sum6);
    sum7 = fma(x[from7 + k], w, sum7);
  }
  finish(row, column, sum0);
  finish(row + 1, column, sum1);
  finish(row + 2, column, sum2);
  finish(row + 3, column, sum3);
  finish(row + 4, column, sum4);
  finish(row + 5, column, sum5);
  finish(row + 6, column, sum6);
  finish(row + 7, column, sum7);
}
