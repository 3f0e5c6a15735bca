import { shippedBases } from '../bases/shipped.ts';
import type { ExperimentConfig } from '../config.ts';
import type { AdapterChoice } from '../gpu/device.ts';
import { failureIn } from '../results.ts';
import { inputTexts } from '../run-folder/inputs.ts';
import { CONFIG, isLeftOver, runFolders } from '../run-folder/names.ts';
import { runFileText } from '../run-folder/run-file.ts';
import { weightsFolders } from '../run-folder/weights.ts';
import type { StartedRun } from '../workers/protocol.ts';
import type { Trainer } from '../workers/trainer.ts';
import { inFolder } from './run-store.ts';
import type { System } from './system.ts';
import { readTuned } from './tuned.ts';

/** A run and its folder. */
export interface FolderRun {
  readonly out: string;
  readonly config: ExperimentConfig;
  readonly seeds: readonly number[];
  /** Bytes of GPU buffers that the run may take; undefined if nothing limits it. */
  readonly memory?: number | undefined;
  /** The run goes on: its folder has its config. */
  readonly resumed?: boolean;
  /** As in `StartRequest`. */
  readonly keepWeights?: boolean;
}

/**
 * Opens a run in its folder, paused before its first iteration. The folder of a new run then holds
 * its config.
 *
 * @param asked Called when the trainer was asked to start: from then on it can be stopped.
 * @throws The errors of `TrainerApi.start`.
 */
export async function openInFolder(
  host: System,
  trainer: Trainer,
  run: FolderRun,
  adapter: AdapterChoice,
  asked: () => void = () => undefined,
): Promise<StartedRun> {
  const { out, config, seeds, memory, resumed = false, keepWeights = true } = run;
  const [bases, tuned] = [await shippedBases(config), await readTuned()];
  const starting = trainer.api.start(
    inFolder(host, out, {
      config,
      seeds,
      resume: resumed,
      ...(memory === undefined ? {} : { memory }),
      adapter,
      bases,
      tuned,
      // Waits until the folder holds its config.
      paused: true,
      keepWeights,
    }),
  );
  asked();
  const started = await starting;
  if (!resumed) {
    for (const [file, text] of inputTexts(started.inputs)) await host.write(`${out}/${file}`, text);
    // Last: a folder with a config holds a run.
    const text = await runFileText(config, seeds, { inputs: started.inputs, memory });
    await host.write(`${out}/${CONFIG}`, text);
  }
  return started;
}

/** Removes files that a killed run or command was still writing. */
export async function clearLeftOvers(
  host: System,
  { out, config, seeds }: Pick<FolderRun, 'out' | 'config' | 'seeds'>,
): Promise<void> {
  const weights = weightsFolders(config, seeds).map(({ folder }) => folder);
  for (const folder of [out, ...[...runFolders, ...weights].map((name) => `${out}/${name}`)]) {
    if ((await host.info(folder))?.kind !== 'directory') continue;
    for (const name of await host.list(folder)) {
      if (isLeftOver(name)) await host.remove(`${folder}/${name}`);
    }
  }
}

/**
 * Rebuilds an error of the trainer, which crossed as text. The error's name decides the exit code.
 */
export function failureOf(text: string): Error {
  const { name, words } = failureIn(text);
  return Object.assign(new Error(words), { name });
}
