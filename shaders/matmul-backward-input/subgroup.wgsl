// matmul-backward-input/subgroup: the sums of matmul-backward-input, sixteen rows by four columns
// per lane. Lanes share the rows by subgroup broadcast. For K and N that are multiples of 4. Why,
// and where it is correct: shaders/matmul-forward/subgroup.wgsl.
//
// Grid: ceil(K / (4 LANES)) by ceil((row_end - row_start) / 16); LANES a multiple of the subgroup.
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

override LANES: u32 = 8;

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

@compute @workgroup_size(LANES)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(local_invocation_id) local: vec3u,
  @builtin(subgroup_invocation_id) lane: u32,
) {
  let inner = params.inner / 4;
  let columns = params.columns / 4;
  let row = params.row_start + group.y * 16;
  let column = group.x * LANES + local.x;
  // A row or column past the edge repeats the last one and is not stored.
  let last = params.row_end - 1;
  let from0 = min(row + (lane & 7), last) * inner;
  let from1 = min(row + (lane & 7) + 8, last) * inner;
  let w = min(column, columns - 1);
  var sum0 = begin(row, column);
  var sum1 = begin(row + 1, column);
  var sum2 = begin(row + 2, column);
  var sum3 = begin(row + 3, column);
  var sum4 = begin(row + 4, column);
  var sum5 = begin(row + 5, column);
  var sum6 = begin(row + 6, column);
  var sum7 = begin(row + 7, column);
  var sum8 = begin(row + 8, column);
  var sum9 = begin(row + 9, column);
  var sum10 = begin(row + 10, column);
  var sum11 = begin(row + 11, column);
  var sum12 = begin(row + 12, column);
  var sum13 = begin(row + 13, column);
  var sum14 = begin(row + 14, column);
  var sum15 = begin(row + 15, column);
  for (var n = 0u; n < inner; n++) {
    let dy0 = dy[from0 + n];
    let dy1 = dy[from1 + n];
    let line = n * 4 * columns + w;
    let block = mat4x4f(
      weight_quad(line),
      weight_quad(line + columns),
      weight_quad(line + 2 * columns),
      weight_quad(line + 3 * columns),
    );
    sum0 += block * subgroupBroadcast(dy0, 0);
    sum1 += block * subgroupBroadcast(dy0, 1);
    sum2 += block * subgroupBroadcast(dy0, 2);
    sum3 += block * subgroupBroadcast(dy0, 3);
    sum4 += block * subgroupBroadcast(dy0, 4);
    sum5 += block * subgroupBroadcast(dy0, 5);
    sum6 += block * subgroupBroadcast(dy0, 6);
    sum7 += block * subgroupBroadcast(dy0, 7);
    sum8 += block * subgroupBroadcast(dy1, 0);
    sum9 += block * subgroupBroadcast(dy1, 1);
    sum10 += block * subgroupBroadcast(dy1, 2);
    sum11 += block * subgroupBroadcast(dy1, 3);
    sum12 += block * subgroupBroadcast(dy1, 4);
    sum13 += block * subgroupBroadcast(dy1, 5);
    sum14 += block * subgroupBroadcast(dy1, 6);
    sum15 += block * subgroupBroadcast(dy1, 7);
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
