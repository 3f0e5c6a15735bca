// token-rewards: KL penalty of each action, plus the sequence's reward at its last one.
//
//   kl_t     = clamp(estimate(old_logprob_t - ref_logprob_t), -kl_clamp, kl_clamp)   lib/kl.wgsl
//   reward_t = -kl_coef * kl_t, + clamp(R, reward_low, reward_high) at the last action
//   mean_kl  = mean of kl_t over the sequence, 0 where it has no action
// Ouyang et al. 2022, arXiv:2203.02155, eq. 2, spread over tokens as the reference run does.
//
// in   sequences         u32 (S, 2)  first action and action count of each sequence
//      old_logprobs      f32 (A)     under the policy that is about to be trained
//      ref_logprobs      f32 (A)     under the frozen reference
//      sequence_rewards  f32 (S)     R
// out  token_rewards     f32 (A)     overwritten
//      mean_kl           f32 (S)     overwritten
//
// Grid: LANES threads share a sequence, ROWS sequences a workgroup.
// Numerics: f32; rewards within 1e-6 + 1e-6 relative of float64, mean KL within 2e-6 + 1e-5
// relative (test/kernels/token-rewards.test.ts).

override LANES: u32 = 1;
override ROWS: u32 = 64;

struct Params {
  sequence_count: u32,
  kl_estimator: u32,
  kl_coef: f32,
  kl_clamp: f32,
  reward_low: f32,
  reward_high: f32,
}
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> sequences: array<vec2u>;
@group(0) @binding(2) var<storage, read> old_logprobs: array<f32>;
@group(0) @binding(3) var<storage, read> ref_logprobs: array<f32>;
@group(0) @binding(4) var<storage, read> sequence_rewards: array<f32>;
@group(0) @binding(5) var<storage, read_write> token_rewards: array<f32>;
@group(0) @binding(6) var<storage, read_write> mean_kl: array<f32>;

var<workgroup> sums: array<f32, 256>;

@compute @workgroup_size(LANES, ROWS)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_id) local: vec3u) {
  let sequence = group.x * ROWS + local.y;
  let lane = local.x;
  let inside = sequence < params.sequence_count;
  var span = vec2u();
  var reward = 0.0;
  if (inside) {
    span = sequences[sequence];
    reward = bound(sequence_rewards[sequence], params.reward_low, params.reward_high);
  }
  var sum = 0.0;
  for (var t = lane; t < span.y; t += LANES) {
    let action = span.x + t;
    let estimate =
      kl_estimate(params.kl_estimator, old_logprobs[action] - ref_logprobs[action]);
    let kl = bound(estimate, -params.kl_clamp, params.kl_clamp);
    token_rewards[action] = select(0.0, reward, t + 1 == span.y) - params.kl_coef * kl;
    sum += kl;
  }
  let slot = local.y * LANES + lane;
  sums[slot] = sum;
  for (var s = LANES / 2; s > 0; s /= 2) {
    workgroupBarrier();
    if (lane < s) { sums[slot] += sums[slot + s]; }
  }
  if (inside && lane == 0) { mean_kl[sequence] = sums[slot] / f32(max(span.y, 1)); }
}
