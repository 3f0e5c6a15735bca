// matmul-forward/subgroup: the sums of matmul-forward, sixteen rows by four columns per lane. Lanes
// share the rows by subgroup broadcast. For K and N that are multiples of 4.
//
// A software adapter loads lane by lane, with a bounds check for each lane: about 80 cycles for the
// vec4 of eight lanes. Here a lane loads two rows of x for the other lanes too: six loads for 256
// multiply-adds per lane. Correct where a subgroup has at least 8 lanes and is full.
//
// Grid: ceil(N / (4 LANES)) by ceil((row_end - row_start) / 16); LANES a multiple of the subgroup.
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
@group(0) @binding(3) var<storage, read> bias: array<vec4f>;
@group(0) @binding(4) var<storage, read> residual: array<vec4f>;
@group(0) @binding(5) var<storage, read_write> out: array<vec4f>;

override LANES: u32 = 8;

// `column` counts four columns at a time.
fn finish(row: u32, column: u32, sum: vec4f) {
  let columns = params.columns / 4;
  if (row >= params.row_end || column >= columns) { return; }
  let at = row * columns + column;
  var value = sum;
  if (params.has_bias != 0) { value += bias[column]; }
  if (params.has_residual != 0) { value += residual[at]; }
  out[at] = value;
}

@compute @workgroup_size(LANES)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(local_invocation_id) local: vec3u,
  @builtin(subgroup_invocation_id) lane: u32,
) {
  let inner = params.inner / 4;
  let row = params.row_start + group.y * 16;
  let column = group.x * LANES + local.x;
  // A row or column past the edge repeats the last one and is not stored.
  let last = params.row_end - 1;
  let from0 = min(row + (lane & 7), last) * inner;
  let from1 = min(row + (lane & 7) + 8, last) * inner;
  let w = min(column, params.columns / 4 - 1) * 4 * inner;
  var sum0 = vec4f();
  var sum1 = vec4f();
  var sum2 = vec4f();
  var sum3 = vec4f();
  var sum4 = vec4f();
  var sum5 = vec4f();
  var sum6 = vec4f();
  var sum7 = vec4f();
  var sum8 = vec4f();
  var sum9 = vec4f();
  var sum10 = vec4f();
  var sum11 = vec4f();
  var sum12 = vec4f();
  var sum13 = vec4f();
  var sum14 = vec4f();
  var sum15 = vec4f();
  for (var k = 0u; k < inner; k++) {
    let x0 = x[from0 + k];
    let x1 = x[from1 + k];
    let block = mat4x4f(
      weight_quad(w + k),
      weight_quad(w + inner + k),
      weight_quad(w + 2 * inner + k),
      weight_quad(w + 3 * inner + k),
    );
    sum0 += subgroupBroadcast(x0, 0) * block;
    sum1 += subgroupBroadcast(x0, 1) * block;
    sum2 += subgroupBroadcast(x0, 2) * block;
    sum3 += subgroupBroadcast(x0, 3) * block;
    sum4 += subgroupBroadcast(x0, 4) * block;
    sum5 += subgroupBroadcast(x0, 5) * block;
    sum6 += subgroupBroadcast(x0, 6) * block;
    sum7 += subgroupBroadcast(x0, 7) * block;
    sum8 += subgroupBroadcast(x1, 0) * block;
    sum9 += subgroupBroadcast(x1, 1) * block;
    sum10 += subgroupBroadcast(x1, 2) * block;
    sum11 += subgroupBroadcast(x1, 3) * block;
    sum12 += subgroupBroadcast(x1, 4) * block;
    sum13 += subgroupBroadcast(x1, 5) * block;
    sum14 += subgroupBroadcast(x1, 6) * block;
    sum15 += subgroupBroadcast(x1, 7) * block;
  }
  // A loop lets a driver compile the epilogue once. It starts at `row`, so no driver unrolls it.
  var sums = array<vec4f, 16>(
    sum0, sum1, sum2, sum3,
    sum4, sum5, sum6, sum7,
    sum8, sum9, sum10, sum11,
    sum12, sum13, sum14, sum15,
  );
  let end = min(params.row_end, row + 16);
  for (var at = row; at < end; at++) {
    finish(at, column, sums[at - row]);
  }
}
