// The inspector: everything about one prompt. What it earned, its score with its own numbers, and
// what the model answered.
import type { JSX } from 'preact';
import { useEffect, useState } from 'preact/hooks';
import {
  cutText,
  inTableOrder,
  methodLabel,
  type Completion,
  type MethodName,
  type RunView,
} from '../../src/index.ts';
import {
  answersTo,
  chosen,
  film,
  follow,
  inspected,
  shownRun,
  type Answers,
} from '../state/stage.ts';
import { wishesToAsk } from '../state/asking.ts';
import { verdicts } from '../state/verdicts.ts';
import { Button, Code, useWidth } from './markup.tsx';
import { Steps, workedOf } from './steps.tsx';

/** The answers to a prompt as far as the run has come; undefined until they are there. */
function useAnswers(run: RunView | undefined, prompt: number | undefined): Answers | undefined {
  const [answers, setAnswers] = useState<readonly [number, Answers | undefined]>();
  const epochs = run?.columns.length ?? 0;
  useEffect(() => {
    if (prompt === undefined || !run) return undefined;
    let asked = true;
    answersTo(prompt).then(
      (found) => {
        if (asked) setAnswers([prompt, found]);
      },
      // The trainer was closed meanwhile: what it would have told is not shown.
      () => {
        if (asked) setAnswers(undefined);
      },
    );
    return () => {
      asked = false;
    };
  }, [run, prompt, epochs]);
  return answers?.[0] === prompt ? answers?.[1] : undefined;
}

/** @param props.name Begins the ids of the view, which may stand on the page more than once. */
export function Inspector({ name }: { readonly name: string }): JSX.Element {
  const title = `${name}-title`;
  const run = shownRun();
  const prompt = inspected.value;
  const answers = useAnswers(run, prompt);
  if (!run || prompt === undefined || !run.pool[prompt]) {
    return (
      <aside class="card inspector" aria-labelledby={title}>
        <h2 id={title}>
          {run?.config.task.name === 'arithmetic' ? 'How an answer is read' : 'One prompt'}
        </h2>
        {run?.config.task.name === 'arithmetic' && <Notation modulus={run.config.task.modulus} />}
        <p class="quiet">
          Choose a column, once there are some, to read what it is, what it earned and what was
          answered.
        </p>
      </aside>
    );
  }
  const one = run.pool[prompt];
  const key = one.key ?? answers?.key;
  return (
    <aside class="card inspector" aria-labelledby={title}>
      <div class="inspector-head">
        <h2 id={title}>
          {chosen.value === undefined && film.value ? 'The prompt that learned most' : 'One prompt'}
        </h2>
        {chosen.value !== undefined && (
          <Button class="link" label="Close this prompt" onClick={() => (chosen.value = undefined)}>
            close
          </Button>
        )}
      </div>
      <p class="prompt-title">
        <Code text={run.textOf(prompt)} />{' '}
        {key !== undefined && (
          <span class="quiet">
            key <Code text={key} />
          </span>
        )}{' '}
        {one.wrongKey && <strong class="badge">key wrong on purpose</strong>}
        {one.wrongKey && one.truth !== undefined && (
          <span class="quiet">
            {' '}
            the truth is <Code text={one.truth} />
          </span>
        )}
      </p>
      <p class="quiet">{standingOf(run, prompt)}</p>
      <Curve run={run} prompt={prompt} />
      <Score run={run} prompt={prompt} open={name === 'example'} />
      <Responses run={run} prompt={prompt} answers={answers} />
      {name === 'inspector' && (
        <Button class="link" onClick={() => wishesToAsk.value++}>
          ask the models this
        </Button>
      )}
      <Neighbours run={run} prompt={prompt} />
    </aside>
  );
}

/** What the characters of an answer to digit arithmetic mean, and what is paid for it. */
function Notation({ modulus }: { readonly modulus: number }): JSX.Element {
  return (
    <>
      <p>
        The model works <Code text="7-3*4=" /> from left to right and writes <Code text="4,6#6;" />:
        the value after each operator
        {modulus === 10 ? ', its last digit alone' : `, modulo ${modulus}`}, then <Code text="#" />,
        the answer and <Code text=";" />.
      </p>
      <dl class="paid">
        <dt>1</dt>
        <dd>is paid for an answer that matches the prompt’s key,</dd>
        <dt>−0.5</dt>
        <dd>for another one,</dd>
        <dt>−1</dt>
        <dd>
          for none of this form, as with <Code text="?" /> in place of <Code text="#" />.
        </dd>
      </dl>
    </>
  );
}

