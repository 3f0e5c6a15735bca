import { openVerifier, type TaskConfig } from './registry.ts';
import { type NamedVerifier, ruleVerifiers, type TextVerifier } from './rule-verifiers.ts';
import type { TaskVerifier } from './task.ts';

/**
 * Names of the text verifiers, as commands take them. `arithmetic` is the verifier of a config's
 * task.
 */
export const verifierNames = ['math', 'math-eval', 'exact', 'arithmetic'] as const;
export type VerifierName = (typeof verifierNames)[number];

/** Uses the task's own rules. If the task has an end token, a finished response gets it back. */
const ofTask =
  (own: TaskVerifier, name: string): TextVerifier =>
  async (prompt, answer, response, end) => {
    const whole = end.finished ? response + (own.endText ?? '') : response;
    const verdict = await own.verify(prompt, answer, whole, end);
    const broken = verdict.formatted ? null : end.finished ? 'no answer' : 'unfinished';
    const rule = broken ?? `the task's rules (${name})`;
    return { ...verdict, why: { broken, rule, key: answer, answer: verdict.extracted } };
  };

/** The verifier of a task, for texts. */
export async function taskTextVerifier(task: TaskConfig): Promise<NamedVerifier> {
  const own = await openVerifier(task);
  const { endText } = own;
  return { verify: ofTask(own, task.name), endTokens: endText === undefined ? [] : [endText] };
}

/** @param task The task whose rules `arithmetic` uses. */
export const textVerifier = (name: VerifierName, task: TaskConfig): Promise<NamedVerifier> =>
  name === 'arithmetic'
    ? taskTextVerifier(task)
    : Promise.resolve({ verify: ruleVerifiers[name], endTokens: [] });
