// matmul-backward-input/workgroup: the sums of matmul-backward-input, a 64 by 64 tile of outputs
// per workgroup. For K and N that are multiples of 4. Why: shaders/matmul-forward/workgroup.wgsl.
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
@group(0) @binding(2) var<storage, read> weight: array<Weights>;
@group(0) @binding(3) var<storage, read_write> dx: array<vec4f>;

var<workgroup> dy_tile: array<vec4f, 256>; // quad of n, row
var<workgroup> weight_tile: array<vec4f, 256>; // n, quad of k

// What a sum starts from. `column` counts four columns at a time.
fn begin(row: u32, column: u32) -> vec4f {
  let columns = params.columns / 4;
  if (params.accumulate != 2 || row >= params.row_end || column >= columns) { return vec4f(); }
  return dx[row * columns + column];
}

fn finish(row: u32, column: u32, sum: vec4f) {
  let columns = params.columns / 4;
  if (row >= params.row_end || column >= columns) { return; }
  let at = row * columns + column;
  var value = sum;
  if (params.accumulate == 1) { value += dx[at]; }
  dx[at] = value;
}

@compute @workgroup_size(16, 16)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(local_invocation_id) local: vec3u,
  @builtin(local_invocation_index) thread: u32,
) {
  let inner = params.inner / 4;
  let columns = params.columns / 4;
  let row0 = params.row_start + group.y * 64;
  let column = group.x * 16 + local.x;
  let line = thread / 4;
  let quad = thread % 4;
  let dy_at = min(row0 + line, params.row_end - 1) * inner;
  let weight_at = min(column, columns - 1);
  let row = row0 + local.y * 4;
  var sum0 = begin(row, column);
  var sum1 = begin(row + 1, column);
  var sum2 = begin(row + 2, column);
  var sum3 = begin(row + 3, column);
  for (var n = 0u; n < inner; n += 4) {
    dy_tile[quad * 64 + line] = select(
      vec4f(),
      dy[dy_at + min(n + quad, inner - 1)],
      n + quad < inner,
    );
    let weight_row = n * 4 + local.y;
    weight_tile[thread] = select(
      vec4f(),
      weight_quad(min(weight_row, params.inner - 1) * columns + weight_at),
      weight_row < params.inner,
    );
    workgroupBarrier();
    for (var q = 0u; q < 256; q += 64) {
      let w = q + local.x;
      let block = mat4x4f(
        weight_tile[w],
        weight_tile[w + 16],
        weight_tile[w + 32],
        weight_tile[w + 48],
      );
      let v = q + local.y * 4;
      sum0 += block * dy_tile[v];
      sum1 += block * dy_tile[v + 1];
      sum2 += block * dy_tile[v + 2];
      sum3 += block * dy_tile[v + 3];
    }
    workgroupBarrier();
  }
  // A loop lets a driver compile the epilogue once. It starts at `row`, so no driver unrolls it.
  var sums = array<vec4f, 4>(sum0, sum1, sum2, sum3);
  let end = min(params.row_end, row + 4);
  for (var at = row; at < end; at++) {
    finish(at, column, sums[at - row]);
  }
}
