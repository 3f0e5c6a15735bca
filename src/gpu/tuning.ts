import type { MatmulChoices } from '../../kernels/lib/matmul-variants.ts';
import type { Gpu } from './device.ts';

/** Fewest lanes a subgroup of this device has; 0 where it has no subgroups or does not say. */
export function subgroupLanes(gpu: Gpu): number {
  if (!gpu.features.has('subgroups')) return 0;
  return (gpu.info as { readonly subgroupMinSize?: number }).subgroupMinSize ?? 0;
}

/** What to run on this class of adapter where nothing was measured. */
export function defaultMatmulChoices(gpu: Gpu): MatmulChoices {
  if (gpu.kind === 'gpu') return { preferred: 'workgroup', measured: {} };
  return { preferred: subgroupLanes(gpu) >= 8 ? 'subgroup' : 'registers', measured: {} };
}
