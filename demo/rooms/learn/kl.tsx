// Lesson: why stay close to the base? Three recorded trainings that differ in the penalty for leaving it.
import type { JSX } from 'preact';
import { useState } from 'preact/hooks';
import type { RecordedLessons } from '../../../src/lessons/recorded.ts';
import { markPath, runLooks } from '../../../src/look/tokens.ts';
import { lessonKlText } from '../../strings/lesson-kl.ts';
import { learnText } from '../../strings/learn.ts';
import { fixed, percent } from '../../strings/numbers.ts';
import { goTo } from '../../router.ts';
import { Choice, LessonFrame, Slider } from './lesson.tsx';
import { Scroll } from '../../views/table.tsx';
import { measures, pointsOf, valueAt, type Measure } from './kl-points.ts';
import { Plot, Upright, type Margins } from './plot.tsx';
import { labelsApart, pathThrough, ticksOf } from './scale.ts';
import { RecordedSource, recordedLessons, Waiting } from './source.tsx';

export function KlLesson(): JSX.Element {
  const found = recordedLessons();
  return found.state === 'here' ? <Leashes of={found.recorded} /> : <Waiting of={found} />;
}

function Leashes({ of }: { readonly of: RecordedLessons }): JSX.Element {
  const words = lessonKlText.value;
  const runs = of.kl;
  const last = Math.max(...runs.map(({ updates }) => updates.length));
  const [measure, setMeasure] = useState<Measure>('kl');
  const [update, setUpdate] = useState(last);
  const show = (one: Measure, at: number): void => {
    setMeasure(one);
    setUpdate(at);
  };
  return (
    <LessonFrame
      name="kl"
      intro={words.intro}
      tries={[
        { text: words.tries.distance, act: () => show('kl', last) },
        { text: words.tries.right, act: () => show('accuracy', Math.round(last / 4)) },
        { text: words.tries.entropy, act: () => show('entropy', last) },
      ]}
      notice={words.notice}
      source={
        <>
          {words.source(runs.length, last)} <RecordedSource of={of} />
        </>
      }
      see={{ text: words.see, go: () => goTo('compare') }}
    >
      <Choice
        label={words.measure}
        options={measures.map((name) => ({ name, text: words.measures[name] }))}
        value={measure}
        onChange={setMeasure}
      />
      <Lines runs={runs} measure={measure} update={update} last={last} />
      <div class="lesson-sliders">
        <Slider
          id="kl-update"
          name={words.at}
          low={1}
          high={last}
          step={1}
          value={update}
          onInput={setUpdate}
        />
      </div>
      <Scroll label={learnText.value.numbers}>
        <table>
          <thead>
            <tr>
              <th scope="col">{words.coefficient}</th>
              {measures.map((name) => (
                <th key={name} scope="col" class="number">
                  {words.measures[name]}
                </th>
              ))}
            </tr>
          </thead>
          <tbody>
            {runs.map((run, i) => (
              <tr key={run.multiple}>
                <th scope="row">
                  <RunSwatch place={i} /> {leashName(run)}
                </th>
                {measures.map((name) => (
                  <td key={name} class="number">
                    {shown(name, valueAt(run, name, update))}
                  </td>
                ))}
              </tr>
            ))}
          </tbody>
        </table>
      </Scroll>
      <p class="hint">{words.zero}</p>
    </LessonFrame>
  );
}

const leashName = ({ multiple, klCoef }: RecordedLessons['kl'][number]): string => {
  const words = lessonKlText.value;
  if (multiple === 0) return words.none;
  const coefficient = fixed(klCoef, 2);
  return multiple === 1 ? words.usual(coefficient) : words.times(multiple, coefficient);
};

const shown = (measure: Measure, value: number | undefined): string =>
  value === undefined
    ? '–'
    : measure === 'accuracy'
      ? percent(value, 1)
      : fixed(value, measure === 'reward' ? 2 : 3);

/** The look of the run at a place. */
const look = (place: number) => runLooks[place % runLooks.length];

function RunSwatch({ place }: { readonly place: number }): JSX.Element {
  const { tone, dash = [], mark = 'none' } = look(place) ?? {};
  return (
    <svg
      class="line"
      viewBox="0 0 36 12"
      aria-hidden="true"
      style={{ color: `var(${tone ?? ''})` }}
    >
      <path
        d="M1 6H35"
        stroke="currentColor"
        stroke-width={2.5}
        stroke-dasharray={dash.join(' ')}
      />
      <path d={markPath(mark, 18, 6)} fill="currentColor" />
    </svg>
  );
}

const HEIGHT = 300;
const marginsAt = (width: number): Margins => ({
  ...{ left: 52, top: 14, bottom: 42 },
  right: width < 500 ? 56 : 96,
});

function Lines(props: {
  readonly runs: RecordedLessons['kl'];
  readonly measure: Measure;
  readonly update: number;
  readonly last: number;
}): JSX.Element {
  const { runs, measure, update, last } = props;
  const words = lessonKlText.value;
  const lines = runs.map((run) => pointsOf(run, measure));
  const values = lines.flat().map(([, value]) => value);
  const low = Math.min(0, ...values);
  const high = Math.max(...values) * 1.05;
  return (
    <Plot
      label={words.picture(
        words.measures[measure],
        runs
          .map((run) => `${leashName(run)}: ${shown(measure, valueAt(run, measure, update))}`)
          .join('; '),
      )}
      height={HEIGHT}
      margins={marginsAt}
      x={{
        range: [0, last],
        ticks: ticksOf(0, last, 5),
        tickText: (tick) => fixed(tick, 0),
        name: words.updates,
      }}
      y={{
        range: [low, high],
        ticks: ticksOf(low, high, 5),
        tickText: (tick) => (measure === 'accuracy' ? percent(tick, 0) : fixed(tick, 2)),
      }}
    >
      {(at) => (
        <>
          <Upright x={update} at={at} />
          {lines.map((points, place) => {
            const { tone, dash = [], mark = 'none' } = look(place) ?? {};
            const value = valueAt(runs[place], measure, update);
            return (
              <g key={place} style={{ color: `var(${tone ?? ''})` }}>
                <path
                  d={pathThrough(points.map(([x, y]) => [at.x(x), at.y(y)]))}
                  fill="none"
                  stroke="currentColor"
                  stroke-width={2.5}
                  stroke-dasharray={dash.join(' ')}
                />
                {value !== undefined && (
                  <path d={markPath(mark, at.x(update), at.y(value), 6)} fill="currentColor" />
                )}
              </g>
            );
          })}
          {labelsApart(
            lines.map((points, place) => ({ place, y: at.y(points.at(-1)?.[1] ?? 0) })),
          ).map(({ place, y }) => (
            <text key={place} class="label" x={at.right + 8} y={y + 4}>
              {words.short(runs[place]?.multiple ?? 0)}
            </text>
          ))}
        </>
      )}
    </Plot>
  );
}
