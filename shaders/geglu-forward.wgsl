// geglu-forward: the MLP's activation that GELU gates, LANES threads per row.
//
//   out[n, f] = gelu(gate[n, f]) * up[n, f]
//   gelu(z)   = z / 2 * (1 + tanh(u)) = z / (1 + exp(-2 u)),  u = sqrt(2 / pi) * (z + 0.044715 z^3)
// Shazeer 2020, arXiv:2002.05202, eq. 6, with the approximation of Hendrycks and Gimpel 2016,
// arXiv:1606.08415, section 2 (`gelu_pytorch_tanh` of Hugging Face's configs).
//
// in   gate_up  f32 (N, 2F)  gate in the first F columns, up in the last
// out  out      f32 (N, F)   overwritten for n < rows
//
// The header gives `alias Cell`, and threads walk the rows, as in swiglu-forward.
// Grid: ceil(rows / ROWS) workgroups, folded over x and y.
// Numerics: f32; exp, and not tanh, which some drivers let overflow; it is clamped as in swiglu-forward.

struct Params { rows: u32, cells: u32 }
override LANES: u32 = 1;
override ROWS: u32 = 64;
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> gate_up: array<Cell>;
@group(0) @binding(2) var<storage, read_write> out: array<Cell>;

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
    let twice = SLOPE * gate * (1.0 + 0.044715 * gate * gate);
    out[base + c] = gate / (1.0 + exp(min(-twice, Cell(80.0)))) * up;
  }
}