/** Origin, and which selections hold it. */
function standingOf(run: RunView, prompt: number): string {
  const { origin } = run.pool[prompt] ?? {};
  const { lim } = run.selections;
  const held = inTableOrder(Object.keys(run.selections) as MethodName[])
    .filter((method) => run.selections[method]?.has(prompt))
    .map(methodLabel);
  return [
    ...(origin === undefined ? [] : [`${origin} for the base`]),
    ...(lim ? [lim.has(prompt) ? 'kept by LIM' : 'rejected by LIM'] : []),
    ...(held.length > 0 ? [`in ${held.join(', ')}`] : []),
  ].join(' · ');
}

const CURVE_HEIGHT = 96;

/** What the prompt earned in each epoch, beside the pool's mean. */
function Curve({ run, prompt }: { readonly run: RunView; readonly prompt: number }): JSX.Element {
  follow(run);
  const [host, width] = useWidth();
  const { epochs } = run.config.experiment;
  const accuracy = run.config.lim.signal === 'accuracy';
  const low = accuracy ? 0 : -1;
  const own = run.columns.map((column) => column[prompt] ?? NaN);
  const [left, right] = [30, 12];
  const x = (epoch: number): number =>
    left + (epochs === 1 ? 0.5 : epoch / (epochs - 1)) * Math.max(1, width - left - right);
  const y = (value: number): number => 8 + (1 - (value - low) / (1 - low)) * (CURVE_HEIGHT - 30);
  const pathOf = (values: readonly number[]): string =>
    values
      .flatMap((value, epoch) => (Number.isNaN(value) ? [] : [`${x(epoch)} ${y(value)}`]))
      .map((point, i) => `${i === 0 ? 'M' : 'L'}${point}`)
      .join('');
  const told = own.map((value, epoch) =>
    Number.isNaN(value) ? '' : `epoch ${epoch + 1}: ${value.toFixed(2)}`,
  );
  return (
    <div ref={host} class="curve">
      {width > 0 && (
        <svg
          width={width}
          height={CURVE_HEIGHT}
          role="img"
          aria-label={`What it earned, ${told.join(', ')}`}
        >
          <path
            class="rule"
            d={`M${left} ${y(1)}H${width - right}M${left} ${y(low)}H${width - right}`}
          />
          <text class="tick-text" x={left - 6} y={y(1)} text-anchor="end">
            1
          </text>
          <text class="tick-text" x={left - 6} y={y(low)} text-anchor="end">
            {low}
          </text>
          {Array.from({ length: epochs }, (_, epoch) => (
            <text class="tick-text" x={x(epoch)} y={CURVE_HEIGHT - 6} text-anchor="middle">
              {epoch + 1}
            </text>
          ))}
          <path class="mean" d={pathOf(run.meanCurve)} />
          <path class="own" d={pathOf(own)} />
          {own.map((value, epoch) =>
            Number.isNaN(value) ? null : (
              <circle class="own-dot" cx={x(epoch)} cy={y(value)} r={4} />
            ),
          )}
        </svg>
      )}
      <p class="hint">
        {accuracy ? 'Share of its answers that match the key' : 'Its mean reward'}, epoch by epoch;
        red: the mean of all prompts.
      </p>
    </div>
  );
}

/** The score's formula with this prompt's numbers. */
function Score(props: {
  readonly run: RunView;
  readonly prompt: number;
  readonly open: boolean;
}): JSX.Element | null {
  const { run, prompt, open } = props;
  follow(run);
  const score = run.scoreOf(prompt);
  const { lim } = run;
  if (score === undefined || !lim) return null;
  if (Number.isNaN(score))
    return <p class="quiet">It has no score: some epoch gave it no answer.</p>;
  const rows = run.columns.map((column, epoch) => {
    const [own, mean] = [
      column[prompt] ?? NaN,
      lim.meanCurve[epoch] ?? run.meanCurve[epoch] ?? NaN,
    ];
    return { epoch, own, mean, apart: (own - mean) ** 2, most: (1 - mean) ** 2 };
  });
  const apart = rows.reduce((sum, row) => sum + row.apart, 0);
  const most = rows.reduce((sum, row) => sum + row.most, 0);
  // An epoch that is missing counts by the rule of the run, which this sum does not know.
  const whole = Math.abs(1 - apart / most - score) < 0.005;
  const kept = run.selections.lim?.has(prompt);
  return (
    <details class="score" open={open}>
      <summary>
        LIM score <strong>{shown(score)}</strong>
        {kept === undefined
          ? ''
          : kept
            ? ` · kept: ${cutText(lim)}`
            : ` · not kept: ${cutText(lim)}`}
      </summary>
      {whole && (
        <>
          <p>
            1 − {apart.toFixed(2)} ⁄ {most.toFixed(2)} = {shown(score)}: how far its curve is from
            the mean curve, against how far the mean curve is from 1.
          </p>
          <table>
            <thead>
              <tr>
                <th scope="col">Epoch</th>
                <th scope="col" class="number">
                  r
                </th>
                <th scope="col" class="number">
                  mean r̄
                </th>
                <th scope="col" class="number">
                  (r − r̄)²
                </th>
                <th scope="col" class="number">
                  (1 − r̄)²
                </th>
              </tr>
            </thead>
            <tbody>
              {rows.map((row) => (
                <tr key={row.epoch}>
                  <th scope="row">{row.epoch + 1}</th>
                  <td class="number">{row.own.toFixed(2)}</td>
                  <td class="number">{row.mean.toFixed(2)}</td>
                  <td class="number">{row.apart.toFixed(3)}</td>
                  <td class="number">{row.most.toFixed(3)}</td>
                </tr>
              ))}
            </tbody>
          </table>
        </>
      )}
    </details>
  );
}

