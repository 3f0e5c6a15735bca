// linear-score: R^2 of the least-squares line through each prompt's learning curve, where the line
// rises; one thread per prompt. LIMR's authors published no rule for LINEAR: this one is our own.
//
// Over the n epochs k in which p is present, with r_k = sums_pk / samples_pk and means over them:
//   xx = sum_k (k - mean k)^2, xy = sum_k (k - mean k) (r_k - mean r), yy = sum_k (r_k - mean r)^2
//   rise_p = xy / xx (K - 1)                the line's gain over the whole run
//   s_p    = xy^2 / (xx yy)                 where rise_p > RISE, else NOT_RISING (also where n = 1)
//
// in   sums     f32 (P, K)  sum of the signal over the samples of prompt p in data epoch k
//      samples  u32 (P, K)  number of these samples; 0 = missing, left out
//      or both one array, the matrix of values r_pk: lib/lim-entry.wgsl
// out  scores   f32 (P)     overwritten. NO_SCORE (the lowest f32) where no epoch is present,
//                           UNDECIDED where f32 is too coarse for s_p: float64 has to decide
//
// Grid: ceil(P / 64) workgroups, folded over two dimensions.
// Numerics: f32, deviations from the mean in a second pass, blocks of 8 added up. A deviation is
// off by the rounding of the signals, about 2^-23 max_k |r_k|. UNDECIDED marks a rise within 64
// times this error of RISE (64 covers sums of up to 1000 epochs), and a curve whose deviation is
// below 1/64 of its largest signal. Every other score is within 1e-4 of float64
// (test/kernels/linear-score.test.ts).

override RISE: f32;
const NO_SCORE = -0x1.fffffep+127f;
const NOT_RISING = -1.0;
const UNDECIDED = 2.0;
const ROUNDING = 0x1p-16f;

struct Params { prompts: u32, epochs: u32 }
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> sums: array<f32>;
@group(0) @binding(2) var<storage, read> samples: array<u32>;
@group(0) @binding(3) var<storage, read_write> scores: array<f32>;

// xx, xy, yy of the row that begins at `row`.
fn moments(row: u32, mean_place: f32, mean_signal: f32) -> vec3f {
  var total = vec3f();
  for (var first = 0u; first < params.epochs; first += 8) {
    var block = vec3f();
    for (var k = first; k < min(first + 8, params.epochs); k++) {
      let word = samples[row + k];
      if (!is_present(vec4u(word)).x) { continue; }
      let x = f32(k) - mean_place;
      let y = signal_of(word, sums[row + k]) - mean_signal;
      block += vec3f(x * x, x * y, y * y);
    }
    total += block;
  }
  return total;
}

fn score_of(row: u32) -> f32 {
  var n = 0u;
  var places = 0u;
  var total = 0.0;
  var largest = 0.0;
  for (var first = 0u; first < params.epochs; first += 8) {
    var block = 0.0;
    for (var k = first; k < min(first + 8, params.epochs); k++) {
      let word = samples[row + k];
      if (!is_present(vec4u(word)).x) { continue; }
      let signal = signal_of(word, sums[row + k]);
      n++;
      places += k;
      block += signal;
      largest = max(largest, abs(signal));
    }
    total += block;
  }
  if (n == 0) { return NO_SCORE; }
  if (n == 1) { return NOT_RISING; } // one point is no line
  let count = f32(n);
  let found = moments(row, f32(places) / count, total / count);
  let gain = f32(params.epochs - 1);
  let rise = found.y / found.x * gain;
  let doubt = ROUNDING * (RISE + largest * sqrt(count / found.x) * gain);
  if (rise < RISE - doubt) { return NOT_RISING; }
  if (rise <= RISE + doubt || largest * largest * count > 4096 * found.z) { return UNDECIDED; }
  return found.y / found.x * found.y / found.z;
}

@compute @workgroup_size(64)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) thread: u32,
) {
  let prompt = (group.y * groups.x + group.x) * 64 + thread;
  if (prompt >= params.prompts) { return; }
  scores[prompt] = score_of(prompt * params.epochs);
}
