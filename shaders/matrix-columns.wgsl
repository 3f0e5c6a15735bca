// matrix-columns: copies the first columns of a matrix.
//
//   columns[p, k] = matrix[p, k]   for k < C
//
// in   matrix   u32 (P, K)  the bits of any type of 4 bytes
// out  columns  u32 (P, C)  overwritten; C <= K
//
// Grid: ceil(P * C / 64) workgroups, folded over two dimensions: a thread per element written.
// Numerics: bits are copied.

struct Params { prompts: u32, epochs: u32, count: u32 }
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> matrix: array<u32>;
@group(0) @binding(2) var<storage, read_write> columns: array<u32>;

@compute @workgroup_size(64)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) thread: u32,
) {
  let index = (group.y * groups.x + group.x) * 64 + thread;
  if (index >= params.prompts * params.count) { return; }
  let prompt = index / params.count;
  columns[index] = matrix[prompt * params.epochs + index % params.count];
}
