// copy: copies one array onto another. It is the roof against which memory-bound kernels are
// measured.
//
//   out[i] = x[i]
//
// in   x    f32 (N)  N a multiple of 4
// out  out  f32 (N)  overwritten
//
// Grid: ceil(N / 1024) workgroups, folded over x and y; a thread moves four vec4, and neighbouring
// threads move neighbouring vec4.
// Numerics: a copy, exact.

struct Params { quads: u32 }
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> x: array<vec4f>;
@group(0) @binding(2) var<storage, read_write> out: array<vec4f>;

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u,
        @builtin(local_invocation_index) lane: u32) {
  let first = (group.y * groups.x + group.x) * 256 + lane;
  for (var i = 0u; i < 4; i++) {
    let at = first + i * 64;
    if (at < params.quads) { out[at] = x[at]; }
  }
}
