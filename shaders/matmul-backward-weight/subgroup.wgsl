// matmul-backward-weight/subgroup: the sums of matmul-backward-weight, sixteen output features by
// four input features per lane. Lanes share dy by subgroup broadcast. For K and N that are
// multiples of 4. Why, and where it is correct: shaders/matmul-forward/subgroup.wgsl.
//
// Grid: ceil(K / (4 LANES)) by ceil((row_end - row_start) / 16); LANES a multiple of the subgroup.
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

override LANES: u32 = 8;

// `column` counts four columns at a time.
fn finish(row: u32, column: u32, sum: vec4f) {
  let columns = params.columns / 4;
  if (row >= params.row_end || column >= columns) { return; }
  dw[row * columns + column] += sum;
}

@compute @workgroup_size(LANES)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(local_invocation_id) local: vec3u,
  @builtin(subgroup_invocation_id) lane: u32,
) {
  let rows = params.rows / 4;
  let columns = params.columns / 4;
  let inner = params.inner;
  let row = params.row_start + group.y * 16;
  let column = group.x * LANES + local.x;
  // Lanes 0-3 load sixteen features of dy's row i, lanes 4-7 of row i + 1.
  let next = (lane >> 2) & 1;
  let dy_column = min(row / 4 + (lane & 3), rows - 1);
  let x_column = min(column, columns - 1);
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
  for (var i = 0u; i < inner; i += 4) {
    // Rows past the end are replaced by the last row, with dy 0.
    let last = inner - 1;
    let left = inner - i;
    let dy0 = select(vec4f(), dy[min(i + next, last) * rows + dy_column], next < left);
    let dy1 = select(vec4f(), dy[min(i + 2 + next, last) * rows + dy_column], next + 2 < left);
    let x0 = x[i * columns + x_column];
    let x1 = x[min(i + 1, last) * columns + x_column];
    let x2 = x[min(i + 2, last) * columns + x_column];
    let x3 = x[min(i + 3, last) * columns + x_column];
    let v0_0 = subgroupBroadcast(dy0, 0);
    sum0 += v0_0.x * x0;
    sum1 += v0_0.y * x0;
    sum2 += v0_0.z * x0;
    sum3 += v0_0.w * x0;
    let v0_1 = subgroupBroadcast(dy0, 1);
    sum4 += v0_1.x * x0;
    sum5 += v0_1.y * x0;
    sum6 += v0_1.z * x0;
    sum7 += v0_1.w * x0;
    let v0_2 = subgroupBroadcast(dy0, 2);
    sum8 += v0_2.x * x0;
    sum9 += v0_2.y * x0;
    sum10 += v0_2.z * x0;
    sum11 += v0_2.w * x0;
    let v0_3 = subgroupBroadcast(dy0, 3);
    sum12 += v0_3.x * x0;
    sum13 += v0_3.y * x0;
    sum14 += v0_3.z * x0;
    sum15 += v0_3.w * x0;
    let v1_0 = subgroupBroadcast(dy0, 4);
    sum0 += v1_0.x * x1;
    sum1 += v1_0.y * x1;
    sum2 += v1_0.z * x1;
    sum3 += v1_0.w * x1;
    let v1_1 = subgroupBroadcast(dy0, 5);
    sum4 += v1_1.x * x1;
    sum5 += v1_1.y * x1;
    sum6 += v1_1.z * x1;
    sum7 += v1_1.w * x1;
    let v1_2 = subgroupBroadcast(dy0, 6);
    sum8 += v1_2.x * x1;
    sum9 += v1_2.y * x1;
    sum10 += v1_2.z * x1;
    sum11 += v1_2.w * x1;
    let v1_3 = subgroupBroadcast(dy0, 7);
    sum12 += v1_3.x * x1;
    sum13 += v1_3.y * x1;
    sum14 += v1_3.z * x1;
    sum15 += v1_3.w * x1;
    let v2_0 = subgroupBroadcast(dy1, 0);
    sum0 += v2_0.x * x2;
    sum1 += v2_0.y * x2;
    sum2 += v2_0.z * x2;
    sum3 += v2_0.w * x2;
    let v2_1 = subgroupBroadcast(dy1, 1);
    sum4 += v2_1.x * x2;
    sum5 += v2_1.y * x2;
    sum6 += v2_1.z * x2;
    sum7 += v2_1.w * x2;
    let v2_2 = subgroupBroadcast(dy1, 2);
    sum8 += v2_2.x * x2;
    sum9 += v2_2.y * x2;
    sum10 += v2_2.z * x2;
    sum11 += v2_2.w * x2;
    let v2_3 = subgroupBroadcast(dy1, 3);
    sum12 += v2_3.x * x2;
    sum13 += v2_3.y * x2;
    sum14 += v2_3.z * x2;
    sum15 += v2_3.w * x2;
    let v3_0 = subgroupBroadcast(dy1, 4);
    sum0 += v3_0.x * x3;
    sum1 += v3_0.y * x3;
    sum2 += v3_0.z * x3;
    sum3 += v3_0.w * x3;
    let v3_1 = subgroupBroadcast(dy1, 5);
    sum4 += v3_1.x * x3;
    sum5 += v3_1.y * x3;
    sum6 += v3_1.z * x3;
    sum7 += v3_1.w * x3;
    let v3_2 = subgroupBroadcast(dy1, 6);
    sum8 += v3_2.x * x3;
    sum9 += v3_2.y * x3;
    sum10 += v3_2.z * x3;
    sum11 += v3_2.w * x3;
    let v3_3 = subgroupBroadcast(dy1, 7);
    sum12 += v3_3.x * x3;
    sum13 += v3_3.y * x3;
    sum14 += v3_3.z * x3;
    sum15 += v3_3.w * x3;
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
