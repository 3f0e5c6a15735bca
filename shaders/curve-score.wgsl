// curve-score: one statistic of each prompt's curve of mean signals; one thread per prompt.
//
// Over the n epochs k in which p is present, with r_k = sums_pk / samples_pk and q = sum_k r_k / n:
//   MEAN      s_p = q
//   VARIANCE  s_p = sum_k (r_k - q)^2 / n     the historical variance of 1-shot RLVR: Wang et al.
//                                             2025, arXiv:2504.20571
//   GROUP     s_p = sum_k r_k (1 - r_k) / n   the variance p (1 - p) within a group of answers:
//                                             Foster et al. 2025, arXiv:2502.12272
//
// in   sums     f32 (P, K)  sum of the signal over the samples of prompt p in data epoch k
//      samples  u32 (P, K)  number of these samples; 0 = missing, left out
//      or both one array, the matrix of values r_pk: lib/lim-entry.wgsl
// out  scores   f32 (P)     overwritten. NO_SCORE (the lowest f32) where no epoch is present
//
// Grid: ceil(P / 64) workgroups, folded over two dimensions.
// Numerics: f32, blocks of 8 added up, deviations from the mean in a second pass; for signals in
// [-1, 1] within 1e-5 of float64 at K = 1000 (test/kernels/curve-score.test.ts).

override STATISTIC: u32;
const MEAN = 0u;
const VARIANCE = 1u;
const NO_SCORE = -0x1.fffffep+127f;

struct Params { prompts: u32, epochs: u32 }
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> sums: array<f32>;
@group(0) @binding(2) var<storage, read> samples: array<u32>;
@group(0) @binding(3) var<storage, read_write> scores: array<f32>;

struct Average { value: f32, count: u32 }

// The average over the present epochs of r, of (r - middle)^2, or of r (1 - r).
fn average_of(row: u32, statistic: u32, middle: f32) -> Average {
  var total = 0.0;
  var count = 0u;
  for (var first = 0u; first < params.epochs; first += 8) {
    var block = 0.0;
    for (var k = first; k < min(first + 8, params.epochs); k++) {
      let word = samples[row + k];
      if (!is_present(vec4u(word)).x) { continue; }
      let signal = signal_of(word, sums[row + k]);
      count++;
      if (statistic == MEAN) {
        block += signal;
      } else if (statistic == VARIANCE) {
        block += (signal - middle) * (signal - middle);
      } else {
        block += signal * (1 - signal);
      }
    }
    total += block;
  }
  return Average(total / f32(max(count, 1)), count);
}

@compute @workgroup_size(64)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) thread: u32,
) {
  let prompt = (group.y * groups.x + group.x) * 64 + thread;
  if (prompt >= params.prompts) { return; }
  let row = prompt * params.epochs;
  var middle = 0.0;
  if (STATISTIC == VARIANCE) { middle = average_of(row, MEAN, 0).value; }
  let found = average_of(row, STATISTIC, middle);
  scores[prompt] = select(found.value, NO_SCORE, found.count == 0);
}
