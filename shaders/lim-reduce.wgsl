// lim-reduce: adds up rows of partial sums (lim-mean); one thread per (stripe, epoch).
//
//   total_qk = sum of partials_ik over the rows i = q, q + stripes, q + 2 stripes, ...
//   found_qk = sum of entries_ik over the same rows
//   out_partials_qk = total_qk, or in the last pass total_qk / found_qk: the mean over present
//                     entries (0 where no entry is present: no score reads that epoch)
//
// in   partials      f32 (R, K)  sums from the pass before
//      entries       u32 (R, K)  number of entries in each sum
// out  out_partials  f32 (Q, K)  overwritten
//      out_entries   u32 (Q, K)  overwritten
//
// Grid: ceil(stripes * K / 64) workgroups, folded over two dimensions.
// Numerics: f32, blocks of 8 added up, as in lim-mean. Together the passes sum fixed pairs of
// stripes, so 10 million prompts go through about 64 additions in a row, not 10 million.

struct Params { rows: u32, epochs: u32, stripes: u32, divide: u32 }
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> partials: array<f32>;
@group(0) @binding(2) var<storage, read> entries: array<u32>;
@group(0) @binding(3) var<storage, read_write> out_partials: array<f32>;
@group(0) @binding(4) var<storage, read_write> out_entries: array<u32>;

@compute @workgroup_size(64)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) thread: u32,
) {
  let lane = (group.y * groups.x + group.x) * 64 + thread;
  let width = params.stripes * params.epochs;
  if (lane >= width) { return; }
  let end = params.rows * params.epochs;
  var total = 0.0;
  var found = 0u;
  var index = lane;
  while (index < end) {
    var block = 0.0;
    for (var i = 0; i < 8 && index < end; i++) {
      block += partials[index];
      found += entries[index];
      index += width;
    }
    total += block;
  }
  if (params.divide != 0) { total /= f32(max(found, 1)); }
  out_partials[lane] = total;
  out_entries[lane] = found;
}
