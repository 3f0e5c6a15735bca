// landscape: the reward matrix as a field of bars, drawn: a bar for each bin of prompts and each epoch.
//
//   bin b holds the ranks [floor(b P / B), max(floor((b + 1) P / B), that + 1)) of `order`
//   value[b, k] = mean of sums[p, k] / samples[p, k] over the prompts p of b with samples[p, k] > 0
//   share[b, k] = clamp((value - low) / (1 - low), 0, 1)
//   top[b, k]   = lift * kept[b] + least + (height - least) * share;  no bar where no prompt has samples
//   place[b]    = b, or with B = P and glide < 1: before + (b - before) * s, s = glide^2 (3 - 2 glide)
//
// The field lies on y = 0, ranks along x from -width / 2, epochs along z from depth / 2 backwards. A bar
// fills its cell but for the share `gap_x` of it at each side and `gap_z` before and behind. The light
// comes from the left: each face has one brightness. Below `lift`, a kept bar is a plinth.
//
// in   view     f32 (17, 4)  columns of the camera's matrix, world to clip; then colours, each r, g, b
//                            and opacity in [0, 1]: 9 of the ramp from lowest to highest share, floor,
//                            wall, plinth, outline of the chosen
//      sums     f32 (P, K)   sum of the signal over the samples
//      samples  u32 (P, K)   0 where an entry is missing
//      order    u32 (2, P)   row 0: the prompt at each rank; bit 31: kept, bit 30: faded; row 1: the
//                            rank that this prompt had before
// out  colour   the colour attachment, blended by opacity; depth: less passes
//
// Grid: B * K + 2 instances of 30 vertices, 6 for each of the faces top, left, right, front and back.
//       The first instance is the floor, the last one the wall at rank `cut`, none where it is below 0.
// Numerics: f32; bars and colours as in float64 but for pixels at edges (test/kernels/landscape.test.ts).

struct Params {
  prompts: u32,
  epochs: u32,
  bins: u32,
  chosen: u32,
  low: f32,
  cut: f32,
  glide: f32,
  width: f32,
  depth: f32,
  height: f32,
  lift: f32,
  least: f32,
  gap_x: f32,
  gap_z: f32,
}
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<uniform> view: array<vec4f, 17>;
@group(0) @binding(2) var<storage, read> sums: array<f32>;
@group(0) @binding(3) var<storage, read> samples: array<u32>;
@group(0) @binding(4) var<storage, read> order: array<u32>;

const RAMP = 4u;
const RAMP_STOPS = 9u;
const FLOOR = 13u;
const WALL = 14u;
const PLINTH = 15u;
const OUTLINE = 16u;
const KEPT = 0x80000000u;
const FADED = 0x40000000u;
const PLACE = 0x3fffffffu;

struct Corner {
  @builtin(position) position: vec4f,
  @location(0) @interpolate(flat, either) colour: vec4f,
  @location(1) @interpolate(flat, either) plinth: vec4f,
  // Place on the face in [0, 1]^2, and height in the world.
  @location(2) spot: vec3f,
  // Whether the face is outlined, and up to which height it is plinth.
  @location(3) @interpolate(flat, either) edge: vec2f,
}

/** A bin at an epoch: mean share, or below 0 without a sample; flags of its prompts. */
struct Cell { share: f32, kept: bool, faded: bool }

fn cell_of(bin: u32, epoch: u32) -> Cell {
  let first = bin * params.prompts / params.bins;
  let end = max((bin + 1u) * params.prompts / params.bins, first + 1u);
  var sum = 0.0;
  var count = 0u;
  var kept = false;
  var faded = true;
  for (var rank = first; rank < end; rank++) {
    let word = order[rank];
    kept = kept || (word & KEPT) != 0u;
    faded = faded && (word & FADED) != 0u;
    let at = (word & PLACE) * params.epochs + epoch;
    let drawn = samples[at];
    if (drawn > 0u) {
      sum += sums[at] / f32(drawn);
      count++;
    }
  }
  if (count == 0u) { return Cell(-1.0, kept, faded); }
  let value = sum / f32(count);
  return Cell(clamp((value - params.low) / (1.0 - params.low), 0.0, 1.0), kept, faded);
}

fn ramp(share: f32) -> vec4f {
  let place = share * f32(RAMP_STOPS - 1u);
  let below = min(u32(place), RAMP_STOPS - 2u);
  return mix(view[RAMP + below], view[RAMP + below + 1u], place - f32(below));
}

