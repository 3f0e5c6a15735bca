// The inspector: everything about one prompt. What it earned, its score with its own numbers, and
// what the model answered.
import './run.css';
import type { JSX } from 'preact';
import { inTableOrder, methodLabel, type MethodName, type RunView } from '../../src/index.ts';
import { answerer } from '../state/answering.ts';
import { chosen, film, follow, inspected, shownRun } from '../state/stage.ts';
import { wishesToAsk } from '../state/asking.ts';
import { engineText } from '../strings/engine.ts';
import { inspectorText } from '../strings/inspector.ts';
import { fixed } from '../strings/numbers.ts';
import { Filled } from './filled.tsx';
import { Button, Code, useWidth } from './markup.tsx';
import { Responses } from './responses.tsx';
import { useAnswers } from './use-answers.ts';

/** @param props.name Begins the ids of the view, which may stand on the page more than once. */
export function Inspector({ name }: { readonly name: string }): JSX.Element {
  const title = `${name}-title`;
  const run = shownRun();
  const prompt = inspected.value;
  const found = useAnswers(run, prompt, run ? answerer(run) : 'full');
  const text = inspectorText.value;
  if (!run || prompt === undefined || !run.pool[prompt]) {
    return (
      <aside class="card inspector" aria-labelledby={title}>
        <h2 id={title}>{run?.config.task.name === 'arithmetic' ? text.howRead : text.one}</h2>
        {run?.config.task.name === 'arithmetic' && <Notation modulus={run.config.task.modulus} />}
        <p class="quiet">{text.choose}</p>
      </aside>
    );
  }
  const one = run.pool[prompt];
  const key = one.key ?? found?.answers?.key;
  return (
    <aside class="card inspector" aria-labelledby={title}>
      <div class="inspector-head">
        <h2 id={title}>{chosen.value === undefined && film.value ? text.featured : text.one}</h2>
        {chosen.value !== undefined && (
          <Button class="link" label={text.closeName} onClick={() => (chosen.value = undefined)}>
            {text.close}
          </Button>
        )}
      </div>
      <p class="prompt-title">
        <Code text={run.textOf(prompt)} />{' '}
        {key !== undefined && (
          <span class="quiet">
            <Filled text={text.key} parts={{ key: <Code text={key} /> }} />
          </span>
        )}{' '}
        {one.wrongKey && <strong class="badge">{text.wrongKey}</strong>}
        {one.wrongKey && one.truth !== undefined && (
          <span class="quiet">
            {' '}
            <Filled text={text.truth} parts={{ truth: <Code text={one.truth} /> }} />
          </span>
        )}
      </p>
      <p class="quiet">{standingOf(run, prompt)}</p>
      <Curve run={run} prompt={prompt} />
      <Score run={run} prompt={prompt} open={name === 'example'} />
      <Responses run={run} prompt={prompt} found={found} />
      {name === 'inspector' && (
        <Button class="link" onClick={() => wishesToAsk.value++}>
          {text.ask}
        </Button>
      )}
      <Neighbours run={run} prompt={prompt} />
    </aside>
  );
}

/** What the characters of an answer to digit arithmetic mean, and what is paid for it. */
function Notation({ modulus }: { readonly modulus: number }): JSX.Element {
  const text = inspectorText.value;
  const parts = {
    prompt: <Code text="7-3*4=" />,
    answer: <Code text="4,6#6;" />,
    mark: <Code text="#" />,
    end: <Code text=";" />,
    query: <Code text="?" />,
  };
  return (
    <>
      <p>
        <Filled text={text.notation(modulus)} parts={parts} />
      </p>
      <dl class="paid">
        {text.paid.map(([reward, what]) => (
          <>
            <dt>{reward}</dt>
            <dd>
              <Filled text={what} parts={parts} />
            </dd>
          </>
        ))}
      </dl>
    </>
  );
}

/** Origin, whether LIM kept it, and which other selections hold it. */
function standingOf(run: RunView, prompt: number): string {
  const text = inspectorText.value;
  const { origin } = run.pool[prompt] ?? {};
  const { lim } = run.selections;
  const held = inTableOrder(Object.keys(run.selections) as MethodName[])
    .filter((method) => method !== 'lim' && run.selections[method]?.has(prompt))
    .map(methodLabel);
  return [
    ...(origin === undefined ? [] : [engineText.value.origins[origin]]),
    ...(lim ? [lim.has(prompt) ? text.kept : text.rejected] : []),
    ...(held.length > 0 ? [text.heldBy(held.join(', '))] : []),
  ].join(' · ');
}

const CURVE_HEIGHT = 96;

/** What the prompt earned in each epoch, beside the pool's mean. */
function Curve({ run, prompt }: { readonly run: RunView; readonly prompt: number }): JSX.Element {
  follow(run);
  const text = inspectorText.value;
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
    Number.isNaN(value) ? '' : text.earnedIn(epoch + 1, value),
  );
  return (
    <div ref={host} class="curve">
      {width > 0 && (
        <svg
          width={width}
          height={CURVE_HEIGHT}
          role="img"
          aria-label={text.earned(told.filter((one) => one !== '').join(', '))}
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
      <p class="hint">{accuracy ? text.shareHint : text.rewardHint}</p>
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
  const text = inspectorText.value;
  const score = run.scoreOf(prompt);
  const { lim } = run;
  if (score === undefined || !lim) return null;
  if (Number.isNaN(score)) return <p class="quiet">{text.noScore}</p>;
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
        <Filled text={text.score} parts={{ score: <strong>{fixed(score, 2)}</strong> }} />
        {kept !== undefined &&
          ` · ${(kept ? text.keptBy : text.notKeptBy)(engineText.value.cut(lim))}`}
      </summary>
      {whole && (
        <>
          <p>{text.formula(apart, most, score)}</p>
          <div class="scroll" role="region" aria-label={text.sums} tabIndex={0}>
            <table>
              <thead>
                <tr>
                  <th scope="col">{text.epoch}</th>
                  <th scope="col" class="number">
                    r
                  </th>
                  <th scope="col" class="number">
                    {text.mean}
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
                    <td class="number">{fixed(row.own, 2)}</td>
                    <td class="number">{fixed(row.mean, 2)}</td>
                    <td class="number">{fixed(row.apart, 3)}</td>
                    <td class="number">{fixed(row.most, 3)}</td>
                  </tr>
                ))}
              </tbody>
            </table>
          </div>
        </>
      )}
    </details>
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
      <p class="quiet">{inspectorText.value.alike}</p>
      {near.map(({ place }) => (
        <Button key={place} class="prompt" onClick={() => (chosen.value = place)}>
          <Code text={run.textOf(place)} />
        </Button>
      ))}
    </div>
  );
}
