// logits-backward: from the gradient of each action's log-probability and entropy to the gradient
// of its logits, in place: no (A, V) probability tensor beside the logits. LANES threads per row.
//
//   z = logits / temperature,  p_v = exp(z_v - lse)
//   dlogits[a, v] = (dlogprob[a] * ([v == target] - p_v)
//                    - dentropy * weight[a] * p_v * (log p_v + entropy[a])) / temperature
// since dH/dz_v = -p_v (log p_v + H). dentropy is the loss's coefficient on the entropy, negative
// for a bonus. Needs lse and entropy of token-logprob.
//
// in      targets   u32 (A)
//         lse       f32 (A)
//         entropy   f32 (A)
//         dlogprob  f32 (A)     gradient of the loss with respect to the log-probability
//         weights   f32 (A)     weight of the action in the loss
// io      logits    f32 (A, V)  overwritten by its gradient for a < count
//
// Grid: ceil(count / ROWS) workgroups, folded over x and y.
// Numerics: f32.

struct Params { count: u32, vocabulary: u32, temperature: f32, dentropy: f32 }
override LANES: u32 = 1;
override ROWS: u32 = 64;
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> targets: array<u32>;
@group(0) @binding(2) var<storage, read> lse: array<f32>;
@group(0) @binding(3) var<storage, read> entropy: array<f32>;
@group(0) @binding(4) var<storage, read> dlogprob: array<f32>;
@group(0) @binding(5) var<storage, read> weights: array<f32>;
@group(0) @binding(6) var<storage, read_write> logits: array<f32>;

@compute @workgroup_size(LANES, ROWS)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u,
        @builtin(local_invocation_id) local: vec3u) {
  let row = (group.y * groups.x + group.x) * ROWS + local.y;
  if (row >= params.count) { return; }
  let target_token = targets[row];
  let sharpness = 1.0 / params.temperature;
  let log_sum = lse[row];
  let pull = dlogprob[row];
  let spread = params.dentropy * weights[row];
  let own_entropy = entropy[row];
  for (var v = local.x; v < params.vocabulary; v += LANES) {
    let at = row * params.vocabulary + v;
    let log_p = logits[at] * sharpness - log_sum;
    let p = exp(log_p);
    let hit = select(0.0, 1.0, v == target_token);
    logits[at] = (pull * (hit - p) - spread * p * (log_p + own_entropy)) * sharpness;
  }
}
