// What changed in the answers to a prompt from one data epoch to another.
import type { JSX } from 'preact';
import type { Completion, RunView } from '../../src/index.ts';
import {
  changedSteps,
  changesOf,
  type AnswerChange,
  type Changes as Found,
  type StepTally,
} from '../state/answer-changes.ts';
import { groupAnswers } from '../state/answer-groups.ts';
import { marks } from '../state/verdicts.ts';
import { answersText, type AnswersText } from '../strings/answers.ts';
import { engineText } from '../strings/engine.ts';
import { Code } from './markup.tsx';
import { Steps, workedOf } from './steps.tsx';
import { Scroll } from './table.tsx';

/** A data epoch with its answers. */
export interface AnsweredEpoch {
  /** From 0. */
  readonly epoch: number;
  readonly completions: readonly Completion[];
}

/** @param props.before The earlier epoch. */
export function Changes(props: {
  readonly run: RunView;
  readonly prompt: number;
  readonly before: AnsweredEpoch;
  readonly after: AnsweredEpoch;
}): JSX.Element {
  const { run, prompt, before, after } = props;
  const text = answersText.value;
  const { task } = run.config;
  const changes = changesOf(
    before.completions,
    after.completions,
    (completion) => run.verdictOn(prompt, completion),
    task.name === 'arithmetic' ? { prompt: run.textOf(prompt), modulus: task.modulus } : undefined,
  );
  const [from, to] = [before.epoch + 1, after.epoch + 1];
  const headline = run.pool[prompt]?.wrongKey ? text.matched : text.right;
  const { before: earlier, after: later } = changes;
  const difference = later.paid / later.of - earlier.paid / earlier.of;
  return (
    <section class="epoch-changes" aria-label={text.changes(from, to)}>
      <p>
        <strong>{headline(earlier.paid, earlier.of, later.paid, later.of)}</strong>{' '}
        <span class="quiet">{text.points(difference)}</span>
      </p>
      <p class="hint">
        {text.bars(from, to)} {text.chance}
      </p>
      <Drawn changes={changes} />
      {changes.steps.length > 0 && <Stepwise changes={changes} />}
      <Frequent run={run} prompt={prompt} before={before} after={after} />
      <details class="changes-table">
        <summary>{text.table}</summary>
        <Table changes={changes} from={from} to={to} />
      </details>
    </section>
  );
}

/** Two bars over each other: shares before and after. */
const Bars = ({ before, after }: { readonly before: number; readonly after: number }) => (
  <span class="two-bars" aria-hidden="true">
    <span style={{ width: `${100 * before}%` }} />
    <span style={{ width: `${100 * after}%` }} />
  </span>
);

/** How an answer's count changed, in a word. */
function wordOf({ before, after }: AnswerChange, text: AnswersText): string {
  if (before === 0) return text.came;
  if (after === 0) return text.went;
  return after > before ? text.more : after < before ? text.fewer : text.same;
}

/** How often each answer was drawn. */
function Drawn({ changes }: { readonly changes: Found }): JSX.Element {
  const text = answersText.value;
  const { before, after, answers } = changes;
  return (
    <ul class="grouped changed-answers" aria-label={text.answers}>
      {answers.map((row) => (
        <li key={row.text} class={row.verdict}>
          <span>
            <span class="mark" aria-hidden="true">
              {marks[row.verdict]}
            </span>{' '}
            <span class="visually-hidden">{engineText.value.verdicts[row.verdict]}: </span>
            <Code text={row.text} />
          </span>
          <Bars before={row.before / before.of} after={row.after / after.of} />
          <span class="number">
            {row.before} → {row.after}
          </span>
          <span class="words quiet">{wordOf(row, text)}</span>
        </li>
      ))}
    </ul>
  );
}

const share = ({ right, of }: StepTally): number => (of === 0 ? 0 : right / of);

