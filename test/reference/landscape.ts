// shaders/landscape.wgsl in float64, by rays instead of triangles: a ray through each pixel's centre is
// tested against every face of every bar.

type Vector = readonly number[];

/** World to clip, column by column: a camera at `eye` that looks at `target`, y up. */
export function cameraReference(
  eye: Vector,
  target: Vector,
  { fieldOfView, aspect, near, far }: Record<'fieldOfView' | 'aspect' | 'near' | 'far', number>,
): number[] {
  const minus = (a: Vector, b: Vector) => a.map((x, i) => x - b[i]);
  const cross = (a: Vector, b: Vector) => [
    a[1] * b[2] - a[2] * b[1],
    a[2] * b[0] - a[0] * b[2],
    a[0] * b[1] - a[1] * b[0],
  ];
  const dot = (a: Vector, b: Vector) => a.reduce((sum, x, i) => sum + x * b[i], 0);
  const unit = (a: Vector) => a.map((x) => x / Math.sqrt(dot(a, a)));
  const back = unit(minus(eye, target));
  const right = unit(cross([0, 1, 0], back));
  const up = cross(back, right);
  const look = [right, up, back].map((axis) => [...axis, -dot(axis, eye)]);
  const f = 1 / Math.tan(fieldOfView / 2);
  const clip = (world: Vector): number[] => {
    const [x, y, z] = look.map((row) => dot(row, world));
    return [(f / aspect) * x, f * y, (z * far + near * far * world[3]) / (near - far), -z];
  };
  return [0, 1, 2, 3].flatMap((axis) => clip([0, 1, 2, 3].map((i) => Number(i === axis))));
}

/** Inverse of a matrix of 16 numbers, column by column, by elimination with pivots. */
export function inverseReference(matrix: Vector): number[] {
  const rows = [0, 1, 2, 3].map((r) => [
    ...[0, 1, 2, 3].map((c) => matrix[4 * c + r]),
    ...[0, 1, 2, 3].map((c) => Number(c === r)),
  ]);
  for (let column = 0; column < 4; column++) {
    let pivot = column;
    for (let r = column; r < 4; r++) {
      if (Math.abs(rows[r][column]) > Math.abs(rows[pivot][column])) pivot = r;
    }
    [rows[column], rows[pivot]] = [rows[pivot], rows[column]];
    const by = rows[column][column];
    rows[column] = rows[column].map((x) => x / by);
    for (let r = 0; r < 4; r++) {
      if (r === column) continue;
      const times = rows[r][column];
      rows[r] = rows[r].map((x, i) => x - times * rows[column][i]);
    }
  }
  return [0, 1, 2, 3].flatMap((c) => [0, 1, 2, 3].map((r) => rows[r][4 + c]));
}

export interface LandscapeCase {
  readonly prompts: number;
  readonly epochs: number;
  readonly bins: number;
  readonly sums: ArrayLike<number>;
  readonly samples: ArrayLike<number>;
  /** Words of `order`. */
  readonly order: ArrayLike<number>;
  readonly low: number;
  readonly cut: number;
  readonly glide: number;
  readonly chosen: number | undefined;
  readonly camera: Vector;
  /** 13 colours of 4 numbers. */
  readonly colors: Vector;
  readonly sizes: Record<'width' | 'depth' | 'height' | 'lift' | 'least' | 'gapX' | 'gapZ', number>;
}

/** Share of a bin at an epoch; NaN without a sample. */
export function shareReference(shown: LandscapeCase, bin: number, epoch: number): number {
  const { prompts, epochs, bins, sums, samples, order, low } = shown;
  const values: number[] = [];
  const first = Math.floor((bin * prompts) / bins);
  const end = Math.max(Math.floor(((bin + 1) * prompts) / bins), first + 1);
  for (let rank = end - 1; rank >= first; rank--) {
    const at = (order[rank] % 2 ** 30) * epochs + epoch;
    if (samples[at] > 0) values.push(sums[at] / samples[at]);
  }
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  return Math.min(1, Math.max(0, (mean - low) / (1 - low)));
}

const lights = { top: 1, left: 0.88, right: 0.55, front: 0.72, back: 0.5 };

interface Hit {
  readonly at: number;
  readonly colour: Vector;
}

/** A ray against a rectangle that lies across an axis. */
function hitOf(
  from: Vector,
  along: Vector,
  axis: number,
  place: number,
  spans: readonly (readonly [number, number, number])[],
): { at: number; spot: number[]; point: number[] } | undefined {
  const at = (place - from[axis]) / along[axis];
  if (!(at > 0)) return undefined;
  const point = from.map((x, i) => x + at * along[i]);
  const spot = spans.map(([other, low, high]) => (point[other] - low) / (high - low));
  return spot.every((x) => x >= 0 && x <= 1) ? { at, spot, point } : undefined;
}

