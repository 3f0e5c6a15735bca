// The answers to the prompt that is looked at, as they come.
import { useEffect, useState } from 'preact/hooks';
import type { MethodName, RunView } from '../../src/index.ts';
import { answersTo, liveAnswers, type Answers } from '../state/stage.ts';

/** What is known of the answers to a prompt; `answers` is undefined where nobody can tell. */
export type FoundAnswers =
  | { readonly answers: Answers | undefined; readonly failed?: never }
  /** Why they cannot be read. */
  | { readonly failed: string; readonly answers?: never };

/** A method's answers to a prompt as far as the run has come; undefined until they are there. */
export function useAnswers(
  run: RunView | undefined,
  prompt: number | undefined,
  method: MethodName,
): FoundAnswers | undefined {
  const [found, setFound] = useState<readonly [string, FoundAnswers]>();
  const source = liveAnswers.value;
  const key = `${prompt} ${method}`;
  const epochs = run?.columns.length ?? 0;
  const updates = run?.updates[method]?.length ?? 0;
  useEffect(() => {
    if (prompt === undefined || !run?.pool[prompt]) return undefined;
    let asked = true;
    const settle = (what: FoundAnswers): void => {
      if (asked) setFound([key, what]);
    };
    answersTo(prompt, method).then(
      (answers) => settle({ answers }),
      (error: unknown) =>
        settle({ failed: error instanceof Error ? error.message : String(error) }),
    );
    return () => {
      asked = false;
    };
  }, [run, key, epochs, updates, source]);
  return found?.[0] === key ? found[1] : undefined;
}
