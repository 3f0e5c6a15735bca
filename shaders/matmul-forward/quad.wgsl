// matmul-forward/quad: the sums of matmul-forward, 64 rows by 32 columns per quad of lanes. The
// lanes share their rows of x. For K and N that are multiples of 4.
//
// SwiftShader loads number by number, with four branches and a bounds check for one number of four
// lanes: about 60 cycles, where a multiply-add takes 4 and a swap within a quad takes 2. So a lane
// loads a quarter of the rows and swaps them with its neighbours: 96 such loads for 2,048 products.
// Each number that a loop carries on costs SwiftShader 15 instructions, so a sum takes four
// products at once. To find an array's length it divides, lane by lane, so lengths are asked for
// before the loop. Four lanes of a workgroup are a quad, whatever the size of a subgroup.
//
// Grid: ceil(N / 32) by ceil((row_end - row_start) / 64).
// Numerics: per output one f32 sum, four products at a time, k ascending.

struct Params {
  row_start: u32,
  row_end: u32,
  inner: u32, // K
  columns: u32, // N
  has_bias: u32,
  has_residual: u32,
}
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> x: array<vec4f>;
@group(0) @binding(2) var<storage, read> weight: array<Weights>;
@group(0) @binding(3) var<storage, read> bias: array<vec4f>;
@group(0) @binding(4) var<storage, read> residual: array<vec4f>;
@group(0) @binding(5) var<storage, read_write> out: array<vec4f>;

// The rows of all four lanes, this lane's first, then those of lane ^ 1, ^ 2 and ^ 3. Column k of
// the result holds number k of each row.
fn shared_rows(own: vec4f) -> mat4x4f {
  return transpose(mat4x4f(own, quadSwapX(own), quadSwapY(own), quadSwapDiagonal(own)));
}

