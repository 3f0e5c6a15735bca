// matmul-backward-input: gradient of a linear layer's input, one input feature and eight rows per
// thread.
//
//   dx_{i,k} = sum_n dy_{i,n} * weight_{n,k}   (+ dx_{i,k} where accumulate is 1 or 2)
//
// in   dy      f32 (M, N)  gradient of the loss with respect to the layer's output
//      weight  f32, f16, int8 or int4 (N, K)
// out  dx      f32 (M, K)  rows [row_start, row_end) overwritten, or added to; others untouched
//
// Grid: ceil(K / LANES) by ceil((row_end - row_start) / 8). Lanes run along the columns of dx, so
// they read neighbouring weights; a workgroup's rows are uniform.
// Numerics: one f32 accumulator per output, n ascending. An old dx is added after the sum where
// accumulate is 1. Where it is 2 the sum begins with the old dx: ranges of n one after another give
// the bits of all n at once.

struct Params {
  row_start: u32,
  row_end: u32,
  inner: u32, // N
  columns: u32, // K
  accumulate: u32,
}
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> dy: array<f32>;
@group(0) @binding(2) var<storage, read> weight: array<Weight>;
@group(0) @binding(3) var<storage, read_write> dx: array<f32>;

override LANES: u32 = 32;

fn begin(row: u32, column: u32) -> f32 {
  if (params.accumulate != 2 || row >= params.row_end || column >= params.columns) { return 0.0; }
  return dx[row * params.columns + column];
}

fn finish(row: u32, column: u32, sum: f32) {
  if (row >= params.row_end || column >= params.columns) { return; }
  let at = row * params.columns + column;
  var value = sum;
  if (params.accumulate == 1) { value += dx[at]; }
  dx[at] = value;
}

@compute @workgroup_size(LANES)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_id) local: vec3u) {
  let inner = params.inner;
  let columns = params.columns;
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
  var weight_at = min(column, columns - 1);
  var sum0 = begin(row, column);
  var sum1 = begin(row + 1, column);
  var sum2 = begin(row + 2, column);
  var sum3 = begin(row + 3, column);
  var sum4 = begin(row + 4, column);
  var sum5 = begin(row + 5, column);
  var sum6 = begin(row + 6, column);
  var sum7 = begin(row + 7, column);
  for (var n = 0u; n < inner; n++) {
    let w = weight_number(weight_at);
    weight_at += columns;
    sum0 = fma(dy[from0 + n], w, sum0);
    sum1 = fma(dy[from1 + n], w, sum1);
    sum2 = fma(dy[from2 + n], w, sum2);
    sum3 = fma(dy[from3 + n], w, sum3);
    sum4 = fma(dy[from4 + n], w, sum4);
    sum5 = fma(dy[from5 + n], w, sum5);
    sum6 = fma(dy[from6 + n], w, sum6);
    sum7 = fma(dy[from7 + n], w, sum7);
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
