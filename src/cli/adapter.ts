import { openGpu, type AdapterChoice, type Gpu, type GpuOptions } from '../gpu/device.ts';
import { useTuned } from '../gpu/matmul-choices.ts';
import { hostName } from '../workers/host-name.ts';
import { system } from './system.ts';
import { readTuned } from './tuned.ts';

/**
 * The device of a computing command, with the kernels that were fastest on it if it was tuned. Its
 * adapter is named on stderr; without one the command ends with exit code 1, for there is no other way
 * to compute.
 */
export async function openCommandGpu(
  args: { readonly adapter?: string },
  options: Omit<GpuOptions, 'adapter'> = {},
): Promise<Gpu> {
  const gpu = await openGpu({
    limits: 'max',
    ...options,
    adapter: (args.adapter ?? 'auto') as AdapterChoice,
  });
  const host = await system();
  const kind = gpu.kind === 'cpu' ? 'software adapter' : 'GPU';
  const tuned = useTuned(gpu, hostName(), await readTuned()) ? ', tuned' : '';
  await host.stderr(`adapter: ${gpu.name} (${kind}${tuned})\n`);
  return gpu;
}
