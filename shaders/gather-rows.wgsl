// gather-rows: picks the hidden rows that predict actions, LANES threads per action.
//
//   out[a, c] = x[index[a], c]   for first <= a < first + count
//
// in   index  u32 (A)     rows of x
//      x      f32 (N, C)  C a multiple of 4
// out  out    f32 (A, C)  only these rows overwritten
//
// Grid: ceil(count / ROWS) workgroups, folded over x and y. Threads are assigned to rows, not to
// elements: division is costly on software adapters.
// Numerics: a copy, exact.

struct Params { count: u32, first: u32, quads: u32 }
override LANES: u32 = 1;
override ROWS: u32 = 64;
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> index: array<u32>;
@group(0) @binding(2) var<storage, read> x: array<vec4f>;
@group(0) @binding(3) var<storage, read_write> out: array<vec4f>;

@compute @workgroup_size(LANES, ROWS)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u,
        @builtin(local_invocation_id) local: vec3u) {
  let place = (group.y * groups.x + group.x) * ROWS + local.y;
  if (place >= params.count) { return; }
  let action = params.first + place;
  let from_row = index[action] * params.quads;
  let to_row = action * params.quads;
  for (var c = local.x; c < params.quads; c += LANES) { out[to_row + c] = x[from_row + c]; }
}
