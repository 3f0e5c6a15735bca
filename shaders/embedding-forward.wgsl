// embedding-forward: rows of the embedding table, LANES threads per token.
//
//   out[n, c] = weight[token_ids[n] - first, c]
//
// in   token_ids  u32 (N)     below the vocabulary; larger ids are refused on the host, before upload
//      weight     f32, f16, int8 or int4 (V, C)  the vectors of ids [first, first + V); C a multiple
//                 of 4
// out  out        f32 (N, C)  overwritten for n < rows where the table has the id
//
// Grid: ceil(rows / ROWS) workgroups, folded over x and y. Threads are assigned to rows, not to
// elements: division is costly on software adapters.
// Numerics: a copy, exact.

struct Params { rows: u32, quads: u32, first: u32, count: u32 }
override LANES: u32 = 1;
override ROWS: u32 = 64;
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> token_ids: array<u32>;
@group(0) @binding(2) var<storage, read> weight: array<Weights>;
@group(0) @binding(3) var<storage, read_write> out: array<vec4f>;

@compute @workgroup_size(LANES, ROWS)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u,
        @builtin(local_invocation_id) local: vec3u) {
  let row = (group.y * groups.x + group.x) * ROWS + local.y;
  if (row >= params.rows) { return; }
  let id = token_ids[row] - params.first;
  if (id >= params.count) { return; }
  let from_row = id * params.quads;
  let to_row = row * params.quads;
  for (var c = local.x; c < params.quads; c += LANES) {
    out[to_row + c] = weight_quad(from_row + c);
  }
}