@compute @workgroup_size(4)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) lane: u32) {
  let inner = params.inner / 4;
  let columns = params.columns / 4;
  let row = params.row_start + group.y * 64;
  // Eight columns per lane, counted four at a time.
  let column = group.x * 8 + lane * 2;
  // A row or column past the end of its array repeats the last one and is not stored.
  let last_row = arrayLength(&x) - inner;
  let last_columns = weight_quads() - 4 * inner;
  let last_out = arrayLength(&out) - 1;
  let x0 = min((row + lane) * inner, last_row);
  let x1 = min((row + 4 + lane) * inner, last_row);
  let x2 = min((row + 8 + lane) * inner, last_row);
  let x3 = min((row + 12 + lane) * inner, last_row);
  let x4 = min((row + 16 + lane) * inner, last_row);
  let x5 = min((row + 20 + lane) * inner, last_row);
  let x6 = min((row + 24 + lane) * inner, last_row);
  let x7 = min((row + 28 + lane) * inner, last_row);
  let x8 = min((row + 32 + lane) * inner, last_row);
  let x9 = min((row + 36 + lane) * inner, last_row);
  let x10 = min((row + 40 + lane) * inner, last_row);
  let x11 = min((row + 44 + lane) * inner, last_row);
  let x12 = min((row + 48 + lane) * inner, last_row);
  let x13 = min((row + 52 + lane) * inner, last_row);
  let x14 = min((row + 56 + lane) * inner, last_row);
  let x15 = min((row + 60 + lane) * inner, last_row);
  let w0 = min(column * 4 * inner, last_columns);
  let w1 = min((column + 1) * 4 * inner, last_columns);
  // sumR_C: rows 4 R + (lane ^ i), i a row of the matrix, by the lane's columns 4 C to 4 C + 3.
  var sum0_0 = mat4x4f();
  var sum0_1 = mat4x4f();
  var sum1_0 = mat4x4f();
  var sum1_1 = mat4x4f();
  var sum2_0 = mat4x4f();
  var sum2_1 = mat4x4f();
  var sum3_0 = mat4x4f();
  var sum3_1 = mat4x4f();
  var sum4_0 = mat4x4f();
  var sum4_1 = mat4x4f();
  var sum5_0 = mat4x4f();
  var sum5_1 = mat4x4f();
  var sum6_0 = mat4x4f();
  var sum6_1 = mat4x4f();
  var sum7_0 = mat4x4f();
  var sum7_1 = mat4x4f();
  var sum8_0 = mat4x4f();
  var sum8_1 = mat4x4f();
  var sum9_0 = mat4x4f();
  var sum9_1 = mat4x4f();
  var sum10_0 = mat4x4f();
  var sum10_1 = mat4x4f();
  var sum11_0 = mat4x4f();
  var sum11_1 = mat4x4f();
  var sum12_0 = mat4x4f();
  var sum12_1 = mat4x4f();
  var sum13_0 = mat4x4f();
  var sum13_1 = mat4x4f();
  var sum14_0 = mat4x4f();
  var sum14_1 = mat4x4f();
  var sum15_0 = mat4x4f();
  var sum15_1 = mat4x4f();
  for (var k = 0u; k < inner; k++) {
    let weight0 = mat4x4f(
      weight_quad(w0 + k),
      weight_quad(w0 + inner + k),
      weight_quad(w0 + 2 * inner + k),
      weight_quad(w0 + 3 * inner + k),
    );
    let weight1 = mat4x4f(
      weight_quad(w1 + k),
      weight_quad(w1 + inner + k),
      weight_quad(w1 + 2 * inner + k),
      weight_quad(w1 + 3 * inner + k),
    );
    let rows0 = shared_rows(x[x0 + k]);
    sum0_0 += rows0 * weight0;
    sum0_1 += rows0 * weight1;
    let rows1 = shared_rows(x[x1 + k]);
    sum1_0 += rows1 * weight0;
    sum1_1 += rows1 * weight1;
    let rows2 = shared_rows(x[x2 + k]);
    sum2_0 += rows2 * weight0;
    sum2_1 += rows2 * weight1;
    let rows3 = shared_rows(x[x3 + k]);
    sum3_0 += rows3 * weight0;
    sum3_1 += rows3 * weight1;
    let rows4 = shared_rows(x[x4 + k]);
    sum4_0 += rows4 * weight0;
    sum4_1 += rows4 * weight1;
    let rows5 = shared_rows(x[x5 + k]);
    sum5_0 += rows5 * weight0;
    sum5_1 += rows5 * weight1;
    let rows6 = shared_rows(x[x6 + k]);
    sum6_0 += rows6 * weight0;
    sum6_1 += rows6 * weight1;
    let rows7 = shared_rows(x[x7 + k]);
    sum7_0 += rows7 * weight0;
    sum7_1 += rows7 * weight1;
    let rows8 = shared_rows(x[x8 + k]);
    sum8_0 += rows8 * weight0;
    sum8_1 += rows8 * weight1;
    let rows9 = shared_rows(x[x9 + k]);
    sum9_0 += rows9 * weight0;
    sum9_1 += rows9 * weight1;
    let rows10 = shared_rows(x[x10 + k]);
    sum10_0 += rows10 * weight0;
    sum10_1 += rows10 * weight1;
    let rows11 = shared_rows(x[x11 + k]);
    sum11_0 += rows11 * weight0;
    sum11_1 += rows11 * weight1;
    let rows12 = shared_rows(x[x12 + k]);
    sum12_0 += rows12 * weight0;
    sum12_1 += rows12 * weight1;
    let rows13 = shared_rows(x[x13 + k]);
    sum13_0 += rows13 * weight0;
    sum13_1 += rows13 * weight1;
    let rows14 = shared_rows(x[x14 + k]);
    sum14_0 += rows14 * weight0;
    sum14_1 += rows14 * weight1;
    let rows15 = shared_rows(x[x15 + k]);
    sum15_0 += rows15 * weight0;
    sum15_1 += rows15 * weight1;
  }
  var sums = array<mat4x4f, 32>(
    transpose(sum0_0), transpose(sum0_1),
    transpose(sum1_0), transpose(sum1_1),
    transpose(sum2_0), transpose(sum2_1),
    transpose(sum3_0), transpose(sum3_1),
    transpose(sum4_0), transpose(sum4_1),
    transpose(sum5_0), transpose(sum5_1),
    transpose(sum6_0), transpose(sum6_1),
    transpose(sum7_0), transpose(sum7_1),
    transpose(sum8_0), transpose(sum8_1),
    transpose(sum9_0), transpose(sum9_1),
    transpose(sum10_0), transpose(sum10_1),
    transpose(sum11_0), transpose(sum11_1),
    transpose(sum12_0), transpose(sum12_1),
    transpose(sum13_0), transpose(sum13_1),
    transpose(sum14_0), transpose(sum14_1),
    transpose(sum15_0), transpose(sum15_1),
  );
  // Two loops, of which one has no turns: a software adapter runs both sides of a branch, but skips
  // a loop without turns.
  let plain = select(64u, 0u, (params.has_bias | params.has_residual) != 0);
  for (var at = 0u; at < plain; at++) {
    let to = row + (at & ~3u) + ((at & 3) ^ lane);
    for (var c = 0u; c < 2; c++) {
      if (to < params.row_end && column + c < columns) {
        out[min(to * columns + column + c, last_out)] = sums[at / 4 * 2 + c][at & 3];
      }
    }
  }
  for (var at = plain; at < 64; at++) {
    let to = row + (at & ~3u) + ((at & 3) ^ lane);
    for (var c = 0u; c < 2; c++) {
      if (to < params.row_end && column + c < columns) {
        let slot = min(to * columns + column + c, last_out);
        var value = sums[at / 4 * 2 + c][at & 3];
        if (params.has_bias != 0) { value += bias[column + c]; }
        if (params.has_residual != 0) { value += residual[slot]; }
        out[slot] = value;
      }
    }
  }
}
