// qk-norm-backward-weight: per block of rows, the gradient of the two qk-norm weights.
//
//   partials[j, b, d] = sum over rows n of block b and heads h of kind j of
//                       dy[n, h, d] * x[n, h, d] * r[n, h]
//   r[n, h] = 1 / sqrt(mean(x[n, h, :]^2) + epsilon)
// j is 0 for query heads, 1 for key heads. column-sum adds the blocks up. It must run before
// qk-norm-backward overwrites dy.
//
// in   x         f32 (N, (heads + 2 kv_heads) * D)  the forward pass's input
//      dy        f32 as x
// out  partials  f32 (2 B, D)  (j, b) first, overwritten, zero for blocks past `rows`
//
// Grid: (ceil(2 D / 64), B) workgroups, one thread per column and block.
// Numerics: f32 serial sums. Every column recomputes r, which is D times the work of a head. Only
// models with qk-norm run this kernel.

struct Params { rows: u32, heads: u32, kv_heads: u32, head_dim: u32, block_rows: u32, epsilon: f32 }
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> x: array<f32>;
@group(0) @binding(2) var<storage, read> dy: array<f32>;
@group(0) @binding(3) var<storage, read_write> partials: array<f32>;

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let column = id.x;
  let dim = params.head_dim;
  if (column >= 2 * dim) { return; }
  let is_key = column >= dim;
  let first_head = select(0, params.heads, is_key);
  let last_head = select(params.heads, params.heads + params.kv_heads, is_key);
  let stride = (params.heads + 2 * params.kv_heads) * dim;
  let first = id.y * params.block_rows;
  let last = min(params.rows, first + params.block_rows);
  var sum = 0.0;
  for (var row = first; row < last; row++) {
    for (var head = first_head; head < last_head; head++) {
      let base = row * stride + head * dim;
      var square = 0.0;
      for (var d = 0u; d < dim; d++) { square += x[base + d] * x[base + d]; }
      let at = base + column % dim;
      sum += dy[at] * x[at] * inverseSqrt(square / f32(dim) + params.epsilon);
    }
  }
  let block = select(0, groups.y, is_key) + id.y;
  partials[block * dim + column % dim] = sum;
}
