// lim-score/rows: the scores of lim-score, with whole rows per thread. A thread has two fours of
// neighbouring prompts; the four rows of each four together are K whole quads.
//
// A software adapter loads lane by lane, with a bounds check for each number, so loads are the cost
// of a score. Each quad of the matrix is loaded once, though it may end one row and begin the next.
// The curve is a uniform, whose loads cost a quarter of a storage buffer's, and is read once for
// both fours.
//
// in   deficits  f32 (4, K)  as in lim-score, K from 4 to 256; the binding is 4 KiB in any case
//
// Grid: ceil(P / 512) workgroups, folded over two dimensions.
// Numerics: f32; each of the four places in a quad is added up by itself, at most 64 numbers.

const NO_SCORE = -0x1.fffffep+127f;
// Stands for the scale of an epoch whose deficit is 0, so that a scale of 0 means a prompt that is
// present in no epoch. A true scale is far above the sum of 256 of these.
const NO_SCALE = 0x1p-126f;

struct Params { prompts: u32, epochs: u32 }
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> sums: array<vec4f>;
@group(0) @binding(2) var<storage, read> samples: array<vec4u>;
@group(0) @binding(3) var<uniform> deficits: array<vec4f, 256>;
@group(0) @binding(4) var<storage, read_write> scores: array<f32>;

fn score_of(distances: vec4f, scales: vec4f) -> f32 {
  let distance = dot(distances, vec4f(1));
  let scale = dot(scales, vec4f(1));
  if (scale > 512 * NO_SCALE) { return 1.0 - distance / scale; }
  return select(NO_SCORE, 0.0, scale > 0.0 && distance == 0.0);
}

@compute @workgroup_size(64)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) thread: u32,
) {
  let four = (group.y * groups.x + group.x) * 128 + thread; // the thread's other four is 64 further
  let first_a = four * params.epochs;
  let first_b = first_a + 64 * params.epochs;
  var distance_a = vec4f();
  var distance_b = vec4f();
  var scale_a = vec4f();
  var scale_b = vec4f();
  var prompt = 4 * four;
  var high = params.epochs; // the element of the four at which the next row begins
  for (var j = 0u; j < params.epochs; j++) {
    let deficit = deficits[j];
    let scale = max(deficit * deficit, vec4f(NO_SCALE));
    let words_a = samples[first_a + j];
    let words_b = samples[first_b + j];
    let present_a = is_present(words_a);
    let present_b = is_present(words_b);
    let away_a = deficit - deficit_of(words_a, sums[first_a + j]);
    let away_b = deficit - deficit_of(words_b, sums[first_b + j]);
    let next_distance_a = select(vec4f(), away_a * away_a, present_a);
    let next_distance_b = select(vec4f(), away_b * away_b, present_b);
    let next_scale_a = select(vec4f(), scale, present_a);
    let next_scale_b = select(vec4f(), scale, present_b);
    if (4 * j + 4 < high) {
      distance_a += next_distance_a;
      distance_b += next_distance_b;
      scale_a += next_scale_a;
      scale_b += next_scale_b;
    } else {
      let low = vec4u(4 * j) + vec4u(0, 1, 2, 3) < vec4u(high);
      distance_a += select(vec4f(), next_distance_a, low);
      distance_b += select(vec4f(), next_distance_b, low);
      scale_a += select(vec4f(), next_scale_a, low);
      scale_b += select(vec4f(), next_scale_b, low);
      if (prompt < params.prompts) { scores[prompt] = score_of(distance_a, scale_a); }
      if (prompt + 256 < params.prompts) { scores[prompt + 256] = score_of(distance_b, scale_b); }
      distance_a = select(next_distance_a, vec4f(), low);
      distance_b = select(next_distance_b, vec4f(), low);
      scale_a = select(next_scale_a, vec4f(), low);
      scale_b = select(next_scale_b, vec4f(), low);
      prompt++;
      high += params.epochs;
    }
  }
}
