// lim-score: one LIM score per prompt, from the reward matrix and its mean curve. LANES threads
// share four neighbouring prompts, whose rows together are K whole quads.
//
//   s_p = 1 - sum_k (r_pk - m_k)^2 / sum_k (1 - m_k)^2,   over the epochs k in which p is present
// Li et al. 2025, arXiv:2502.11886, section 3.2, with r_pk = sums_pk / samples_pk. Computed from
// the deficits d = 1 - m and e = 1 - r, since r - m = d - e: so a curve near 1 keeps its digits.
//
// in   sums      f32 (P, K)  sum of the signal over the samples of prompt p in data epoch k
//      samples   u32 (P, K)  number of these samples; 0 = missing, left out of both sums
//      or both one array, the matrix of values r_pk: lib/lim-entry.wgsl
//      deficits  f32 (4, K)  1 - m_k, from lim-reduce, four times: row r lies as prompt 4 i + r
// out  scores    f32 (P)     overwritten. NO_SCORE (the lowest f32) where no epoch is present, and
//                            where all present m_k are 1 but the prompt is not; 0 where it is (the
//                            score of a prompt that is always solved, whatever the curve)
//
// Grid: ceil(P / (4 ROWS)) workgroups of LANES x ROWS threads, folded over two dimensions.
// Numerics: f32, blocks of 8 added up, each of the four places in a quad by itself; within
// 1e-5 max(1, |s|) of float64 at K = 1000 (test/kernels/lim-score.test.ts).

override LANES: u32 = 1;
override ROWS: u32 = 64;
const NO_SCORE = -0x1.fffffep+127f;

struct Params { prompts: u32, epochs: u32 }
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> sums: array<vec4f>;
@group(0) @binding(2) var<storage, read> samples: array<vec4u>;
@group(0) @binding(3) var<storage, read> deficits: array<vec4f>;
@group(0) @binding(4) var<storage, read_write> scores: array<f32>;

// Distance, scale and presence (above 0 where any epoch is present) of each thread. LANES * ROWS is
// at most 256.
var<workgroup> shares: array<vec3f, 256>;

@compute @workgroup_size(LANES, ROWS)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_id) thread: vec3u,
) {
  let first = 4 * ((group.y * groups.x + group.x) * ROWS + thread.y);
  let quads = first / 4 * params.epochs; // the quads of prompts first to first + 3 begin here
  for (var r = 0u; r < 4; r++) {
    let prompt = first + r;
    // Rows past the last prompt are read, with indices that the device clamps, and not written.
    let low = r * params.epochs;
    let high = low + params.epochs;
    var distances = vec4f();
    var scales = vec4f();
    var found = vec4<bool>();
    var j = low / 4 + thread.x;
    while (4 * j < high) {
      var distance_block = vec4f();
      var scale_block = vec4f();
      for (var i = 0; i < 8 && 4 * j < high; i++) {
        let place = vec4u(4 * j) + vec4u(0, 1, 2, 3);
        // The first and last quad of a row may hold elements of the rows beside it.
        let inside = (place >= vec4u(low)) & (place < vec4u(high));
        let words = samples[quads + j];
        let present = inside & is_present(words);
        let scale = deficits[j];
        let distance = scale - deficit_of(words, sums[quads + j]);
        distance_block += select(vec4f(), distance * distance, present);
        scale_block += select(vec4f(), scale * scale, present);
        found |= present;
        j += LANES;
      }
      distances += distance_block;
      scales += scale_block;
    }
    let ones = vec4f(1);
    let present_at_all = select(0.0, 1.0, any(found));
    var total = vec3f(dot(distances, ones), dot(scales, ones), present_at_all);
    if (LANES > 1) {
      let at = thread.y * LANES + thread.x;
      workgroupBarrier(); // the row before has been read
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
}
