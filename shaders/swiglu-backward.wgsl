// swiglu-backward: gradient of the gated activation, one thread per element.
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
// Grid: ceil(rows * F / 64) workgroups, folded over x and y.
// Numerics: f32; exp is clamped as in the forward pass.

struct Params { rows: u32, width: u32 }
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> gate_up: array<f32>;
@group(0) @binding(2) var<storage, read> dout: array<f32>;
@group(0) @binding(3) var<storage, read_write> dgate_up: array<f32>;

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u,
        @builtin(local_invocation_index) lane: u32) {
  let index = (group.y * groups.x + group.x) * 64 + lane;
  if (index >= params.rows * params.width) { return; }
  let row = index / params.width;
  let at = index + row * params.width;
  let gate = gate_up[at];
  let s = 1.0 / (1.0 + exp(min(-gate, 80.0)));
  let d = dout[index];
  dgate_up[at] = d * gate_up[at + params.width] * s * (1.0 + gate * (1.0 - s));
  dgate_up[at + params.width] = d * gate * s;
}
