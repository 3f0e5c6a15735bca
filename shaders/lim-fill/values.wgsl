// lim-fill/values: the filling and dropping of lim-fill, for a matrix of values; one thread per
// prompt.
//
// in   values         u32 (P, K)  bits of f32; those of a NaN = missing
// out  filled_values  u32 (P, K)  overwritten; a dropped prompt is NaN throughout
//
// Grid: ceil(P / 64) workgroups, folded over two dimensions.
// Numerics: copies, exact, and by bits: a compiler may assume that there are no NaNs.

struct Params { prompts: u32, epochs: u32 }
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> values: array<u32>;
@group(0) @binding(2) var<storage, read_write> filled_values: array<u32>;

const MISSING = 0x7fc00000u;

fn is_missing(bits: u32) -> bool { return (bits & 0x7fffffff) > 0x7f800000; }

@compute @workgroup_size(64)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) thread: u32,
) {
  let prompt = (group.y * groups.x + group.x) * 64 + thread;
  if (prompt >= params.prompts) { return; }
  let row = prompt * params.epochs; // values[prompt, 0]
  let end = row + params.epochs;
  var dropped = false;
  for (var index = row; index < end; index++) {
    var bits = values[index];
    if (is_missing(bits) && index + 1 < end) { bits = values[index + 1]; }
    dropped = dropped || is_missing(bits);
    filled_values[index] = bits;
  }
  if (!dropped) { return; }
  for (var index = row; index < end; index++) { filled_values[index] = MISSING; }
}