/** The colour of a pixel, r, g, b and opacity in [0, 1], multiplied by opacity. */
export function landscapePixelReference(shown: LandscapeCase, x: number, y: number): number[] {
  const { bins, epochs, prompts, order, sizes, colors, cut, glide, chosen } = shown;
  const { width, depth, height, lift, least, gapX, gapZ } = sizes;
  const colour = (i: number): number[] => colors.slice(4 * i, 4 * i + 4);
  const back = inverseReference(shown.camera);
  const unproject = (z: number): number[] => {
    const [a, b, c, w] = [0, 1, 2, 3].map((r) =>
      [x, y, z, 1].reduce((sum, value, i) => sum + value * back[4 * i + r], 0),
    );
    return [a / w, b / w, c / w];
  };
  const from = unproject(0);
  const along = unproject(1).map((value, i) => value - from[i]);
  const hits: Hit[] = [];
  const dim = ([r, g, b, a]: Vector, by: number): number[] => [r * by, g * by, b * by, a];

  const floor = hitOf(from, along, 1, 0, [
    [0, -0.52 * width, 0.52 * width],
    [2, -0.52 * depth, 0.52 * depth],
  ]);
  if (floor) hits.push({ at: floor.at, colour: colour(9) });
  for (let bin = 0; bin < bins; bin++) {
    for (let epoch = 0; epoch < epochs; epoch++) {
      const share = shareReference(shown, bin, epoch);
      if (Number.isNaN(share)) continue;
      const first = Math.floor((bin * prompts) / bins);
      const end = Math.max(Math.floor(((bin + 1) * prompts) / bins), first + 1);
      const words = Array.from({ length: end - first }, (_, i) => order[first + i]);
      const kept = words.some((word) => word >= 2 ** 31);
      const faded = words.every((word) => Math.floor(word / 2 ** 30) % 2 === 1);
      let place = bin;
      if (glide < 1 && bins === prompts) {
        const before = order[prompts + bin];
        place = before + (bin - before) * (3 * glide ** 2 - 2 * glide ** 3);
      }
      const top = (kept ? lift : 0) + least + (height - least) * share;
      const cell = (at: number, all: number, size: number, gap: number) =>
        [(at + gap) / all - 0.5, (at + 1 - gap) / all - 0.5].map((part) => part * size);
      const [left, right] = cell(place, bins, width, gapX);
      const [front, rear] = cell(epoch, epochs, depth, gapZ).map((z) => -z);
      const stop = share * 8;
      const below = Math.min(7, Math.floor(stop));
      let own = colour(below).map(
        (value, i) => value + (colour(below + 1)[i] - value) * (stop - below),
      );
      if (faded) own = own.map((value, i) => 0.2 * value + 0.8 * colour(9)[i]);
      const across = [0, left, right] as const;
      const deep = [2, rear, front] as const;
      const tall = [1, 0, top] as const;
      const faces = [
        ['top', 1, top, [across, deep]],
        ['left', 0, left, [deep, tall]],
        ['right', 0, right, [deep, tall]],
        ['front', 2, front, [across, tall]],
        ['back', 2, rear, [across, tall]],
      ] as const;
      for (const [name, axis, at, spans] of faces) {
        const hit = hitOf(from, along, axis, at, spans);
        if (!hit) continue;
        const isPlinth = kept && name !== 'top' && hit.point[1] < lift;
        let seen = dim(isPlinth ? colour(11) : own, lights[name]);
        const isChosen = chosen !== undefined && Math.floor((chosen * bins) / prompts) === bin;
        if (isChosen && hit.spot.some((part) => Math.min(part, 1 - part) < 0.18)) seen = colour(12);
        hits.push({ at: hit.at, colour: seen });
      }
    }
  }
  hits.sort((a, b) => a.at - b.at);
  const [nearest] = hits;
  let seen = nearest ? [...nearest.colour] : [0, 0, 0, 0];
  if (cut >= 0) {
    const wall = hitOf(from, along, 0, width * (cut / prompts - 0.5), [
      [2, -0.52 * depth, 0.52 * depth],
      [1, 0, 1.15 * height],
    ]);
    if (wall && (!nearest || wall.at < nearest.at)) {
      const [r, g, b, a] = colour(10);
      seen = [r * a, g * a, b * a, a].map((value, i) => value + seen[i] * (1 - a));
    }
  }
  return seen;
}
