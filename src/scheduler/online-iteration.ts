import { startsFromFolder } from '../config.ts';
import type { RewardRecorder } from '../ppo/reward-recorder.ts';
import type { RolloutGroup } from '../ppo/trainer.ts';
import { RandomStream } from '../random.ts';
import type { Completion, UpdateRecord } from '../results.ts';
import { updatesPerEpoch, responseLimit } from '../run-plan.ts';
import { methodCode, type MethodName } from '../selection/methods.ts';
import type { JudgedGroup, OnlinePolicy, OnlineUpdate } from '../selection/online.ts';
import type { Verdicts } from '../tasks/verification.ts';
import { addLength, cutShare, type IterationTools } from './iteration.ts';
import type { Narrowing } from './narrowing.ts';
import { completionsIn, rightOf, type SampledGroups, sampleGroups } from './sampled-groups.ts';

/** The objects that the iterations of an online method use. */
export interface OnlineTools extends IterationTools {
  readonly policy: OnlinePolicy;
  /** Adds all judged responses to the method's own matrix. */
  readonly recorder: RewardRecorder;
  /** Narrows the pool after a data epoch; undefined if the method does not, or has done so. */
  readonly narrow: ((epochs: number) => Promise<Narrowing | undefined>) | undefined;
}

/** A group with the verdicts on its responses. */
interface Judged {
  readonly group: RolloutGroup;
  readonly right: number;
  readonly verdicts: Verdicts;
  readonly said: readonly Completion[];
}

/** What the rounds of an iteration have sampled so far. */
interface Sampling {
  readonly calls: SampledGroups[];
  readonly judged: JudgedGroup[];
  readonly kept: Judged[];
  turns: number;
}

/**
 * Does one PPO iteration of a method that chooses its prompts while it trains: rounds of choosing,
 * sampling and judging until the rollout is full or the policy ends them, then one update from the
 * groups that the policy keeps. An iteration that keeps none makes no update.
 *
 * @throws NonFiniteUpdateError if the update is not finite.
 */
export async function iterateOnline(
  tools: OnlineTools,
  { method, iteration }: { readonly method: MethodName; readonly iteration: number },
): Promise<UpdateRecord> {
  const { config, pool, policy, trainer, narrow } = tools;
  const { seed } = pool;
  const code = methodCode(method);
  const started = performance.now();
  const perEpoch = updatesPerEpoch(config, pool.size);
  const column = Math.floor(iteration / perEpoch);

  // Rollout and reward, round after round.
  const sampling: Sampling = { calls: [], judged: [], kept: [], turns: 0 };
  const draws = new RandomStream(seed, 'sampling', code, iteration);
  for (let round = 0; round < policy.rounds; round++) {
    const wanted = config.rollout.prompts - sampling.kept.length;
    if (wanted <= 0) break;
    const sampled = new Set(sampling.judged.map(({ prompt }) => prompt));
    const { prompts, turns } = policy.choose({
      iteration,
      round,
      wanted,
      turns: sampling.turns,
      sampled,
    });
    sampling.turns += turns;
    if (prompts.length === 0) break;
    await sampleRound(tools, sampling, { prompts, seed: draws.next(), column, iteration });
  }

  // Advantages, and the update from them.
  const { calls, judged, kept } = sampling;
  const verified = performance.now();
  const metrics =
    kept.length === 0
      ? {}
      : await trainer.update(
          kept.map(({ group }) => group),
          joined(kept.map(({ verdicts }) => verdicts)),
          { seed: new RandomStream(seed, 'minibatchOrder', code).next(), iteration },
        );
  const updated = performance.now();

  // A data epoch of the matrix is complete.
  const narrowing =
    narrow && (iteration + 1) % perEpoch === 0 ? await narrow(column + 1) : undefined;

  // Record.
  const online: OnlineUpdate = {
    turns: sampling.turns,
    groups: judged,
    ...(narrowing?.narrowed ? { narrowed: narrowing.narrowed } : {}),
  };
  policy.learn(online);
  const tokens = calls.flatMap(({ groups }) => groups).flatMap(({ responses }) => responses);
  const generated = judged.reduce((sum, { samples }) => sum + samples, 0);
  const right = judged.reduce((sum, one) => sum + one.right, 0);
  const total = (of: (call: SampledGroups) => number): number =>
    calls.reduce((sum, call) => sum + of(call), 0);
  return {
    seed,
    method,
    update: iteration + 1,
    epoch: column,
    metrics: {
      ...metrics,
      samples_generated: generated,
      samples_trained: kept.reduce((sum, { group }) => sum + group.responses.length, 0),
      ...(generated > 0 ? { generated_accuracy: right / generated } : {}),
      ...(narrowing ? { ranking_change: narrowing.change, ranking_noise: narrowing.noise } : {}),
      ...(startsFromFolder(config) && calls.length > 0
        ? { cut_share: cutShare(calls.map(({ stopped }) => stopped)) }
        : {}),
      verifier_failures: total(({ failures }) => failures),
      tokens_per_second: (tokens.reduce(addLength, 0) / (updated - started)) * 1000,
      step_ms: updated - started,
      rollout_ms: total(({ rolloutMs }) => rolloutMs),
      verify_ms: total(({ verifyMs }) => verifyMs),
      update_ms: updated - verified,
    },
    online,
  };
}

