// How the prompts that a method trains on are dealt out to rollouts, epoch after epoch.
import { lastBatchOf, type TaskConfig } from './tasks/registry.ts';

/** The part of a config that decides. */
interface Dealing {
  readonly task: TaskConfig;
  readonly rollout: { readonly prompts: number };
}

/**
 * Rollouts of one data epoch of `prompts` prompts, if no rollout goes past the end of an epoch.
 * Prompts that are fewer than a rollout's are one smaller rollout, for `drop` too: nothing would be
 * trained otherwise. Undefined if rollouts follow one another without regard to epochs.
 */
function rolloutsPerEpoch({ task, rollout }: Dealing, prompts: number): number | undefined {
  const rule = lastBatchOf(task);
  if (rule === undefined) return undefined;
  const rollouts = prompts / rollout.prompts;
  return rule === 'short' ? Math.ceil(rollouts) : Math.max(1, Math.floor(rollouts));
}

/** PPO iterations that complete `epochs` passes over `prompts` prompts. */
export function iterationsFor(config: Dealing, prompts: number, epochs: number): number {
  const whole = rolloutsPerEpoch(config, prompts);
  if (whole !== undefined) return epochs * whole;
  return Math.ceil((epochs * prompts) / config.rollout.prompts);
}

/** The prompts of one rollout, as turns of an endless sequence of data epochs. */
export interface Turns {
  /** Data epoch of the first turn, from 0. */
  readonly epoch: number;
  /** Turn `epoch * prompts + i` is the i-th prompt in the order of that epoch. */
  readonly first: number;
  readonly count: number;
}

/** @param iteration Number of iterations before this one. */
export function turnsOf(config: Dealing, prompts: number, iteration: number): Turns {
  const size = config.rollout.prompts;
  const whole = rolloutsPerEpoch(config, prompts);
  if (whole === undefined) {
    const first = iteration * size;
    return { epoch: Math.floor(first / prompts), first, count: size };
  }
  const epoch = Math.floor(iteration / whole);
  const place = (iteration % whole) * size;
  return { epoch, first: epoch * prompts + place, count: Math.min(size, prompts - place) };
}

/** Prompts of the first `iterations` rollouts of a method on `prompts` prompts, repeats counted. */
export function promptsRolledOut(config: Dealing, prompts: number, iterations: number): number {
  const size = config.rollout.prompts;
  const whole = rolloutsPerEpoch(config, prompts);
  if (whole === undefined) return iterations * size;
  const ofEpoch = (rollouts: number): number => Math.min(prompts, rollouts * size);
  return Math.floor(iterations / whole) * ofEpoch(whole) + ofEpoch(iterations % whole);
}
