// matmul-backward-weight/split: the sums of matmul-backward-weight, a tile of 4 * SIDE by 4 * SIDE
// outputs per workgroup. The workgroup's threads share out the rows. For K that is a multiple of 4.
//
// With 64 by 64 outputs per workgroup, the weight of a small layer keeps few of a GPU's units busy:
// 4 workgroups for 128 x 128, 12 for 384 x 128, each over thousands of rows one after another. Here
// 256 threads form GROUPS = 256 / SIDE^2 groups, and group g takes rows g, g + GROUPS, g + 2 GROUPS
// ...:
//
//   SIDE  tile   groups  workgroups for 128 x 128, 384 x 128  bytes read a multiply-add
//      4  16^2       16                    64            192                          1/2
//      8  32^2        4                    16             48                          1/4
//   (workgroup 64^2   1                     4             12                          1/8)
//
// A thread reads two vec4 for 16 multiply-adds, as `workgroup` does from workgroup memory. Here
// both come from the cache, which serves threads of a group that want the same vec4 together. So
// the loop needs no barrier, and groups need not run in step. Four rows are read before they are
// used, because a unit has few other threads to run while it waits.
//
// The header gives `alias Cell` and CELL, the numbers in a cell: vec4f and 4 where N is a multiple
// of 4, else f32 and 1.
//
// Grid: ceil(K / (4 * SIDE)) by ceil((row_end - row_start) / (4 * SIDE)).
// Numerics: per output and group one f32 sum, i ascending, then the groups' sums in order, then the
// old dw. Nothing depends on timing: same inputs, same bits.

struct Params {
  row_start: u32,
  row_end: u32,
  inner: u32, // M in use
  rows: u32, // N
  columns: u32, // K
}
override SIDE: u32 = 4;
override GROUPS: u32 = 16;
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> dy: array<Cell>;
@group(0) @binding(2) var<storage, read> x: array<vec4f>;
@group(0) @binding(3) var<storage, read_write> dw: array<vec4f>;

var<workgroup> partial: array<vec4f, 256>; // by thread: group by group

// Four output features of a row that begins at cell `start`.
fn features(start: u32, cells: vec4u) -> vec4f {
  let first = vec4f(dy[start + cells.x]);
  if (CELL == 4) { return first; }
  return vec4f(
    first.x,
    vec4f(dy[start + cells.y]).x,
    vec4f(dy[start + cells.z]).x,
    vec4f(dy[start + cells.w]).x,
  );
}

// A column for each output feature.
fn products(d: vec4f, v: vec4f) -> mat4x4f {
  return mat4x4f(d.x * v, d.y * v, d.z * v, d.w * v);
}

// The sum of `mine` over the threads in this thread's place, one in each group; 0 unless it `asks`.
fn sum_of_groups(mine: vec4f, thread: u32, asks: bool) -> vec4f {
  partial[thread] = mine;
  workgroupBarrier();
  var sum = vec4f();
  if (asks) {
    for (var at = thread % (SIDE * SIDE); at < 256; at += SIDE * SIDE) { sum += partial[at]; }
  }
  workgroupBarrier();
  return sum;
}

@compute @workgroup_size(SIDE, SIDE, GROUPS)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(local_invocation_id) local: vec3u,
  @builtin(local_invocation_index) thread: u32,
) {
  let width = params.rows / CELL; // cells in a row of dy
  let columns = params.columns / 4;
  let row0 = params.row_start + group.y * SIDE * 4;
  // Features past the edges repeat the last ones and are not stored.
  let cells = min((row0 + local.y * 4) / CELL + vec4u(0, 1, 2, 3), vec4u(width - 1));
  let x_at = min(group.x * SIDE + local.x, columns - 1);
  var sum = mat4x4f();
  var i = local.z;
  for (; i + 3 * GROUPS < params.inner; i += 4 * GROUPS) {
    let i1 = i + GROUPS;
    let i2 = i1 + GROUPS;
    let i3 = i2 + GROUPS;
    let d0 = features(i * width, cells);
    let d1 = features(i1 * width, cells);
    let d2 = features(i2 * width, cells);
    let d3 = features(i3 * width, cells);
    let x0 = x[i * columns + x_at];
    let x1 = x[i1 * columns + x_at];
    let x2 = x[i2 * columns + x_at];
    let x3 = x[i3 * columns + x_at];
    sum += products(d0, x0);
    sum += products(d1, x1);
    sum += products(d2, x2);
    sum += products(d3, x3);
  }
  for (; i < params.inner; i += GROUPS) {
    sum += products(features(i * width, cells), x[i * columns + x_at]);
  }
  // Group r adds up row r of every thread's four rows.
  var total = sum_of_groups(sum[0], thread, local.z == 0);
  total += sum_of_groups(sum[1], thread, local.z == 1);
  total += sum_of_groups(sum[2], thread, local.z == 2);
  total += sum_of_groups(sum[3], thread, local.z == 3);
  let row = row0 + local.y * 4 + local.z;
  let column = group.x * SIDE + local.x;
  if (local.z >= 4 || row >= params.row_end || column >= columns) { return; }
  dw[row * columns + column] += total;
}
