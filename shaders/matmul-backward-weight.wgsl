// matmul-backward-weight: gradient of a linear layer's weight, one input feature and eight output
// features per thread.
//
//   dw_{n,k} += sum_{i < rows} dy_{i,n} * x_{i,k}
//
// in   dy  f32 (M, N)  gradient of the layer's output; rows [0, rows) are read
//      x   f32 (M, K)  the layer's input; rows [0, rows) are read
// out  dw  f32 (N, K)  rows [row_start, row_end) added to; the optimizer clears it
//
// Grid: ceil(K / LANES) by ceil((row_end - row_start) / 8). Lanes run along the columns of dw, so
// they read neighbouring x; a workgroup's rows of dw are uniform.
// Numerics: one f32 accumulator per output, i ascending; the old dw is added after the sum. The
// order does not depend on the grid: same inputs, same bits.

struct Params {
  row_start: u32,
  row_end: u32,
  inner: u32, // M in use
  rows: u32, // N
  columns: u32, // K
}
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> dy: array<f32>;
@group(0) @binding(2) var<storage, read> x: array<f32>;
@group(0) @binding(3) var<storage, read_write> dw: array<f32>;

override LANES: u32 = 32;

fn finish(row: u32, column: u32, sum: f32) {
  if (row >= params.row_end || column >= params.columns) { return; }
  dw[row * params.columns + column] += sum;
}

@compute @workgroup_size(LANES)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_id) local: vec3u) {
  let columns = params.columns;
  let row = params.row_start + group.y * 8;
  let column = group.x * LANES + local.x;
  // Past the edges the last row and column are computed again and not stored.
  let last = params.row_end - 1;
  let row0 = min(row, last);
  let row1 = min(row + 1, last);
  let row2 = min(row + 2, last);
  let row3 = min(row + 3, last);
  let row4 = min(row + 4, last);
  let row5 = min(row + 5, last);
  let row6 = min(row + 6, last);
  let row7 = min(row + 7, last);
  var x_at = min(column, columns - 1);
  var dy_at = 0u;
  var sum0 = 0.0;
  var sum1 = 0.0;
  var sum2 = 0.0;
  var sum3 = 0.0;
  var sum4 = 0.0;
  var sum5 = 0.0;
  var sum6 = 0.0;
  var sum7 = 0.0;
  for (var i = 0u; i < params.inner; i++) {
    let v = x[x_at];
    sum0 = fma(dy[dy_at + row0], v, sum0);
    sum1 = fma(dy[dy_at + row1], v, sum1);
    sum2 = fma(dy[dy_at + row2], v, sum2);
    sum3 = fma(dy[dy_at + row3], v, sum3);
    sum4 = fma(dy[dy_at + row4], v, sum4);
    sum5 = fma(dy[dy_at + row5], v, sum5);
    sum6 = fma(dy[dy_at + row6], v, sum6);
    sum7 = fma(dy[dy_at + row7], v, sum7);
    x_at += columns;
    dy_at += params.rows;
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
