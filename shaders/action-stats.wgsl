// action-stats: adds the per-action numbers of a micro-batch to running totals.
//
//   totals[0] += sum weight * stats[0]          the loss, as it is minimised
//   totals[1..3] += sum stats[1..3]
//   totals[4] += sum extra
//   totals[5] += action count
//   totals[6] += sum stats[0],  totals[7] += sum weight
// Divide 1-4 and 6 by totals[5] for plain means over actions.
//
// in   action_stats    f32 (a, 4)  from policy-loss or value-loss
//      action_weights  f32 (a)
//      extras          f32 (a)     one more number to be averaged: entropy, or value
// io   totals          f32 (8)     accumulated; the caller clears it at the start of an update
//
// Grid: one workgroup of LANES threads (1 on a CPU adapter, where barriers are costly).
// Numerics: f32 in blocks of 64, always in the same order; the count is exact to 2^24 actions.

override LANES: u32 = 1;

struct Params { action_count: u32 }
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> action_stats: array<vec4f>;
@group(0) @binding(2) var<storage, read> action_weights: array<f32>;
@group(0) @binding(3) var<storage, read> extras: array<f32>;
@group(0) @binding(4) var<storage, read_write> totals: array<vec4f>;

var<workgroup> firsts: array<vec4f, 256>;
var<workgroup> seconds: array<vec4f, 256>;

@compute @workgroup_size(LANES)
fn main(@builtin(local_invocation_index) lane: u32) {
  var first = vec4f();
  var second = vec4f();
  for (var block = lane; block < params.action_count; block += 64 * LANES) {
    var block_first = vec4f();
    var block_second = vec4f();
    for (var turn = 0u; turn < 64; turn++) {
      let i = block + turn * LANES;
      if (i >= params.action_count) { break; }
      let stats = action_stats[i];
      let weight = action_weights[i];
      block_first += vec4f(weight * stats.x, stats.yzw);
      block_second += vec4f(extras[i], 1.0, stats.x, weight);
    }
    first += block_first;
    second += block_second;
  }
  firsts[lane] = first;
  seconds[lane] = second;
  for (var s = LANES / 2; s > 0; s /= 2) {
    workgroupBarrier();
    if (lane < s) {
      firsts[lane] += firsts[lane + s];
      seconds[lane] += seconds[lane + s];
    }
  }
  if (lane != 0) { return; }
  totals[0] += firsts[0];
  totals[1] += seconds[0];
}
