/** What decides which variants an adapter can run, and which are fast on it. An open device has it. */
export interface Adapter {
  /** `cpu` for a software adapter. */
  readonly kind: 'cpu' | 'gpu';
  readonly features: GPUSupportedFeatures;
  readonly info: GPUAdapterInfo;
}

/** Fewest lanes a subgroup of this adapter has; 0 where it has no subgroups or does not say. */
export function subgroupLanes({ features, info }: Pick<Adapter, 'features' | 'info'>): number {
  if (!features.has('subgroups')) return 0;
  return (info as { readonly subgroupMinSize?: number }).subgroupMinSize ?? 0;
}

/** Whether subgroups are wide enough for the variants called `subgroup`. */
export const hasWideSubgroups = (adapter: Adapter): boolean => subgroupLanes(adapter) >= 8;

/**
 * Whether subgroups are of 4 lanes or so, for the variants called `quad`: with more lanes they would
 * be right too, but `subgroup` is faster there, and both compile slowly.
 */
export const hasQuads = (adapter: Adapter): boolean =>
  subgroupLanes(adapter) >= 4 && subgroupLanes(adapter) < 8;

export const isGpu = ({ kind }: Adapter): boolean => kind === 'gpu';

export const isSoftware = ({ kind }: Adapter): boolean => kind === 'cpu';

/** When a variant of a family may be taken, and when it should be. What is left out is always true. */
export interface VariantRules<Shape> {
  /** Whether the variant can compute these sizes. */
  fits?(shape: Shape): boolean;
  /** Whether the variant is fast at these sizes, which it fits. */
  suits?(shape: Shape): boolean;
  /** Whether an adapter can run the variant, and other variants are not always faster there. */
  runsOn?(adapter: Adapter): boolean;
  /** Whether the variant is preferred on an adapter that runs it. Left out: on none. */
  preferredOn?(adapter: Adapter): boolean;
  /** Runs everywhere at a decent speed: taken where no preferred variant fits or suits. */
  readonly portable?: true;
}

/** Which variants of one family plans take. Plain data, recorded with a run. */
export interface FamilyChoice {
  /** For what was not measured: the first variant that fits and suits, else the last that fits. */
  readonly preferred: readonly string[];
  /** The fastest variant of each shape that was measured, by the key of the shape. */
  readonly measured: Readonly<Record<string, string>>;
  /** Variants found to compute wrong on the adapter: never taken. */
  readonly wrong?: readonly string[];
}

/** Which variants plans take, by the name of the family. Plain data, recorded with a run. */
export type VariantChoices = Readonly<Record<string, FamilyChoice>>;

/** An adapter and what was chosen for it; a family without a choice takes its default there. */
export interface ChoosingDevice extends Adapter {
  readonly choices: VariantChoices;
}

/** A computation of some shape that is made in any variant of a family that fits. */
export interface Offer<Made> {
  readonly family: Family;
  readonly shape: unknown;
  /** The computation in one variant. */
  readonly in: (variant: string) => Made;
}

/** Ways to compute the same, one of them `plain`, which takes any sizes on any adapter. */
export interface Family<Shape = unknown, Own = unknown, Id extends string = string> {
  /** The basename of its kernel. */
  readonly name: string;
  readonly variants: Readonly<Record<Id, Own & VariantRules<Shape>>>;
  /** Names of the variants, in the order of their declaration. */
  readonly ids: readonly Id[];
  fits(id: Id, shape: Shape): boolean;
  /** Names of a shape among measured choices, the most exact first. */
  keysOf(shape: Shape): readonly string[];
  /** The variants to measure on an adapter: those that run, without those for other adapters. */
  runnableOn(adapter: Adapter): readonly Id[];
  /** What an adapter takes where nothing was measured. */
  defaultOn(adapter: Adapter): FamilyChoice;
  /** The portable variants in order of preference, `plain` last. */
  readonly portable: readonly Id[];
  /** The variant for a shape: measured, else preferred, else portable. */
  choose(shape: Shape, choice: FamilyChoice): Id;
  /**
   * A computation in the variant that is named; where none is, in a portable one, with an offer that
   * a plan takes.
   */
  make<Made extends object>(
    shape: Shape,
    id: Id | undefined,
    bind: (own: Own, id: Id) => Made,
  ): Made & { readonly offer?: Offer<Made> };
}

