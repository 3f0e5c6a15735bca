// philox: counter-based random numbers, four u32 for one counter under one key.
//
// Philox4x32-10 of Salmon et al. 2011, "Parallel random numbers: as easy as 1, 2, 3", section 3.3.
// Integer arithmetic only: bit-equal to kernels/lib/philox.ts on every implementation.

// High 32 bits of the 64-bit product, from 16-bit halves: WGSL has no wider integer.
fn multiply_high(a: u32, b: u32) -> u32 {
  let a0 = a & 0xffffu;
  let a1 = a >> 16u;
  let b0 = b & 0xffffu;
  let b1 = b >> 16u;
  let middle = a1 * b0 + ((a0 * b0) >> 16u); // at most (2^16 - 1) 2^16: no overflow
  let carried = a0 * b1 + (middle & 0xffffu);
  return a1 * b1 + (middle >> 16u) + (carried >> 16u);
}

fn philox(counter: vec4u, key: vec2u) -> vec4u {
  var c = counter;
  var k = key;
  for (var round = 0; round < 10; round++) {
    let high0 = multiply_high(0xd2511f53u, c.x);
    let low0 = 0xd2511f53u * c.x;
    let high1 = multiply_high(0xcd9e8d57u, c.z);
    let low1 = 0xcd9e8d57u * c.z;
    c = vec4u(high1 ^ c.y ^ k.x, low1, high0 ^ c.w ^ k.y, low0);
    k += vec2u(0x9e3779b9u, 0xbb67ae85u);
  }
  return c;
}

// A word as a number in [0, 1) with 24 bits, exact in f32.
fn unit_float(word: u32) -> f32 {
  return f32(word >> 8u) * 0x1p-24f;
}
