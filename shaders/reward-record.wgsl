// reward-record: adds a rollout's sequence rewards to one column of the reward matrix.
//
//   accuracy_sums[p, column] += number of the prompt's sequences whose flags say correct
//   reward_sums[p, column]   += sum of their rewards
//   samples[p, column]       += number of them
// Sums, not means: a prompt may be rolled out more than once in an epoch.
//
// in   groups            u32 (G, 2)  first sequence and sequence count of each group
//      group_prompts     u32 (G)     row of the matrix, below P; repeats allowed
//      sequence_rewards  f32 (S)     any finite number; it does not say what is correct
//      sequence_flags    u32 (S)     bit CORRECT: the answer is right; other bits are not read
// io   accuracy_sums     f32 (P, K)  accumulated
//      reward_sums       f32 (P, K)  accumulated
//      samples           u32 (P, K)  accumulated; 0 = never rolled out
//
// Grid: ceil(G / 64) workgroups, a thread per group. The first group of a prompt adds up all of the
// prompt's groups in their order, so that no two threads write one entry.
// Numerics: f32 sums; accuracy and counts are exact.

const CORRECT = 1u;

struct Params { group_count: u32, column: u32, columns: u32 }
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> groups: array<vec2u>;
@group(0) @binding(2) var<storage, read> group_prompts: array<u32>;
@group(0) @binding(3) var<storage, read> sequence_rewards: array<f32>;
@group(0) @binding(4) var<storage, read> sequence_flags: array<u32>;
@group(0) @binding(5) var<storage, read_write> accuracy_sums: array<f32>;
@group(0) @binding(6) var<storage, read_write> reward_sums: array<f32>;
@group(0) @binding(7) var<storage, read_write> samples: array<u32>;

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3u) {
  if (id.x >= params.group_count) { return; }
  let prompt = group_prompts[id.x];
  for (var group = 0u; group < id.x; group++) {
    if (group_prompts[group] == prompt) { return; }
  }
  var right = 0.0;
  var sum = 0.0;
  var count = 0u;
  for (var group = id.x; group < params.group_count; group++) {
    if (group_prompts[group] != prompt) { continue; }
    let first = groups[group].x;
    for (var i = 0u; i < groups[group].y; i++) {
      sum += sequence_rewards[first + i];
      right += select(0.0, 1.0, (sequence_flags[first + i] & CORRECT) != 0);
    }
    count += groups[group].y;
  }
  let entry = prompt * params.columns + params.column; // accuracy_sums[prompt, column]
  accuracy_sums[entry] += right;
  reward_sums[entry] += sum;
  samples[entry] += count;
}
