// The verifiers that judge by text alone: response and answer, without a task's config.
import { type EndRule, endOf } from './end-of-response.ts';
import { compareAnswers } from './math-answer.ts';
import { evalEqual } from './math-eval.ts';
import { lastBoxed, type MathFormat, mathFormat } from './math-format.ts';
import type { ResponseEnd, RowValues, Verdict } from './task.ts';

/** The reasons for a verdict. */
export interface Why {
  /** The broken format rule; null if the answers were compared. */
  readonly broken: MathFormat['reason'];
  /** The rule that decided. */
  readonly rule: string;
  /** The key and the answer as they were read; null if there was none. */
  readonly key: string | null;
  readonly answer: string | null;
}

export type ExplainedVerdict = Verdict & { readonly why?: Why };

/**
 * Judges a response to a prompt by the right answer. All three are text; the response comes without
 * its end token.
 *
 * @param row What the prompt's row has, for verifiers that are a user's module.
 */
export type TextVerifier = (
  prompt: string,
  answer: string,
  response: string,
  end: ResponseEnd,
  row?: RowValues,
) => ExplainedVerdict | Promise<ExplainedVerdict>;

/** A verifier, and the end tokens of its task. */
export interface NamedVerifier {
  readonly verify: TextVerifier;
  readonly endTokens: readonly string[];
}

const malformed = (
  broken: NonNullable<MathFormat['reason']>,
  key: string,
  extracted: string | null,
): ExplainedVerdict => ({
  ...{ reward: -1, correct: false, formatted: false, extracted },
  why: { broken, rule: broken, key, answer: extracted },
});

const compared = (
  same: boolean,
  extracted: string,
  why: { readonly rule: string; readonly key: string; readonly answer: string },
): ExplainedVerdict => ({
  ...{ reward: same ? 1 : -0.5, correct: same, formatted: true, extracted },
  why: { broken: null, ...why },
});

/** Uses the format rules of the released server and our own equality of answers. */
const math: TextVerifier = (_, answer, response, { finished }) => {
  const { reason, extracted } = mathFormat(response, { finished });
  if (reason !== null) return malformed(reason, answer, extracted);
  const { same, ...why } = compareAnswers(answer, extracted ?? '');
  return compared(same, extracted ?? '', why);
};

/** Uses the rules of the released evaluator, which checks neither the end nor the format. */
const mathEval: TextVerifier = (_, answer, response) => {
  const extracted = lastBoxed(response);
  const { same, ...why } = evalEqual(answer, extracted ?? '');
  return { ...compared(same, extracted ?? '', why), extracted };
};

/** Takes the whole response as the answer, without white space at its ends. */
const exact: TextVerifier = (_, answer, response, { finished }) => {
  const [key, extracted] = [answer.trim(), response.trim()];
  if (!finished) return malformed('unfinished', key, extracted);
  return compared(key === extracted, extracted, { rule: 'same text', key, answer: extracted });
};

/** The verifiers by name. */
export const ruleVerifiers = { math, 'math-eval': mathEval, exact } satisfies Readonly<
  Record<string, TextVerifier>
>;

/** Judges a decoded response, which may still contain its end token. */
export async function judgeText(
  { verify, endTokens }: NamedVerifier,
  {
    prompt,
    answer,
    response,
    row,
  }: Readonly<Record<'prompt' | 'answer' | 'response', string>> & {
    readonly row?: RowValues | undefined;
  },
  end: EndRule,
): Promise<ExplainedVerdict> {
  const known = [...endTokens, ...(end.endTokens ?? [])];
  const { text, finished } = endOf(response, { finished: end.finished, endTokens: known });
  return verify(prompt, answer, text, { finished }, row);
}
