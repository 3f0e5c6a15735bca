// lim-score: one LIM score per prompt from the reward matrix and its mean curve; LANES threads
// share a prompt.
//
//   s_p = 1 - sum_k (r_pk - m_k)^2 / sum_k (1 - m_k)^2,   over the epochs k in which p is present
// Li et al. 2025, arXiv:2502.11886, section 3.2, with r_pk = sums_pk / samples_pk. Written in
// deficits d = 1 - m and e = 1 - r, since r - m = d - e and a curve near 1 keeps its digits so.
//
// in   sums      f32 (P, K)  sum of the signal over the samples of prompt p in data epoch k
//      samples   u32 (P, K)  how many samples that was; 0 = missing, left out of both sums
//      deficits  f32 (1, K)  1 - m_k, from lim-reduce
// out  scores    f32 (P)     overwritten. NO_SCORE (the lowest f32) where no epoch is present, and
//                            where all present m_k are 1 but the prompt is not; 0 where it is (the
//                            score of a prompt that is always solved, whatever the curve)
//
// Grid: ceil(P / ROWS) workgroups of LANES x ROWS threads, folded over two dimensions.
// Numerics: f32, blocks of 32 added up; within 1e-5 max(1, |s|) of float64 at K = 1000
// (test/kernels/lim-score.test.ts).

override LANES: u32 = 1;
override ROWS: u32 = 64;
const NO_SCORE = -0x1.fffffep+127f;

struct Params { prompts: u32, epochs: u32 }
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> sums: array<f32>;
@group(0) @binding(2) var<storage, read> samples: array<u32>;
@group(0) @binding(3) var<storage, read> deficits: array<f32>;
@group(0) @binding(4) var<storage, read_write> scores: array<f32>;

// Distance, scale and number of epochs present, of each thread. LANES * ROWS is at most 256.
var<workgroup> shares: array<vec3f, 256>;

@compute @workgroup_size(LANES, ROWS)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_id) thread: vec3u,
) {
  let prompt = (group.y * groups.x + group.x) * ROWS + thread.y;
  var total = vec3f();
  if (prompt < params.prompts) {
    let row = prompt * params.epochs; // sums[prompt, 0]
    var k = thread.x;
    while (k < params.epochs) {
      var block = vec3f();
      for (var i = 0; i < 32 && k < params.epochs; i++) {
        let count = samples[row + k];
        if (count > 0) {
          let n = f32(count);
          let scale = deficits[k];
          let distance = scale - (n - sums[row + k]) / n;
          block += vec3f(distance * distance, scale * scale, 1.0);
        }
        k += LANES;
      }
      total += block;
    }
  }
  if (LANES > 1) {
    let at = thread.y * LANES + thread.x;
    shares[at] = total;
    for (var s = LANES / 2; s > 0; s /= 2) {
      workgroupBarrier();
      if (thread.x < s) { shares[at] += shares[at + s]; }
    }
    total = shares[at];
  }
  if (thread.x == 0 && prompt < params.prompts) {
    var score = NO_SCORE;
    if (total.y > 0.0) {
      score = 1.0 - total.x / total.y;
    } else if (total.z > 0.0 && total.x == 0.0) {
      score = 0.0;
    }
    scores[prompt] = score;
  }
}
