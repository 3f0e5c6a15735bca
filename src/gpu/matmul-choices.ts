import type { MatmulChoices } from '../../kernels/lib/matmul-variants.ts';

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
  if (adapter.kind === 'gpu') return { preferred: 'workgroup', measured: {} };
  return { preferred: subgroupLanes(adapter) >= 8 ? 'subgroup' : 'registers', measured: {} };
}
