import type { ExperimentConfig } from '../config.ts';
import { bitsToHex } from '../formats/prompt-bits.ts';
import type { Accuracy, TierAccuracy } from '../results.ts';
import type { Sampler } from '../rollout/batched-decoder.ts';
import { endsOf, type Task, type Tier, type TierSampling } from '../tasks/task.ts';
import {
  expectFiniteRewards,
  verifyRequest,
  type VerifyReply,
  type VerifyRequest,
} from '../tasks/verification.ts';
import { encodePrompts } from './pool.ts';

/** Judges responses. In production, a pool of workers does this. */
export type Verifier = (request: VerifyRequest) => Promise<VerifyReply>;

/**
 * A verifier that refuses rewards which are not finite, and tells of responses that could not be judged.
 *
 * @param tell Given how many of a request's responses have no verdict, and what the first of them met.
 */
export function judging(
  verify: Verifier,
  tell: (unjudged: { responses: number; of: number; reason: string }) => void,
): Verifier {
  return async (request) => {
    const reply = await verify(request);
    expectFiniteRewards(request, reply);
    const { failures } = reply;
    const [first] = failures;
    if (first) {
      tell({ responses: failures.length, of: request.promptOf.length, reason: first.reason });
    }
    return reply;
  };
}

/** How the responses of a pass are drawn. */
type Drawing = TierSampling & { readonly seed: number };

/**
 * Measures the accuracy of a decoder's model on the task's held-out tiers; NaN for a task without
 * tiers. The tier's prompts and the given seed key the random numbers, so two models are compared
 * on the same draws.
 */
export class Evaluator {
  readonly #task: Task;
  readonly #tiers: readonly Tier[];
  readonly #verify: Verifier;
  readonly #settings: ExperimentConfig['evaluation'];
  /** Token ids of each tier's prompts, after their first use. */
  #encoded: readonly (readonly Uint32Array[])[] | undefined;

  constructor(task: Task, settings: ExperimentConfig['evaluation'], verify: Verifier) {
    this.#task = task;
    this.#tiers = task
      .tiers()
      .map((tier) => ({ ...tier, prompts: tier.prompts.slice(0, settings.prompts) }));
    this.#verify = verify;
    this.#settings = settings;
  }

  /** Whether there is something to evaluate on. */
  get evaluates(): boolean {
    return this.#tiers.length > 0;
  }

  /**
   * Evaluates greedy answers, then the configured number of samples per prompt, which `seed` keys.
   * A tier with its own sampling is evaluated by that alone.
   */
  async evaluate(decoder: Sampler, seed: number): Promise<Accuracy> {
    const greedy = { samples: 1, temperature: 0, topP: 1, seed: 0 };
    const first = await this.#pass(decoder, ({ sampling }) =>
      sampling ? { ...sampling, seed: sampling.temperature === 0 ? 0 : seed } : greedy,
    );
    const sizes = this.#tiers.some(({ sampling }) => sampling)
      ? { prompts: Object.fromEntries(this.#tiers.map((tier) => [tier.name, tier.prompts.length])) }
      : {};
    const { samples, temperature, topP } = this.#settings;
    if (samples === 0 || this.#tiers.every(({ sampling }) => sampling)) {
      return { ...first, ...sizes };
    }
    const { mean, tiers, outOfDistribution } = await this.#pass(decoder, ({ sampling }) =>
      sampling ? undefined : { samples, temperature, topP, seed },
    );
    const sampled = { mean, tiers, ...(outOfDistribution && { outOfDistribution }) };
    return { ...first, ...sizes, sampled };
  }

  /** @param howOf How a tier is sampled; undefined leaves it out. */
  async #pass(
    decoder: Sampler,
    howOf: (tier: Tier) => Drawing | undefined,
  ): Promise<TierAccuracy & Pick<Accuracy, 'correct' | 'counts'>> {
    const tiers: [name: string, accuracy: number][] = [];
    const outside: [name: string, accuracy: number][] = [];
    const bits: [name: string, hex: string][] = [];
    const counts: [name: string, right: readonly number[]][] = [];
    const { text } = this.#task;
    this.#encoded ??= await Promise.all(
      this.#tiers.map(({ prompts }) => encodePrompts(text, prompts)),
    );
    const { rows, prompts: mostPrompts } = decoder.capacity;
    let promptId = 0;
    for (const [t, tier] of this.#tiers.entries()) {
      const how = howOf(tier);
      if (!how) {
        promptId += tier.prompts.length;
        continue;
      }
      const most = Math.max(1, Math.min(mostPrompts, Math.floor(rows / how.samples)));
      const rightOf = new Uint32Array(tier.prompts.length);
      for (let first = 0; first < tier.prompts.length; first += most) {
        const chosen = tier.prompts.slice(first, first + most);
        const generation = await decoder.generate({
          prompts: this.#encoded[t]?.slice(first, first + most) ?? [],
          promptIds: chosen.map(() => promptId++),
          samplesPerPrompt: how.samples,
          seed: how.seed,
          temperature: how.temperature,
          topP: how.topP,
          ...endsOf(this.#task),
        });
        const responses = await text.decode(
          Array.from({ length: generation.rows }, (_, row) => generation.response(row)),
        );
        const reply = await this.#verify(
          verifyRequest(chosen, how.samples, responses, generation.stopped, tier.name),
        );
        for (const [response, right] of reply.correct.entries()) {
          const prompt = first + Math.floor(response / how.samples);
          rightOf[prompt] = (rightOf[prompt] ?? 0) + right;
        }
      }
      const correct = rightOf.reduce((total, right) => total + right, 0);
      const list = tier.outOfDistribution ? outside : tiers;
      list.push([tier.name, correct / (tier.prompts.length * how.samples)]);
      if (how.samples === 1) bits.push([tier.name, bitsToHex(rightOf)]);
      else counts.push([tier.name, [...rightOf]]);
    }
    const sum = tiers.reduce((total, [, accuracy]) => total + accuracy, 0);
    return {
      mean: sum / tiers.length,
      tiers: Object.fromEntries(tiers),
      ...(outside.length > 0 ? { outOfDistribution: Object.fromEntries(outside) } : {}),
      ...(bits.length > 0 ? { correct: Object.fromEntries(bits) } : {}),
      ...(counts.length > 0 ? { counts: Object.fromEntries(counts) } : {}),
    };
  }
}
