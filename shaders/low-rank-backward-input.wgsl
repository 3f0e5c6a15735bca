// low-rank-backward-input: gradient of an adapter's inner values, one of them and eight rows per
// thread.
//
//   dt_{i, p R + j} = scale_p * sum_{n in part p} dy_{i,n} * b_{n,j}
// The transpose of low-rank-forward in t. With dt, matmul-backward-weight computes the gradient of
// the first factor and matmul-backward-input adds to the gradient of x.
//
// in   dy  f32 (M, N)    gradient of the layer's output
//      b   f32 (N, R)    second factors of all parts, one below the other
// out  dt  f32 (M, P R)  rows [row_start, row_end) overwritten, others untouched
//
// Grid: P times ceil(R / LANES), by ceil((row_end - row_start) / (8 * ROWS)). Lanes run along the
// columns of dt; a workgroup's part is uniform, so all its threads sum over the same features.
// Numerics: one f32 accumulator per output, n ascending, the scale last.

struct Params {
  row_start: u32,
  row_end: u32,
  columns: u32, // N
  rank: u32,    // R
  parts: u32,   // P
  end0: u32,
  end1: u32,
  end2: u32,
  scale0: f32,
  scale1: f32,
  scale2: f32,
}
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> dy: array<f32>;
@group(0) @binding(2) var<storage, read> b: array<f32>;
@group(0) @binding(3) var<storage, read_write> dt: array<f32>;

override LANES: u32 = 16;
override ROWS: u32 = 1;

fn finish(row: u32, part: u32, j: u32, sum: f32) {
  if (row >= params.row_end || j >= params.rank) { return; }
  dt[(row * params.parts + part) * params.rank + j] = sum;
}

@compute @workgroup_size(LANES, ROWS)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_id) local: vec3u) {
  let rank = params.rank;
  let columns = params.columns;
  let tiles = (rank + LANES - 1) / LANES;
  let part = group.x / tiles;
  let ends = vec3u(params.end0, params.end1, params.end2);
  let scales = vec3f(params.scale0, params.scale1, params.scale2);
  let scale = bitcast<f32>(of_part(part, bitcast<vec3u>(scales)));
  let first = of_part(part, vec3u(0, ends.xy));
  let end = of_part(part, ends);
  let j = (group.x % tiles) * LANES + local.x;
  let row = params.row_start + (group.y * ROWS + local.y) * 8;
  // Past the edges the last row and column are computed again and not stored.
  let last = params.row_end - 1;
  let from0 = min(row, last) * columns;
  let from1 = min(row + 1, last) * columns;
  let from2 = min(row + 2, last) * columns;
  let from3 = min(row + 3, last) * columns;
  let from4 = min(row + 4, last) * columns;
  let from5 = min(row + 5, last) * columns;
  let from6 = min(row + 6, last) * columns;
  let from7 = min(row + 7, last) * columns;
  var b_at = first * rank + min(j, rank - 1);
  var sum0 = 0.0;
  var sum1 = 0.0;
  var sum2 = 0.0;
  var sum3 = 0.0;
  var sum4 = 0.0;
  var sum5 = 0.0;
  var sum6 = 0.0;
  var sum7 = 0.0;
  for (var n = first; n < end; n++) {
    let w = b[b_at];
    b_at += rank;
    sum0 = fma(dy[from0 + n], w, sum0);
    sum1 = fma(dy[from1 + n], w, sum1);
    sum2 = fma(dy[from2 + n], w, sum2);
    sum3 = fma(dy[from3 + n], w, sum3);
    sum4 = fma(dy[from4 + n], w, sum4);
    sum5 = fma(dy[from5 + n], w, sum5);
    sum6 = fma(dy[from6 + n], w, sum6);
    sum7 = fma(dy[from7 + n], w, sum7);
  }
  finish(row, part, j, scale * sum0);
  finish(row + 1, part, j, scale * sum1);
  finish(row + 2, part, j, scale * sum2);
  finish(row + 3, part, j, scale * sum3);
  finish(row + 4, part, j, scale * sum4);
  finish(row + 5, part, j, scale * sum5);
  finish(row + 6, part, j, scale * sum6);
  finish(row + 7, part, j, scale * sum7);
}
