// gather-rows-backward: gradient of gather-rows, one thread per four channels of a source row.
//
//   dx[n, c] = sum over i in [starts[n], starts[n+1]) of dout[order[i], c]
// A row may be picked by several actions (the last token of a shared prompt) or by none: then 0.
//
// in   starts  u32 (N + 1)  where each row's actions begin in `order`
//      order   u32 (A)      actions sorted by the row that predicts them
//      dout    f32 (A, C)   C a multiple of 4
// out  dx      f32 (N, C)   overwritten for n < rows
//
// Grid: ceil(rows * C / 4 / 64) workgroups, folded over x and y.
// Numerics: f32 serial sums in the order of `order`.

struct Params { rows: u32, quads: u32 }
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> starts: array<u32>;
@group(0) @binding(2) var<storage, read> order: array<u32>;
@group(0) @binding(3) var<storage, read> dout: array<vec4f>;
@group(0) @binding(4) var<storage, read_write> dx: array<vec4f>;

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u,
        @builtin(local_invocation_index) lane: u32) {
  let at = (group.y * groups.x + group.x) * 64 + lane;
  if (at >= params.rows * params.quads) { return; }
  let row = at / params.quads;
  var sum = vec4f();
  for (var i = starts[row]; i < starts[row + 1]; i++) {
    sum += dout[order[i] * params.quads + at % params.quads];
  }
  dx[at] = sum;
}
