// rope: rotary position embedding of queries and keys in place, LANES threads per row.
//
//   (a, b) = (x[i], x[i + D/2]),  angle = position * theta^(-2 i / D),  i in [0, D/2)
//   x[i]       = a * cos(angle) - direction * b * sin(angle)
//   x[i + D/2] = b * cos(angle) + direction * a * sin(angle)
// direction 1 rotates (forward), -1 rotates back: the gradient of a rotation is its inverse.
// Su et al. 2021, arXiv:2104.09864, eq. 34, with the half-split pairing of Hugging Face's models.
//
// in      positions  u32 (N)
//         table      f32 (T, D)        cos of the D/2 angles of a position, then their sin
// io      qkv        f32 (N, stride)   the first heads * D columns of each row are rotated
//
// The header gives `alias Cell`: vec4f where D/2 and stride are multiples of 4, else f32.
// `half_dim` and `stride` count cells.
// Grid: ceil(rows / ROWS) workgroups, folded over x and y. A thread reads its cosines and sines
// once for all heads, and no thread divides, which software adapters do lane by lane.
// Numerics: f32; the table is made in float64, for WGSL's sin and cos are only good to 2^-11.

struct Params { rows: u32, heads: u32, half_dim: u32, stride: u32, direction: f32 }
override LANES: u32 = 1;
override ROWS: u32 = 64;
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> positions: array<u32>;
@group(0) @binding(2) var<storage, read> table: array<Cell>;
@group(0) @binding(3) var<storage, read_write> qkv: array<Cell>;

@compute @workgroup_size(LANES, ROWS)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u,
        @builtin(local_invocation_id) local: vec3u) {
  let row = (group.y * groups.x + group.x) * ROWS + local.y;
  if (row >= params.rows) { return; }
  let half_dim = params.half_dim;
  let entry = positions[row] * half_dim * 2;
  for (var i = local.x; i < half_dim; i += LANES) {
    let c = table[entry + i];
    let s = table[entry + half_dim + i] * params.direction;
    var at = row * params.stride + i;
    for (var head = 0u; head < params.heads; head++) {
      let a = qkv[at];
      let b = qkv[at + half_dim];
      qkv[at] = a * c - b * s;
      qkv[at + half_dim] = b * c + a * s;
      at += half_dim * 2;
    }
  }
}
