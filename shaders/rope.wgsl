// rope: rotary position embedding of queries and keys in place, one thread per rotated pair.
//
//   (a, b) = (x[i], x[i + D/2]),  angle = position * theta^(-2 i / D),  i in [0, D/2)
//   x[i]       = a * cos(angle) - direction * b * sin(angle)
//   x[i + D/2] = b * cos(angle) + direction * a * sin(angle)
// direction 1 rotates (forward), -1 rotates back: the gradient of a rotation is its inverse.
// Su et al. 2021, arXiv:2104.09864, eq. 34, with the half-split pairing of Hugging Face's models.
//
// in      positions  u32 (N)
//         table      f32 (T, D)        cos of the D/2 angles of a position, then their sin
// in/out  qkv        f32 (N, stride)   the first heads * D columns of each row are rotated
//
// Grid: ceil(rows * heads * D / 2 / 64) workgroups, folded over x and y.
// Numerics: f32; the table is made in float64, for WGSL's sin and cos are only good to 2^-11.

struct Params { rows: u32, heads: u32, half_dim: u32, stride: u32, direction: f32 }
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> positions: array<u32>;
@group(0) @binding(2) var<storage, read> table: array<f32>;
@group(0) @binding(3) var<storage, read_write> qkv: array<f32>;

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u,
        @builtin(local_invocation_index) lane: u32) {
  let index = (group.y * groups.x + group.x) * 64 + lane;
  let pairs = params.heads * params.half_dim;
  if (index >= params.rows * pairs) { return; }
  let row = index / pairs;
  let head = (index % pairs) / params.half_dim;
  let i = index % params.half_dim;
  let entry = positions[row] * params.half_dim * 2 + i;
  let c = table[entry];
  let s = table[entry + params.half_dim] * params.direction;
  let at = row * params.stride + head * params.half_dim * 2 + i;
  let a = qkv[at];
  let b = qkv[at + params.half_dim];
  qkv[at] = a * c - b * s;
  qkv[at + params.half_dim] = b * c + a * s;
}
