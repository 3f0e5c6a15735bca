// The explorer of cuts: what another θ or another count would keep.
import type { JSX } from 'preact';
import { useMemo, useRef } from 'preact/hooks';
import type { RunView } from '../../../src/index.ts';
import { download } from '../../files.ts';
import { follow } from '../../state/stage.ts';
import { fixed, percent, whole } from '../../strings/numbers.ts';
import { promptsText } from '../../strings/prompts.ts';
import { Button, useWidth } from '../../views/markup.tsx';
import { Scroll } from '../../views/table.tsx';
import { cutNow, keptNow, scoresOf, tried } from './choice.ts';
import {
  boundsOf,
  type Cut,
  histogramOf,
  isScored,
  keptBy,
  ladder,
  LOWEST,
  lowestShown,
  makeupOf,
  ownCut,
  rejectionOf,
  roundedTheta,
  type Scored,
  subsetName,
  subsetText,
} from './cut.ts';

/** A cut in words. */
export const cutWords = (cut: Cut): string =>
  'theta' in cut
    ? promptsText.value.thetaWords(String(cut.theta))
    : promptsText.value.countWords(whole(cut.count));

export function Explorer({ run }: { readonly run: RunView }): JSX.Element {
  follow(run);
  const text = promptsText.value;
  return (
    <section id="explorer" class="card explorer" aria-labelledby="explorer-title">
      <h2 id="explorer-title">{text.cutTitle}</h2>
      {isScored(run) ? <Scoring run={run} /> : <p class="quiet">{text.cutBefore}</p>}
    </section>
  );
}

function Scoring({ run }: { readonly run: RunView & Scored }): JSX.Element {
  const text = promptsText.value;
  const scores = scoresOf(run);
  const { lim, pool } = run;
  const cut = cutNow(run) ?? ownCut(lim);
  const kept = keptNow(run) ?? new Set<number>();
  const own = run.selections.lim ?? keptBy(run, scores, ownCut(lim));
  const makeup = makeupOf(pool, scores, kept);
  const scored = scores.reduce((sum, score) => sum + Number(!Number.isNaN(score)), 0);
  const low = lowestShown(scores);
  const theta = 'theta' in cut ? cut.theta : (makeup.lowest ?? 1);
  const [more, fewer] = [
    [...kept].filter((prompt) => !own.has(prompt)).length,
    [...own].filter((prompt) => !kept.has(prompt)).length,
  ];
  const setTheta = (value: number): void => {
    tried.value = { theta: roundedTheta(Math.min(1, Math.max(low, value))) };
  };
  const setCount = (value: number): void => {
    tried.value = { count: Math.round(Math.min(scored, Math.max(0, value))) };
  };
  return (
    <>
      <p class="cut-words" role="status">
        <strong>{cutWords(cut)}</strong> {text.keeps(whole(kept.size), whole(pool.length))}
      </p>
      <Histogram run={run} theta={theta} onTheta={setTheta} />
      <div class="cut-controls">
        <label>
          <span>{text.thetaLabel}</span>
          <input
            id="theta"
            type="range"
            min={low}
            max={1}
            step={0.01}
            value={roundedTheta(Math.min(1, Math.max(low, theta)))}
            aria-valuetext={`${cutWords(cut)}, ${text.keeps(whole(kept.size), whole(pool.length))}`}
            aria-describedby="cut-keys"
            onKeyDown={tenfold(theta, 0.1, setTheta)}
            onInput={(event) => setTheta(Number(event.currentTarget.value))}
          />
        </label>
        <label>
          <span>{text.countLabel}</span>
          <input
            id="count"
            type="number"
            min={0}
            max={scored}
            step={1}
            value={kept.size}
            onInput={(event) => {
              const { value } = event.currentTarget;
              if (value !== '' && !Number.isNaN(Number(value))) setCount(Number(value));
            }}
          />
        </label>
        <Button id="own-cut" disabled={!tried.value} onClick={() => (tried.value = undefined)}>
          {text.backToOwn}
        </Button>
      </div>
      <p id="cut-keys" class="hint">
        {text.cutKeys}
      </p>
      <p id="cut-own">
        {text.ownCut(cutWords(ownCut(lim)), whole(own.size))}{' '}
        {tried.value ? `${text.against(more, fewer)} ${text.untrained}` : text.sameAsOwn}
      </p>
      <Bound run={run} cut={cut} />
      <Kept run={run} kept={kept} />
      <p class="buttons">
        <Button
          id="download-subset"
          disabled={kept.size === 0}
          onClick={() => download(subsetName(cut), subsetText(run, kept), 'application/json')}
        >
          {text.download(kept.size, whole(kept.size))}
        </Button>
        <span class="hint">{text.downloadHint}</span>
      </p>
      <Ladder run={run} />
    </>
  );
}

