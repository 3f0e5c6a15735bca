// value-loss: clipped squared error of the critic per action and its gradient. Minimised.
//
//   clipped = old_value + clamp(value - old_value, -value_clip, value_clip)
//   loss    = 0.5 * max((value - G)^2, (clipped - G)^2)
//   grad_values = weight * d(loss)/d(value)
// G is the return. As in the released code of PPO (Schulman et al. 2017); the clip is absolute. As
// in autograd, the gradient is 0 where the clipped term decides outside its interval, and half of
// the free gradient where the two terms tie there.
//
// in   values          f32 (a)  from the current critic, per action of the micro-batch
//      action_source   u32 (a)  index of each action into the rollout's arrays (A)
//      action_weights  f32 (a)  weight of each action in the update's loss
//      old_values      f32 (A)
//      returns         f32 (A)
// out  grad_values     f32 (a)  overwritten
//      action_stats    f32 (a, 4)  overwritten: loss; 1 where the clip decides, else 0;
//                               value - G; (value - G)^2
//
// Grid: a thread per action, workgroups of 64 folded over x and y.
// Numerics: f32; within 1e-6 + 1e-5 relative of float64 (test/kernels/value-loss.test.ts).

struct Params { action_count: u32, value_clip: f32 }
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> values: array<f32>;
@group(0) @binding(2) var<storage, read> action_source: array<u32>;
@group(0) @binding(3) var<storage, read> action_weights: array<f32>;
@group(0) @binding(4) var<storage, read> old_values: array<f32>;
@group(0) @binding(5) var<storage, read> returns: array<f32>;
@group(0) @binding(6) var<storage, read_write> grad_values: array<f32>;
@group(0) @binding(7) var<storage, read_write> action_stats: array<vec4f>;

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let i = id.y * groups.x * 64 + id.x;
  if (i >= params.action_count) { return; }
  let source = action_source[i];
  let value = values[i];
  let old_value = old_values[source];
  let error = value - returns[source];
  let change = value - old_value;
  let inside = abs(change) <= params.value_clip;
  // Inside the interval, `value` itself: old + (value - old) would differ from it by rounding.
  let clipped = select(
    old_value + clamp(change, -params.value_clip, params.value_clip),
    value,
    inside,
  );
  let clipped_error = clipped - returns[source];
  let free_square = error * error;
  let clipped_square = clipped_error * clipped_error;
  var share = 1.0;
  if (!inside && clipped_square >= free_square) {
    share = select(0.0, 0.5, clipped_square == free_square);
  }
  grad_values[i] = action_weights[i] * share * error;
  action_stats[i] = vec4f(
    0.5 * select(free_square, clipped_square, clipped_square > free_square), // keeps NaN
    select(1.0, 0.0, share == 1.0),
    error,
    free_square,
  );
}
