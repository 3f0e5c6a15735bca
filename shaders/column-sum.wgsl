// column-sum: sums of columns over blocks of rows, one thread per column and block.
//
//   out[b, c] (+)= sum over rows n of block b of x[n, c]
// Block b holds rows [b * block_rows, (b + 1) * block_rows) below `rows`. With one block, a column
// is summed whole. Long columns take two dispatches, the first with many blocks.
//
// in   x    f32 (N, C)
// out  out  f32 (B, C)  accumulated where accumulate is 1, else overwritten
//
// Grid: (ceil(C / 64), B) workgroups.
// Numerics: f32 serial sums of block_rows terms.

struct Params { rows: u32, width: u32, block_rows: u32, accumulate: u32 }
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> x: array<f32>;
@group(0) @binding(2) var<storage, read_write> out: array<f32>;

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3u) {
  let column = id.x;
  if (column >= params.width) { return; }
  let first = id.y * params.block_rows;
  let last = min(params.rows, first + params.block_rows);
  var sum = 0.0;
  for (var row = first; row < last; row++) { sum += x[row * params.width + column]; }
  let target_index = id.y * params.width + column;
  if (params.accumulate == 1) { sum += out[target_index]; }
  out[target_index] = sum;
}
