import { startsFromFolder } from '../config.ts';
import type { PpoTrainer } from '../ppo/trainer.ts';
import { RandomStream } from '../random.ts';
import { type Turns, turnsOf } from '../rollout-order.ts';
import { responseLimit } from '../run-plan.ts';
import type { UpdateRecord } from '../results.ts';
import { methodCode, type MethodName } from '../selection/methods.ts';
import type { CompletionLog } from './completion-log.ts';
import {
  completionsIn,
  type SampledGroups,
  sampleGroups,
  type SamplingTools,
} from './sampled-groups.ts';

/** The objects that the iterations of a seed use. */
export interface IterationTools extends SamplingTools {
  readonly trainer: PpoTrainer;
  /** Receives the responses that the method samples. */
  readonly completions: CompletionLog;
}

/** The iteration to do. */
export interface IterationPlace {
  readonly method: MethodName;
  /** Places in the pool of the prompts that the method trains on. */
  readonly prompts: readonly number[];
  /** Iterations of the method before this one. */
  readonly iteration: number;
}

/**
 * Does one PPO iteration: prompts in order, a rollout, its rewards, advantages, and the update. For
 * FULL, the rewards also enter their column of the reward matrix on the device.
 *
 * @throws NonFiniteUpdateError if the update is not finite.
 */
export async function iterate(tools: IterationTools, place: IterationPlace): Promise<UpdateRecord> {
  const { pool, trainer } = tools;
  const { rollout } = tools.config;
  const { seed } = pool;
  const { method, prompts, iteration } = place;
  const code = methodCode(method);
  const started = performance.now();

  // Order: consecutive places of an endless shuffle, epoch after epoch.
  const turns = turnsOf(tools.config, prompts.length, iteration);
  const { epoch } = turns;
  // FULL may go on: the matrix has columns for its first epochs alone.
  const scored = method === 'full' && epoch < tools.config.experiment.epochs;
  const indices = promptsInOrder(seed, place, turns);

  // Rollout and reward.
  const sampled = await sampleGroups(tools, {
    prompts: indices,
    samples: rollout.samples,
    seed: new RandomStream(seed, 'sampling', code, iteration).next(),
    maxNewTokens: responseLimit(tools.config, iteration),
  });
  if (scored || method !== 'full') remember(tools, sampled, { epoch, step: iteration + 1 });

  // Advantages, and the update from them.
  const { groups, verdicts, failures, stopped, rolloutMs, verifyMs } = sampled;
  const verified = performance.now();
  const metrics = await trainer.update(groups, verdicts, {
    seed: new RandomStream(seed, 'minibatchOrder', code).next(),
    iteration,
    ...(scored ? { column: epoch } : {}),
  });
  const updated = performance.now();

  // Record.
  const tokens = groups.flatMap(({ responses }) => responses).reduce(addLength, 0);
  return {
    seed,
    method,
    update: iteration + 1,
    epoch,
    metrics: {
      ...metrics,
      ...(startsFromFolder(tools.config) ? { cut_share: cutShare([stopped]) } : {}),
      verifier_failures: failures,
      tokens_per_second: (tokens / (updated - started)) * 1000,
      step_ms: updated - started,
      rollout_ms: rolloutMs,
      verify_ms: verifyMs,
      update_ms: updated - verified,
    },
  };
}

export const addLength = (sum: number, { length }: ArrayLike<number>): number => sum + length;

/**
 * Share of responses that did not end by themselves.
 *
 * @param stopped 1 for a response that did.
 */
export function cutShare(stopped: readonly Uint8Array[]): number {
  const ended = stopped.reduce((sum, one) => one.reduce((own, flag) => own + flag, sum), 0);
  return 1 - ended / stopped.reduce(addLength, 0);
}

/** Keeps responses for people to look at. */
function remember(
  { pool, completions }: IterationTools,
  sampled: SampledGroups,
  { epoch, step }: { readonly epoch: number; readonly step: number },
): void {
  for (const [i, { promptIndex: index }] of sampled.groups.entries()) {
    const { text, id } = pool.at(index);
    completions.remember(epoch, { index, text, id, step }, completionsIn(sampled, i));
  }
}

/**
 * The prompts of one iteration, from an endless shuffle in which each data epoch has its own order.
 */
function promptsInOrder(
  seed: number,
  { method, prompts }: IterationPlace,
  { first, count }: Turns,
): number[] {
  const orders = new Map<number, readonly number[]>();
  const orderOf = (epoch: number): readonly number[] => {
    const known = orders.get(epoch);
    if (known) return known;
    const stream = new RandomStream(seed, 'promptOrder', methodCode(method), epoch);
    const order = stream.shuffle([...prompts]);
    orders.set(epoch, order);
    return order;
  };
  return Array.from({ length: count }, (_, i) => {
    const turn = first + i;
    const prompt = orderOf(Math.floor(turn / prompts.length))[turn % prompts.length];
    if (prompt === undefined) throw new RangeError(`${method} has no prompts to train on`);
    return prompt;
  });
}
