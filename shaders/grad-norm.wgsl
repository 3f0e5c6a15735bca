// grad-norm: the global gradient norm from its partial sums, the clip scale, and the skip flag.
//
//   norm  = sqrt(sum of partials)
//   scale = min(1, max_norm / (norm + 1e-6))             as torch.nn.utils.clip_grad_norm_
//   live  = 1 where the norm and every loss are finite, else 0: the update must be skipped
//
// After a skipped update all later updates are skipped too, and norm, scale and live stay those of
// the first skipped one. So a host that looks late still learns which update failed, and finds the
// weights that led to it.
//
// in   partials  f32 (M)  sums of squares, from grad-norm-partial over all pages
//      losses    f32 (n)  the first loss_count of them must be finite
// io   state     f32 (4)  norm, scale, live, overwritten until an update is skipped; then a
//                         fourth number, counted up: updates skipped so far
//
// Grid: one workgroup of LANES threads (1 on a CPU adapter, where barriers are costly).
// Numerics: f32 in blocks of 64; overflow of the squares counts as not finite. Bits, not
// comparisons, tell whether a number is finite: a shader compiler may assume that there are no
// NaNs.

override LANES: u32 = 1;

struct Params { partial_count: u32, loss_count: u32, max_norm: f32 }
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> partials: array<f32>;
@group(0) @binding(2) var<storage, read> losses: array<f32>;
@group(0) @binding(3) var<storage, read_write> state: array<f32>;

var<workgroup> sums: array<f32, 256>;

fn is_finite(x: f32) -> bool {
  return (bitcast<u32>(x) & 0x7f800000u) != 0x7f800000u;
}

@compute @workgroup_size(LANES)
fn main(@builtin(local_invocation_index) lane: u32) {
  var sum = 0.0;
  for (var block = lane; block < params.partial_count; block += 64 * LANES) {
    var block_sum = 0.0;
    for (var turn = 0u; turn < 64; turn++) {
      let i = block + turn * LANES;
      if (i >= params.partial_count) { break; }
      block_sum += partials[i];
    }
    sum += block_sum;
  }
  sums[lane] = sum;
  for (var s = LANES / 2; s > 0; s /= 2) {
    workgroupBarrier();
    if (lane < s) { sums[lane] += sums[lane + s]; }
  }
  if (lane != 0) { return; }
  if (state[3] > 0.0) {
    state[3] += 1.0;
    return;
  }
  let square = sums[0];
  var live = is_finite(square);
  for (var i = 0u; i < params.loss_count; i++) {
    live = live && is_finite(losses[i]);
  }
  let norm = sqrt(square);
  state[0] = norm;
  state[1] = min(1.0, params.max_norm / (norm + 1e-6));
  state[2] = select(0.0, 1.0, live);
  state[3] = select(1.0, 0.0, live);
}
