// decode-stop: ends the rows of a decode that the host has found to be complete.
//
// A row ends where it is still running and halts[origin] is 1. Rows that ended by themselves are
// left alone, so no row is counted twice.
//
// in   halts     u32 (R)     by a row's first place: 1 where the row ends
//      origin    u32 (R)     a row's first place
// io   status    u32 (R, 2)  tokens drawn so far; 0 running, becomes 3
//      finished  u32 (1)     counts finished rows
//
// Grid: ceil(rows / 64) workgroups.
// Numerics: integers.

struct Params { rows: u32 }
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> halts: array<u32>;
@group(0) @binding(2) var<storage, read> origin: array<u32>;
@group(0) @binding(3) var<storage, read_write> status: array<u32>;
@group(0) @binding(4) var<storage, read_write> finished: array<atomic<u32>>;

const RUNNING = 0u;
const HALTED = 3u;

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3u) {
  if (id.x >= params.rows) { return; }
  if (status[id.x * 2 + 1] != RUNNING || halts[origin[id.x]] == 0) { return; }
  status[id.x * 2 + 1] = HALTED;
  atomicAdd(&finished[0], 1);
}
