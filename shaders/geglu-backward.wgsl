// geglu-backward: gradient of the activation that GELU gates, LANES threads per row.
//
//   s     = 1 / (1 + exp(-2 u)),  u as in geglu-forward
//   dup   = dout * gate * s
//   dgate = dout * up * (s + gate * s * (1 - s) * 2 u'),  2 u' = 2 sqrt(2 / pi) * (1 + 0.134145 gate^2)
// Needs gate_up of the forward pass.
//
// in   gate_up   f32 (N, 2F)  gate in the first F columns, up in the last
//      dout      f32 (N, F)
// out  dgate_up  f32 (N, 2F)  overwritten for n < rows
//
// The header gives `alias Cell`, and threads walk the rows, as in swiglu-forward.
// Grid: ceil(rows / ROWS) workgroups, folded over x and y.
// Numerics: f32; exp is clamped as in the forward pass. 1 - s is exp(-2 u) * s, which loses no digits
// where s is near 1.

struct Params { rows: u32, cells: u32 }
override LANES: u32 = 1;
override ROWS: u32 = 64;
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> gate_up: array<Cell>;
@group(0) @binding(2) var<storage, read> dout: array<Cell>;
@group(0) @binding(3) var<storage, read_write> dgate_up: array<Cell>;

const SLOPE = 1.5957691216057308; // 2 sqrt(2 / pi)

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
    let square = gate * gate;
    let e = exp(min(-SLOPE * gate * (1.0 + 0.044715 * square), Cell(80.0)));
    let s = 1.0 / (1.0 + e);
    let turn = gate * (e * s) * (SLOPE * (1.0 + 0.134145 * square));
    let d = dout[base + c];
    dgate_up[2 * base + c] = d * up * s * (1.0 + turn);
    dgate_up[2 * base + cells + c] = d * gate * s;
  }
}
