// low-rank: the parts of the adapter of a fused matrix, such as query, key and value.
//
// Part p of at most three holds the output features from the end of part p - 1 to ends[p]; ends of
// parts that are not there equal the last end. A grid gives each part tiles of its own, so that all
// threads of a workgroup work for one part.

// Tile `index` of `width` output features: its part, its first feature, and where the part ends.
struct Tile { part: u32, first: u32, end: u32, scale: f32 }

fn tile_at(index: u32, width: u32, ends: vec3u, scales: vec3f) -> Tile {
  let starts = vec3u(0, ends.xy);
  let tiles = (ends - starts + width - 1) / width;
  let before = vec3u(0, tiles.x, tiles.x + tiles.y);
  let part = u32(index >= before.y) + u32(index >= before.z);
  return Tile(part, starts[part] + (index - before[part]) * width, ends[part], scales[part]);
}

// The part of one output feature.
fn part_of(feature: u32, ends: vec3u) -> u32 {
  return u32(feature >= ends.x) + u32(feature >= ends.y);
}
