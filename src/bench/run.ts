import type { Gpu } from '../gpu/device.ts';
import { benchKernels } from './kernels.ts';
import { benchLim } from './lim.ts';
import { benchPpo } from './ppo.ts';
import type { Bench, BenchOptions, BenchRecord, SuiteName } from './record.ts';
import { measureRoofs, type Roofs } from './roofs.ts';
import { benchRollout } from './rollout.ts';
import { benchRoof } from './roof.ts';
import { isSized, type Sized, sizedSuites } from './sized.ts';
import { benchTrain } from './train.ts';

/** `bench.json`. */
export interface BenchResult {
  readonly schema: 1;
  readonly adapter: string;
  readonly host: string;
  readonly roofs: Roofs;
  readonly records: readonly BenchRecord[];
}

const suites: Readonly<Record<SuiteName, (bench: Bench) => Promise<void>>> = {
  roof: benchRoof,
  kernels: benchKernels,
  train: benchTrain,
  rollout: benchRollout,
  lim: benchLim,
  ppo: benchPpo,
};

/**
 * Measures parts of the engine one after another.
 *
 * @param options.report Called with each record as soon as it is measured.
 * @param options.sized The size at which the suites in `sizedSuites` are measured.
 */
export async function runBench(
  gpu: Gpu,
  wanted: readonly SuiteName[],
  options: BenchOptions & {
    readonly host: string;
    readonly report: (record: BenchRecord) => Promise<void> | void;
    readonly sized?: Sized | undefined;
  },
): Promise<BenchResult> {
  const records: BenchRecord[] = [];
  const roofs = await measureRoofs(gpu, options);
  const bench: Bench = {
    ...options,
    gpu,
    roofs,
    report: async (record) => {
      records.push(record);
      await options.report(record);
    },
  };
  const { sized } = options;
  for (const [name, suite] of Object.entries(suites) as [SuiteName, (typeof suites)['lim']][]) {
    if (!wanted.includes(name)) continue;
    if (!sized) await suite(bench);
    else if (isSized(name)) await sizedSuites[name](bench, sized);
  }
  return { schema: 1, adapter: gpu.name, host: options.host, roofs, records };
}
