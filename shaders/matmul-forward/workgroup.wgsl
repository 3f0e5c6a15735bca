// matmul-forward/workgroup: the sums of matmul-forward, a 64 by 64 tile of outputs per workgroup.
// For K that is a multiple of 4.
//
// A workgroup of 16 x 16 threads keeps a 64 x 16 tile of each operand in workgroup memory, and a
// thread computes 4 x 4 outputs. Made for GPUs, where such memory is near and barriers are cheap.
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
@group(0) @binding(2) var<storage, read> weight: array<Weights>;
@group(0) @binding(3) var<storage, read> bias: array<f32>;
@group(0) @binding(4) var<storage, read> residual: array<f32>;
@group(0) @binding(5) var<storage, read_write> out: array<f32>;

// Both are stored k quad by k quad: neighbouring threads read neighbouring elements.
var<workgroup> x_tile: array<vec4f, 256>;
var<workgroup> weight_tile: array<vec4f, 256>;

fn finish(row: u32, column: u32, sum: f32) {
  if (row >= params.row_end || column >= params.columns) { return; }
  let at = row * params.columns + column;
  var value = sum;
  if (params.has_bias != 0) { value += bias[column]; }
  if (params.has_residual != 0) { value += residual[at]; }
  out[at] = value;
}

// A thread's four columns stand 16 apart, so that stores of a row are contiguous.
fn finish_row(row: u32, column: u32, sums: vec4f) {
  finish(row, column, sums.x);
  finish(row, column + 16, sums.y);
  finish(row, column + 32, sums.z);
  finish(row, column + 48, sums.w);
}

@compute @workgroup_size(16, 16)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(local_invocation_id) local: vec3u,
  @builtin(local_invocation_index) thread: u32,
) {
  let inner = params.inner / 4;
  let row0 = params.row_start + group.y * 64;
  let column0 = group.x * 64;
  // Place of this thread's loads: one row or column of the tile, one quad of k.
  let line = thread / 4;
  let quad = thread % 4;
  let x_at = min(row0 + line, params.row_end - 1) * inner;
  let weight_at = min(column0 + line, params.columns - 1) * inner;
  let slot = quad * 64 + line;
  var sum0 = vec4f();
  var sum1 = vec4f();
  var sum2 = vec4f();
  var sum3 = vec4f();
  for (var k = 0u; k < inner; k += 4) {
    let inside = k + quad < inner;
    let at = min(k + quad, inner - 1);
    x_tile[slot] = select(vec4f(), x[x_at + at], inside);
    weight_tile[slot] = select(vec4f(), weight_quad(weight_at + at), inside);
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
      sum0 += x_tile[v] * block;
      sum1 += x_tile[v + 1] * block;
      sum2 += x_tile[v + 2] * block;
      sum3 += x_tile[v + 3] * block;
    }
    workgroupBarrier();
  }
  // A loop lets a driver compile the epilogue once. It starts at `row`, so no driver unrolls it.
  var sums = array<vec4f, 4>(sum0, sum1, sum2, sum3);
  let column = column0 + local.x;
  let row = row0 + local.y * 4;
  let end = min(params.row_end, row + 4);
  for (var at = row; at < end; at++) {
    finish_row(at, column, sums[at - row]);
  }
}
