// gather-rows-backward: gradient of gather-rows, LANES threads per source row.
//
//   dx[n, c] = sum over i in [starts[n], starts[n+1]) of dout[order[i], c]
// Several actions may pick one row (the last token of a shared prompt). A row without one gets 0.
//
// in   starts  u32 (N + 1)  where each row's actions begin in `order`
//      order   u32 (A)      actions sorted by the row that predicts them
//      dout    f32 (A, C)   C a multiple of 4
// out  dx      f32 (N, C)   overwritten for n < rows
//
// Grid: ceil(rows / ROWS) workgroups, folded over x and y. Threads are assigned to rows, not to
// elements: division is costly on software adapters.
// Numerics: f32 serial sums in the order of `order`.

struct Params { rows: u32, quads: u32 }
override LANES: u32 = 1;
override ROWS: u32 = 64;
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> starts: array<u32>;
@group(0) @binding(2) var<storage, read> order: array<u32>;
@group(0) @binding(3) var<storage, read> dout: array<vec4f>;
@group(0) @binding(4) var<storage, read_write> dx: array<vec4f>;

@compute @workgroup_size(LANES, ROWS)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u,
        @builtin(local_invocation_id) local: vec3u) {
  let row = (group.y * groups.x + group.x) * ROWS + local.y;
  if (row >= params.rows) { return; }
  let first = starts[row];
  let last = starts[row + 1];
  for (var c = local.x; c < params.quads; c += LANES) {
    var sum = vec4f();
    for (var i = first; i < last; i++) { sum += dout[order[i] * params.quads + c]; }
    dx[row * params.quads + c] = sum;
  }
}
