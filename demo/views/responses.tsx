// The answers to one prompt: of a method, epoch by epoch.
import './answers.css';
import type { JSX } from 'preact';
import { useState } from 'preact/hooks';
import { methodLabel, type Completion, type MethodName, type RunView } from '../../src/index.ts';
import { lineLook } from '../../src/look/tokens.ts';
import { groupAnswers } from '../state/answer-groups.ts';
import { answerer, answerers, readAnswersOf, whyNone } from '../state/answering.ts';
import { follow } from '../state/stage.ts';
import { marks } from '../state/verdicts.ts';
import { answersText } from '../strings/answers.ts';
import { engineText } from '../strings/engine.ts';
import { Changes, type AnsweredEpoch } from './changes.tsx';
import { Filled } from './filled.tsx';
import { Button, Code, Swatch } from './markup.tsx';
import { Steps, workedOf } from './steps.tsx';
import type { FoundAnswers } from './use-answers.ts';

/** @param props.found Undefined while the answers are being read. */
export function Responses(props: {
  readonly run: RunView;
  readonly prompt: number;
  readonly found: FoundAnswers | undefined;
}): JSX.Element {
  const { run, prompt, found } = props;
  follow(run);
  const text = answersText.value;
  const method = answerer(run);
  const epochs = found?.answers?.epochs ?? [];
  return (
    <div class="responses">
      <Answerers run={run} />
      {found?.failed !== undefined ? (
        <p class="problem">
          <Filled text={text.failed} parts={{ why: <span lang="en">{found.failed}</span> }} />
        </p>
      ) : found && epochs.length === 0 ? (
        <p class="quiet">{noneText(run, prompt, method)}</p>
      ) : epochs.length === 0 ? (
        <p class="quiet">{text.waiting}</p>
      ) : (
        <Epochs run={run} prompt={prompt} method={method} epochs={epochs} />
      )}
    </div>
  );
}

/** Chooses the method whose answers are read. Nothing where the run has FULL alone. */
export function Answerers({ run }: { readonly run: RunView }): JSX.Element | null {
  const methods = answerers(run);
  const now = answerer(run);
  const text = answersText.value;
  if (methods.length < 2) return null;
  return (
    <div class="rounds answerers" role="group" aria-label={text.methods}>
      <span class="quiet">{text.methods}</span>
      {methods.map((method) => (
        <Button
          key={method}
          class="round-button"
          pressed={method === now}
          onClick={() => readAnswersOf(method)}
        >
          <Swatch look={lineLook(method, methods)} /> {methodLabel(method)}
        </Button>
      ))}
    </div>
  );
}

/** Why there is no answer, in a sentence. */
export function noneText(run: RunView, prompt: number, method: MethodName): string {
  const text = answersText.value;
  const name = methodLabel(method);
  const why = whyNone(run, prompt, method);
  if (method === 'full' && run.columns.length === 0 && why !== 'numbers') return text.first;
  switch (why) {
    case 'numbers':
      return text.numbers;
    case 'unchosen':
      return text.unchosen(name);
    case 'unbegun':
      return text.unbegun(name);
    case 'undrawn':
      return text.undrawn(name);
  }
}

/** Says whose epochs are counted, where they are not those of the pool. */
export function OwnEpochs(props: {
  readonly run: RunView;
  readonly method: MethodName;
}): JSX.Element | null {
  const { run, method } = props;
  const own = run.selections[method]?.size;
  if (own === undefined || method === 'full') return null;
  return <p class="hint">{answersText.value.own(methodLabel(method), own)}</p>;
}

function Epochs(props: {
  readonly run: RunView;
  readonly prompt: number;
  readonly method: MethodName;
  readonly epochs: readonly AnsweredEpoch[];
}): JSX.Element {
  const { run, prompt, method, epochs } = props;
  const text = answersText.value;
  const [wanted, want] = useState<number>();
  const [against, compare] = useState<number>();
  const now = epochs.find(({ epoch }) => epoch === wanted) ?? epochs.at(-1);
  const other = epochs.find(({ epoch }) => epoch === against && epoch !== now?.epoch);
  return (
    <>
      <div class="rounds" role="group" aria-label={text.epochs}>
        <span class="quiet">{text.epochs}</span>
        {epochs.map(({ epoch }) => (
          <Button
            key={epoch}
            class="round-button"
            label={text.epoch(epoch + 1)}
            pressed={epoch === now?.epoch}
            onClick={() => want(epoch)}
          >
            {epoch + 1}
          </Button>
        ))}
      </div>
      {epochs.length > 1 && (
        <div class="rounds" role="group" aria-label={text.against}>
          <span class="quiet">{text.against}</span>
          <Button
            class="round-button"
            label={text.nothingName}
            pressed={!other}
            onClick={() => compare(undefined)}
          >
            {text.nothing}
          </Button>
          {epochs.map(({ epoch }) => (
            <Button
              key={epoch}
              class="round-button"
              label={text.epoch(epoch + 1)}
              pressed={epoch === other?.epoch}
              disabled={epoch === now?.epoch}
              onClick={() => compare(epoch)}
            >
              {epoch + 1}
            </Button>
          ))}
        </div>
      )}
      <OwnEpochs run={run} method={method} />
      {now && !other && <Grouped run={run} prompt={prompt} completions={now.completions} />}
      {now && other && (
        <Changes
          run={run}
          prompt={prompt}
          before={now.epoch < other.epoch ? now : other}
          after={now.epoch < other.epoch ? other : now}
        />
      )}
    </>
  );
}

/** The responses of one epoch, and the most frequent one step by step. */
function Grouped(props: {
  readonly run: RunView;
  readonly prompt: number;
  readonly completions: readonly Completion[];
}): JSX.Element {
  const { run, prompt, completions } = props;
  const groups = groupAnswers(completions);
  return (
    <>
      <ul class="grouped">
        {groups.map(({ one, count }) => {
          const verdict = run.verdictOn(prompt, one);
          const words = engineText.value.verdicts[verdict];
          const lucky = verdict === 'right' && workedOf(run, prompt, one.text)?.lucky === true;
          return (
            <li key={one.text} class={verdict}>
              <span class="mark" aria-hidden="true">
                {marks[verdict]}
              </span>{' '}
              <span class="visually-hidden">{words}: </span>
              <Code text={one.text} /> <span class="quiet">×{count}</span>{' '}
              <span class="words quiet">
                {words}
                {lucky && ` · ${answersText.value.lucky}`}
              </span>
            </li>
          );
        })}
      </ul>
      {groups[0] && <Steps run={run} prompt={prompt} response={groups[0].one.text} />}
    </>
  );
}
