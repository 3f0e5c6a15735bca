// cache-write: puts the key and value of each row's newest token into its part of the cache.
//
//   cache[row, length - 1] = rotated keys, then values, of qkv[row]
//
// in   status  u32 (R, 2)  tokens drawn so far; 0 where the row is running
//      qkv     f32 (R, (heads + 2 kv_heads) * D)  rotated queries, rotated keys, values
// out  cache   f32 (R, T, 2 kv_heads * D)  one slot of each running row written
//
// Finished rows and rows that have drawn nothing are left alone.
// Grid: ceil(rows * 2 kv_heads * D / 4 / 64) workgroups, folded over x and y.
// Numerics: copies.

struct Params {
  rows: u32,
  columns: u32,     // T
  query_quads: u32, // heads * D / 4
  cache_quads: u32, // 2 kv_heads * D / 4
}
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> status: array<u32>;
@group(0) @binding(2) var<storage, read> qkv: array<vec4f>;
@group(0) @binding(3) var<storage, read_write> cache: array<vec4f>;

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u,
        @builtin(local_invocation_index) lane: u32) {
  let index = (group.y * groups.x + group.x) * 64 + lane;
  if (index >= params.rows * params.cache_quads) { return; }
  let row = index / params.cache_quads;
  let column = index % params.cache_quads;
  let length = status[row * 2];
  if (length == 0 || status[row * 2 + 1] != 0) { return; }
  let slot = row * params.columns + length - 1;
  let stride = params.query_quads + params.cache_quads;
  cache[slot * params.cache_quads + column] = qkv[row * stride + params.query_quads + column];
}
