// decode-move-cache: moves the cached keys and values of the rows that decode-compact moved, in one
// layer; one workgroup per row.
//
//   cache[r, t] = cache[partner_r, t]   for the slots t < length_r - 1
// for running rows r that were moved. The newest token's slot is not written yet. The cache of
// finished rows is lost: nothing reads it.
//
// in   status   u32 (R, 2)  as decode-compact left it: length, then 0 where the row is running
//      partner  u32 (R)     from decode-compact
// io   cache    f32 or f16 (R, T, W), W whole vec4s of f32 or of words of halves. No row is both
//               read and written: moved rows come from behind all running rows
//
// Grid: rows workgroups, folded over x and y.
// Numerics: bits moved as they are.

struct Params {
  rows: u32,
  row_quads: u32,  // T W / 4, of halves T W / 8
  slot_quads: u32, // W / 4, of halves W / 8
}
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> status: array<vec2u>;
@group(0) @binding(2) var<storage, read> partner: array<u32>;
@group(0) @binding(3) var<storage, read_write> cache: array<vec4u>;

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u,
        @builtin(local_invocation_index) thread: u32) {
  let row = group.y * groups.x + group.x;
  if (row >= params.rows) { return; }
  let state = status[row];
  if (state.y != 0 || state.x == 0) { return; }
  let stray = partner[row];
  if (stray == row) { return; }
  let end = (state.x - 1) * params.slot_quads;
  for (var i = thread; i < end; i += 64) {
    cache[row * params.row_quads + i] = cache[stray * params.row_quads + i];
  }
}
