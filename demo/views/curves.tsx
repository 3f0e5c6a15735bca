// The curves of the run: what each method logs, over its updates, with the values at one of them.
import './curves.css';
import { effect } from '@preact/signals';
import { render, type JSX } from 'preact';
import { useEffect, useRef } from 'preact/hooks';
import {
  inTableOrder,
  methodEntries,
  metric,
  metricMeaning,
  type ExperimentConfig,
  type Metric,
  type MetricKey,
  type RunView,
} from '../../src/index.ts';
import { lineLook, type LineName } from '../../src/look/tokens.ts';
import { epochAt } from '../cursor.ts';
import { fullUpdatesOf } from '../link.ts';
import { curveKeys, usualCurves, type CurveKey } from '../plots/curve-keys.ts';
import { LineChart, type ChartState, type LineChartOptions } from '../plots/line-chart.ts';
import { readAt, readFixed, type Lines, type Points, type Reading } from '../plots/readings.ts';
import { scheme } from '../scheme.ts';
import {
  chooseCurves,
  pointedUpdate,
  shownConfig,
  shownCurves,
  shownPool,
  updateNow,
} from '../state/curves.ts';
import { cursorEpoch, pointed } from '../state/pointing.ts';
import { depends, language, pinned, shownRun } from '../state/stage.ts';
import { curvesText } from '../strings/curves.ts';
import { engineText } from '../strings/engine.ts';
import { metricsText } from '../strings/metrics.ts';
import { fixed, percent, significant, whole } from '../strings/numbers.ts';
import { Button, Swatch } from './markup.tsx';

/** How a curve is drawn and told. */
interface Curve {
  readonly key: CurveKey;
  readonly name: string;
  readonly meaning: string;
  /** Whether the meaning comes from the task, in English. */
  readonly foreign: boolean;
  readonly format: (value: number) => string;
  readonly options: LineChartOptions;
}

/** Draws the curves in their place. Called once. */
export function openCurves(host: HTMLElement): void {
  render(<Curves />, host);
  effect(() => {
    const [config, pool] = [shownConfig(), shownPool()];
    cursorEpoch.value =
      pointed.value?.epoch ?? (config && pool ? epochAt(config, pool, updateNow()) : undefined);
  });
}

function Curves(): JSX.Element {
  const text = curvesText.value;
  const run = shownRun();
  const config = shownConfig();
  const update = updateNow();
  const { names, state } = framesOf(run, config);
  const all = curveKeys.map((key) => curveOf(key, config));
  return (
    <>
      <h2 id="curves-title">{text.title(run && run.seeds.length > 1 ? run.seed : undefined)}</h2>
      <ul class="legend" id="methods-legend" aria-label={text.lines}>
        {(['base', ...names] as const).map((name) => (
          <Line key={name} name={name} names={names} />
        ))}
      </ul>
      <Cursor config={config} end={state.end} update={update} />
      <div class="charts" id="charts">
        {all
          .filter(({ key }) => shownCurves.value.includes(key))
          .map((curve) => {
            const lines = linesOf(run, curve.key, state.end);
            const reading =
              update === undefined ? readFixed(lines, run?.fixedReadout) : readAt(lines, update);
            const drawn = curve.key === 'held' ? (['base', ...names] as const) : names;
            return (
              <Chart
                key={`${curve.key} ${language.value}`}
                curve={curve}
                state={{ ...state, lines, names: drawn, cursor: update }}
                reading={reading}
                readout={readoutOf(config)}
              />
            );
          })}
      </div>
      <Chooser all={all} run={run} />
    </>
  );
}

/** What all charts of a run have in common. */
function framesOf(run: RunView | undefined, config: ExperimentConfig | undefined) {
  const pool = shownPool();
  const { budget, tableReadout, methods = [], armLength = 0 } = config?.experiment ?? {};
  const equal = budget === 'updates';
  const armEnd = methods.length > 1 && equal ? armLength : 0;
  const names = inTableOrder(['full', ...methods]);
  const state: Omit<ChartState, 'lines' | 'names' | 'cursor'> = {
    end: config && pool ? Math.max(fullUpdatesOf(config, pool), armEnd) : 10,
    rule: equal ? tableReadout : undefined,
    alone: equal && names.length > 1 ? Math.max(armEnd, tableReadout ?? 0) : undefined,
  };
  return { names, state };
}

