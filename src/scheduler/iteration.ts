import { type ExperimentConfig, startsFromFolder } from '../config.ts';
import type { PpoTrainer } from '../ppo/trainer.ts';
import { RandomStream } from '../random.ts';
import { type Turns, turnsOf } from '../rollout-order.ts';
import type { UpdateRecord } from '../results.ts';
import type { Sampler } from '../rollout/batched-decoder.ts';
import { endsOf, type Task } from '../tasks/task.ts';
import { verifyRequest } from '../tasks/verification.ts';
import { methodCode, type MethodName } from '../selection/methods.ts';
import type { CompletionLog } from './completion-log.ts';
import type { Verifier } from './evaluator.ts';
import type { Pool } from './pool.ts';

/** The objects that the iterations of a seed use. */
export interface IterationTools {
  readonly config: ExperimentConfig;
  readonly task: Task;
  readonly pool: Pool;
  readonly decoder: Sampler;
  readonly trainer: PpoTrainer;
  readonly verify: Verifier;
  /** Receives the responses that FULL samples. */
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
  const { task, pool, decoder, trainer, verify, completions } = tools;
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

  // Rollout.
  const generation = await decoder.generate({
    prompts: indices.map((index) => pool.at(index).tokens),
    promptIds: streamIds(indices, pool.size),
    samplesPerPrompt: rollout.samples,
    seed: new RandomStream(seed, 'sampling', code, iteration).next(),
    temperature: rollout.temperature,
    topK: rollout.topK,
    topP: rollout.topP,
    minP: rollout.minP,
    ...endsOf(task),
  });
  const sampled = performance.now();
  const groups = indices.map((promptIndex, i) => ({
    promptIndex,
    prompt: pool.at(promptIndex).tokens,
    responses: Array.from({ length: rollout.samples }, (_, s) =>
      generation.response(i * rollout.samples + s),
    ),
    logprobs: Array.from({ length: rollout.samples }, (_, s) =>
      generation.logprobs.subarray((i * rollout.samples + s) * generation.columns),
    ),
  }));
  const responses = groups.flatMap((group) => group.responses);

  // Reward.
  const texts = await task.text.decode(responses);
  const verdicts = await verify(
    verifyRequest(
      indices.map((index) => pool.at(index)),
      rollout.samples,
      texts,
      generation.stopped,
    ),
  );
  const verified = performance.now();
  if (scored) {
    const said = texts.map((text, row) => ({
      text,
      reward: at(verdicts.rewards, row),
      correct: at(verdicts.correct, row) === 1,
      formatted: at(verdicts.formatted, row) === 1,
    }));
    for (const [i, index] of indices.entries()) {
      const own = said.slice(i * rollout.samples, (i + 1) * rollout.samples);
      const { text, id } = pool.at(index);
      completions.remember(epoch, { index, text, id, step: iteration + 1 }, own);
    }
  }

  // Advantages, and the update from them.
  const metrics = await trainer.update(groups, verdicts, {
    seed: new RandomStream(seed, 'minibatchOrder', code).next(),
    iteration,
    ...(scored ? { column: epoch } : {}),
  });
  const updated = performance.now();

  // Record.
  const tokens = responses.reduce((sum, response) => sum + response.length, 0);
  return {
    seed,
    method,
    update: iteration + 1,
    epoch,
    metrics: {
      ...metrics,
      ...(startsFromFolder(tools.config) ? { cut_share: cutShare(generation.stopped) } : {}),
      verifier_failures: verdicts.failures.length,
      tokens_per_second: (tokens / (updated - started)) * 1000,
      step_ms: updated - started,
      rollout_ms: sampled - started,
      verify_ms: verified - sampled,
      update_ms: updated - verified,
    },
  };
}

/** @param stopped 1 for a response that ended by itself. */
const cutShare = (stopped: Uint8Array): number =>
  1 - stopped.reduce((sum, flag) => sum + flag, 0) / stopped.length;

/** @throws RangeError if a verifier left out a response. */
function at(verdicts: Float32Array | Uint8Array, row: number): number {
  const said = verdicts[row];
  if (said === undefined) throw new RangeError(`response ${row} has no verdict`);
  return said;
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

/**
 * Ids for the random streams of a rollout's prompts. A prompt of a small subset may occur twice in
 * one rollout; each occurrence draws its own samples.
 */
function streamIds(indices: readonly number[], poolSize: number): number[] {
  const seen = new Map<number, number>();
  return indices.map((index) => {
    const occurrence = seen.get(index) ?? 0;
    seen.set(index, occurrence + 1);
    return index + occurrence * poolSize;
  });
}
