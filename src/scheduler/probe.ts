import type { ExperimentConfig } from '../config.ts';
import { thetaBound } from '../lim/bound.ts';
import { unsolvedSignal } from '../lim/matrix.ts';
import { counted, percent } from '../look/wording.ts';
import { RandomStream } from '../random.ts';
import type { Probe } from '../results.ts';
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

/** Samples responses of the base to some prompts of the pool, as the first rollout would. */
export async function probe({ config, task, pool, decoder, verify }: ProbeTools): Promise<Probe> {
  const { rollout, lim } = config;
  const { seed } = pool;
  const chosen = new RandomStream(seed, 'probe', 0).shuffle(pool.all).slice(0, PROBED);
  const samplingSeed = new RandomStream(seed, 'probe', 1).next();
  let [right, reward, unsolved, solved] = [0, 0, 0, 0];
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
    for (const [i] of indices.entries()) {
      const own = verdicts.correct.subarray(i * rollout.samples, (i + 1) * rollout.samples);
      const count = own.reduce((sum, flag) => sum + flag, 0);
      right += count;
      if (count === 0) unsolved++;
      if (count === own.length) solved++;
    }
  }
  const responses = chosen.length * rollout.samples;
  const [accuracy, meanReward] = [right / responses, reward / responses];
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
