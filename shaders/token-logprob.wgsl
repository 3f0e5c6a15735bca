// token-logprob: log-probability of each action's token and entropy of its distribution, LANES
// threads per row of logits.
//
//   z[a, v]    = logits[a, v] / temperature
//   lse[a]     = log sum_v exp(z[a, v])
//   logprob[a] = z[a, target] - lse[a]
//   entropy[a] = lse[a] - sum_v softmax(z)[v] * z[a, v]
//
// in   logits    f32 (A, V)
//      targets   u32 (A)     below V
// out  logprobs  f32 (A)     nats; overwritten for a < count
//      lse       f32 (A)     overwritten; logits-backward needs it
//      entropy   f32 (A)     nats; overwritten
//
// Grid: ceil(count / ROWS) workgroups, folded over x and y.
// Numerics: f32 in blocks of 64 a thread; the largest logit is subtracted before exp.

struct Params { count: u32, vocabulary: u32, temperature: f32 }
override LANES: u32 = 1;
override ROWS: u32 = 64;
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> logits: array<f32>;
@group(0) @binding(2) var<storage, read> targets: array<u32>;
@group(0) @binding(3) var<storage, read_write> logprobs: array<f32>;
@group(0) @binding(4) var<storage, read_write> lse: array<f32>;
@group(0) @binding(5) var<storage, read_write> entropy: array<f32>;

var<workgroup> tops: array<f32, 256>;
var<workgroup> sums: array<vec2f, 256>;

@compute @workgroup_size(LANES, ROWS)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u,
        @builtin(local_invocation_id) local: vec3u) {
  let row = (group.y * groups.x + group.x) * ROWS + local.y;
  let live = row < params.count;
  let base = row * params.vocabulary;
  let slot = local.y * LANES + local.x;
  let sharpness = 1.0 / params.temperature;
  var top = -3.4e38;
  if (live) {
    for (var v = local.x; v < params.vocabulary; v += LANES) {
      top = max(top, logits[base + v] * sharpness);
    }
  }
  if (LANES > 1) {
    tops[slot] = top;
    workgroupBarrier();
    for (var stride = LANES / 2; stride > 0; stride /= 2) {
      if (local.x < stride) { tops[slot] = max(tops[slot], tops[slot + stride]); }
      workgroupBarrier();
    }
    top = tops[local.y * LANES];
  }
  // x: sum of exp(z - top); y: the same weighted with z - top, for the entropy.
  var sum = vec2f();
  if (live) {
    for (var block = local.x; block < params.vocabulary; block += 64 * LANES) {
      var block_sum = vec2f();
      for (var turn = 0u; turn < 64; turn++) {
        let v = block + turn * LANES;
        if (v >= params.vocabulary) { break; }
        let z = logits[base + v] * sharpness - top;
        let e = exp(z);
        block_sum += vec2f(e, e * z);
      }
      sum += block_sum;
    }
  }
  if (LANES > 1) {
    sums[slot] = sum;
    workgroupBarrier();
    for (var stride = LANES / 2; stride > 0; stride /= 2) {
      if (local.x < stride) { sums[slot] += sums[slot + stride]; }
      workgroupBarrier();
    }
    sum = sums[local.y * LANES];
  }
  if (!live || local.x > 0) { return; }
  let log_sum = log(sum.x);
  logprobs[row] = logits[base + targets[row]] * sharpness - top - log_sum;
  lse[row] = top + log_sum;
  entropy[row] = log_sum - sum.y / sum.x;
}
