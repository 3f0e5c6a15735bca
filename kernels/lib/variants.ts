/**
 * The facts that decide which variants an adapter can run and which are fast on it. An open device
 * has them.
 */
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
 * Whether subgroups have 4 to 7 lanes, for the variants called `quad`. Wider subgroups would
 * compute right too, but `subgroup` is faster there, and both compile slowly.
 */
export const hasQuads = (adapter: Adapter): boolean =>
  subgroupLanes(adapter) >= 4 && subgroupLanes(adapter) < 8;

export const isGpu = ({ kind }: Adapter): boolean => kind === 'gpu';

export const isSoftware = ({ kind }: Adapter): boolean => kind === 'cpu';

/**
 * When a variant of a family may be taken, and when it should be. `fits`, `suits` and `runsOn` are
 * true when left out.
 */
export interface VariantRules<Shape> {
  /** Whether the variant can compute these sizes. */
  fits?(shape: Shape): boolean;
  /** Whether the variant is fast at sizes that it fits. */
  suits?(shape: Shape): boolean;
  /** Whether an adapter can run the variant, and other variants are not always faster there. */
  runsOn?(adapter: Adapter): boolean;
  /** Whether the variant is preferred on an adapter that runs it. Left out: it never is. */
  preferredOn?(adapter: Adapter): boolean;
  /** Whether tuning measures the variant on an adapter that runs it. Left out: it does. */
  tunedOn?(adapter: Adapter): boolean;
  /**
   * The variant runs everywhere at a decent speed. It is taken where no preferred variant fits and
   * suits.
   */
  readonly portable?: true;
}

/** Which variants of one family plans take. Plain data, recorded with a run. */
export interface FamilyChoice {
  /**
   * For shapes that were not measured: the first variant that fits and suits, else the first such
   * portable variant, else the last variant here that fits.
   */
  readonly preferred: readonly string[];
  /** The fastest variant of each measured shape, by the key of the shape. */
  readonly measured: Readonly<Record<string, string>>;
  /** Variants found to compute wrong on the adapter: never taken. */
  readonly wrong?: readonly string[];
}

/** Which variants plans take, by the name of the family. Plain data, recorded with a run. */
export type VariantChoices = Readonly<Record<string, FamilyChoice>>;

/**
 * An adapter and the choices made for it. A family without a choice takes its default on the
 * adapter.
 */
export interface ChoosingDevice extends Adapter {
  readonly choices: VariantChoices;
}

/** A computation of one shape, which can be made in any variant of a family that fits. */
export interface Offer<Made> {
  readonly family: Family;
  readonly shape: unknown;
  /** The computation in one variant. */
  readonly in: (variant: string) => Made;
}

/**
 * A computation in several variants. One of them is `plain`, which takes any sizes on any adapter.
 */
export interface Family<Shape = unknown, Own = unknown, Id extends string = string> {
  /** The basename of the family's kernel. */
  readonly name: string;
  readonly variants: Readonly<Record<Id, Own & VariantRules<Shape>>>;
  /** Names of the variants, in the order of their declaration. */
  readonly ids: readonly Id[];
  fits(id: Id, shape: Shape): boolean;
  /** Keys of a shape among measured choices, the most exact first. */
  keysOf(shape: Shape): readonly string[];
  /** The variants that run on an adapter, except where others are always faster. */
  runnableOn(adapter: Adapter): readonly Id[];
  /** The variants that tuning measures on an adapter: runnable ones that may be fast there. */
  tunedOn(adapter: Adapter): readonly Id[];
  /** An adapter's choice where nothing was measured. */
  defaultOn(adapter: Adapter): FamilyChoice;
  /** The portable variants in order of preference, `plain` last. */
  readonly portable: readonly Id[];
  /** The variant for a shape: measured, else preferred, else portable. */
  choose(shape: Shape, choice: FamilyChoice): Id;
  /**
   * A computation in the variant named. Without a name the variant is a portable one, with an offer
   * from which a plan chooses.
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
 * Declares the variants of one computation: how each is made, which shapes it fits and where it is
 * fast. Among several preferred or portable variants, those declared first come first.
 *
 * @param keysOf Keys of a shape among measured choices, the most exact first.
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
    tunedOn: (adapter) =>
      ids.filter((id) => runs(id, adapter) && (variants[id].tunedOn?.(adapter) ?? true)),
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

/** The name of the variant that a device takes for an offer. */
export const variantFor = <Made>({ family, shape }: Offer<Made>, device: ChoosingDevice): string =>
  family.choose(shape, choiceOf(device, family));

/** A device's choice in a family. */
export const choiceOf = (device: ChoosingDevice, family: Family): FamilyChoice =>
  (Object.hasOwn(device.choices, family.name) ? device.choices[family.name] : undefined) ??
  family.defaultOn(device);
