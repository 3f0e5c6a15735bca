// copy-columns: copies neighbouring columns of a matrix onto columns of another.
//
//   out[i, to + c] = x[i, from + c]   for c < count
//
// in   x    f32 (M, K)
// out  out  f32 (M, N)  columns [to, to + count) of rows < rows overwritten, others untouched
//
// The header gives `alias Cell`: vec4f where all widths and columns are multiples of 4, else f32.
// Columns are counted in cells.
// Grid: ceil(count / 64) by rows; neighbouring threads copy neighbouring cells.
// Numerics: a copy, exact.

struct Params {
  count: u32,
  from_column: u32,
  x_columns: u32,
  to_column: u32,
  out_columns: u32,
}
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> x: array<Cell>;
@group(0) @binding(2) var<storage, read_write> out: array<Cell>;

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3u) {
  let column = id.x;
  let row = id.y;
  if (column >= params.count) { return; }
  out[row * params.out_columns + params.to_column + column] =
    x[row * params.x_columns + params.from_column + column];
}
