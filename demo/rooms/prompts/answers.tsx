// All answers to one prompt, epoch by epoch, as plain text.
import type { JSX } from 'preact';
import { useEffect, useState } from 'preact/hooks';
import {
  inTableOrder,
  methodLabel,
  type MethodName,
  type RunView,
  type Verdict,
} from '../../../src/index.ts';
import { epochNow } from '../../state/pointing.ts';
import { type Answers, answersTo, follow, inspected, liveAnswers } from '../../state/stage.ts';
import { marks, paid, possible } from '../../state/verdicts.ts';
import { engineText } from '../../strings/engine.ts';
import { whole } from '../../strings/numbers.ts';
import { promptsText } from '../../strings/prompts.ts';
import { Code } from '../../views/markup.tsx';
import { numberText } from './table.tsx';

/** What is known of the answers to a prompt. */
type Found = { readonly prompt: number } & (
  { readonly answers: Answers | undefined } | { readonly failed: string }
);

function useFound(run: RunView, prompt: number | undefined): Found | undefined {
  const [found, setFound] = useState<Found>();
  const { length } = run.columns;
  const source = liveAnswers.value;
  useEffect(() => {
    if (prompt === undefined || !run.pool[prompt]) return undefined;
    let asked = true;
    const settle = (what: Found): void => {
      if (asked) setFound(what);
    };
    answersTo(prompt).then(
      (answers) => settle({ prompt, answers }),
      (error: unknown) =>
        settle({ prompt, failed: error instanceof Error ? error.message : String(error) }),
    );
    return () => {
      asked = false;
    };
  }, [run, prompt, length, source]);
  return found?.prompt === prompt ? found : undefined;
}

export function AnswersOf({ run }: { readonly run: RunView }): JSX.Element {
  follow(run);
  const text = promptsText.value;
  const prompt = inspected.value;
  const found = useFound(run, prompt);
  const known = prompt !== undefined && run.pool[prompt] !== undefined;
  return (
    <section class="card" aria-labelledby="answers-title">
      <h2 id="answers-title">{text.answersTitle}</h2>
      <div id="answers" class="answers" tabIndex={0} role="region" aria-label={text.answersLabel}>
        {!known ? (
          <p class="quiet">{text.answersChoose}</p>
        ) : found && 'failed' in found ? (
          <p class="problem">{text.answersFailed(found.failed)}</p>
        ) : (
          <Told run={run} prompt={prompt} answers={found?.answers} />
        )}
      </div>
    </section>
  );
}

interface ToldProps {
  readonly run: RunView;
  readonly prompt: number;
  readonly answers: Answers | undefined;
}

function Told({ run, prompt, answers }: ToldProps): JSX.Element {
  const text = promptsText.value;
  const { verdicts: words } = engineText.value;
  const one = run.pool[prompt];
  const key = one?.key ?? answers?.key;
  const wrongKey = one?.wrongKey ?? false;
  const epochs = answers?.epochs ?? [];
  const score = run.scoreOf(prompt);
  const facts = [
    ...(one?.origin === undefined ? [] : [text.origins[one.origin]]),
    ...(score === undefined ? [] : [text.scoreFact(numberText(score))]),
    ...inTableOrder(Object.keys(run.selections) as MethodName[])
      .filter((method) => run.selections[method]?.has(prompt))
      .map((method) => text.inMethod(methodLabel(method))),
  ];
  const unkept = run.columns.length > epochs.length && run.keeping.past !== undefined;
  return (
    <>
      <p class="prompt-title">
        <Code text={run.textOf(prompt)} />
        {key !== undefined && (
          <>
            {' '}
            {text.key} <Code text={key} />
          </>
        )}
        {wrongKey && (
          <>
            {' '}
            <strong class="badge">{text.wrongOnPurpose}</strong>
          </>
        )}
        {wrongKey && one?.truth !== undefined && (
          <>
            {' '}
            {text.truth} <Code text={one.truth} />
          </>
        )}
      </p>
      <p class="quiet">{facts.join(' · ')}</p>
      {epochs.length === 0 && !unkept && answers && <p class="quiet">{text.answersNone}</p>}
      <div class="epochs">
        {epochs.map(({ epoch, completions }) => {
          const said = completions.map((completion) => run.verdictOn(prompt, completion));
          return (
            <div
              key={epoch}
              class={`epoch${epochNow() === epoch ? ' pointed' : ''}`}
              data-epoch={epoch}
            >
              <h3>
                {text.epoch(whole(epoch + 1))}{' '}
                <span class="quiet">{countText(said, wrongKey)}</span>
              </h3>
              <ul class="completions">
                {completions.map((completion, i) => {
                  const verdict = said[i] ?? 'wrong';
                  return (
                    <li key={i} class={verdict}>
                      <span class="visually-hidden">{words[verdict]}: </span>
                      <span class="mark" aria-hidden="true">
                        {marks[verdict]}
                      </span>{' '}
                      <Code text={completion.text} />
                    </li>
                  );
                })}
              </ul>
            </div>
          );
        })}
      </div>
      {epochs.length > 0 && (
        <p class="hint">
          {possible(wrongKey)
            .map((verdict) => text.paidFor(marks[verdict], words[verdict], paid[verdict]))
            .join(' · ')}
        </p>
      )}
      {unkept && <p class="quiet">{text.answersUnkept}</p>}
    </>
  );
}

function countText(said: readonly Verdict[], wrongKey: boolean): string {
  const text = promptsText.value;
  const count = (verdict: Verdict): number => said.filter((one) => one === verdict).length;
  return wrongKey
    ? text.matchWrong(whole(count('matches-wrong-key')), whole(said.length), count('right-unpaid'))
    : text.rightOf(whole(count('right')), whole(said.length));
}
