// swiglu-forward: the gated activation of the MLP, one thread per element.
//
//   out[n, f] = silu(gate[n, f]) * up[n, f],  silu(z) = z / (1 + exp(-z))
// Shazeer 2020, arXiv:2002.05202, eq. 6 with beta 1.
//
// in   gate_up  f32 (N, 2F)  gate in the first F columns, up in the last
// out  out      f32 (N, F)   overwritten for n < rows
//
// Grid: ceil(rows * F / 64) workgroups, folded over x and y.
// Numerics: f32; exp is clamped so that a very negative gate gives 0 and not 0 / inf.

struct Params { rows: u32, width: u32 }
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> gate_up: array<f32>;
@group(0) @binding(2) var<storage, read_write> out: array<f32>;

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u,
        @builtin(local_invocation_index) lane: u32) {
  let index = (group.y * groups.x + group.x) * 64 + lane;
  if (index >= params.rows * params.width) { return; }
  let row = index / params.width;
  let at = index + row * params.width;
  let gate = gate_up[at];
  out[index] = gate / (1.0 + exp(min(-gate, 80.0))) * gate_up[at + params.width];
}
