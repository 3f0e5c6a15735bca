// decode-advance: sets the position at which each row's newest token is fed back, after it was
// drawn.
//
//   positions[row] = prompt length + length - 1
//
// in   episodes   u32 (R, 6)  [4] prompt length
//      status     u32 (R, 2)  tokens drawn so far, 1 or more
// out  positions  u32 (R)     overwritten for r < rows
//
// Grid: ceil(rows / 64) workgroups.
// Numerics: integers.

struct Params { rows: u32 }
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> episodes: array<u32>;
@group(0) @binding(2) var<storage, read> status: array<u32>;
@group(0) @binding(3) var<storage, read_write> positions: array<u32>;

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3u) {
  if (id.x >= params.rows) { return; }
  positions[id.x] = episodes[id.x * 6 + 4] + status[id.x * 2] - 1;
}
