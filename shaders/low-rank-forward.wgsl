// low-rank-forward: what an adapter adds to a linear layer, one output column and eight rows per
// thread.
//
//   out_{i,n} += scale_p * sum_{j < R} b_{n,j} * t_{i, p R + j},  p the part of column n
// Hu et al. 2021, arXiv:2106.09685, eq. 3: t = x A^T is the product with the first factor, one
// block of R columns for each part of a fused matrix (shaders/lib/low-rank.wgsl).
//
// in   t    f32 (M, P R)  R a multiple of 4
//      b    f32 (N, R)    second factors of all parts, one below the other
// out  out  f32 (M, N)    rows [row_start, row_end) added to, others untouched
//
// Grid: the parts' tiles of LANES columns, by ceil((row_end - row_start) / 8). A workgroup's rows
// and part are uniform: software adapters then load t once for all lanes.
// Numerics: one f32 sum per output, four products at a time, j ascending; scale and out come last.
// Where b is 0, out keeps its value.

struct Params {
  row_start: u32,
  row_end: u32,
  columns: u32, // N
  cells: u32,   // R / 4
  parts: u32,   // P
  end0: u32,
  end1: u32,
  end2: u32,
  scale0: f32,
  scale1: f32,
  scale2: f32,
}
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> t: array<vec4f>;
@group(0) @binding(2) var<storage, read> b: array<vec4f>;
@group(0) @binding(3) var<storage, read_write> out: array<f32>;

override LANES: u32 = 32;

fn finish(row: u32, column: u32, end: u32, delta: f32) {
  if (row >= params.row_end || column >= end) { return; }
  out[row * params.columns + column] += delta;
}

@compute @workgroup_size(LANES)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_id) local: vec3u) {
  let ends = vec3u(params.end0, params.end1, params.end2);
  let scales = vec3f(params.scale0, params.scale1, params.scale2);
  let tile = tile_at(group.x, LANES, ends, scales);
  let cells = params.cells;
  let stride = params.parts * cells;
  let row = params.row_start + group.y * 8;
  let column = tile.first + local.x;
  // Past the edges the last row and column are computed again and not stored.
  let last = params.row_end - 1;
  let at = tile.part * cells;
  let from0 = min(row, last) * stride + at;
  let from1 = min(row + 1, last) * stride + at;
  let from2 = min(row + 2, last) * stride + at;
  let from3 = min(row + 3, last) * stride + at;
  let from4 = min(row + 4, last) * stride + at;
  let from5 = min(row + 5, last) * stride + at;
  let from6 = min(row + 6, last) * stride + at;
  let from7 = min(row + 7, last) * stride + at;
  let factor = min(column, tile.end - 1) * cells;
  var sum0 = 0.0;
  var sum1 = 0.0;
  var sum2 = 0.0;
  var sum3 = 0.0;
  var sum4 = 0.0;
  var sum5 = 0.0;
  var sum6 = 0.0;
  var sum7 = 0.0;
  for (var j = 0u; j < cells; j++) {
    let w = b[factor + j];
    sum0 += dot(t[from0 + j], w);
    sum1 += dot(t[from1 + j], w);
    sum2 += dot(t[from2 + j], w);
    sum3 += dot(t[from3 + j], w);
    sum4 += dot(t[from4 + j], w);
    sum5 += dot(t[from5 + j], w);
    sum6 += dot(t[from6 + j], w);
    sum7 += dot(t[from7 + j], w);
  }
  finish(row, column, tile.end, tile.scale * sum0);
  finish(row + 1, column, tile.end, tile.scale * sum1);
  finish(row + 2, column, tile.end, tile.scale * sum2);
  finish(row + 3, column, tile.end, tile.scale * sum3);
  finish(row + 4, column, tile.end, tile.scale * sum4);
  finish(row + 5, column, tile.end, tile.scale * sum5);
  finish(row + 6, column, tile.end, tile.scale * sum6);
  finish(row + 7, column, tile.end, tile.scale * sum7);
}
