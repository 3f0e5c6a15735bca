// The verifiers of the lesson about pay: those that judge in a run.
import type { TaskConfig } from '../tasks/registry.ts';
import type { ExplainedVerdict } from '../tasks/rule-verifiers.ts';
import { taskTextVerifier, textVerifier } from '../tasks/verifiers.ts';

/** A verifier of texts that a person types. */
export type Judge = (prompt: string, key: string, response: string) => Promise<ExplainedVerdict>;

/**
 * The verifier of a task. A response without the end mark counts as cut.
 *
 * @throws ConfigError for a task that there is not.
 */
export async function taskJudge(task: TaskConfig): Promise<Judge> {
  const { verify, endTokens } = await taskTextVerifier(task);
  const [end = ''] = endTokens;
  return async (prompt, key, response) => {
    const finished = end !== '' && response.endsWith(end);
    const text = finished ? response.slice(0, -end.length) : response;
    return verify(prompt, key, text, { finished });
  };
}

/** The verifier of mathematical answers, by format and equality of answers. */
export async function mathsJudge(task: TaskConfig): Promise<Judge> {
  const { verify } = await textVerifier('math', task);
  return async (prompt, key, response) => verify(prompt, key, response, { finished: true });
}

export type { ExplainedVerdict } from '../tasks/rule-verifiers.ts';
