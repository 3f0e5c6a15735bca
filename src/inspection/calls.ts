// What the live model of a run can be asked, and its answers: plain data, which crosses to the trainer's
// worker and back.
import type { MethodName } from '../selection/methods.ts';

/**
 * Weights to ask: the base, what a method has trained, or the policy as it stands (`now`), which only a
 * run under way has.
 */
export type WeightsName = 'base' | 'now' | MethodName;

/**
 * A prompt: its place in the pool of the seed, or a text as a person types it, which may come with an
 * answer key.
 */
export type AskedPrompt =
  { readonly place: number } | { readonly text: string; readonly key?: string };

/** What both calls say. */
interface AskedModel {
  readonly prompt: AskedPrompt;
  readonly weights: WeightsName;
  /** The seed of the run whose pool and weights are meant; that under way, or the first, when left out. */
  readonly runSeed?: number;
}

/** Asks for responses. */
export interface GenerateCall extends AskedModel {
  /** Responses to draw, 0 to 64; with 0, the distribution of the next token alone is computed. */
  readonly samples: number;
  /** Divides the logits, from 0 (greedy) to 100. The run's own when left out. */
  readonly temperature?: number;
  /** Probability mass kept, in (0, 1]. The run's own when left out. */
  readonly topP?: number;
  /** Most tokens of a response; those of the task when left out, and at most those. */
  readonly maxTokens?: number;
  /** Keys the draws, unsigned 32-bit. 0 when left out. */
  readonly seed?: number;
}

/** A token of a distribution. */
export interface LikelyToken {
  readonly id: number;
  readonly text: string;
  /** Probability at temperature 1, unfiltered. */
  readonly plain: number;
  /** Probability of being drawn with the asked temperature and filter. */
  readonly probability: number;
}

/** The distribution of the first token of a response. */
export interface NextToken {
  /** The most probable tokens, at most 20, the most probable first. */
  readonly tokens: readonly LikelyToken[];
  /** What is left for all other tokens. */
  readonly rest: { readonly plain: number; readonly probability: number };
}

/** A response that was drawn. */
export interface GeneratedResponse {
  readonly text: string;
  /** Token ids, the end token included. */
  readonly ids: readonly number[];
  /** The text of each token. */
  readonly tokens: readonly string[];
  /** Probability of each token at temperature 1, unfiltered. */
  readonly probabilities: readonly number[];
  /** Whether the response ended by itself. */
  readonly finished: boolean;
  /** The verifier's verdict; undefined for a prompt without a key, and where nobody judges. */
  readonly verdict?: AskedVerdict;
}

/** A verifier's verdict on a response. */
export interface AskedVerdict {
  readonly reward: number;
  readonly correct: boolean;
  readonly formatted: boolean;
}

/** The weights that have answered. */
export interface AnsweredBy {
  readonly weights: WeightsName;
  readonly runSeed: number;
  /** The training under way and its updates so far; only for `now`. */
  readonly training?: { readonly method: MethodName; readonly update: number };
}

/** The prompt as the model received it. */
export interface AnsweredPrompt {
  readonly text: string;
  /** The answer key; undefined where there is none. */
  readonly key?: string;
}

export interface Generated {
  readonly by: AnsweredBy;
  readonly prompt: AnsweredPrompt;
  readonly next: NextToken;
  readonly responses: readonly GeneratedResponse[];
}

/** Asks what the networks say of each token of responses. */
export interface InspectCall extends AskedModel {
  /**
   * Texts, or token ids as `generate` gives them; at most 64. `last-rollout`: the responses to a place
   * in the pool that the last update of the training under way was made from, with the very numbers
   * that the update used; the weights are `now` then.
   */
  readonly responses: readonly (string | readonly number[])[] | 'last-rollout';
  /** Alternatives of each token, 0 to 20; 5 when left out. */
  readonly alternatives?: number;
}

/** A token that could have been drawn. */
export interface AlternativeToken {
  readonly id: number;
  readonly text: string;
  /** At the temperature of the run's log-probabilities. */
  readonly probability: number;
}

/** What is known of a token of a response. Log-probabilities and KL in nats. */
export interface InspectedToken {
  readonly id: number;
  readonly text: string;
  /** Log-probability under the asked policy; of `last-rollout`, before the update. */
  readonly logprob: number;
  /** The same under the base. */
  readonly baseLogprob: number;
  /** The run's estimate of the KL divergence from policy to base at this token. */
  readonly kl: number;
  /** Of the policy's distribution. */
  readonly entropy: number;
  /** The critic's value of the state before the token; null without a critic. */
  readonly value: number | null;
  /** The token's reward: the penalty of a KL term in the reward and, at the last token, the verdict's. */
  readonly reward: number | null;
  /**
   * Null where the estimator needs what is not there: a verdict, a critic, or other samples. Of
   * `last-rollout` as the policy's loss took it, else before whitening, which goes over a rollout.
   */
  readonly advantage: number | null;
  /** The critic's target: advantage before whitening plus value; null without a critic. */
  readonly return: number | null;
  /** Probability now over probability before the update; null but for `last-rollout`. */
  readonly ratio: number | null;
  /** Whether the clip decides the token's loss now; null but for `last-rollout`. */
  readonly clipped: boolean | null;
  /** The most probable tokens at this place, the most probable first; of `last-rollout` by now. */
  readonly alternatives: readonly AlternativeToken[];
}

/** A response token by token. */
export interface InspectedResponse {
  readonly text: string;
  readonly finished: boolean;
  /** Undefined for a prompt without a key, and where nobody judges. */
  readonly verdict?: AskedVerdict;
  readonly tokens: readonly InspectedToken[];
}

export interface Inspected {
  readonly by: AnsweredBy;
  readonly prompt: AnsweredPrompt;
  readonly responses: readonly InspectedResponse[];
}

/** Asks what the last update of the training under way was made from, with what it made of each token. */
export interface RolloutCall {
  /** Most prompts whose responses are told, 1 to 64: the first ones of the rollout. */
  readonly prompts: number;
}

/** Responses of a rollout, prompt by prompt, as `inspect` tells those of one prompt. */
export interface LastRollout {
  readonly by: AnsweredBy;
  /** Prompts of the whole rollout. */
  readonly of: number;
  readonly prompts: readonly {
    /** In the pool of the seed. */
    readonly place: number;
    readonly prompt: AnsweredPrompt;
    readonly responses: readonly InspectedResponse[];
  }[];
}

/** Asks which tokens a network attends to while it writes a response. */
export interface AttentionCall extends AskedModel {
  /** A text, or token ids as `generate` and `inspect` give them. */
  readonly response: string | readonly number[];
  /** From 0; the last one when left out. */
  readonly layer?: number;
}

/** What a layer attends to, token by token of a response. */
export interface Attention {
  readonly by: AnsweredBy;
  readonly prompt: AnsweredPrompt;
  readonly layer: number;
  /** Layers and heads of the network. */
  readonly layers: number;
  readonly heads: number;
  /** Tokens of the prompt: the first ones that can be seen. */
  readonly promptTokens: number;
  /** Texts of the tokens that can be seen: the prompt's, and the response's but for the last. */
  readonly seen: readonly string[];
  /** Texts of the response's tokens. */
  readonly tokens: readonly string[];
  /**
   * f32 (heads, tokens, seen): the softmax of each head at the place that predicts the token. It sums
   * to 1 over what stands before the token; 0 for what comes later.
   */
  readonly weights: Float32Array;
}

/** A question to a run's model that it cannot answer. The message says which part of it, and why. */
export class InspectionError extends Error {
  override readonly name = 'InspectionError';
}