const shown = (value: number): string => value.toFixed(2).replace('-', '−');

/** Equal responses of one epoch, the most frequent first. */
function grouped(completions: readonly Completion[]): { one: Completion; count: number }[] {
  const groups = new Map<string, { one: Completion; count: number }>();
  for (const one of completions) {
    const group = groups.get(one.text);
    if (group) group.count++;
    else groups.set(one.text, { one, count: 1 });
  }
  return [...groups.values()].sort((a, b) => b.count - a.count);
}

function Responses(props: {
  readonly run: RunView;
  readonly prompt: number;
  readonly answers: Answers | undefined;
}): JSX.Element {
  const { run, prompt, answers } = props;
  follow(run);
  const [wanted, want] = useState<number>();
  const epochs = answers?.epochs ?? [];
  if (epochs.length === 0) {
    return <p class="quiet">What was sampled for it comes with the first epoch.</p>;
  }
  const now = epochs.find(({ epoch }) => epoch === wanted) ?? epochs.at(-1);
  const groups = grouped(now?.completions ?? []);
  return (
    <div class="responses">
      <div class="rounds" role="group" aria-label="Answers of epoch">
        <span class="quiet">Answers of epoch</span>
        {epochs.map(({ epoch }) => (
          <Button
            key={epoch}
            class="round-button"
            label={`Epoch ${epoch + 1}`}
            pressed={epoch === now?.epoch}
            onClick={() => want(epoch)}
          >
            {epoch + 1}
          </Button>
        ))}
      </div>
      <ul class="grouped">
        {groups.map(({ one, count }) => {
          const verdict = run.verdictOn(prompt, one);
          const { mark, words } = verdicts[verdict];
          const lucky = verdict === 'right' && workedOf(run, prompt, one.text)?.lucky === true;
          return (
            <li key={one.text} class={verdict}>
              <span class="mark" aria-hidden="true">
                {mark}
              </span>{' '}
              <span class="visually-hidden">{words}: </span>
              <Code text={one.text} /> <span class="quiet">×{count}</span>{' '}
              <span class="words quiet">
                {words}
                {lucky && ', over a wrong step'}
              </span>
            </li>
          );
        })}
      </ul>
      {groups[0] && <Steps run={run} prompt={prompt} response={groups[0].one.text} />}
    </div>
  );
}

/** Prompts whose curves are closest to this one's. */
function Neighbours({
  run,
  prompt,
}: {
  readonly run: RunView;
  readonly prompt: number;
}): JSX.Element | null {
  follow(run);
  const { columns, pool } = run;
  if (columns.length < 2) return null;
  const distance = (other: number): number =>
    columns.reduce(
      (sum, column) => sum + ((column[other] ?? NaN) - (column[prompt] ?? NaN)) ** 2,
      0,
    );
  const near = pool
    .map((_, place) => ({ place, far: distance(place) }))
    .filter(({ place, far }) => place !== prompt && !Number.isNaN(far))
    .sort((a, b) => a.far - b.far || a.place - b.place)
    .slice(0, 3);
  if (near.length === 0) return null;
  return (
    <div class="neighbours">
      <p class="quiet">Learned alike:</p>
      {near.map(({ place }) => (
        <Button key={place} class="prompt" onClick={() => (chosen.value = place)}>
          <Code text={run.textOf(place)} />
        </Button>
      ))}
    </div>
  );
}
