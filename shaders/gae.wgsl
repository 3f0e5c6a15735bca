// gae: generalized advantage estimation over packed sequences, one thread per sequence.
//
//   delta_t     = reward_t + gamma * value_{t+1} - value_t
//   advantage_t = delta_t + gamma * gae_lambda * advantage_{t+1}
//   return_t    = advantage_t + value_t
// with value and advantage 0 after the last action: every sequence is a whole episode.
// Schulman et al. 2017, arXiv:1707.06347, eqs. 11-12.
//
// in   sequences   u32 (S, 2)  first action and action count of each sequence
//      rewards     f32 (A)     reward of each action, packed sequence after sequence
//      values      f32 (A)     critic's value of the state before each action
// out  advantages  f32 (A)     overwritten; not yet normalized
//      returns     f32 (A)     overwritten
//
// Grid: ceil(S / 64) workgroups. Time is serial: each action needs the next one.
// Numerics: f32; within 1e-5 of float64 at 512 actions (test/kernels/gae.test.ts).

struct Params { sequence_count: u32, gamma: f32, gae_lambda: f32 }
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> sequences: array<vec2u>;
@group(0) @binding(2) var<storage, read> rewards: array<f32>;
@group(0) @binding(3) var<storage, read> values: array<f32>;
@group(0) @binding(4) var<storage, read_write> advantages: array<f32>;
@group(0) @binding(5) var<storage, read_write> returns: array<f32>;

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3u) {
  if (id.x >= params.sequence_count) { return; }
  let first = sequences[id.x].x;
  var next_value = 0.0;
  var next_advantage = 0.0;
  for (var left = sequences[id.x].y; left > 0; left--) {
    let action = first + left - 1;
    let value = values[action];
    let delta = rewards[action] + params.gamma * next_value - value;
    next_advantage = delta + params.gamma * params.gae_lambda * next_advantage;
    next_value = value;
    advantages[action] = next_advantage;
    returns[action] = next_advantage + value;
  }
}
