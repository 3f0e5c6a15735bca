// moments: mean and population variance of a vector from the moments of its parts.
//
//   n = n_a + n_b,  mean = mean_a + (mean_b - mean_a) n_b / n
//   m2 = m2_a + m2_b + (mean_b - mean_a)^2 n_a n_b / n,   variance = m2 / n
// Chan, Golub and LeVeque 1983, The American Statistician 37(3), eq. 2.1.
//
// in   partials  f32 (2048, 4)  of moments-partial: count, mean, m2, unused
// out  moments   f32 (4)        overwritten: mean, variance, count, 0; all 0 for no values
//
// Grid: one workgroup of LANES threads (1 on a CPU adapter, where barriers are costly).
// Numerics: f32; mean within 2e-6, variance within 2e-5 relative of float64 at 10^6 values
// (test/kernels/moments.test.ts).

override LANES: u32 = 1;

struct Params { partial_count: u32 }
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> partials: array<vec4f>;
@group(0) @binding(2) var<storage, read_write> moments: array<f32>;

var<workgroup> merged: array<vec4f, 256>;

fn merge(a: vec4f, b: vec4f) -> vec4f {
  if (b.x == 0.0) { return a; }
  let count = a.x + b.x;
  let delta = b.y - a.y;
  let share = b.x / count;
  return vec4f(count, a.y + delta * share, a.z + b.z + delta * delta * a.x * share, 0.0);
}

@compute @workgroup_size(LANES)
fn main(@builtin(local_invocation_index) lane: u32) {
  var own = vec4f();
  for (var i = lane; i < params.partial_count; i += LANES) {
    own = merge(own, partials[i]);
  }
  merged[lane] = own;
  for (var s = LANES / 2; s > 0; s /= 2) {
    workgroupBarrier();
    if (lane < s) { merged[lane] = merge(merged[lane], merged[lane + s]); }
  }
  if (lane != 0) { return; }
  let all = merged[0];
  moments[0] = all.y;
  moments[1] = all.z / max(all.x, 1.0);
  moments[2] = all.x;
  moments[3] = 0.0;
}
