// cache-store: copies the keys and values of prompts' rows into the cache that decoding reads.
//
//   cache[first + i, c] = qkv[i, heads * D + c]   for c < 2 kv_heads * D
//
// in   qkv    f32 (N, (heads + 2 kv_heads) * D)  rotated
// out  cache  f32 or f16 (M, 2 kv_heads * D)  keys, then values; rows [first, first + rows)
//             overwritten, in f16 rounded
//
// Grid: ceil(rows / ROWS) workgroups, folded over x and y; LANES threads per row.
// Numerics: in f32 a copy, exact; in f16 the nearest half, ties to even.

struct Params {
  rows: u32,
  first: u32,
  skipped: u32, // quads of a row's queries
  quads: u32,   // quads of a row's keys and values
}
override LANES: u32 = 1;
override ROWS: u32 = 64;
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> qkv: array<vec4f>;
@group(0) @binding(2) var<storage, read_write> cache: array<Weights>;

@compute @workgroup_size(LANES, ROWS)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u,
        @builtin(local_invocation_id) local: vec3u) {
  let row = (group.y * groups.x + group.x) * ROWS + local.y;
  if (row >= params.rows) { return; }
  let from_row = row * (params.skipped + params.quads) + params.skipped;
  let to_row = (params.first + row) * params.quads;
  for (var c = local.x; c < params.quads; c += LANES) { keep(to_row + c, qkv[from_row + c]); }
}