/** With Shift, an arrow key goes ten steps. */
const tenfold =
  (now: number, step: number, set: (value: number) => void) =>
  (event: KeyboardEvent): void => {
    const ways: Readonly<Record<string, number>> = {
      ArrowRight: 1,
      ArrowUp: 1,
      ArrowLeft: -1,
      ArrowDown: -1,
    };
    const way = Object.hasOwn(ways, event.key) ? ways[event.key] : undefined;
    if (way === undefined || !event.shiftKey) return;
    event.preventDefault();
    set(now + way * step);
  };

/** Whether the cut rejects what is never solved. */
function Bound({ run, cut }: { readonly run: Scored; readonly cut: Cut }): JSX.Element | null {
  const text = promptsText.value;
  const theta = 'theta' in cut ? cut.theta : 0;
  const { neverSolved, level, required } = boundsOf(run.lim, theta);
  if (Number.isNaN(neverSolved)) return null;
  const rejects = neverSolved < theta;
  return (
    <p id="cut-bound" class={'theta' in cut && !rejects ? 'problem' : undefined}>
      {'theta' in cut
        ? text.boundText(fixed(neverSolved, 2), fixed(level, 3), fixed(required, 3), rejects)
        : text.boundCount(fixed(neverSolved, 2))}
    </p>
  );
}

function Kept({
  run,
  kept,
}: {
  readonly run: Scored;
  readonly kept: ReadonlySet<number>;
}): JSX.Element {
  const text = promptsText.value;
  const makeup = makeupOf(run.pool, run.scores, kept);
  const { all, origins, wrongKeys } = makeup;
  const rows = [
    { name: text.allPrompts, ...all },
    ...origins.map(({ origin, ...share }) => ({ name: text.origins[origin], ...share })),
    ...(wrongKeys ? [{ name: text.wrongKeys, ...wrongKeys }] : []),
  ];
  const rejection = rejectionOf(makeup);
  return (
    <>
      <table class="kept-table">
        <caption>{text.makeupCaption}</caption>
        <thead>
          <tr>
            <th scope="col">{text.group}</th>
            <th scope="col" class="number">
              {text.keptOf}
            </th>
            <th scope="col" class="number">
              {text.outOf}
            </th>
            <td aria-hidden="true" />
          </tr>
        </thead>
        <tbody>
          {rows.map((row) => (
            <tr key={row.name}>
              <th scope="row">{row.name}</th>
              <td class="number">{whole(row.kept)}</td>
              <td class="number">{whole(row.of)}</td>
              <td class="share" aria-hidden="true">
                <svg viewBox="0 0 100 8" preserveAspectRatio="none">
                  <rect class="whole" width="100" height="8" />
                  <rect
                    class="part"
                    width={row.of > 0 ? (100 * row.kept) / row.of : 0}
                    height="8"
                  />
                </svg>
              </td>
            </tr>
          ))}
        </tbody>
      </table>
      {rejection && wrongKeys && (
        <p id="cut-rejection">
          {text.rejection(
            whole(rejection.wrong),
            whole(rejection.rejected),
            percent(rejection.precision, 0),
            percent(wrongKeys.of / all.of, 0),
          )}
        </p>
      )}
    </>
  );
}

const HEIGHT = 128;
const [LEFT, RIGHT, TOP, BOTTOM] = [10, 10, 34, 20];

interface HistogramProps {
  readonly run: Scored;
  readonly theta: number;
  readonly onTheta: (theta: number) => void;
}

