// adamw: one update of a flat page of parameters, in place, and of the half-precision copy that
// some of them have for matmuls. A thread takes four elements per turn.
//
//   g = scale * gradient                      scale: global-norm clipping, from grad-norm
//   m = beta1 * m + (1 - beta1) * g
//   v = beta2 * v + (1 - beta2) * g^2
//   w = w - decay * w                         elements [0, 4 * decay_vectors) only
//   w = w - step_size * m / (sqrt(v) / root_correction + epsilon)
//   half = w rounded to the nearest f16, ties to even, past 65,519 infinity
//                                             elements [4 * halves_start, 4 * halves_end) only
// step_size = lr / (1 - beta1^t), root_correction = sqrt(1 - beta2^t), decay = lr * weight decay,
// computed on the host in float64. Loshchilov and Hutter 2019, arXiv:1711.05101, algorithm 2, in
// the form and order of torch.optim.AdamW.
//
// in   gradients       f32 (n)  n a multiple of 4
//      state           f32 (4)  from grad-norm: element 1 is the scale, element 2 is 0 for a skip
// io   weights         f32 (n)
//      first_moments   f32 (n)  m
//      second_moments  f32 (n)  v
// out  halves          f16 (4 * (halves_end - halves_start)), overwritten; not touched where empty
//
// Grid: each workgroup owns 64 * per_thread consecutive vectors.
// Numerics: f32; within 2e-6 of float64 over 10 updates (test/integration/adamw.test.ts).

struct Params {
  vector_count: u32,
  decay_vectors: u32,
  halves_start: u32,
  halves_end: u32,
  per_thread: u32,
  step_size: f32,
  root_correction: f32,
  decay: f32,
  beta1: f32,
  complement1: f32,
  beta2: f32,
  complement2: f32,
  epsilon: f32,
}
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> gradients: array<vec4f>;
@group(0) @binding(2) var<storage, read> state: array<f32>;
@group(0) @binding(3) var<storage, read_write> weights: array<vec4f>;
@group(0) @binding(4) var<storage, read_write> first_moments: array<vec4f>;
@group(0) @binding(5) var<storage, read_write> second_moments: array<vec4f>;
@group(0) @binding(6) var<storage, read_write> halves: array<vec2u>;

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) thread: u32) {
  if (state[2] == 0.0) { return; }
  let scale = state[1];
  let first = group.x * 64 * params.per_thread + thread;
  for (var turn = 0u; turn < params.per_thread; turn++) {
    let i = first + 64 * turn;
    if (i >= params.vector_count) { break; }
    let gradient = scale * gradients[i];
    let m = params.beta1 * first_moments[i] + params.complement1 * gradient;
    let v = params.beta2 * second_moments[i] + params.complement2 * gradient * gradient;
    first_moments[i] = m;
    second_moments[i] = v;
    let decay = select(0.0, params.decay, i < params.decay_vectors);
    let weight = weights[i];
    let denominator = sqrt(v) / params.root_correction + params.epsilon;
    let updated = (weight - decay * weight) - params.step_size * (m / denominator);
    weights[i] = updated;
    if (i >= params.halves_start && i < params.halves_end) {
      halves[i - params.halves_start] = half_words(updated);
    }
  }
}
