// Messages between sampler and verifier: plain, transferable data.
import { shorten } from '../formats/json.ts';
import type { Prompt, RowValues, Verdict } from './task.ts';

/** Responses to be judged. */
export interface VerifyRequest {
  readonly prompts: readonly string[];
  /** Answer key of each prompt. */
  readonly keys: readonly string[];
  /** What the prompts' rows have; absent if the task's prompts are not rows of a file. */
  readonly rows?: readonly RowValues[];
  /** (n): index of the prompt that each response answers. */
  readonly promptOf: Uint32Array<ArrayBuffer>;
  /** (n): the responses, decoded by the task's `Text`. */
  readonly responses: readonly string[];
  /** (n): 1 where the response ended by itself, 0 where it was cut. */
  readonly finished: Uint8Array<ArrayBuffer>;
  /** The held-out tier that the prompts belong to; absent for prompts of the pool. */
  readonly tier?: string;
}

/** Builds a verifier's request from `samples` responses to each prompt, ordered by prompt. */
export const verifyRequest = (
  prompts: readonly Prompt[],
  samples: number,
  responses: readonly string[],
  finished: ArrayLike<number>,
  tier?: string,
): VerifyRequest => ({
  prompts: prompts.map(({ text }) => text),
  keys: prompts.map(({ key }) => key),
  ...rowsOf(prompts),
  promptOf: Uint32Array.from(responses, (_, row) => Math.floor(row / samples)),
  responses,
  finished: Uint8Array.from(finished),
  ...(tier === undefined ? {} : { tier }),
});

function rowsOf(prompts: readonly Prompt[]): Pick<VerifyRequest, 'rows'> {
  const rows = prompts.flatMap(({ row }) => row ?? []);
  return rows.length === prompts.length && rows.length > 0 ? { rows } : {};
}

/** The verdicts on n responses. */
export interface Verdicts {
  /** (n): any finite number. Only `correct` says whether a response is right. */
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
   * Responses whose check threw or ran out of time. As in the reference, their reward is -1; they
   * count as neither correct nor formatted.
   */
  readonly failures: readonly VerifyFailure[];
}

export interface VerifyFailure {
  /** Index of the response in the request. */
  readonly response: number;
  readonly reason: string;
}

/** Packs the verdicts on single responses, in their order. */
export const packVerdicts = (verdicts: readonly Verdict[]): Verdicts => ({
  rewards: Float32Array.from(verdicts, ({ reward }) => reward),
  correct: Uint8Array.from(verdicts, ({ correct }) => Number(correct)),
  formatted: Uint8Array.from(verdicts, ({ formatted }) => Number(formatted)),
});

/** A verifier gave something that is no verdict, such as a reward that is not a finite number. */
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
