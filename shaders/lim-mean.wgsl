// lim-mean: first pass of LIM's mean curve, partial sums over stripes of prompts; one thread per
// (stripe, epoch).
//
//   deficit_pk  = 1 - sums_pk / samples_pk           where samples_pk > 0, else missing
//   partial_qk  = sum of deficit_pk over the prompts p = q, q + stripes, q + 2 stripes, ...
//   entries_qk  = how many of them are not missing
// lim-reduce adds the partial sums up to the curve 1 - r_avg^k of Li et al. 2025, arXiv:2502.11886,
// section 3.2. The deficit is carried because the scores divide by it: near 1 the curve itself
// would lose the digits that matter.
//
// in   sums      f32 (P, K)  sum of the signal over the samples of prompt p in data epoch k
//      samples   u32 (P, K)  how many samples that was; 0 = missing
// out  partials  f32 (Q, K)  rows [first_stripe, first_stripe + stripes) overwritten
//      entries   u32 (Q, K)  likewise
//
// Grid: ceil(stripes * K / 64) workgroups, folded over two dimensions. Neighbours read neighbouring
// elements whatever K is, and no barrier is needed.
// Numerics: f32, blocks of 8 added up (error of 16 additions for the 64 prompts of a stripe).

struct Params { prompts: u32, epochs: u32, stripes: u32, first_stripe: u32 }
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> sums: array<f32>;
@group(0) @binding(2) var<storage, read> samples: array<u32>;
@group(0) @binding(3) var<storage, read_write> partials: array<f32>;
@group(0) @binding(4) var<storage, read_write> entries: array<u32>;

@compute @workgroup_size(64)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) thread: u32,
) {
  let lane = (group.y * groups.x + group.x) * 64 + thread;
  let width = params.stripes * params.epochs;
  if (lane >= width) { return; }
  let end = params.prompts * params.epochs;
  var total = 0.0;
  var found = 0u;
  var index = lane; // sums[q, k], then a whole row of stripes further each time
  while (index < end) {
    var block = 0.0;
    for (var i = 0; i < 8 && index < end; i++) {
      let count = samples[index];
      if (count > 0) {
        let n = f32(count);
        block += (n - sums[index]) / n;
        found++;
      }
      index += width;
    }
    total += block;
  }
  let out = params.first_stripe * params.epochs + lane;
  partials[out] = total;
  entries[out] = found;
}
