// embedding-backward: gradient of the embedding table, one thread per four channels of a token id.
//
//   dtable[unique_ids[u] - first, c] += sum over i in [starts[u], starts[u+1]) of dx[order[i], c]
// The host sorts the rows by token id, so that every table row is owned by one thread: no atomics,
// and the sum runs in row order.
//
// in   unique_ids  u32 (N)       the distinct token ids of the batch, the first `uniques` in use
//      starts      u32 (N + 1)   where each id's rows begin in `order`
//      order       u32 (N)       rows, sorted by token id, ascending within one
//      dx          f32 (N, C)    C a multiple of 4
// out  dtable      f32 (V, C)    of ids [first, first + V); accumulated
//
// Grid: ceil(uniques * C / 4 / 64) workgroups, folded over x and y.
// Numerics: f32 serial sums.

struct Params { uniques: u32, quads: u32, first: u32, count: u32 }
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> unique_ids: array<u32>;
@group(0) @binding(2) var<storage, read> starts: array<u32>;
@group(0) @binding(3) var<storage, read> order: array<u32>;
@group(0) @binding(4) var<storage, read> dx: array<vec4f>;
@group(0) @binding(5) var<storage, read_write> dtable: array<vec4f>;

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u,
        @builtin(local_invocation_index) lane: u32) {
  let index = (group.y * groups.x + group.x) * 64 + lane;
  if (index >= params.uniques * params.quads) { return; }
  let unique = index / params.quads;
  let quad = index % params.quads;
  let id = unique_ids[unique] - params.first;
  if (id >= params.count) { return; }
  var sum = vec4f();
  for (var i = starts[unique]; i < starts[unique + 1]; i++) {
    sum += dx[order[i] * params.quads + quad];
  }
  dtable[id * params.quads + quad] += sum;
}
