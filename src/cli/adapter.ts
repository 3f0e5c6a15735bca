import { openGpu, type AdapterChoice, type Gpu, type GpuOptions } from '../gpu/device.ts';
import { useTuned } from '../gpu/matmul-choices.ts';
import { dropWrongVariants, type KernelUse } from '../gpu/self-check.ts';
import { hostName } from '../host-name.ts';
import { system } from './system.ts';
import { readTuned } from './tuned.ts';

/**
 * The device of a computing command, with the kernels that were fastest on it if it was tuned. Its
 * adapter is named on stderr; without one the command ends with exit code 1, for there is no other way
 * to compute.
 *
 * @param use Of a model: the kernels are checked first, and those that compute wrong on the device
 *   are replaced and named on stderr.
 */
export async function openCommandGpu(
  args: { readonly adapter?: string },
  use?: KernelUse,
  options: Omit<GpuOptions, 'adapter'> = {},
): Promise<Gpu> {
  const host = await system();
  await host.doing?.('opening the adapter');
  const gpu = await openGpu({
    limits: 'max',
    ...options,
    adapter: (args.adapter ?? 'auto') as AdapterChoice,
  });
  const kind = gpu.kind === 'cpu' ? 'software adapter' : 'GPU';
  const tuned = useTuned(gpu, hostName(), await readTuned()) ? ', tuned' : '';
  await host.stderr(`adapter: ${gpu.name} (${kind}${tuned})\n`);
  try {
    if (use) await checkKernels(gpu, use);
  } catch (error) {
    await gpu.close();
    throw error;
  }
  return gpu;
}

/** Work on the device of a computing command, which is closed however the work ends. */
export async function withCommandGpu<Result>(
  args: { readonly adapter?: string },
  use: KernelUse | undefined,
  work: (gpu: Gpu) => Promise<Result>,
): Promise<Result> {
  const gpu = await openCommandGpu(args, use);
  try {
    return await work(gpu);
  } finally {
    await gpu.close();
  }
}

/** Checks the kernels that a model needs; those that compute wrong are replaced, named on stderr. */
export async function checkKernels(gpu: Gpu, use: KernelUse): Promise<void> {
  const host = await system();
  await host.doing?.('checking the kernels');
  for (const text of await dropWrongVariants(gpu, use)) await host.stderr(`warning: ${text}\n`);
}