/** The lines of a curve. The base has held-out accuracy alone, the same at every update. */
function linesOf(run: RunView | undefined, key: CurveKey, end: number): Lines {
  if (!run) return {};
  if (key !== 'held') {
    return Object.fromEntries(
      methodEntries(run.updates).map(([name, records]) => [
        name,
        records.map(({ update, metrics: values }) => [update, values[key] ?? NaN] as const),
      ]),
    );
  }
  const base = run.evaluations.base?.at(-1)?.mean;
  const held: Partial<Record<LineName, Points>> = {};
  for (const name of inTableOrder(['full', ...run.config.experiment.methods])) {
    const points = (run.evaluations[name] ?? [])
      .filter((one) => one.seed === run.seed)
      .map(({ update, mean }) => [update, mean] as const);
    if (points.length > 0) held[name] = base === undefined ? points : [[0, base], ...points];
  }
  if (base !== undefined) {
    held.base = [
      [0, base],
      [end, base],
    ];
  }
  return held;
}

function curveOf(key: CurveKey, config: ExperimentConfig | undefined): Curve {
  const text = curvesText.value;
  const { metrics: told, units } = metricsText.value;
  if (key === 'held') {
    return {
      key,
      name: text.held,
      meaning: text.heldMeaning,
      foreign: false,
      format: (share) => percent(share, 1),
      options: {
        across: text.updates,
        unit: text.heldUnit,
        axisFormat: (share) => percent(share, 0),
        points: true,
        empty: [0, 0.4],
        holds: true,
      },
    };
  }
  const one = metric(key);
  const { name, meaning } = told[key];
  const own = config && metricMeaning(config.task, key);
  const foreign = own !== undefined && own !== one.meaning;
  return {
    key,
    name,
    meaning: foreign ? own : meaning,
    foreign,
    format: formatOf(one),
    options: {
      across: text.updates,
      unit: one.unit === '' ? name : units[one.unit as keyof typeof units],
      axisFormat: one.unit === 'share' ? (share) => percent(share, 0) : undefined,
      empty: emptyAxes[key] ?? (one.scale === 'log' ? [0.01, 1] : [0, 0.1]),
      log: one.scale === 'log',
    },
  };
}

/** Axes of curves that have no values yet, and a twentieth of them the least that an axis spans. */
const emptyAxes: Readonly<Partial<Record<MetricKey, readonly [number, number]>>> = {
  reward_mean: [-1, 1],
  response_length_mean: [0, 10],
  tokens_per_second: [0, 100],
  step_ms: [0, 100],
  rollout_ms: [0, 100],
  verify_ms: [0, 100],
  update_ms: [0, 100],
};

function formatOf({ key, unit, scale }: Metric): Curve['format'] {
  if (scale === 'log') return (value) => significant(value, 3);
  switch (unit) {
    case 'share':
      return (value) => percent(value, 1);
    case 'tokens':
      return (value) => fixed(value, 1);
    case 'nats':
      return (value) => fixed(value, 3);
    case 'nats per token':
      return (value) => fixed(value, 4);
    case '':
      return (value) => fixed(value, key === 'reward_mean' ? 2 : 3);
    default:
      return whole;
  }
}

const readoutOf = (config: ExperimentConfig | undefined): string | undefined =>
  config && engineText.value.readout(config.experiment.tableReadout, config.experiment.budget);

/** A line's look and name, and what stands beside it. */
function Line(props: {
  readonly name: LineName;
  readonly names: readonly LineName[];
  readonly value?: string;
}): JSX.Element {
  const { name, names, value } = props;
  const look = lineLook(name, names);
  return (
    <li class={`line-${look.key}`}>
      <Swatch look={look} /> {name === 'base' ? engineText.value.base : look.label}
      {value !== undefined && (
        <>
          {' '}
          <span>{value}</span>
        </>
      )}
    </li>
  );
}

