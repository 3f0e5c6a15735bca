// rmsnorm-forward: root-mean-square normalization of rows, LANES threads per row.
//
//   rstd[n]   = 1 / sqrt(mean_c(x[n, c]^2) + epsilon)
//   out[n, c] = x[n, c] * rstd[n] * gain(weight[c])     with RESIDUAL  + residual[n, c]
// Zhang and Sennrich 2019, arXiv:1910.07467, eq. 4.
//
// in   x       f32 (N, C)  C a multiple of 4
//      weight  f32 (C)     gain: shaders/lib/gain.wgsl
//      residual  f32 (N, C)  read only with RESIDUAL
// out  out     f32 (N, C)  overwritten for n < rows
//      rstd    f32 (N)     overwritten for n < rows; the backward pass needs it
//
// Grid: ceil(rows / ROWS) workgroups, folded over x and y. LANES 1 suits adapters where barriers
// are costly, 32 suits GPUs; at most 256 threads a workgroup.
// Numerics: f32; sums of squares run in stride LANES, then by a tree.

struct Params { rows: u32, quads: u32, epsilon: f32 }
override LANES: u32 = 1;
override ROWS: u32 = 64;
override RESIDUAL: bool = false;
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> x: array<vec4f>;
@group(0) @binding(2) var<storage, read> weight: array<vec4f>;
@group(0) @binding(3) var<storage, read> residual: array<vec4f>;
@group(0) @binding(4) var<storage, read_write> out: array<vec4f>;
@group(0) @binding(5) var<storage, read_write> rstd: array<f32>;

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
      let v = x[base + c];
      sum += dot(v, v);
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
  let scale = inverseSqrt(sum / f32(params.quads * 4) + params.epsilon);
  for (var c = local.x; c < params.quads; c += LANES) {
    var value = x[base + c] * scale * gain(weight[c]);
    if (RESIDUAL) { value += residual[base + c]; }
    out[base + c] = value;
  }
  if (local.x == 0) { rstd[row] = scale; }
}