/** How many prompts score how much, with the cut as a line that can be dragged. */
function Histogram({ run, theta, onTheta }: HistogramProps): JSX.Element {
  const text = promptsText.value;
  const [host, width] = useWidth();
  const svg = useRef<SVGSVGElement>(null);
  const scores = scoresOf(run);
  const bins = useMemo(() => histogramOf(run.pool, scores), [run.pool, scores]);
  const low = lowestShown(scores);
  const most = bins.reduce((top, { right, wrong }) => Math.max(top, right + wrong), 1);
  const room = Math.max(1, width - LEFT - RIGHT);
  const x = (score: number): number =>
    LEFT + ((Math.min(1, Math.max(low, score)) - low) / (1 - low)) * room;
  const y = (count: number): number => HEIGHT - BOTTOM - (count / most) * (HEIGHT - TOP - BOTTOM);
  const { neverSolved, alwaysSolved } = boundsOf(run.lim, theta);
  const own = 'theta' in ownCut(run.lim) ? run.lim.theta : run.lim.lowestKept;
  const set = (event: PointerEvent): void => {
    if (!svg.current || event.buttons === 0) return;
    const { left } = svg.current.getBoundingClientRect();
    onTheta(low + ((event.clientX - left - LEFT) / room) * (1 - low));
  };
  const marks = [
    { name: text.neverSolved, score: neverSolved, row: 0 },
    { name: text.alwaysSolved, score: alwaysSolved, row: 1 },
  ].filter(({ score }) => !Number.isNaN(score));
  const step = room / (1 - low) < 200 ? 0.5 : 0.2;
  const ticks = Array.from({ length: Math.floor((1 - low) / step + 1e-9) + 1 }, (_, i) =>
    roundedTheta(1 - i * step),
  );
  return (
    <div ref={host} class="histogram">
      {width > 0 && (
        <svg
          ref={svg}
          width={width}
          height={HEIGHT}
          role="img"
          aria-label={text.histogram(fixed(low, 1), fixed(1, 0))}
          onPointerDown={(event) => {
            event.currentTarget.setPointerCapture(event.pointerId);
            set(event);
          }}
          onPointerMove={set}
        >
          {bins.map(({ from, to, right, wrong }) => {
            const keeps = from >= theta - 1e-9;
            const wide = Math.max(0.5, x(to) - x(from) - 1);
            return (
              <g key={from} class={keeps ? 'keeps' : 'leaves'}>
                <rect
                  class="right"
                  x={x(from)}
                  y={y(right)}
                  width={wide}
                  height={y(0) - y(right)}
                />
                <rect
                  class="wrong"
                  x={x(from)}
                  y={y(right + wrong)}
                  width={wide}
                  height={y(right) - y(right + wrong)}
                />
              </g>
            );
          })}
          <path class="rule" d={`M${LEFT} ${y(0)}H${width - RIGHT}`} />
          {ticks.map((tick) => (
            <text
              key={tick}
              class="tick-text"
              x={x(tick)}
              y={HEIGHT - 5}
              text-anchor={tick === low ? 'start' : tick === 1 ? 'end' : 'middle'}
            >
              {tick === LOWEST ? `≤ ${fixed(tick, 0)}` : fixed(tick, 1)}
            </text>
          ))}
          {marks.map(({ name, score, row }) => (
            <g key={name} class="bound">
              <path d={`M${x(score)} ${12 * row + 14}V${y(0)}`} />
              <text
                class="tick-text"
                x={x(score) + (x(score) > width / 2 ? -4 : 4)}
                y={12 * row + 16}
                text-anchor={x(score) > width / 2 ? 'end' : 'start'}
              >
                {name}
              </text>
            </g>
          ))}
          {own !== undefined && <path class="own" d={`M${x(own) - 5} ${y(0) + 5}h10l-5 -5z`} />}
          <path class="cut" d={`M${x(theta)} ${TOP - 6}V${y(0)}`} />
          <circle class="cut" cx={x(theta)} cy={TOP - 6} r={5} />
        </svg>
      )}
    </div>
  );
}

/** What every θ keeps, in tenths. */
function Ladder({ run }: { readonly run: RunView & Scored }): JSX.Element {
  const text = promptsText.value;
  const scores = scoresOf(run);
  const rows = useMemo(
    () =>
      ladder(scores).map((theta) => {
        const makeup = makeupOf(run.pool, scores, keptBy(run, scores, { theta }));
        return { theta, makeup, rejection: rejectionOf(makeup) };
      }),
    [run.pool, scores],
  );
  const first = rows[0]?.makeup;
  return (
    <details>
      <summary>{text.ladder}</summary>
      <Scroll label={text.ladder}>
        <table>
          <thead>
            <tr>
              <th scope="col" class="number">
                {text.theta}
              </th>
              <th scope="col" class="number">
                {text.keptOf}
              </th>
              {first?.origins.map(({ origin }) => (
                <th key={origin} scope="col" class="number">
                  {text.origins[origin]}
                </th>
              ))}
              {first?.wrongKeys && (
                <>
                  <th scope="col" class="number">
                    {text.wrongShort}
                  </th>
                  <th scope="col" class="number">
                    {text.precision}
                  </th>
                </>
              )}
            </tr>
          </thead>
          <tbody>
            {rows.map(({ theta, makeup, rejection }) => (
              <tr key={theta}>
                <th scope="row" class="number">
                  {fixed(theta, 1)}
                </th>
                <td class="number">{whole(makeup.all.kept)}</td>
                {makeup.origins.map(({ origin, kept }) => (
                  <td key={origin} class="number">
                    {whole(kept)}
                  </td>
                ))}
                {makeup.wrongKeys && (
                  <>
                    <td class="number">{whole(makeup.wrongKeys.kept)}</td>
                    <td class="number">{rejection ? percent(rejection.precision, 0) : '–'}</td>
                  </>
                )}
              </tr>
            ))}
          </tbody>
        </table>
      </Scroll>
    </details>
  );
}