/** Sets the update of which all charts show the values. */
function Cursor(props: {
  readonly config: ExperimentConfig | undefined;
  readonly end: number;
  readonly update: number | undefined;
}): JSX.Element {
  const { config, end, update } = props;
  const text = curvesText.value;
  const slider = useRef<HTMLInputElement>(null);
  const { budget, tableReadout } = config?.experiment ?? {};
  const readout = readoutOf(config);
  const epoch = cursorEpoch.value;
  const told =
    update !== undefined
      ? text.at(update, epoch === undefined ? undefined : epoch + 1)
      : readout === undefined
        ? text.readout
        : text.atReadout(readout);
  return (
    <div class="cursor">
      <label for="cursor">{text.valuesAt}</label>
      <input
        ref={slider}
        id="cursor"
        type="range"
        min={0}
        max={end}
        step={1}
        value={update ?? (budget === 'updates' ? tableReadout : 0)}
        aria-valuetext={told}
        onInput={({ currentTarget }) => (pinned.value = Number(currentTarget.value))}
      />
      <output id="cursor-text" for="cursor">
        {told}
      </output>
      <Button
        id="cursor-reset"
        disabled={pinned.value === undefined}
        onClick={() => {
          pinned.value = undefined;
          slider.current?.focus();
        }}
      >
        {text.reset}
      </Button>
    </div>
  );
}

function Chart(props: {
  readonly curve: Curve;
  readonly state: ChartState;
  readonly reading: Reading;
  readonly readout: string | undefined;
}): JSX.Element {
  const { curve, state, reading, readout } = props;
  const text = curvesText.value;
  const room = useRef<HTMLDivElement>(null);
  const chart = useRef<LineChart | null>(null);
  const { options } = curve;
  useEffect(() => {
    if (!room.current) return undefined;
    const made = new LineChart(room.current, options, (at) => (pointedUpdate.value = at));
    chart.current = made;
    return () => {
      chart.current = null;
      made.destroy();
    };
  }, [options.unit, options.across]);
  // Its colours are those of the page.
  depends(scheme.value);
  useEffect(() => chart.current?.draw(state));
  const { at, awaits, values } = reading;
  return (
    <figure class="card chart">
      <h3>{curve.name}</h3>
      <p class="hint" lang={curve.foreign ? 'en' : undefined}>
        {curve.meaning}
      </p>
      <p class="when quiet">
        {at === undefined
          ? text.none
          : at === 'readout'
            ? text.whenReadout(readout ?? '')
            : text.when(at, awaits ? readout : undefined)}
      </p>
      <ul class="readout">
        {state.names.map((name) => {
          const value = values[name];
          return (
            <Line
              key={name}
              name={name}
              names={state.names}
              value={value === undefined || !Number.isFinite(value) ? '–' : curve.format(value)}
            />
          );
        })}
      </ul>
      {/* The rows above give the values, so that the drawing says nothing to a screen reader. */}
      <div ref={room} class="plot" aria-hidden="true" />
    </figure>
  );
}

/** Chooses the curves that are shown. */
function Chooser(props: {
  readonly all: readonly Curve[];
  readonly run: RunView | undefined;
}): JSX.Element {
  const { all, run } = props;
  const text = curvesText.value;
  const shown = shownCurves.value;
  const absent = all.filter(({ key }) => !hasValues(run, key));
  const row = ({ key, name }: Curve): JSX.Element => (
    <li key={key}>
      <label>
        <input
          type="checkbox"
          name={key}
          checked={shown.includes(key)}
          onChange={({ currentTarget: { checked } }) =>
            chooseCurves(checked ? [...shown, key] : shown.filter((one) => one !== key))
          }
        />
        {name}
      </label>
    </li>
  );
  return (
    <details class="choose-curves" id="choose-curves">
      <summary>
        {text.choose}: {text.chosen(shown.length, all.length)}
      </summary>
      <ul>{all.filter(({ key }) => hasValues(run, key)).map(row)}</ul>
      {absent.length > 0 && (
        <>
          <p class="quiet">{text.absent}</p>
          <ul>{absent.map(row)}</ul>
        </>
      )}
      <Button onClick={() => chooseCurves(usualCurves)}>{text.usual}</Button>
    </details>
  );
}

/** Whether a run has logged a value, or is none yet that could have. */
function hasValues(run: RunView | undefined, key: CurveKey): boolean {
  if (!run || key === 'held') return true;
  const last = methodEntries(run.updates).flatMap(([, records]) => records.slice(-1));
  return last.length === 0 || last.some(({ metrics }) => Number.isFinite(metrics[key] ?? NaN));
}
