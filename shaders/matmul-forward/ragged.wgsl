// matmul-forward/ragged: the sums of matmul-forward, four rows by four columns per thread, any
// number of columns. For K that is a multiple of 4. Made for vocabularies and value heads.
//
// Grid: ceil(N / 4) by ceil((row_end - row_start) / 64). Lanes run along the rows, so that even one
// column keeps all lanes busy.
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
@group(0) @binding(2) var<storage, read> weight: array<Weights>;
@group(0) @binding(3) var<storage, read> bias: array<f32>;
@group(0) @binding(4) var<storage, read> residual: array<f32>;
@group(0) @binding(5) var<storage, read_write> out: array<f32>;

fn finish(row: u32, column: u32, sum: f32) {
  let at = row * params.columns + column;
  var value = sum;
  if (params.has_bias != 0) { value += bias[column]; }
  if (params.has_residual != 0) { value += residual[at]; }
  out[at] = value;
}

@compute @workgroup_size(16)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_id) local: vec3u) {
  let inner = params.inner / 4;
  let row = params.row_start + (group.y * 16 + local.x) * 4;
  let column = group.x * 4;
  if (row >= params.row_end) { return; }
  // A row or column past the edge repeats the last one and is not stored.
  let rows = min(vec4u(row) + vec4u(0, 1, 2, 3), vec4u(params.row_end - 1)) * inner;
  let columns = min(vec4u(column) + vec4u(0, 1, 2, 3), vec4u(params.columns - 1)) * inner;
  // One row per column of the matrix.
  var sums = mat4x4f();
  for (var k = 0u; k < inner; k++) {
    let values = mat4x4f(x[rows.x + k], x[rows.y + k], x[rows.z + k], x[rows.w + k]);
    let weights = mat4x4f(
      weight_quad(columns.x + k),
      weight_quad(columns.y + k),
      weight_quad(columns.z + k),
      weight_quad(columns.w + k),
    );
    sums += transpose(weights) * values;
  }
  let row_end = min(params.row_end, row + 4);
  let column_end = min(params.columns, column + 4);
  for (var i = row; i < row_end; i++) {
    for (var n = column; n < column_end; n++) { finish(i, n, sums[i - row][n - column]); }
  }
}