/** The names of a family's variants. */
export type VariantOf<F extends { readonly ids: readonly string[] }> = F['ids'][number];

/**
 * Declares the variants of one computation: what each is made of, what it takes and where it is fast.
 * The first of several preferred or portable variants is the first declared.
 *
 * @param keysOf Names of a shape among measured choices, the most exact first.
 */
export function defineFamily<Shape, Own, Id extends string>(
  name: string,
  keysOf: (shape: Shape) => readonly string[],
  variants: Readonly<Record<Id | 'plain', Own & VariantRules<Shape>>>,
): Family<Shape, Own, Id | 'plain'> {
  type Name = Id | 'plain';
  const ids = Object.keys(variants) as Name[];
  const isOwn = (id: string): id is Name => Object.hasOwn(variants, id);
  const fits = (id: Name, shape: Shape): boolean => variants[id].fits?.(shape) ?? true;
  const suits = (id: Name, shape: Shape): boolean => variants[id].suits?.(shape) ?? true;
  const runs = (id: Name, adapter: Adapter): boolean => variants[id].runsOn?.(adapter) ?? true;
  const portable = [
    ...ids.filter((id) => id !== 'plain' && variants[id].portable),
    'plain' as const,
  ];
  const family: Family<Shape, Own, Name> = {
    name,
    variants,
    ids,
    portable,
    keysOf,
    fits,
    runnableOn: (adapter) => ids.filter((id) => runs(id, adapter)),
    defaultOn(adapter) {
      const preferred = ids.filter(
        (id) => runs(id, adapter) && variants[id].preferredOn?.(adapter) === true,
      );
      return { preferred: preferred.length > 0 ? preferred : portable.slice(0, 1), measured: {} };
    },
    choose(shape, { preferred, measured, wrong = [] }) {
      const isUsable = (id: string): id is Name =>
        isOwn(id) && !wrong.includes(id) && fits(id, shape);
      const key = keysOf(shape).find((one) => Object.hasOwn(measured, one));
      const fastest = key === undefined ? undefined : measured[key];
      if (fastest !== undefined && isUsable(fastest)) return fastest;
      const wanted = preferred.filter(isUsable);
      const others = portable.filter(isUsable);
      return (
        [...wanted, ...others].find((id) => suits(id, shape)) ??
        wanted.at(-1) ??
        others[0] ??
        'plain'
      );
    },
    make<Made extends object>(
      shape: Shape,
      id: Name | undefined,
      bind: (own: Own, id: Name) => Made,
    ) {
      if (id !== undefined) return bind(variants[id], id);
      const make = (variant: string): Made => {
        if (!isOwn(variant)) throw new RangeError(`${name} has no variant '${variant}'`);
        return bind(variants[variant], variant);
      };
      const offer: Offer<Made> = { family: family, shape, in: make };
      return { ...make(family.choose(shape, noChoice)), offer };
    },
  };
  return family;
}

/** Leaves the choice to the portable variants. */
const noChoice: FamilyChoice = { preferred: [], measured: {} };

/** The name of the variant that a device takes of an offer. */
export const variantFor = <Made>({ family, shape }: Offer<Made>, device: ChoosingDevice): string =>
  family.choose(shape, choiceOf(device, family));

/** What a device takes of a family. */
export const choiceOf = (device: ChoosingDevice, family: Family): FamilyChoice =>
  (Object.hasOwn(device.choices, family.name) ? device.choices[family.name] : undefined) ??
  family.defaultOn(device);