/** The corner of a face in its box's unit cube. */
fn corner_of(face: u32, spot: vec2f) -> vec3f {
  switch face {
    case 0u: { return vec3f(spot.x, 1.0, spot.y); }
    case 1u: { return vec3f(0.0, spot.y, spot.x); }
    case 2u: { return vec3f(1.0, spot.y, spot.x); }
    case 3u: { return vec3f(spot.x, spot.y, 1.0); }
    default: { return vec3f(spot.x, spot.y, 0.0); }
  }
}

fn light(face: u32) -> f32 {
  switch face {
    case 0u: { return 1.0; }
    case 1u: { return 0.88; }
    case 2u: { return 0.55; }
    case 3u: { return 0.72; }
    default: { return 0.5; }
  }
}

fn project(world: vec3f) -> vec4f {
  return view[0] * world.x + view[1] * world.y + view[2] * world.z + view[3];
}

fn lit(colour: vec4f, face: u32) -> vec4f { return vec4f(colour.rgb * light(face), colour.a); }

@vertex
fn vertex(
  @builtin(vertex_index) index: u32,
  @builtin(instance_index) instance: u32,
) -> Corner {
  let face = index / 6u;
  let turn = index % 6u;
  let spot = vec2f(
    f32(turn == 1u || turn == 2u || turn == 4u),
    f32(turn == 2u || turn == 4u || turn == 5u),
  );
  let nowhere = Corner(vec4f(0.0, 0.0, 2.0, 1.0), vec4f(), vec4f(), vec3f(), vec2f());
  let last = params.bins * params.epochs + 1u;
  let half = vec2f(params.width, params.depth) / 2.0;

  if (instance == 0u) {
    if (face != 0u) { return nowhere; }
    let around = half * 1.04;
    let at = mix(-around, around, spot);
    let position = project(vec3f(at.x, 0.0, at.y));
    return Corner(position, view[FLOOR], view[FLOOR], vec3f(spot, 0.0), vec2f());
  }
  if (instance == last) {
    if (face != 1u || params.cut < 0.0) { return nowhere; }
    let x = params.width * (params.cut / f32(params.prompts)) - half.x;
    let z = mix(-half.y, half.y, spot.x) * 1.04;
    let position = project(vec3f(x, spot.y * params.height * 1.15, z));
    return Corner(position, view[WALL], view[WALL], vec3f(spot, 1.0), vec2f());
  }

  let bin = (instance - 1u) / params.epochs;
  let epoch = (instance - 1u) % params.epochs;
  let found = cell_of(bin, epoch);
  if (found.share < 0.0) { return nowhere; }
  var place = f32(bin);
  if (params.glide < 1.0 && params.bins == params.prompts) {
    let before = f32(order[params.prompts + bin]);
    let eased = params.glide * params.glide * (3.0 - 2.0 * params.glide);
    place = before + (place - before) * eased;
  }
  let lift = select(0.0, params.lift, found.kept);
  let top = lift + params.least + (params.height - params.least) * found.share;
  let wide = params.width / f32(params.bins);
  let deep = params.depth / f32(params.epochs);
  let near = half.y - deep * f32(epoch);
  let low = vec3f(
    (place + params.gap_x) * wide - half.x,
    0.0,
    near - deep * (1.0 - params.gap_z),
  );
  let high = vec3f(
    (place + 1.0 - params.gap_x) * wide - half.x,
    top,
    near - deep * params.gap_z,
  );
  let world = mix(low, high, corner_of(face, spot));
  let own = select(ramp(found.share), mix(ramp(found.share), view[FLOOR], 0.8), found.faded);
  let chosen = params.chosen * params.bins / params.prompts == bin && params.chosen < params.prompts;
  return Corner(
    project(world),
    lit(own, face),
    lit(view[PLINTH], face),
    vec3f(spot, world.y),
    vec2f(f32(chosen), select(lift, 0.0, face == 0u)),
  );
}

@fragment
fn fragment(corner: Corner) -> @location(0) vec4f {
  var colour = corner.colour;
  if (corner.spot.z < corner.edge.y) { colour = corner.plinth; }
  let rim = min(min(corner.spot.x, 1.0 - corner.spot.x), min(corner.spot.y, 1.0 - corner.spot.y));
  if (corner.edge.x > 0.5 && rim < 0.18) { colour = view[OUTLINE]; }
  return colour;
}
