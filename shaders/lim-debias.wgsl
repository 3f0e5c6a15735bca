// lim-debias: takes the sampling noise of the counts out of LIM scores; one thread per prompt.
//
//   s'_p = s_p + sum_k e_pk (1 - e_pk) / (n_pk - 1) / sum_k d_k^2,   over the epochs k in which p is
//          present; e_pk = 1 - r_pk, r_pk = sums_pk / n_pk, n_pk = samples_pk, d_k = 1 - m_k
// A count of right answers among n is binomial: r has variance v = q (1 - q) / n about the chance q,
// and E[(r - m)^2] = (q - m)^2 + v for a given m. As E[r^2] = q^2 + v, E[r (1 - r)] = q - q^2 - v =
// q (1 - q) (n - 1) / n, so the term r (1 - r) / (n - 1) has the expectation v: it is the sample
// variance of the n answers over n. Taking it off each squared distance leaves (q - m)^2 on average.
// m is taken as known: the own share in m and the noise of m are of order v / P and stay.
//
// in   sums      f32 (P, K)  right answers of prompt p in data epoch k, 0 to n_pk
//      samples   u32 (P, K)  n_pk; 0 = missing, left out. 1 tells nothing of its noise and adds nothing
//      deficits  f32 (4, K)  d_k in each row, as lim-score reads them
// io   scores    f32 (P)     s_p from lim-score, overwritten by s'_p. NO_SCORE and a score without a
//                            scale stay as they are. UNDECIDED where the noise is so large beside s'_p
//                            that f32 is too coarse: float64 has to decide
//
// Grid: ceil(P / 64) workgroups, folded over two dimensions.
// Numerics: f32, blocks of 8 added up; within 1e-4 max(1, |s'|) of float64 where it is decided
// (test/kernels/lim-debias.test.ts).

const NO_SCORE = -0x1.fffffep+127f;
const UNDECIDED = 0x1.fffffep+127f;

struct Params { prompts: u32, epochs: u32 }
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> sums: array<f32>;
@group(0) @binding(2) var<storage, read> samples: array<u32>;
@group(0) @binding(3) var<storage, read> deficits: array<f32>;
@group(0) @binding(4) var<storage, read_write> scores: array<f32>;

@compute @workgroup_size(64)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) thread: u32,
) {
  let prompt = (group.y * groups.x + group.x) * 64 + thread;
  if (prompt >= params.prompts) { return; }
  let score = scores[prompt];
  if (score == NO_SCORE) { return; }
  let row = prompt * params.epochs;
  var noise = 0.0;
  var scale = 0.0;
  for (var first = 0u; first < params.epochs; first += 8) {
    var noise_block = 0.0;
    var scale_block = 0.0;
    for (var k = first; k < min(first + 8, params.epochs); k++) {
      let count = samples[row + k];
      if (count == 0) { continue; }
      let deficit = deficits[k];
      scale_block += deficit * deficit;
      if (count == 1) { continue; }
      let n = f32(count);
      let right = sums[row + k];
      noise_block += right * (n - right) / (n * n * (n - 1));
    }
    noise += noise_block;
    scale += scale_block;
  }
  if (!(scale > 0)) { return; }
  let added = noise / scale;
  let debiased = score + added;
  scores[prompt] = select(debiased, UNDECIDED, added > 8 * max(1, abs(debiased)));
}
