// low-rank: the parts of the adapter of a fused matrix, such as query, key and value.
//
// Part p of at most three holds the output features from the end of part p - 1 to ends[p]; ends of
// parts that are not there equal the last end. A grid gives each part tiles of its own, so that all
// threads of a workgroup work for one part.

// Tile `index` of `width` output features: its part, its first feature, and where the part ends.
struct Tile { part: u32, first: u32, end: u32, scale: f32 }

fn tile_at(index: u32, width: u32, ends: vec3u, scales: vec3f) -> Tile {
  let tiles = (ends - vec3u(0, ends.xy) + width - 1) / width;
  let part = u32(index >= tiles.x) + u32(index >= tiles.x + tiles.y);
  let before = of_part(part, vec3u(0, tiles.x, tiles.x + tiles.y));
  let start = of_part(part, vec3u(0, ends.xy));
  let scale = bitcast<f32>(of_part(part, bitcast<vec3u>(scales)));
  return Tile(part, start + (index - before) * width, of_part(part, ends), scale);
}

// What a part has. A software adapter loses sight of a workgroup's threads being alike where a
// vector is indexed, and then loads for each thread.
fn of_part(part: u32, values: vec3u) -> u32 {
  return select(select(values.z, values.y, part == 1), values.x, part == 0);
}

// The part of one output feature.
fn part_of(feature: u32, ends: vec3u) -> u32 {
  return u32(feature >= ends.x) + u32(feature >= ends.y);
}
