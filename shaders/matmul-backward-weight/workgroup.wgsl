// matmul-backward-weight/workgroup: the sums of matmul-backward-weight, a 64 by 64 tile of outputs
// per workgroup. For K and N that are multiples of 4. Why: shaders/matmul-forward/workgroup.wgsl.
//
// Grid: ceil(K / 64) by ceil((row_end - row_start) / 64).
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

var<workgroup> dy_tile: array<vec4f, 256>; // i, quad of n
var<workgroup> x_tile: array<vec4f, 256>; // i, quad of k

// `column` counts four columns at a time.
fn finish(row: u32, column: u32, sum: vec4f) {
  let columns = params.columns / 4;
  if (row >= params.row_end || column >= columns) { return; }
  dw[row * columns + column] += sum;
}

@compute @workgroup_size(16, 16)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(local_invocation_id) local: vec3u,
  @builtin(local_invocation_index) thread: u32,
) {
  let rows = params.rows / 4;
  let columns = params.columns / 4;
  let row0 = params.row_start + group.y * 64;
  let column = group.x * 16 + local.x;
  let dy_at = min(row0 / 4 + local.x, rows - 1);
  let x_at = min(column, columns - 1);
  var sum0 = vec4f();
  var sum1 = vec4f();
  var sum2 = vec4f();
  var sum3 = vec4f();
  for (var i = 0u; i < params.inner; i += 16) {
    // Rows past the end are replaced by the last row, with dy 0.
    let mine = min(i + local.y, params.inner - 1);
    dy_tile[thread] = select(vec4f(), dy[mine * rows + dy_at], i + local.y < params.inner);
    x_tile[thread] = x[mine * columns + x_at];
    workgroupBarrier();
    for (var q = 0u; q < 256; q += 16) {
      let features = dy_tile[q + local.y];
      let v = x_tile[q + local.x];
      sum0 += features.x * v;
      sum1 += features.y * v;
      sum2 += features.z * v;
      sum3 += features.w * v;
    }
    workgroupBarrier();
  }
  // A loop lets a driver compile the epilogue once. It starts at `row`, so no driver unrolls it.
  var sums = array<vec4f, 4>(sum0, sum1, sum2, sum3);
  let row = row0 + local.y * 4;
  let end = min(params.row_end, row + 4);
  for (var at = row; at < end; at++) {
    finish(at, column, sums[at - row]);
  }
}
