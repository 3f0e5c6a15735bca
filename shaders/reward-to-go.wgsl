// reward-to-go: discounted sum of the rewards from each action on, without a critic.
//
//   advantage_t = reward_t + gamma * advantage_{t+1},  0 after the last action
// Williams 1992 (REINFORCE); equal to gae with all values 0 and gae_lambda 1.
//
// in   sequences      u32 (S, 2)  first action and action count of each sequence
//      token_rewards  f32 (A)
// out  advantages     f32 (A)     overwritten
//
// Grid: ceil(S / 64) workgroups, a thread per sequence. Time is serial.
// Numerics: f32; within 5e-5 of float64 over 512 rewards of size 1
// (test/kernels/reward-to-go.test.ts).

struct Params { sequence_count: u32, gamma: f32 }
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> sequences: array<vec2u>;
@group(0) @binding(2) var<storage, read> token_rewards: array<f32>;
@group(0) @binding(3) var<storage, read_write> advantages: array<f32>;

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3u) {
  if (id.x >= params.sequence_count) { return; }
  let first = sequences[id.x].x;
  var next = 0.0;
  for (var left = sequences[id.x].y; left > 0; left--) {
    let action = first + left - 1;
    next = token_rewards[action] + params.gamma * next;
    advantages[action] = next;
  }
}
