import { sameAnswer } from './math-answer.ts';
import { mathFormat } from './math-format.ts';
import type { Task, Verdict } from './task.ts';

/** Judges a response to a prompt by its answer; both are text, the response with its end token. */
export type TextVerifier = (prompt: string, answer: string, response: string) => Verdict;

/** Verifiers of text by the names that commands take. `arithmetic` needs its task. */
export const verifierNames = ['math', 'exact', 'arithmetic'] as const;

/** The released server's format rules, with our own equality of answers. */
const math: TextVerifier = (_, answer, response) => {
  const { formatted, extracted } = mathFormat(response);
  const correct = formatted && sameAnswer(answer, extracted ?? '');
  return { reward: !formatted ? -1 : correct ? 1 : -0.5, correct, formatted, extracted };
};

/** The whole response is the answer, white space at its ends aside. */
const exact: TextVerifier = (_, answer, response) => {
  const extracted = response.replace(/<\|(?:im_end|endoftext)\|>[^]*$/, '').trim();
  const correct = extracted === answer.trim();
  return { reward: correct ? 1 : -0.5, correct, formatted: true, extracted };
};

/** @param task What `arithmetic` judges by. */
export function textVerifier(name: (typeof verifierNames)[number], task: Task): TextVerifier {
  if (name === 'math') return math;
  if (name === 'exact') return exact;
  return (prompt, answer, response) => task.verify(prompt, answer, response);
}
