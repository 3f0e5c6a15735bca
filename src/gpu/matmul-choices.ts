import {
  isSplit,
  type MatmulChoices,
  type MatmulVariant,
  matmulVariants,
  type SplitVariant,
} from '../../kernels/lib/matmul-variants.ts';

/** What the choice depends on: an open `Gpu` has it. */
interface Adapter {
  readonly kind: 'cpu' | 'gpu';
  readonly features: GPUSupportedFeatures;
  readonly info: GPUAdapterInfo;
}

/** Fewest lanes a subgroup of this device has; 0 where it has no subgroups or does not say. */
export function subgroupLanes({ features, info }: Pick<Adapter, 'features' | 'info'>): number {
  if (!features.has('subgroups')) return 0;
  return (info as { readonly subgroupMinSize?: number }).subgroupMinSize ?? 0;
}

/** What to run on this class of adapter where nothing was measured. */
export function defaultMatmulChoices(adapter: Adapter): MatmulChoices {
  if (adapter.kind === 'gpu') {
    return { preferred: 'workgroup', fewTiles: ['split32', 'split16'], measured: {} };
  }
  const fastest = (['subgroup', 'quad'] as const).find((variant) => runs(variant, adapter));
  return { preferred: fastest ?? 'registers', measured: {} };
}

/** `quad` would be right with more lanes too, where `subgroup` is faster and both compile slowly. */
function runs(variant: MatmulVariant, gpu: Pick<Adapter, 'features' | 'info'>): boolean {
  const lanes = subgroupLanes(gpu);
  if (variant === 'subgroup') return lanes >= 8;
  return variant !== 'quad' || (lanes >= 4 && lanes < 8);
}

/** Measured choices of several adapters, by `tuningKey`. Plain data. */
export type TunedMatmuls = Readonly<Record<string, MatmulChoices>>;

/**
 * What measured choices are kept under: an adapter as one implementation of WebGPU drives it.
 *
 * @param host As `hostName` gives it; its version does not count.
 */
export const tuningKey = (gpu: { readonly name: string }, host: string): string =>
  `${host.split(' ')[0] ?? ''}: ${gpu.name}`;

/** The variants that compute right on a device, without what is for other adapters alone. */
export const runnableVariants = (
  gpu: Pick<Adapter, 'features' | 'info'>,
): readonly MatmulVariant[] => matmulVariants.filter((variant) => runs(variant, gpu));

/** The first variant among some choices that a device cannot run. */
export function unrunnable(
  gpu: Pick<Adapter, 'features' | 'info'>,
  { preferred, fewTiles = [], measured }: MatmulChoices,
): MatmulVariant | undefined {
  const can = runnableVariants(gpu);
  return [preferred, ...fewTiles, ...Object.values(measured)].find(
    (variant) => !can.includes(variant),
  );
}

const isVariant = (value: unknown): value is MatmulVariant =>
  (matmulVariants as readonly unknown[]).includes(value);

const isSplits = (value: unknown): value is readonly SplitVariant[] =>
  Array.isArray(value) && value.every((entry) => isVariant(entry) && isSplit(entry));

const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** Choices as read from a file; undefined where it holds something else. */
export function asMatmulChoices(value: unknown): MatmulChoices | undefined {
  if (!isRecord(value)) return undefined;
  const { preferred, fewTiles, measured } = value;
  if (!isVariant(preferred) || !isRecord(measured)) return undefined;
  if (fewTiles !== undefined && !isSplits(fewTiles)) return undefined;
  const entries = Object.entries(measured).flatMap(([key, variant]) =>
    isVariant(variant) ? [[key, variant] as const] : [],
  );
  if (entries.length !== Object.keys(measured).length) return undefined;
  return {
    preferred,
    ...(fewTiles && { fewTiles }),
    measured: Object.fromEntries(entries),
  };
}

/** Makes a device use what was measured on it before, if anything was. @returns Whether it does. */
export function useTuned(
  gpu: Adapter & { readonly name: string; matmulChoices: MatmulChoices },
  host: string,
  tuned: TunedMatmuls,
): boolean {
  const key = tuningKey(gpu, host);
  const choices = Object.hasOwn(tuned, key) ? tuned[key] : undefined;
  if (!choices || unrunnable(gpu, choices)) return false;
  gpu.matmulChoices = choices;
  return true;
}
