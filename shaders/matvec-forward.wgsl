// matvec-forward: a linear layer over few rows, with the norm before it and the gate after it.
// LANES threads per row and four columns of the weight.
//
//   z_{i,n}   = sum_k y_{i,k} * weight_{n,k} + bias_n
//               with LOW_RANK  + scale_p * sum_{j < R} b_{n,j} * t_{i, p R + j}
//   y         = x, or with NORM  x_{i,k} * norm_weight_k / sqrt(mean_k(x_{i,k}^2) + epsilon)
//   out_{i,n} = z_{i,n} + residual_{i,n}
// or, with GATED, F half the columns and silu(z) = z / (1 + exp(-z)):
//   out_{i,f} = silu(z_{i,f}) * z_{i,F+f} + residual_{i,f}
// as in rmsnorm-forward, matmul-forward, low-rank-forward and swiglu-forward, but in one dispatch:
// with one row a dispatch costs more than its arithmetic. p is the part of column n
// (shaders/lib/low-rank.wgsl).
//
// in   x            f32 (M, K)  K a multiple of 4
//      norm_weight  f32 (K)     read only with NORM
//      weight       f32, f16, int8 or int4 (N, K), output features first; with GATED N a multiple of 4
//      bias         f32 (N)     read only where has_bias is 1
//      residual     f32, as out  read only where has_residual is 1
//      t            f32 (M, P R)  read only with LOW_RANK; R a multiple of 4
//      b            f32 (N, R)   read only with LOW_RANK
// out  out          f32 (M, N), with GATED (M, N / 2); rows < rows overwritten
//
// With GATED a thread's columns are two gates and the two numbers that they gate.
// Grid: ceil(groups of columns / ROWS) by rows; LANES a power of 2, at most 256 threads a
// workgroup.
// Numerics: f32; per output and lane one sum, four products at a time; the norm's factor comes
// last. The adapter's sum is of its own, four products at a time; where b is 0, z keeps its value.

struct Params {
  inner: u32,   // K / 4
  columns: u32, // N
  has_bias: u32,
  has_residual: u32,
  epsilon: f32,
  cells: u32, // R / 4
  parts: u32, // P
  end0: u32,
  end1: u32,
  end2: u32,
  scale0: f32,
  scale1: f32,
  scale2: f32,
}
override LANES: u32 = 1;
override ROWS: u32 = 8;
override NORM: bool = false;
override GATED: bool = false;
override LOW_RANK: bool = false;
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> x: array<vec4f>;
@group(0) @binding(2) var<storage, read> norm_weight: array<vec4f>;
@group(0) @binding(3) var<storage, read> weight: array<Weights>;
@group(0) @binding(4) var<storage, read> bias: array<f32>;
@group(0) @binding(5) var<storage, read> residual: array<f32>;
@group(0) @binding(6) var<storage, read> t: array<vec4f>;
@group(0) @binding(7) var<storage, read> b: array<vec4f>;
@group(0) @binding(8) var<storage, read_write> out: array<f32>;

var<workgroup> partial: array<vec4f, 256>;
var<workgroup> partial_squares: array<f32, 256>;

fn silu(z: f32) -> f32 {
  return z / (1.0 + exp(min(-z, 80.0)));
}

// What the adapter adds to one column of a row.
fn adapter(row: u32, column: u32) -> f32 {
  let cells = params.cells;
  let part = part_of(column, vec3u(params.end0, params.end1, params.end2));
  let start = (row * params.parts + part) * cells;
  var sum = 0.0;
  for (var j = 0u; j < cells; j++) { sum += dot(t[start + j], b[column * cells + j]); }
  return vec3f(params.scale0, params.scale1, params.scale2)[part] * sum;
}

@compute @workgroup_size(LANES, ROWS)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_id) local: vec3u) {
  let row = group.y;
  let inner = params.inner;
  let first = (group.x * ROWS + local.y) * select(4u, 2u, GATED);
  let width = select(params.columns, params.columns / 2, GATED); // of out
  // A column past the edge repeats the last one and is not stored.
  let last = params.columns - 1;
  let offsets = select(vec4u(0, 1, 2, 3), vec4u(0, 1, width, width + 1), GATED);
  let columns = min(first + offsets, vec4u(last));
  let w = columns * inner;
  let start = row * inner;
  var sums = vec4f();
  var squares = 0.0;
  for (var k = local.x; k < inner; k += LANES) {
    var y = x[start + k];
    if (NORM) {
      squares += dot(y, y);
      y *= norm_weight[k];
    }
    sums += y * mat4x4f(
      weight_quad(w.x + k),
      weight_quad(w.y + k),
      weight_quad(w.z + k),
      weight_quad(w.w + k),
    );
  }
  if (LANES > 1) {
    let slot = local.y * LANES;
    partial[slot + local.x] = sums;
    partial_squares[slot + local.x] = squares;
    for (var s = LANES / 2; s > 0; s /= 2) {
      workgroupBarrier();
      if (local.x < s) {
        partial[slot + local.x] += partial[slot + local.x + s];
        partial_squares[slot + local.x] += partial_squares[slot + local.x + s];
      }
    }
    workgroupBarrier();
    sums = partial[slot];
    squares = partial_squares[slot];
    if (local.x != 0) { return; }
  }
  if (NORM) { sums *= inverseSqrt(squares / f32(inner * 4) + params.epsilon); }
  if (params.has_bias != 0) {
    sums += vec4f(bias[columns.x], bias[columns.y], bias[columns.z], bias[columns.w]);
  }
  if (LOW_RANK) {
    sums += vec4f(
      adapter(row, columns.x),
      adapter(row, columns.y),
      adapter(row, columns.z),
      adapter(row, columns.w),
    );
  }
  if (GATED) { sums = vec4f(silu(sums.x) * sums.z, silu(sums.y) * sums.w, 0.0, 0.0); }
  let end = min(width, first + select(4u, 2u, GATED));
  for (var column = first; column < end; column++) {
    let at = row * width + column;
    var value = sums[column - first];
    if (params.has_residual != 0) { value += residual[at]; }
    out[at] = value;
  }
}