/** Samples a round's prompts, after a screening where the policy has one. */
async function sampleRound(
  tools: OnlineTools,
  sampling: Sampling,
  round: {
    readonly prompts: readonly number[];
    readonly seed: number;
    readonly column: number;
    readonly iteration: number;
  },
): Promise<void> {
  const { policy, config, recorder, pool, completions } = tools;
  const { screening } = policy;
  const { samples } = config.rollout;
  const call = async (
    prompts: readonly number[],
    of: { readonly samples: number; readonly firstSample: number },
  ): Promise<Judged[]> => {
    const found = await sampleGroups(tools, {
      prompts,
      seed: round.seed,
      maxNewTokens: responseLimit(config, round.iteration),
      ...of,
    });
    await recorder.record(prompts, of.samples, found.verdicts, round.column);
    sampling.calls.push(found);
    return found.groups.map((group, i) => ({
      group,
      right: rightOf(found, i),
      verdicts: part(found.verdicts, i * of.samples, (i + 1) * of.samples),
      said: completionsIn(found, i),
    }));
  };
  const first = screening?.samples ?? samples;
  const begun = await call(round.prompts, { samples: first, firstSample: 0 });
  const passed = screening ? begun.filter(({ right }) => screening.passes(right, first)) : begun;
  const rest =
    first === samples || passed.length === 0
      ? undefined
      : await call(
          passed.map(({ group }) => group.promptIndex),
          { samples: samples - first, firstSample: first },
        );
  const whole = rest ? passed.map((one, i) => (rest[i] ? together(one, rest[i]) : one)) : passed;
  const isWhole = new Map(whole.map((one) => [one.group.promptIndex, one]));
  for (const one of begun) {
    // A prompt that a small subset repeats has groups of its own.
    const found = whole === begun ? one : (isWhole.get(one.group.promptIndex) ?? one);
    const of = found.group.responses.length;
    const trained = of === samples && policy.keeps(found.right, of);
    sampling.judged.push({
      prompt: found.group.promptIndex,
      samples: of,
      right: found.right,
      trained,
    });
    if (trained) sampling.kept.push(found);
    const { promptIndex: index } = found.group;
    const { text, id } = pool.at(index);
    completions.remember(round.column, { index, text, id, step: round.iteration + 1 }, found.said);
  }
}

/** The two parts of a group as one. */
const together = (one: Judged, other: Judged): Judged => ({
  group: {
    ...one.group,
    responses: [...one.group.responses, ...other.group.responses],
    logprobs: [...(one.group.logprobs ?? []), ...(other.group.logprobs ?? [])],
  },
  right: one.right + other.right,
  verdicts: joined([one.verdicts, other.verdicts]),
  said: [...one.said, ...other.said],
});

const part = ({ rewards, correct, formatted }: Verdicts, from: number, to: number): Verdicts => ({
  rewards: rewards.slice(from, to),
  correct: correct.slice(from, to),
  formatted: formatted.slice(from, to),
});

const joined = (parts: readonly Verdicts[]): Verdicts => ({
  rewards: Float32Array.from(parts.flatMap(({ rewards }) => [...rewards])),
  correct: Uint8Array.from(parts.flatMap(({ correct }) => [...correct])),
  formatted: Uint8Array.from(parts.flatMap(({ formatted }) => [...formatted])),
});
