// All answers of a method to one prompt, epoch by epoch, as plain text.
import type { JSX } from 'preact';
import {
  inTableOrder,
  methodLabel,
  type MethodName,
  type RunView,
  type Verdict,
} from '../../../src/index.ts';
import { answerer } from '../../state/answering.ts';
import { epochNow } from '../../state/pointing.ts';
import { type Answers, follow, inspected } from '../../state/stage.ts';
import { marks, paid, possible } from '../../state/verdicts.ts';
import { answersText } from '../../strings/answers.ts';
import { engineText } from '../../strings/engine.ts';
import { whole } from '../../strings/numbers.ts';
import { promptsText } from '../../strings/prompts.ts';
import { Filled } from '../../views/filled.tsx';
import { Code } from '../../views/markup.tsx';
import { Answerers, noneText, OwnEpochs } from '../../views/responses.tsx';
import { useAnswers } from '../../views/use-answers.ts';
import { numberText } from './table.tsx';

export function AnswersOf({ run }: { readonly run: RunView }): JSX.Element {
  follow(run);
  const text = promptsText.value;
  const prompt = inspected.value;
  const method = answerer(run);
  const found = useAnswers(run, prompt, method);
  const known = prompt !== undefined && run.pool[prompt] !== undefined;
  return (
    <section class="card" aria-labelledby="answers-title">
      <h2 id="answers-title">{text.answersTitle}</h2>
      {known && <Answerers run={run} />}
      <div id="answers" class="answers" tabIndex={0} role="region" aria-label={text.answersLabel}>
        {!known ? (
          <p class="quiet">{text.answersChoose}</p>
        ) : found?.failed !== undefined ? (
          <p class="problem">
            <Filled
              text={answersText.value.failed}
              parts={{ why: <span lang="en">{found.failed}</span> }}
            />
          </p>
        ) : (
          <Told run={run} prompt={prompt} method={method} answers={found?.answers} />
        )}
      </div>
    </section>
  );
}

interface ToldProps {
  readonly run: RunView;
  readonly prompt: number;
  readonly method: MethodName;
  readonly answers: Answers | undefined;
}

function Told({ run, prompt, method, answers }: ToldProps): JSX.Element {
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
  const isFull = method === 'full';
  const unkept = isFull && run.columns.length > epochs.length && run.keeping.past !== undefined;
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
      {epochs.length === 0 && !unkept && answers && (
        <p class="quiet">{noneText(run, prompt, method)}</p>
      )}
      {epochs.length > 0 && <OwnEpochs run={run} method={method} />}
      <div class="epochs">
        {epochs.map(({ epoch, completions }) => {
          const said = completions.map((completion) => run.verdictOn(prompt, completion));
          return (
            <div
              key={epoch}
              class={`epoch${isFull && epochNow() === epoch ? ' pointed' : ''}`}
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
