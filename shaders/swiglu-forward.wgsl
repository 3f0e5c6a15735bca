// swiglu-forward: the gated activation of the MLP, LANES threads per row.
//
//   out[n, f] = silu(gate[n, f]) * up[n, f],  silu(z) = z / (1 + exp(-z))
// Shazeer 2020, arXiv:2002.05202, eq. 6 with beta 1.
//
// in   gate_up  f32 (N, 2F)  gate in the first F columns, up in the last
// out  out      f32 (N, F)   overwritten for n < rows
//
// The header gives `alias Cell`: vec4f where F is a multiple of 4, else f32. `cells` is F in cells.
// Grid: ceil(rows / ROWS) workgroups, folded over x and y. Threads are assigned to rows, not to
// elements: a software adapter divides lane by lane, and finding an element's row by division costs
// more than all the rest.
// Numerics: f32; exp is clamped, so that a very negative gate gives 0, not 0 / inf.

struct Params { rows: u32, cells: u32 }
override LANES: u32 = 1;
override ROWS: u32 = 64;
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> gate_up: array<Cell>;
@group(0) @binding(2) var<storage, read_write> out: array<Cell>;

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
    out[base + c] = gate / (1.0 + exp(min(-gate, Cell(80.0)))) * up;
  }
}
