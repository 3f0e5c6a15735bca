// nll-loss: negative log-likelihood of each action and its gradient, one thread per action.
// Minimised.
//
//   loss          = -logprob
//   grad_logprobs = weight * d(loss)/d(logprob) = -weight
// With weights 1/A this is the mean next-token cross-entropy.
//
// in   logprobs        f32 (a)
//      action_weights  f32 (a)     weight of each action in the update's loss
// out  grad_logprobs   f32 (a)     overwritten for a < action_count
//      action_stats    f32 (a, 4)  overwritten: loss; 0; 0; 0, for action-stats
//
// Grid: a thread per action, workgroups of 64 folded over x and y.
// Numerics: exact.

struct Params { action_count: u32 }
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> logprobs: array<f32>;
@group(0) @binding(2) var<storage, read> action_weights: array<f32>;
@group(0) @binding(3) var<storage, read_write> grad_logprobs: array<f32>;
@group(0) @binding(4) var<storage, read_write> action_stats: array<vec4f>;

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u,
        @builtin(local_invocation_index) lane: u32) {
  let action = (group.y * groups.x + group.x) * 64 + lane;
  if (action >= params.action_count) { return; }
  grad_logprobs[action] = -action_weights[action];
  action_stats[action] = vec4f(-logprobs[action], 0.0, 0.0, 0.0);
}
