import type { ExperimentConfig } from '../config.ts';
import { thetaBound } from '../lim/bound.ts';
import { unsolvedSignal } from '../lim/matrix.ts';
import { counted, percent } from '../look/wording.ts';
import { RandomStream } from '../random.ts';
import type { BaseAnswers, Probe } from '../results.ts';
import type { Sampler } from '../rollout/batched-decoder.ts';
import { endsOf, type Task } from '../tasks/task.ts';
import { verifyRequest } from '../tasks/verification.ts';
import type { Verifier } from './evaluator.ts';
import type { Pool } from './pool.ts';

/** Most prompts that a probe samples: the pass rate is then within about 0.06. */
const PROBED = 64;

/** The objects that a probe uses. The decoder's model is the base. */
export interface ProbeTools {
  readonly config: ExperimentConfig;
  readonly task: Task;
  readonly pool: Pool;
  readonly decoder: Sampler;
  readonly verify: Verifier;
}

/** What the base answered to some prompts: numbers of one prompt after another. */
interface Sampled {
  /** Answers to each prompt. */
  readonly samples: number;
  /** Right and well-formed answers of each prompt. */
  readonly right: number[];
  readonly formatted: number[];
  /** Sum of the rewards. */
  readonly reward: number;
}

/**
 * Samples answers of a decoder's model to some prompts of the pool, as the first rollout would.
 *
 * @param samplingSeed With a prompt's place it keys the answers, whatever prompts are sampled with it.
 */
async function sampled(
  { config, task, pool, decoder, verify }: ProbeTools,
  chosen: readonly number[],
  samplingSeed: number,
): Promise<Sampled> {
  const { rollout } = config;
  const found: { right: number[]; formatted: number[] } = { right: [], formatted: [] };
  let reward = 0;
  for (let first = 0; first < chosen.length; first += rollout.prompts) {
    const indices = chosen.slice(first, first + rollout.prompts);
    const prompts = indices.map((index) => pool.at(index));
    const generation = await decoder.generate({
      prompts: prompts.map(({ tokens }) => tokens),
      promptIds: indices,
      samplesPerPrompt: rollout.samples,
      seed: samplingSeed,
      temperature: rollout.temperature,
      topK: rollout.topK,
      topP: rollout.topP,
      minP: rollout.minP,
      ...endsOf(task),
    });
    const texts = await task.text.decode(
      Array.from({ length: generation.rows }, (_, row) => generation.response(row)),
    );
    const verdicts = await verify(
      verifyRequest(prompts, rollout.samples, texts, generation.stopped),
    );
    for (const paid of verdicts.rewards) reward += paid;
    for (const i of indices.keys()) {
      const count = (flags: Uint8Array): number =>
        flags
          .subarray(i * rollout.samples, (i + 1) * rollout.samples)
          .reduce((sum, flag) => sum + flag, 0);
      found.right.push(count(verdicts.correct));
      found.formatted.push(count(verdicts.formatted));
    }
  }
  return { samples: rollout.samples, ...found, reward };
}

/** Samples answers of the base to every prompt of a pool. */
export async function baseAnswers(tools: ProbeTools): Promise<BaseAnswers> {
  const { pool } = tools;
  const seed = new RandomStream(pool.seed, 'probe', 2).next();
  const { samples, right, formatted } = await sampled(tools, pool.all, seed);
  return { samples, right, formatted };
}

/** Samples responses of the base to some prompts of the pool, as the first rollout would. */
export async function probe(tools: ProbeTools): Promise<Probe> {
  const { rollout, lim } = tools.config;
  const { seed } = tools.pool;
  const chosen = new RandomStream(seed, 'probe', 0).shuffle(tools.pool.all).slice(0, PROBED);
  const samplingSeed = new RandomStream(seed, 'probe', 1).next();
  const found = await sampled(tools, chosen, samplingSeed);
  const right = found.right.reduce((sum, count) => sum + count, 0);
  const unsolved = found.right.filter((count) => count === 0).length;
  const solved = found.right.filter((count) => count === found.samples).length;
  const responses = chosen.length * rollout.samples;
  const [accuracy, meanReward] = [right / responses, found.reward / responses];
  const mean = lim.signal === 'accuracy' ? accuracy : meanReward;
  const bound = thetaBound([1 - mean], lim.theta, unsolvedSignal[lim.signal]);
  return {
    prompts: chosen.length,
    samples: rollout.samples,
    accuracy,
    reward: meanReward,
    neverSolved: unsolved / chosen.length,
    alwaysSolved: solved / chosen.length,
    ...(lim.count === undefined
      ? {
          theta: {
            level: bound.curveLevel,
            requiredLevel: bound.requiredLevel,
            rejectsNeverSolved: bound.rejectsNeverSolved,
          },
        }
      : {}),
  };
}

/** What a probe says of the threshold, if the threshold cannot work from here. */
export function probeWarning({ lim }: ExperimentConfig, found: Probe): string | undefined {
  const { theta, accuracy, prompts, samples, neverSolved } = found;
  if (!theta || theta.rejectsNeverSolved) return undefined;
  return (
    `the base solves ${percent(accuracy, 1)} of a probe of ${counted(prompts, 'prompt')} × ${samples}, and ` +
    `${percent(neverSolved)} of the prompts never: theta ${lim.theta} rejects never-solved prompts only while the mean curve ` +
    `stays above ${theta.requiredLevel.toFixed(3)} (it would begin at ${theta.level.toFixed(3)}). Unless FULL ` +
    'lifts it soon, LIM keeps prompts that teach nothing: take easier prompts, a stronger base or lim.count'
  );
}
