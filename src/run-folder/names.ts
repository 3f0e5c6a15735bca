// The names of a run's files, all of them paths from its folder with `/` between parts.
import type { MethodName } from '../vocabulary/methods.ts';

/** Config and seeds, as the run was started. */
export const CONFIG = 'config.json';
/** One line per update. */
export const METRICS = 'metrics.jsonl';
/** What was told while the run went, in order. */
export const EVENTS = 'events.jsonl';
export const RESULTS = 'results.json';
export const REPORT = 'report.html';
export const CHECKPOINTS = 'checkpoints';
/** Names the newest checkpoint. */
export const LATEST = `${CHECKPOINTS}/latest.json`;
/** `LATEST` as it was one checkpoint ago. */
export const PREVIOUS = `${CHECKPOINTS}/previous.json`;
/** Of the first seed. */
export const REWARDS = 'rewards.safetensors';
/** Of the first seed. */
export const SCORES = 'scores.json';
export const SUBSETS = 'subsets';
export const COMPLETIONS = 'completions';
/** Who works in the folder. */
export const LOCK = '.lock';

/** Files of one seed's FULL pass. */
export interface SeedFiles {
  /** The reward matrix, prompts by epochs. */
  readonly rewards: string;
  /** Every prompt with its key, score and curve. */
  readonly scores: string;
  /** The prompts that a method trains on. */
  readonly subset: (method: MethodName) => string;
}

/**
 * The first seed's files have plain names, those of every other seed end with it.
 *
 * @param seeds All seeds of the run, in its order.
 * @throws RangeError for a seed that is none of them.
 */
export function seedFiles(seed: number, seeds: readonly number[]): SeedFiles {
  if (!seeds.includes(seed)) throw new RangeError(`seed ${seed} is none of ${seeds.join(', ')}`);
  const suffix = seed === seeds[0] ? '' : `-seed-${seed}`;
  const named = (path: string): string => path.replace(/(?=\.\w+$)/, suffix);
  return {
    rewards: named(REWARDS),
    scores: named(SCORES),
    subset: (method) => named(`${SUBSETS}/${method}.json`),
  };
}

/** What FULL sampled in one data epoch. */
export const completionsFile = (seed: number, epoch: number): string =>
  `${COMPLETIONS}/seed-${seed}-epoch-${epoch}.jsonl`;

/** Where a run stands at a checkpoint. */
export interface CheckpointPlace {
  /** Place of the seed among the run's. */
  readonly seedIndex: number;
  /** A method, or `base` while that is made. */
  readonly method: string;
  /** Updates of it done. */
  readonly update: number;
}

/** A checkpoint's name without folder and ending. */
export const checkpointName = ({ seedIndex, method, update }: CheckpointPlace): string =>
  `seed-${seedIndex}-${method}-${update}`;

/** A checkpoint's file; one whose name is taken gets another `attempt`. */
export const checkpointFile = (name: string, attempt = 1): string =>
  `${CHECKPOINTS}/${name}${attempt === 1 ? '' : `_${attempt}`}.safetensors`;

/** Whether a path can be a checkpoint's. */
export const isCheckpointFile = (path: string): boolean =>
  new RegExp(`^${CHECKPOINTS}/[\\w-]+\\.safetensors$`).test(path);

/** Where the run stands at a checkpoint, by its file's name. */
export function placeOfCheckpoint(path: string): CheckpointPlace | undefined {
  const found = /^checkpoints\/seed-(\d+)-([a-z\d-]+)-(\d+)(?:_\d+)?\.safetensors$/.exec(path);
  if (!found) return undefined;
  const [, seedIndex = '', method = '', update = ''] = found;
  return { seedIndex: Number(seedIndex), method, update: Number(update) };
}

/** Whether a file, by its name alone, is what a killed run or command was still writing. */
export const isLeftOver = (name: string): boolean =>
  /^[a-z][\w-]*\.(?:json|jsonl|safetensors|html)(?:\.\d+)?\.part(?:ial)?$/.test(name) ||
  /^\.lock\.[\w-]+\.(?:part|stale)$/.test(name);
