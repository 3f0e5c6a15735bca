// Compiles every pipeline of some experiments on this machine's adapter, one after another, and runs
// none: for drivers that print registers and spills of compiled pipelines to standard error.
//
//   node --import ./scripts/ts-hooks.mjs scripts/compile-kernels.ts CONFIG ...
//
// CONFIG is the name of a preset, of a benchmark's size (1m, 10m, 100m) or a file. A pipeline that
// several of them need is compiled once. Standard error shows `#### NAME CONSTANTS` before each
// pipeline, then a line `## HEADER` where it has one, and `FAILED NAME: why` for a pipeline that
// fails; the exit code is then 1, and 2 for bad input.
import type { Dispatch } from '../kernels/lib/kernel.ts';
import { isSize, sizedBuffers } from '../src/bench/sized.ts';
import { badInput } from '../src/cli/arguments.ts';
import { chosenConfig } from '../src/cli/chosen-config.ts';
import { withSizes } from '../src/cli/experiment-sizes.ts';
import { system } from '../src/cli/system.ts';
import { type ExperimentConfig, startsDrawn } from '../src/config.ts';
import { openGpu, type Gpu } from '../src/gpu/device.ts';
import { layoutOf, makePipeline } from '../src/gpu/make-pipeline.ts';
import { phantomGpu } from '../src/gpu/phantom.ts';
import { rewardsOnDevice } from '../src/lim/pool-rewards.ts';
import { scoreMatrix } from '../src/lim/score.ts';
import { presets } from '../src/presets.ts';
import { baseTrainer } from '../src/scheduler/base.ts';
import { allocateExperimentBuffers } from '../src/scheduler/experiment-buffers.ts';
import { select, type SelectionPool } from '../src/selection/method.ts';
import { selectionOf } from '../src/selection/methods.ts';

/** One dispatch for each pipeline that an experiment needs on this kind of adapter. */
const dispatchesOf = async (gpu: Gpu, config: ExperimentConfig): Promise<readonly Dispatch[]> =>
  withSizes(await system(), config, async ({ task, model }) => {
    const like = phantomGpu(gpu.limits, gpu);
    const { matrix } = allocateExperimentBuffers(like, config, task, { model });
    if (startsDrawn(config)) baseTrainer(like, config, task);
    const planned = new Error('planned');
    like.run = () => Promise.reject(planned);
    const untilPlanned = async (computation: Promise<unknown>): Promise<void> => {
      try {
        await computation;
      } catch (error) {
        if (error !== planned) throw error;
      }
    };
    const sums = config.lim.signal === 'accuracy' ? matrix.accuracySums : matrix.rewardSums;
    const signal = { sums, samples: matrix.samples };
    await untilPlanned(scoreMatrix(like, signal, { rule: config.lim.compat }));
    const pool: SelectionPool = {
      prompts: task.poolPrompts,
      seed: 1,
      rewards: rewardsOnDevice(like, signal, config.lim.compat),
      shares: rewardsOnDevice(like, { ...signal, sums: matrix.accuracySums }, config.lim.compat),
      counted: true,
      source: 'this experiment',
    };
    for (const name of config.experiment.methods) {
      const method = selectionOf(name);
      // Other methods compute nothing on the device.
      if (method?.needs.some((need) => need === 'rewards' || need === 'shares')) {
        await untilPlanned(Promise.resolve(select(method, pool, { count: 1 })));
      }
    }
    return like.pipelines.dispatches;
  });

/** Dispatches of a name's pipelines on a device that is opened later. */
async function dispatchesNamed(
  name: string,
): Promise<(gpu: Gpu) => readonly Dispatch[] | Promise<readonly Dispatch[]>> {
  if (isSize(name)) {
    return (gpu) => {
      // Kernels are made for a GPU that holds the size, whatever this adapter can bind.
      const like = phantomGpu(
        { maxBufferSize: 2 ** 32, maxStorageBufferBindingSize: 2 ** 32 },
        gpu,
      );
      sizedBuffers(like, { size: name });
      return like.pipelines.dispatches;
    };
  }
  const [file, preset] = Object.hasOwn(presets, name) ? [undefined, name] : [name, undefined];
  const config = await chosenConfig(name, file, preset);
  return (gpu) => dispatchesOf(gpu, config);
}

async function main(names: readonly string[]): Promise<number> {
  if (names.length === 0) {
    console.error('usage: compile-kernels.ts CONFIG ..., each a preset, a size or a file');
    return 2;
  }
  const wanted = await Promise.all(names.map(dispatchesNamed));
  const gpu = await openGpu({ limits: 'max' });
  console.error(`adapter: ${gpu.name}`);
  const dispatches = new Map<string, Dispatch>();
  for (const dispatchesOn of wanted) {
    for (const dispatch of await dispatchesOn(gpu)) {
      const { kernel, header, constants } = dispatch;
      const key = JSON.stringify([kernel.name, header, constants]);
      if (!dispatches.has(key)) dispatches.set(key, dispatch);
    }
  }
  let failed = 0;
  for (const dispatch of dispatches.values()) {
    const { kernel, header, constants } = dispatch;
    console.error(`#### ${kernel.name} ${JSON.stringify(constants)}`);
    if (header !== '') console.error(`## ${header.replaceAll('\n', ' ')}`);
    try {
      await makePipeline(gpu, dispatch, layoutOf(gpu.device, kernel));
    } catch (error) {
      console.error(
        `FAILED ${kernel.name}: ${error instanceof Error ? error.message : String(error)}`,
      );
      failed = 1;
    }
  }
  return failed;
}

let code: number;
try {
  code = await main(process.argv.slice(2));
} catch (error) {
  if (!(error instanceof Error && badInput.has(error.name))) throw error;
  console.error(error.message);
  code = 2;
}
// Exits without waiting: no work was submitted, and some drivers never end such a wait.
process.exit(code);
