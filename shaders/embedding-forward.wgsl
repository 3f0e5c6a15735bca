// embedding-forward: rows of the embedding table, one thread per four channels of a token.
//
//   out[n, c] = table[token_ids[n], c]
//
// in   token_ids  u32 (N)     below V; larger ids are refused on the host, before upload
//      table      f32 (V, C)  C a multiple of 4
// out  out        f32 (N, C)  overwritten for n < rows
//
// Grid: ceil(rows * C / 4 / 64) workgroups, folded over x and y.
// Numerics: a copy, exact.

struct Params { rows: u32, quads: u32 }
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> token_ids: array<u32>;
@group(0) @binding(2) var<storage, read> table: array<vec4f>;
@group(0) @binding(3) var<storage, read_write> out: array<vec4f>;

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u,
        @builtin(local_invocation_index) lane: u32) {
  let index = (group.y * groups.x + group.x) * 64 + lane;
  if (index >= params.rows * params.quads) { return; }
  let row = index / params.quads;
  out[index] = table[token_ids[row] * params.quads + index % params.quads];
}
