import { openGpu, type AdapterChoice, type Gpu, type GpuOptions } from '../gpu/device.ts';
import { hostName } from '../host-name.ts';
import { choicesOf, unrunnable, useTuned } from '../variants/choices.ts';
import { type KernelUse, replaceWrongVariants } from '../variants/self-check.ts';
import { onLastingDevice, reopeningText } from '../workers/device-recovery.ts';
import { system } from './system.ts';
import { readTuned } from './tuned.ts';

/**
 * Opens the device of a computing command. A tuned device gets the kernels that were fastest on it.
 * The command names the adapter on stderr. Without an adapter the command ends with exit code 1:
 * there is no other way to compute.
 *
 * @param use The model's use of kernels. The command checks those kernels first, replaces each
 *   kernel that computes wrong on the device, and names the replaced kernels on stderr.
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

/**
 * Runs work on the device of a computing command. When the device is lost, the work continues on a
 * new device with the same kernels, so that it gives the same bits. If the new device cannot run
 * those kernels, or has another name, a warning on stderr says so.
 */
export async function withLastingGpu<Result>(
  args: { readonly adapter?: string },
  use: KernelUse,
  work: (gpu: Gpu) => Promise<Result>,
): Promise<Result> {
  const host = await system();
  let before: Pick<Gpu, 'name' | 'choices'> | undefined;
  const prepare = async (gpu: Gpu): Promise<void> => {
    if (!before) {
      await checkKernels(gpu, use);
      before = { name: gpu.name, choices: choicesOf(gpu) };
      return;
    }
    const { name, choices: wanted } = before;
    const missing = unrunnable(gpu, wanted);
    if (missing === undefined) gpu.choices = wanted;
    if (missing === undefined && gpu.name === name) return;
    const variant = missing
      ? `, which cannot run ${missing.family} in variant '${missing.variant}'`
      : '';
    await host.stderr(
      `warning: goes on on another adapter${variant}, before on ${name}; bit-for-bit no longer holds\n`,
    );
  };
  const result = await onLastingDevice({
    open: () => openCommandGpu(args),
    work: async (gpu) => {
      await prepare(gpu);
      return { value: await work(gpu) };
    },
    rest: async (reopening) => {
      await host.stderr(`warning: ${reopeningText(reopening)}\n`);
      await new Promise((resolve) => setTimeout(resolve, reopening.seconds * 1000));
      return true;
    },
  });
  if (!result) throw new Error('the work was ended while it waited for a device');
  return result.value;
}

/** Checks the kernels that a model needs. Replaces each wrong kernel and names it on stderr. */
export async function checkKernels(gpu: Gpu, use: KernelUse): Promise<void> {
  const host = await system();
  await host.doing?.('checking the kernels');
  for (const text of await replaceWrongVariants(gpu, use)) await host.stderr(`warning: ${text}\n`);
}
