// rmsnorm-backward: gradient of RMSNorm with respect to its input, LANES threads per row.
//
//   xhat      = x * rstd
//   dx[n, c] (+)= rstd[n] * (g[c] * dy[n, c] - xhat[n, c] * mean_k(g[k] * dy[n, k] * xhat[n, k])),
//   g = gain(weight)  (shaders/lib/gain.wgsl)
// Needs x and rstd of the forward pass.
//
// in   x       f32 (N, C)  C a multiple of 4
//      weight  f32 (C)
//      rstd    f32 (N)
//      dy      f32 (N, C)
// out  dx      f32 (N, C)  added to where accumulate is 1 (the residual stream), else overwritten
//
// Grid: ceil(rows / ROWS) workgroups, folded over x and y.
// Numerics: f32.

struct Params { rows: u32, quads: u32, accumulate: u32 }
override LANES: u32 = 1;
override ROWS: u32 = 64;
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> x: array<vec4f>;
@group(0) @binding(2) var<storage, read> weight: array<vec4f>;
@group(0) @binding(3) var<storage, read> rstd: array<f32>;
@group(0) @binding(4) var<storage, read> dy: array<vec4f>;
@group(0) @binding(5) var<storage, read_write> dx: array<vec4f>;

var<workgroup> partial: array<f32, 256>;

@compute @workgroup_size(LANES, ROWS)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u,
        @builtin(local_invocation_id) local: vec3u) {
  let row = (group.y * groups.x + group.x) * ROWS + local.y;
  let live = row < params.rows;
  let base = row * params.quads;
  var sum = 0.0;
  if (live) {
    for (var c = local.x; c < params.quads; c += LANES) {
      sum += dot(gain(weight[c]) * dy[base + c], x[base + c]);
    }
  }
  if (LANES > 1) {
    let slot = local.y * LANES + local.x;
    partial[slot] = sum;
    workgroupBarrier();
    for (var stride = LANES / 2; stride > 0; stride /= 2) {
      if (local.x < stride) { partial[slot] += partial[slot + stride]; }
      workgroupBarrier();
    }
    sum = partial[local.y * LANES];
  }
  if (!live) { return; }
  let scale = rstd[row];
  let pull = sum * scale * scale / f32(params.quads * 4);
  for (var c = local.x; c < params.quads; c += LANES) {
    var gradient = scale * (gain(weight[c]) * dy[base + c] - x[base + c] * pull);
    if (params.accumulate == 1) { gradient += dx[base + c]; }
    dx[base + c] = gradient;
  }
}
