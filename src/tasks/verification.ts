// What passes between whoever samples and whoever verifies: plain and transferable.
import { shorten } from '../formats/json.ts';
import type { Prompt, Verdict } from './task.ts';

/** Responses to be judged. */
export interface VerifyRequest {
  readonly prompts: readonly string[];
  /** Answer key of each prompt. */
  readonly keys: readonly string[];
  /** (n): which prompt each response answers. */
  readonly promptOf: Uint32Array<ArrayBuffer>;
  /** (n): the responses, as their task's text decodes them. */
  readonly responses: readonly string[];
  /** (n): 1 where the response ended by itself, 0 where it was cut. */
  readonly finished: Uint8Array<ArrayBuffer>;
}

/** Responses to `samples` draws of each prompt, prompt by prompt, for a verifier. */
export const verifyRequest = (
  prompts: readonly Prompt[],
  samples: number,
  responses: readonly string[],
  finished: ArrayLike<number>,
): VerifyRequest => ({
  prompts: prompts.map(({ text }) => text),
  keys: prompts.map(({ key }) => key),
  promptOf: Uint32Array.from(responses, (_, row) => Math.floor(row / samples)),
  responses,
  finished: Uint8Array.from(finished),
});

/** What n responses were judged to be. */
export interface Verdicts {
  /** (n): any finite number. Whether a response is right is said by `correct` alone. */
  readonly rewards: Float32Array<ArrayBuffer>;
  /** (n): 1 where the answer is right. */
  readonly correct: Uint8Array<ArrayBuffer>;
  /** (n): 1 where the format is right. */
  readonly formatted: Uint8Array<ArrayBuffer>;
}

/** Verdicts in the order of the request. */
export interface VerifyReply extends Verdicts {
  readonly extracted: readonly (string | null)[];
  /**
   * Responses whose check threw or ran out of time: rewarded -1, as the reference does, and neither
   * correct nor formatted.
   */
  readonly failures: readonly VerifyFailure[];
}

export interface VerifyFailure {
  /** Place of the response in the request. */
  readonly response: number;
  readonly reason: string;
}

/** Verdicts on single responses, packed in their order. */
export const packVerdicts = (verdicts: readonly Verdict[]): Verdicts => ({
  rewards: Float32Array.from(verdicts, ({ reward }) => reward),
  correct: Uint8Array.from(verdicts, ({ correct }) => Number(correct)),
  formatted: Uint8Array.from(verdicts, ({ formatted }) => Number(formatted)),
});

/** A verifier that gave a reward which is no finite number. */
export class VerifierError extends Error {
  override readonly name = 'VerifierError';
}

/** @throws VerifierError naming the prompt of the first reward that is not finite. */
export function expectFiniteRewards(request: VerifyRequest, { rewards }: Verdicts): void {
  const row = rewards.findIndex((reward) => !Number.isFinite(reward));
  if (row < 0) return;
  const place = request.promptOf[row] ?? 0;
  throw new VerifierError(
    `the verifier must give finite rewards in float32, gave ${rewards[row] ?? NaN} for a response to ` +
      `the prompt ${JSON.stringify(shorten(request.prompts[place] ?? ''))}`,
  );
}
