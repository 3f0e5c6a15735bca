// gather-rows: picks the hidden rows that predict actions, one thread per four channels.
//
//   out[a, c] = x[index[a], c]
//
// in   index  u32 (A)     rows of x
//      x      f32 (N, C)  C a multiple of 4
// out  out    f32 (A, C)  overwritten for a < count
//
// Grid: ceil(count * C / 4 / 64) workgroups, folded over x and y.
// Numerics: a copy, exact.

struct Params { count: u32, quads: u32 }
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> index: array<u32>;
@group(0) @binding(2) var<storage, read> x: array<vec4f>;
@group(0) @binding(3) var<storage, read_write> out: array<vec4f>;

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u,
        @builtin(local_invocation_index) lane: u32) {
  let at = (group.y * groups.x + group.x) * 64 + lane;
  if (at >= params.count * params.quads) { return; }
  out[at] = x[index[at / params.quads] * params.quads + at % params.quads];
}
