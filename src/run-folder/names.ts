// The names of a run's files, as paths relative to its folder, with `/` between parts.
import { isSubsetFile, lettersOf, pathOfSubset } from '../selection/file.ts';
import { isTaughtFile, pathOfTaught } from '../selection/sft.ts';
import type { MethodName } from '../selection/methods.ts';

/** The config and the seeds that the run was started with. */
export const CONFIG = 'config.json';
/** The files that the config names, with their digests; absent if it names none. */
export const INPUTS = 'inputs.json';
/** The model that the run started from, with digests of its files; absent for a drawn model. */
export const BASE = 'base.json';
/** One line per update. */
export const METRICS = 'metrics.jsonl';
/** The events of the run, in order. */
export const EVENTS = 'events.jsonl';
export const RESULTS = 'results.json';
export const REPORT = 'report.html';
export const CHECKPOINTS = 'checkpoints';
/** The pointer to the newest checkpoint. */
export const LATEST = `${CHECKPOINTS}/latest.json`;
/** The content of `LATEST` before the newest checkpoint. */
export const PREVIOUS = `${CHECKPOINTS}/previous.json`;
/** The rewards of the first seed. */
export const REWARDS = 'rewards.safetensors';
/** The scores of the first seed. */
export const SCORES = 'scores.json';
export const SUBSETS = 'subsets';
/** Reward matrices of online methods. */
export const ONLINE = 'online';
export const COMPLETIONS = 'completions';
/** The folders of files inside a run's folder. */
export const runFolders = [CHECKPOINTS, SUBSETS, COMPLETIONS, ONLINE] as const;
/** The rows of the task's files that are none of its prompts, and why; absent if there are none. */
export const LEFT_OUT = 'left-out.json';
/** What a user calls the run, and notes of it; absent where that is nothing. */
export const LABEL = 'label.json';
/** Tells which process works in the folder. */
export const LOCK = '.lock';

/** A method's part of the names of files: one with a file has letters in place of the file's path. */
export function methodFileName(method: MethodName): string {
  if (isSubsetFile(method)) return `file-${lettersOf(pathOfSubset(method))}`;
  return isTaughtFile(method) ? `sft-${lettersOf(pathOfTaught(method))}` : method;
}

/** Files of one seed's FULL pass. */
export interface SeedFiles {
  /** The reward matrix, prompts by epochs. */
  readonly rewards: string;
  /** Every prompt with its key, score and curve. */
  readonly scores: string;
  /** The prompts that a method trains on. */
  readonly subset: (method: MethodName) => string;
  /** The reward matrix of an online method, with the number of samples behind each mean. */
  readonly online: (method: MethodName) => string;
}

/**
 * Names of one seed's files. The first seed's files have plain names. The names of other seeds'
 * files end with the seed.
 *
 * @param seeds All seeds of the run, in order.
 * @throws RangeError if `seed` is not one of them.
 */
export function seedFiles(seed: number, seeds: readonly number[]): SeedFiles {
  if (!seeds.includes(seed)) throw new RangeError(`seed ${seed} is none of ${seeds.join(', ')}`);
  const suffix = seed === seeds[0] ? '' : `-seed-${seed}`;
  const named = (path: string): string => path.replace(/(?=\.\w+$)/, suffix);
  return {
    rewards: named(REWARDS),
    scores: named(SCORES),
    subset: (method) => named(`${SUBSETS}/${methodFileName(method)}.json`),
    online: (method) => named(`${ONLINE}/${methodFileName(method)}.safetensors`),
  };
}

/** The model folder of a base that was drawn, from which every training of the run has started. */
export const BASE_MODEL = 'model-base';
/** The value function, in the model folder of what a method has trained of a drawn model. */
export const CRITIC = 'critic.safetensors';

/**
 * The folder of what a method has trained: adapters in PEFT's layout, or a whole model. FULL of the
 * first seed has the plain name.
 *
 * @throws RangeError if `seed` is not one of the run's seeds.
 */
export function trainedFolder(
  what: 'adapter' | 'model',
  method: MethodName,
  seed: number,
  seeds: readonly number[],
): string {
  if (!seeds.includes(seed)) throw new RangeError(`seed ${seed} is none of ${seeds.join(', ')}`);
  const ofMethod = method === 'full' ? '' : `-${methodFileName(method)}`;
  return `${what}${ofMethod}${seed === seeds[0] ? '' : `-seed-${seed}`}`;
}

/** The responses that FULL sampled in one data epoch. */
export const completionsFile = (seed: number, epoch: number): string =>
  `${COMPLETIONS}/seed-${seed}-epoch-${epoch}.jsonl`;

/** The responses that another method than FULL was trained on. */
export const methodCompletionsFile = (seed: number, method: MethodName): string =>
  `${COMPLETIONS}/seed-${seed}-${methodFileName(method)}.jsonl`;

/** The position of a run at a checkpoint. */
export interface CheckpointPlace {
  /** Index of the seed among the seeds of the run. */
  readonly seedIndex: number;
  /** The file name of a method, or `base` during pre-training. */
  readonly method: string;
  /** Number of updates of the method, or of pre-training, that are done. */
  readonly update: number;
}

/** A checkpoint's name, without folder and extension. */
export const checkpointName = ({ seedIndex, method, update }: CheckpointPlace): string =>
  `seed-${seedIndex}-${method}-${update}`;

/** The path of a checkpoint's file. If the name is taken, use another `attempt`. */
export const checkpointFile = (name: string, attempt = 1): string =>
  `${CHECKPOINTS}/${name}${attempt === 1 ? '' : `_${attempt}`}.safetensors`;

/** Whether a path can belong to a checkpoint. */
export const isCheckpointFile = (path: string): boolean =>
  new RegExp(`^${CHECKPOINTS}/[\\w-]+\\.safetensors$`).test(path);

/** The position of the run at a checkpoint, from the file's name; undefined for another file. */
export function placeOfCheckpoint(path: string): CheckpointPlace | undefined {
  const found = /^checkpoints\/seed-(\d+)-([a-z\d-]+)-(\d+)(?:_\d+)?\.safetensors$/.exec(path);
  if (!found) return undefined;
  const [, seedIndex = '', method = '', update = ''] = found;
  return { seedIndex: Number(seedIndex), method, update: Number(update) };
}

/** Whether a file's name shows that a killed run or command was still writing it. */
export const isLeftOver = (name: string): boolean =>
  /^[a-z][\w-]*\.(?:json|jsonl|safetensors|html)(?:\.\d+)?\.part(?:ial)?$/.test(name) ||
  /^\.lock\.[\w-]+\.(?:part|stale|taking)$/.test(name);
