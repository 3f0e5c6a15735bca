// The field of bars that a landscape shows: where each bar stands, and which one a ray meets. No GPU.

/** Sizes of the field in the world; `shaders/landscape.wgsl` says what they mean. */
export const field = {
  width: 2.4,
  depth: 1.5,
  height: 0.42,
  lift: 0.04,
  least: 0.012,
  gapX: 0.08,
  gapZ: 0.12,
} as const;

/** A box along the axes. */
export interface Box {
  readonly low: readonly [number, number, number];
  readonly high: readonly [number, number, number];
}

/** A field as it stands: shares by rank and epoch. */
export interface FieldShares {
  readonly prompts: number;
  readonly epochs: number;
  /** Number of bins into which the ranks are put. */
  readonly bins: number;
  /** Share of a bin at an epoch, in [0, 1]; NaN where there is no bar. */
  readonly share: (bin: number, epoch: number) => number;
  readonly isKept: (bin: number) => boolean;
}

/** The ranks of a bin: the first, and the one after the last. */
export const ranksOf = (
  { prompts, bins }: Pick<FieldShares, 'prompts' | 'bins'>,
  bin: number,
): readonly [number, number] => {
  const first = Math.floor((bin * prompts) / bins);
  return [first, Math.max(Math.floor(((bin + 1) * prompts) / bins), first + 1)];
};

/** The bar of a bin at an epoch; undefined where there is none. */
export function boxOf(shown: FieldShares, bin: number, epoch: number): Box | undefined {
  const share = shown.share(bin, epoch);
  if (Number.isNaN(share)) return undefined;
  const { width, depth, height, lift, least, gapX, gapZ } = field;
  const wide = width / shown.bins;
  const deep = depth / shown.epochs;
  const near = depth / 2 - deep * epoch;
  const left = bin * wide - width / 2;
  const top = (shown.isKept(bin) ? lift : 0) + least + (height - least) * share;
  return {
    low: [left + gapX * wide, 0, near - deep * (1 - gapZ)],
    high: [left + (1 - gapX) * wide, top, near - deep * gapZ],
  };
}

export type Point = readonly [number, number, number];

/** Points `from + t * along`, t >= 0. */
export interface Ray {
  readonly from: Point;
  readonly along: Point;
}

/** Where a ray is inside a box: from and to; undefined where it is not. */
function within({ from, along }: Ray, { low, high }: Box): readonly [number, number] | undefined {
  let [enters, leaves] = [0, Infinity];
  for (const axis of [0, 1, 2] as const) {
    const one = (low[axis] - from[axis]) / along[axis];
    const other = (high[axis] - from[axis]) / along[axis];
    if (along[axis] === 0) {
      if (from[axis] < low[axis] || from[axis] > high[axis]) return undefined;
      continue;
    }
    enters = Math.max(enters, Math.min(one, other));
    leaves = Math.min(leaves, Math.max(one, other));
  }
  return enters <= leaves ? [enters, leaves] : undefined;
}

/** A bar that a ray meets. */
export interface Met {
  readonly bin: number;
  readonly epoch: number;
}

/** The first bar that a ray meets; undefined if it meets none. */
export function meet(shown: FieldShares, ray: Ray): Met | undefined {
  const { width, depth, height, lift } = field;
  let found: (Met & { readonly at: number }) | undefined;
  for (let epoch = 0; epoch < shown.epochs; epoch++) {
    const deep = depth / shown.epochs;
    const near = depth / 2 - deep * epoch;
    const slab = within(ray, {
      low: [-width / 2, 0, near - deep],
      high: [width / 2, height + lift, near],
    });
    if (!slab) continue;
    const [one, other] = slab.map((t) => ray.from[0] + t * ray.along[0]);
    const binAt = (x: number): number => Math.floor(((x + width / 2) / width) * shown.bins);
    const first = Math.max(0, binAt(Math.min(one ?? 0, other ?? 0)) - 1);
    const last = Math.min(shown.bins - 1, binAt(Math.max(one ?? 0, other ?? 0)) + 1);
    for (let bin = first; bin <= last; bin++) {
      const box = boxOf(shown, bin, epoch);
      const met = box && within(ray, box);
      if (met && (!found || met[0] < found.at)) found = { bin, epoch, at: met[0] };
    }
  }
  return found && { bin: found.bin, epoch: found.epoch };
}

/** Flags of `order`, as in the shader. */
export const orderFlags = { kept: 0x8000_0000, faded: 0x4000_0000 } as const;

/**
 * The words of `order`.
 *
 * @param before The order that the prompts glide from; the same order if left out.
 */
export function orderWords(
  order: readonly number[],
  flags: {
    readonly kept?: ReadonlySet<number> | undefined;
    readonly wanted?: ReadonlySet<number> | undefined;
  },
  before: readonly number[] = order,
): Uint32Array<ArrayBuffer> {
  const words = new Uint32Array(2 * order.length);
  const ranks = new Map(before.map((prompt, rank) => [prompt, rank]));
  for (const [rank, prompt] of order.entries()) {
    const kept = flags.kept?.has(prompt) ? orderFlags.kept : 0;
    const faded = flags.wanted && !flags.wanted.has(prompt) ? orderFlags.faded : 0;
    words[rank] = (prompt | kept | faded) >>> 0;
    words[order.length + rank] = ranks.get(prompt) ?? rank;
  }
  return words;
}
