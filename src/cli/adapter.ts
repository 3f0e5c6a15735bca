import { openGpu, type AdapterChoice, type Gpu, type GpuOptions } from '../gpu/device.ts';
import { system } from './system.ts';

/**
 * The device of a computing command. Its adapter is named on stderr; without one the command ends
 * with exit code 1, for there is no other way to compute.
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
  await host.stderr(`adapter: ${gpu.name} (${kind})\n`);
  return gpu;
}
