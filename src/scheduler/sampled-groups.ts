import type { ExperimentConfig } from '../config.ts';
import type { RolloutGroup } from '../ppo/trainer.ts';
import type { Completion } from '../results.ts';
import type { Sampler } from '../rollout/batched-decoder.ts';
import { endsOf, type Task } from '../tasks/task.ts';
import { type Verdicts, verifyRequest } from '../tasks/verification.ts';
import type { Verifier } from './evaluator.ts';
import type { Pool } from './pool.ts';

/** What responses are sampled and judged with. */
export interface SamplingTools {
  readonly config: ExperimentConfig;
  readonly task: Task;
  readonly pool: Pool;
  readonly decoder: Sampler;
  readonly verify: Verifier;
}

/** The responses to ask for. */
export interface SamplingRequest {
  /** Places in the pool; a prompt may be repeated. */
  readonly prompts: readonly number[];
  /** Responses to each prompt. */
  readonly samples: number;
  /** Keys the draws, with the prompt and the number of the response. */
  readonly seed: number;
  /** Number of the first response of each prompt; 0 when left out. */
  readonly firstSample?: number;
  /** Limit on the tokens of each response; the task's when left out. */
  readonly maxNewTokens?: number | undefined;
}

/** Responses with their verdicts, group after group. */
export interface SampledGroups {
  readonly samples: number;
  readonly groups: readonly RolloutGroup[];
  readonly texts: readonly string[];
  readonly verdicts: Verdicts;
  /** Responses without a verdict. */
  readonly failures: number;
  /** 1 for a response that ended by itself. */
  readonly stopped: Uint8Array;
  readonly rolloutMs: number;
  readonly verifyMs: number;
}

/** Samples responses to prompts of the pool by the decoder's model, and has them judged. */
export async function sampleGroups(
  { config: { rollout }, task, pool, decoder, verify }: SamplingTools,
  { prompts, samples, seed, firstSample = 0, maxNewTokens }: SamplingRequest,
): Promise<SampledGroups> {
  const started = performance.now();
  const generation = await decoder.generate({
    prompts: prompts.map((prompt) => pool.at(prompt).tokens),
    promptIds: streamIds(prompts, pool.size),
    samplesPerPrompt: samples,
    firstSample,
    seed,
    ...(maxNewTokens === undefined ? {} : { maxNewTokens }),
    temperature: rollout.temperature,
    topK: rollout.topK,
    topP: rollout.topP,
    minP: rollout.minP,
    ...endsOf(task),
  });
  const sampled = performance.now();
  const groups = prompts.map((promptIndex, i) => ({
    promptIndex,
    prompt: pool.at(promptIndex).tokens,
    responses: Array.from({ length: samples }, (_, s) => generation.response(i * samples + s)),
    logprobs: Array.from({ length: samples }, (_, s) =>
      generation.logprobs.subarray((i * samples + s) * generation.columns),
    ),
  }));
  const texts = await task.text.decode(groups.flatMap(({ responses }) => responses));
  const verdicts = await verify(
    verifyRequest(
      prompts.map((prompt) => pool.at(prompt)),
      samples,
      texts,
      generation.stopped,
    ),
  );
  return {
    samples,
    groups,
    texts,
    verdicts,
    failures: verdicts.failures.length,
    stopped: generation.stopped,
    rolloutMs: sampled - started,
    verifyMs: performance.now() - sampled,
  };
}

/** The verdict on a response. @throws RangeError if a verifier left out the response. */
function verdictAt(verdicts: Float32Array | Uint8Array, row: number): number {
  const said = verdicts[row];
  if (said === undefined) throw new RangeError(`response ${row} has no verdict`);
  return said;
}

/** The responses of a group with their verdicts. */
export function completionsIn(
  { samples, texts, verdicts }: SampledGroups,
  group: number,
): Completion[] {
  const first = group * samples;
  return texts.slice(first, first + samples).map((text, i) => ({
    text,
    reward: verdictAt(verdicts.rewards, first + i),
    correct: verdictAt(verdicts.correct, first + i) === 1,
    formatted: verdictAt(verdicts.formatted, first + i) === 1,
  }));
}

/** Right responses of a group. */
export function rightOf({ samples, verdicts }: SampledGroups, group: number): number {
  let right = 0;
  for (let row = group * samples; row < (group + 1) * samples; row++) {
    right += verdictAt(verdicts.correct, row);
  }
  return right;
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