/** How many answers had each step right. */
function Stepwise({ changes }: { readonly changes: Found }): JSX.Element {
  const text = answersText.value;
  return (
    <>
      <h3>{text.steps}</h3>
      <ul class="changed-answers" aria-label={text.steps}>
        {changes.steps.map(({ text: step, before, after }, i) => (
          <li key={i}>
            <span>
              <span class="quiet">{i + 1}.</span> {step}
            </span>
            <Bars before={share(before)} after={share(after)} />
            <span class="number">
              {text.of(before.right, before.of)} → {text.of(after.right, after.of)}
            </span>
            <span class="words quiet">
              {before.most !== after.most && text.values(before.most ?? '–', after.most ?? '–')}
            </span>
          </li>
        ))}
      </ul>
    </>
  );
}

/** The most frequent answer of each epoch, step by step. */
function Frequent(props: {
  readonly run: RunView;
  readonly prompt: number;
  readonly before: AnsweredEpoch;
  readonly after: AnsweredEpoch;
}): JSX.Element | null {
  const { run, prompt, before, after } = props;
  const text = answersText.value;
  const [earlier, later] = [before, after].map(
    ({ completions }) => groupAnswers(completions)[0]?.one.text,
  );
  if (earlier === undefined || later === undefined) return null;
  const [own, other] = [workedOf(run, prompt, earlier), workedOf(run, prompt, later)];
  if (!own && !other) return null;
  if (earlier === later) {
    return (
      <>
        <p class="quiet">{text.mostInBoth}</p>
        <Steps run={run} prompt={prompt} response={later} />
      </>
    );
  }
  return (
    <>
      <p class="quiet">{text.most(before.epoch + 1)}</p>
      <Steps run={run} prompt={prompt} response={earlier} />
      <p class="quiet">{text.most(after.epoch + 1)}</p>
      <Steps run={run} prompt={prompt} response={later} changed={changedSteps(own, other)} />
    </>
  );
}

function Table(props: {
  readonly changes: Found;
  readonly from: number;
  readonly to: number;
}): JSX.Element {
  const { changes, from, to } = props;
  const text = answersText.value;
  const signed = (value: number): string =>
    (value > 0 ? `+${value}` : String(value)).replace('-', '−');
  return (
    <Scroll label={text.tableName}>
      <table>
        <thead>
          <tr>
            <th scope="col">{text.answer}</th>
            <th scope="col">{text.verdict}</th>
            <th scope="col" class="number">
              {text.epoch(from)}
            </th>
            <th scope="col" class="number">
              {text.epoch(to)}
            </th>
            <th scope="col" class="number">
              {text.change}
            </th>
          </tr>
        </thead>
        <tbody>
          {changes.answers.map((row) => (
            <tr key={row.text}>
              <th scope="row">
                <Code text={row.text} />
              </th>
              <td>{engineText.value.verdicts[row.verdict]}</td>
              <td class="number">{row.before}</td>
              <td class="number">{row.after}</td>
              <td class="number">{signed(row.after - row.before)}</td>
            </tr>
          ))}
        </tbody>
      </table>
      {changes.steps.length > 0 && (
        <table>
          <thead>
            <tr>
              <th scope="col">{text.step}</th>
              <th scope="col" class="number">
                {text.rightIn(from)}
              </th>
              <th scope="col" class="number">
                {text.rightIn(to)}
              </th>
              <th scope="col" class="number">
                {text.mostIn(from)}
              </th>
              <th scope="col" class="number">
                {text.mostIn(to)}
              </th>
            </tr>
          </thead>
          <tbody>
            {changes.steps.map(({ text: step, before, after }, i) => (
              <tr key={i}>
                <th scope="row">
                  {i + 1}. {step}
                </th>
                <td class="number">{text.of(before.right, before.of)}</td>
                <td class="number">{text.of(after.right, after.of)}</td>
                <td class="number">{before.most ?? '–'}</td>
                <td class="number">{after.most ?? '–'}</td>
              </tr>
            ))}
          </tbody>
        </table>
      )}
    </Scroll>
  );
}
