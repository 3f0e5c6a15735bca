// philox-blocks: only the generator of shaders/lib/philox.wgsl, one block per thread, for its test.
//
// in   inputs  u32 (N, 6)  counter and key
// out  blocks  u32 (N, 5)  the four words, then the bits of the first as a unit float
//
// Grid: ceil(N / 64) workgroups.

struct Params { count: u32 }
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> inputs: array<u32>;
@group(0) @binding(2) var<storage, read_write> blocks: array<u32>;

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3u) {
  if (id.x >= params.count) { return; }
  let at = id.x * 6;
  let words = philox(
    vec4u(inputs[at], inputs[at + 1], inputs[at + 2], inputs[at + 3]),
    vec2u(inputs[at + 4], inputs[at + 5]),
  );
  let to = id.x * 5;
  blocks[to] = words.x;
  blocks[to + 1] = words.y;
  blocks[to + 2] = words.z;
  blocks[to + 3] = words.w;
  blocks[to + 4] = bitcast<u32>(unit_float(words.x));
}
