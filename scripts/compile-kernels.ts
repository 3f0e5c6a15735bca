// Compiles every pipeline of an experiment on this machine's adapter, one after another, and runs
// none: for drivers that print registers and spills of compiled pipelines to standard error.
//
//   node --import ./scripts/ts-hooks.mjs scripts/compile-kernels.ts CONFIG
//
// CONFIG is the name of a preset or a file. Standard error shows `#### NAME CONSTANTS` before each
// pipeline, and `FAILED NAME: why` for a pipeline that fails; the exit code is then 1.
import { readFile } from 'node:fs/promises';
import type { Dispatch } from '../kernels/lib/kernel.ts';
import { configFrom, type ExperimentConfig, startsDrawn } from '../src/config.ts';
import { isRecord } from '../src/formats/json.ts';
import { openGpu, type Gpu } from '../src/gpu/device.ts';
import { layoutOf, makePipeline } from '../src/gpu/make-pipeline.ts';
import { phantomGpu } from '../src/gpu/phantom.ts';
import { scoreMatrix } from '../src/lim/score.ts';
import { presets } from '../src/presets.ts';
import { baseTrainer } from '../src/scheduler/base.ts';
import { allocateExperimentBuffers } from '../src/scheduler/experiment-buffers.ts';
import { openTask } from '../src/tasks/registry.ts';

async function readConfig(name: string): Promise<ExperimentConfig> {
  if (Object.hasOwn(presets, name)) return configFrom(name, undefined, name);
  const given: unknown = JSON.parse(await readFile(name, 'utf8'));
  if (!isRecord(given)) throw new Error(`${name}: must hold an object`);
  const { preset = 'quick' } = given;
  if (typeof preset !== 'string') throw new Error(`${name}: preset must be a text`);
  return configFrom(preset, given, name);
}

/** One dispatch for each pipeline that an experiment needs on this kind of adapter. */
async function dispatchesOf(gpu: Gpu, config: ExperimentConfig): Promise<readonly Dispatch[]> {
  const like = phantomGpu(gpu.limits, gpu);
  const task = await openTask(config.task);
  const { matrix } = allocateExperimentBuffers(like, config, task);
  if (startsDrawn(config)) baseTrainer(like, config, task);
  const planned = new Error('planned');
  like.run = () => Promise.reject(planned);
  const sums = config.lim.signal === 'accuracy' ? matrix.accuracySums : matrix.rewardSums;
  try {
    await scoreMatrix(like, { sums, samples: matrix.samples }, { rule: config.lim.compat });
  } catch (error) {
    if (error !== planned) throw error;
  }
  return like.pipelines.dispatches;
}

const [name, ...more] = process.argv.slice(2);
if (name === undefined || more.length > 0) {
  console.error('usage: compile-kernels.ts CONFIG, a preset or a file');
  process.exit(2);
}
const config = await readConfig(name);
const gpu = await openGpu({ limits: 'max' });
console.error(`adapter: ${gpu.name}`);
for (const dispatch of await dispatchesOf(gpu, config)) {
  const { kernel, constants } = dispatch;
  console.error(`#### ${kernel.name} ${JSON.stringify(constants)}`);
  try {
    await makePipeline(gpu, dispatch, layoutOf(gpu.device, kernel));
  } catch (error) {
    console.error(
      `FAILED ${kernel.name}: ${error instanceof Error ? error.message : String(error)}`,
    );
    process.exitCode = 1;
  }
}
// Exits without waiting: no work was submitted, and some drivers never end such a wait.
process.exit();
