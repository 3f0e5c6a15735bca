// low-rank-backward-weight: gradient of an adapter's second factor. A tile of eight output features
// by LANES columns per workgroup, whose GROUPS groups of threads share out the rows.
//
//   db_{n,j} += scale_p * sum_{i < rows} dy_{i,n} * t_{i, p R + j},  p the part of feature n
// The transpose of low-rank-forward in b.
//
// in   dy  f32 (M, N)    gradient of the layer's output; rows [0, rows) are read
//      t   f32 (M, P R)  product of the layer's input with the first factors
// out  db  f32 (N, R)    the tiles from tile_start on added to; the optimizer clears it
//
// Group g takes rows g, g + GROUPS, g + 2 GROUPS ...: a factor has few elements, and each of them
// sums over thousands of rows, which alone would leave a GPU idle.
// Grid: ceil(R / LANES) by the tiles of this dispatch; no tile holds features of two parts
// (shaders/lib/low-rank.wgsl).
// Numerics: per output and group one f32 sum, i ascending, then the groups' sums in order, then the
// scale and the old db. Nothing depends on timing: same inputs, same bits.

struct Params {
  tile_start: u32,
  inner: u32,   // M in use
  columns: u32, // N
  rank: u32,    // R
  parts: u32,   // P
  end0: u32,
  end1: u32,
  end2: u32,
  scale0: f32,
  scale1: f32,
  scale2: f32,
}
override LANES: u32 = 16;
override GROUPS: u32 = 1;
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> dy: array<f32>;
@group(0) @binding(2) var<storage, read> t: array<f32>;
@group(0) @binding(3) var<storage, read_write> db: array<f32>;

const FEATURES = 8u;
var<workgroup> partial: array<f32, 2048>; // by group, feature, lane: at most 256 threads

@compute @workgroup_size(LANES, GROUPS)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_id) local: vec3u) {
  let rank = params.rank;
  let columns = params.columns;
  let ends = vec3u(params.end0, params.end1, params.end2);
  let scales = vec3f(params.scale0, params.scale1, params.scale2);
  let tile = tile_at(params.tile_start + group.y, FEATURES, ends, scales);
  let j = group.x * LANES + local.x;
  // Features and columns past the edges repeat the last ones and are not stored.
  let last = tile.end - 1;
  let n0 = tile.first;
  let n1 = min(n0 + 1, last);
  let n2 = min(n0 + 2, last);
  let n3 = min(n0 + 3, last);
  let n4 = min(n0 + 4, last);
  let n5 = min(n0 + 5, last);
  let n6 = min(n0 + 6, last);
  let n7 = min(n0 + 7, last);
  let stride = params.parts * rank;
  let t_column = tile.part * rank + min(j, rank - 1);
  var sum0 = 0.0;
  var sum1 = 0.0;
  var sum2 = 0.0;
  var sum3 = 0.0;
  var sum4 = 0.0;
  var sum5 = 0.0;
  var sum6 = 0.0;
  var sum7 = 0.0;
  // With one group, all threads of a workgroup are in the same row, and a compiler sees that.
  for (var i = select(local.y, 0u, GROUPS == 1); i < params.inner; i += GROUPS) {
    let v = t[i * stride + t_column];
    let start = i * columns;
    sum0 = fma(dy[start + n0], v, sum0);
    sum1 = fma(dy[start + n1], v, sum1);
    sum2 = fma(dy[start + n2], v, sum2);
    sum3 = fma(dy[start + n3], v, sum3);
    sum4 = fma(dy[start + n4], v, sum4);
    sum5 = fma(dy[start + n5], v, sum5);
    sum6 = fma(dy[start + n6], v, sum6);
    sum7 = fma(dy[start + n7], v, sum7);
  }
  let slot = local.y * FEATURES * LANES + local.x;
  partial[slot] = sum0;
  partial[slot + LANES] = sum1;
  partial[slot + 2 * LANES] = sum2;
  partial[slot + 3 * LANES] = sum3;
  partial[slot + 4 * LANES] = sum4;
  partial[slot + 5 * LANES] = sum5;
  partial[slot + 6 * LANES] = sum6;
  partial[slot + 7 * LANES] = sum7;
  workgroupBarrier();
  // The groups share out the features.
  for (var f = local.y; f < FEATURES; f += GROUPS) {
    var sum = 0.0;
    for (var g = 0u; g < GROUPS; g++) {
      sum += partial[(g * FEATURES + f) * LANES + local.x];
    }
    let n = tile.first + f;
    if (n >= tile.end || j >= rank) { continue; }
    db[n * rank + j] += tile.scale * sum;
  }
}
