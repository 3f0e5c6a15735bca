// swiglu-backward: gradient of the gated activation, LANES threads per row.
//
//   s = sigmoid(gate)
//   dup   = dout * gate * s
//   dgate = dout * up * s * (1 + gate * (1 - s))
// Needs gate_up of the forward pass.
//
// in   gate_up   f32 (N, 2F)  gate in the first F columns, up in the last
//      dout      f32 (N, F)
// out  dgate_up  f32 (N, 2F)  overwritten for n < rows
//
// The header gives `alias Cell`, and threads walk the rows, as in swiglu-forward.
// Grid: ceil(rows / ROWS) workgroups, folded over x and y.
// Numerics: f32; exp is clamped as in the forward pass.

struct Params { rows: u32, cells: u32 }
override LANES: u32 = 1;
override ROWS: u32 = 64;
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> gate_up: array<Cell>;
@group(0) @binding(2) var<storage, read> dout: array<Cell>;
@group(0) @binding(3) var<storage, read_write> dgate_up: array<Cell>;

@compute @workgroup_size(LANES, ROWS)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u,
        @builtin(local_invocation_id) local: vec3u) {
  let row = (group.y * groups.x + group.x) * ROWS + local.y;
  if (row >= params.rows) { return; }
  let cells = params.cells;
  let base = row * cells;
  for (var c = local.x; c < cells; c += LANES) {
    let gate = gate_up[2 * base + c];
    let up = gate_up[2 * base + cells + c];
    let s = 1.0 / (1.0 + exp(min(-gate, Cell(80.0))));
    let d = dout[base + c];
    dgate_up[2 * base + c] = d * up * s * (1.0 + gate * (1.0 - s));
    dgate_up[2 * base + cells + c] = d * gate * s;
  }
}
