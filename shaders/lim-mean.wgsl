// lim-mean: the first pass of LIM's mean curve: partial sums over stripes of prompts. One thread
// per four neighbouring elements of a row of partial sums.
//
//   deficit_pk  = 1 - sums_pk / samples_pk           where samples_pk > 0, else missing
//   partial_qk  = sum of deficit_pk over the 64 prompts p = first_q, first_q + STEP, ...
//   entries_qk  = number of these deficits that are not missing
// A segment is 64 STEP neighbouring prompts, and first_q = 64 STEP floor(q / STEP) + q mod STEP: so
// a workgroup reads one run of memory from end to end.
// lim-reduce adds the partial sums up to the curve 1 - r_avg^k of Li et al. 2025, arXiv:2502.11886,
// section 3.2. Deficits are summed because the scores divide by them: near 1 the curve itself would
// lose the digits that matter.
//
// in   sums      f32 (P, K)  sum of the signal over the samples of prompt p in data epoch k
//      samples   u32 (P, K)  number of these samples; 0 = missing
//      or both one array, the matrix of values r_pk: lib/lim-entry.wgsl
// out  partials  f32 (Q, K)  rows [first_stripe, first_stripe + stripes) overwritten; first_stripe
//                            and stripes are multiples of STEP, and STEP is a multiple of 4
//      entries   u32 (Q, K)  likewise
//
// Grid: ceil(stripes * K / 256) workgroups, folded over two dimensions. No barrier is needed. Two
// choices save an eighth of a software adapter's time: entries are tested one by one only where one
// of four is missing, and a matrix of values is read two rows per turn.
// Numerics: f32, blocks of 8 added up (error of 16 additions for the 64 prompts of a stripe).

struct Params { prompts: u32, epochs: u32, stripes: u32, first_stripe: u32, step: u32 }
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> sums: array<vec4f>;
@group(0) @binding(2) var<storage, read> samples: array<vec4u>;
@group(0) @binding(3) var<storage, read_write> partials: array<vec4f>;
@group(0) @binding(4) var<storage, read_write> entries: array<vec4u>;

// Deficits of four neighbouring entries of the matrix, 0 for each missing entry. `missing` counts
// the missing entries. Memory past the last prompt may hold anything and counts as missing.
fn present_deficits(index: u32, end: u32, missing: ptr<function, vec4u>) -> vec4f {
  let words = samples[index];
  let deficits = deficit_of(words, sums[index]);
  if (!is_any_missing(words) && 4 * index + 4 <= end) { return deficits; }
  let inside = vec4u(4 * index) + vec4u(0, 1, 2, 3) < vec4u(end);
  let present = inside & is_present(words);
  *missing += select(vec4u(1), vec4u(), present);
  return select(vec4f(), deficits, present);
}

@compute @workgroup_size(64)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) thread: u32,
) {
  let lane = (group.y * groups.x + group.x) * 64 + thread;
  if (lane >= params.stripes * params.epochs / 4) { return; }
  let end = params.prompts * params.epochs;
  let quads = (end + 3) / 4;
  let width = params.step * params.epochs / 4;
  let segment = lane / width;
  var index = segment * width * 64 + lane % width; // STEP rows further each time
  let start = index;
  var total = vec4f();
  var missing = vec4u();
  for (var first = 0; first < 64 && index < quads; first += 8) {
    var block = vec4f();
    for (var i = 0; i < 8 && index < quads; i += select(1, 2, VALUES)) {
      block += present_deficits(index, end, &missing);
      index += width;
      if (VALUES) {
        block += present_deficits(index, end, &missing);
        index += width;
      }
    }
    total += block;
  }
  let out = params.first_stripe * params.epochs / 4 + lane;
  partials[out] = total;
  entries[out] = vec4u((index - start) / width) - missing;
}
