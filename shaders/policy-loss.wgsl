// policy-loss: clipped policy-gradient loss of each action and its gradient. Minimised.
//
//   d     = clamp(logprob - old_logprob, -log_ratio_clamp, log_ratio_clamp),  rho = exp(d)
//   gain  = min(rho * A, clamp(rho, 1 - clip_low, 1 + clip_high) * A)
//   gain  = max(gain, dual_clip * A) where A < 0                             dual clip
//   kl    = clamp(estimate(logprob - ref_logprob), -kl_clamp, kl_clamp)      lib/kl.wgsl
//   loss  = -gain + kl_coef * kl
//   grad_logprobs = weight * d(loss)/d(logprob)
// Schulman et al. 2017, arXiv:1707.06347, eq. 7; dual clip Ye et al. 2020, arXiv:1912.09729, eq. 5.
// As in autograd, no gradient flows where a clip or clamp decides.
//
// in   logprobs        f32 (a)  under the current policy, per action of the micro-batch
//      action_source   u32 (a)  index of each action into the rollout's arrays (A)
//      action_weights  f32 (a)  weight of each action in the update's loss
//      old_logprobs    f32 (A)
//      advantages      f32 (A)
//      ref_logprobs    f32 (A)  not used while kl_coef is 0
// out  grad_logprobs   f32 (a)  overwritten
//      action_stats    f32 (a, 4)  overwritten: loss; 1 where a clip decides the gain, else 0;
//                               k3 estimate of KL(old || current); rho
//
// Grid: a thread per action, workgroups of 64 folded over x and y.
// Numerics: f32; within 2e-6 + 1e-5 relative of float64 (test/kernels/policy-loss.test.ts).

struct Params {
  action_count: u32,
  clip_low: f32,
  clip_high: f32,
  dual_clip: f32,
  log_ratio_clamp: f32,
  kl_estimator: u32,
  kl_coef: f32,
  kl_clamp: f32,
}
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> logprobs: array<f32>;
@group(0) @binding(2) var<storage, read> action_source: array<u32>;
@group(0) @binding(3) var<storage, read> action_weights: array<f32>;
@group(0) @binding(4) var<storage, read> old_logprobs: array<f32>;
@group(0) @binding(5) var<storage, read> advantages: array<f32>;
@group(0) @binding(6) var<storage, read> ref_logprobs: array<f32>;
@group(0) @binding(7) var<storage, read_write> grad_logprobs: array<f32>;
@group(0) @binding(8) var<storage, read_write> action_stats: array<vec4f>;

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let i = id.y * groups.x * 64 + id.x;
  if (i >= params.action_count) { return; }
  let source = action_source[i];
  let logprob = logprobs[i];
  let advantage = advantages[source];
  let difference = logprob - old_logprobs[source];
  let held = abs(difference) > params.log_ratio_clamp;
  let d = bound(difference, -params.log_ratio_clamp, params.log_ratio_clamp);
  let rho = keep_nan(exp(d), d);
  let free = rho * advantage;
  let clipped = clamp(rho, 1.0 - params.clip_low, 1.0 + params.clip_high) * advantage;
  // Where the two gains tie, rho is inside its interval or the advantage is 0: the free branch is
  // right. NaN compares false and stays in the free branch, which passes NaN on to loss and
  // gradient.
  var decided = clipped < free;
  var gain = select(free, clipped, decided);
  if (advantage < 0.0 && gain < params.dual_clip * advantage) {
    gain = params.dual_clip * advantage;
    decided = true;
  }
  var loss = -gain;
  var slope = select(-free, 0.0, decided || held);
  if (params.kl_coef != 0.0) {
    let distance = logprob - ref_logprobs[source];
    let estimate = kl_estimate(params.kl_estimator, distance);
    loss += params.kl_coef * bound(estimate, -params.kl_clamp, params.kl_clamp);
    if (!(abs(estimate) > params.kl_clamp)) {
      let kl_gradient = kl_slope(params.kl_estimator, distance);
      slope += params.kl_coef * keep_nan(kl_gradient, distance);
    }
  }
  grad_logprobs[i] = action_weights[i] * slope;
  action_stats[i] = vec4f(loss, select(0.0, 1.0, decided), kl_k3(-d), rho);
}
