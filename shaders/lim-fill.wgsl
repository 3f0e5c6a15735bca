// lim-fill: the filling and dropping of LIMR's released lim_selection.py, one thread per prompt.
//
//   for k = 0 .. K-2 in ascending order: a missing entry takes the entry of epoch k + 1, if that
//   one is present (so of m missing epochs in a row only the last is filled, and a missing last
//   epoch is never filled); a prompt with an entry still missing is dropped: its samples become 0.
// The script calls it a forward fill; it copies backwards. GAIR-NLP/LIMR at 98ebf1b.
//
// in   sums            f32 (P, K)
//      samples         u32 (P, K)  0 = missing
// out  filled_sums     f32 (P, K)  overwritten
//      filled_samples  u32 (P, K)  overwritten; a dropped prompt is 0 throughout
//
// Grid: ceil(P / 64) workgroups, folded over two dimensions.
// Numerics: copies, exact.

struct Params { prompts: u32, epochs: u32 }
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> sums: array<f32>;
@group(0) @binding(2) var<storage, read> samples: array<u32>;
@group(0) @binding(3) var<storage, read_write> filled_sums: array<f32>;
@group(0) @binding(4) var<storage, read_write> filled_samples: array<u32>;

@compute @workgroup_size(64)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) thread: u32,
) {
  let prompt = (group.y * groups.x + group.x) * 64 + thread;
  if (prompt >= params.prompts) { return; }
  let row = prompt * params.epochs; // sums[prompt, 0]
  let end = row + params.epochs;
  var dropped = false;
  for (var index = row; index < end; index++) {
    var source = index;
    if (samples[index] == 0 && index + 1 < end) { source = index + 1; }
    dropped = dropped || samples[source] == 0;
    filled_sums[index] = sums[source];
    filled_samples[index] = samples[source];
  }
  if (!dropped) { return; }
  for (var index = row; index < end; index++) { filled_samples[index] = 0; }
}
