// quad-head: heads of rows in registers, and the heads that the four lanes of a quad hold together.
//
// The header gives `const HEAD_DIM: u32`, a multiple of 4, at most 32, and enables subgroups; the
// kernel has a binding `qkv`. Only constants index arrays: SwiftShader loads an element lane by
// lane where a loop counter indexes it. Constants also leave out the columns past the head.

const QUADS = HEAD_DIM / 4;

// The numbers of a head, four by four.
alias Head = array<vec4f, 8>;

// The heads of the four lanes, one per column: this lane's first, then those of lane ^ 1, ^ 2, ^ 3.
alias Heads = array<mat4x4f, 8>;

fn sum4(v: vec4f) -> f32 { return (v.x + v.y) + (v.z + v.w); }

fn shared4(own: vec4f) -> mat4x4f {
  return mat4x4f(own, quadSwapX(own), quadSwapY(own), quadSwapDiagonal(own));
}

// A head of `qkv`, times the factor.
fn scaled_head(at: u32, scale: f32) -> Head {
  var head: Head;
  if (QUADS > 0) { head[0] = qkv[at] * scale; }
  if (QUADS > 1) { head[1] = qkv[at + 1] * scale; }
  if (QUADS > 2) { head[2] = qkv[at + 2] * scale; }
  if (QUADS > 3) { head[3] = qkv[at + 3] * scale; }
  if (QUADS > 4) { head[4] = qkv[at + 4] * scale; }
  if (QUADS > 5) { head[5] = qkv[at + 5] * scale; }
  if (QUADS > 6) { head[6] = qkv[at + 6] * scale; }
  if (QUADS > 7) { head[7] = qkv[at + 7] * scale; }
  return head;
}

// The heads of `qkv` at the four lanes' places.
fn qkv_heads(at: u32) -> Heads {
  var heads: Heads;
  if (QUADS > 0) { heads[0] = shared4(qkv[at]); }
  if (QUADS > 1) { heads[1] = shared4(qkv[at + 1]); }
  if (QUADS > 2) { heads[2] = shared4(qkv[at + 2]); }
  if (QUADS > 3) { heads[3] = shared4(qkv[at + 3]); }
  if (QUADS > 4) { heads[4] = shared4(qkv[at + 4]); }
  if (QUADS > 5) { heads[5] = shared4(qkv[at + 5]); }
  if (QUADS > 6) { heads[6] = shared4(qkv[at + 6]); }
  if (QUADS > 7) { heads[7] = shared4(qkv[at + 7]); }
  return heads;
}

// The products of a head with each of the four.
fn products(head: Head, heads: Heads) -> vec4f {
  var sums = vec4f();
  if (QUADS > 0) { sums += head[0] * heads[0]; }
  if (QUADS > 1) { sums += head[1] * heads[1]; }
  if (QUADS > 2) { sums += head[2] * heads[2]; }
  if (QUADS > 3) { sums += head[3] * heads[3]; }
  if (QUADS > 4) { sums += head[4] * heads[4]; }
  if (QUADS > 5) { sums += head[5] * heads[5]; }
  if (QUADS > 6) { sums += head[6] * heads[6]; }
  if (QUADS > 7) { sums += head[7] * heads[7]; }
  return sums;
}
