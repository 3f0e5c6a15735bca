// moments-partial: count, mean and squared deviation of parts of a vector, one part per thread.
//
//   mean_j = mean_{j-1} + (x_j - mean_{j-1}) / j
//   m2_j   = m2_{j-1} + (x_j - mean_{j-1}) * (x_j - mean_j)
// Welford 1962, Technometrics 4(3): no cancellation, however far the mean is from 0.
//
// in   values    f32 (A)
// out  partials  f32 (2048, 4)  overwritten: count, mean, m2, 0
//
// Grid: 32 workgroups, each over consecutive values, whatever the count.
// Numerics: f32; a fixed order for a given count, no atomics.

struct Params { count: u32 }
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> values: array<f32>;
@group(0) @binding(2) var<storage, read_write> partials: array<vec4f>;

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) thread: u32) {
  let per_thread = (params.count + 2047) / 2048;
  let first = group.x * 64 * per_thread + thread;
  var count = 0.0;
  var mean = 0.0;
  var m2 = 0.0;
  for (var turn = 0u; turn < per_thread; turn++) {
    let i = first + 64 * turn;
    if (i >= params.count) { break; }
    let value = values[i];
    let before = value - mean;
    count += 1.0;
    mean += before / count;
    m2 += before * (value - mean);
  }
  partials[group.x * 64 + thread] = vec4f(count, mean, m2, 0.0);
}
