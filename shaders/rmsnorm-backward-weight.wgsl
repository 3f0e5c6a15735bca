// rmsnorm-backward-weight: per block of rows, the gradient of RMSNorm's weight.
//
//   partials[b, c] = sum over rows n of block b of dy[n, c] * x[n, c] * rstd[n]
// Block b holds rows [b * block_rows, (b + 1) * block_rows). column-sum adds the blocks up.
//
// in   x         f32 (N, C)
//      rstd      f32 (N)
//      dy        f32 (N, C)
// out  partials  f32 (B, C)  overwritten, zero for blocks past `rows`
//
// Grid: (ceil(C / 64), B) workgroups, one thread per column and block.
// Numerics: f32 serial sums of block_rows terms.

struct Params { rows: u32, width: u32, block_rows: u32 }
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> x: array<f32>;
@group(0) @binding(2) var<storage, read> rstd: array<f32>;
@group(0) @binding(3) var<storage, read> dy: array<f32>;
@group(0) @binding(4) var<storage, read_write> partials: array<f32>;

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3u) {
  let column = id.x;
  if (column >= params.width) { return; }
  let first = id.y * params.block_rows;
  let last = min(params.rows, first + params.block_rows);
  var sum = 0.0;
  for (var row = first; row < last; row++) {
    let i = row * params.width + column;
    sum += dy[i] * x[i] * rstd[row];
  }
  partials[id.y * params.width + column] = sum;
}
