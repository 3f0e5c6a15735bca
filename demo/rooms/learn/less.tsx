// Lesson: is less more? What methods reach at a budget, in the run that is shown; and how far the study is.
import type { JSX } from 'preact';
import { useState } from 'preact/hooks';
import { methodLabel } from '../../../src/index.ts';
import type { Study } from '../../../src/lessons/study.ts';
import { lineLook, markPath } from '../../../src/look/tokens.ts';
import { lessonLessText } from '../../strings/lesson-less.ts';
import { fixed, percent, whole } from '../../strings/numbers.ts';
import { goTo } from '../../router.ts';
import { Swatch } from '../../views/markup.tsx';
import { Scroll } from '../../views/table.tsx';
import { Choice, LessonFrame, Slider } from './lesson.tsx';
import { curvesOf, longestBudget, studyCurves, within, type BudgetCurve } from './budgets.ts';
import { Plot, Upright } from './plot.tsx';
import { labelsApart, pathThrough, ticksOf } from './scale.ts';
import { lessonRun, NoRun, RunSource } from './source.tsx';
import studyFile from './study.json';

// A JSON module has the type of its present contents.
const study = studyFile as unknown as Study;
const isWhole = study.finished === study.planned;

export function LessLesson(): JSX.Element {
  const found = lessonRun();
  const words = lessonLessText.value;
  const [charged, setCharged] = useState(false);
  const [wanted, setBudget] = useState<number>();
  const [condition, setCondition] = useState<number>();
  if (!found) return <NoRun />;
  const { run } = found;
  const chosen = condition === undefined ? undefined : study.conditions[condition];
  const curves = chosen ? studyCurves(chosen) : curvesOf(run, charged);
  const end = longestBudget(curves);
  const budget = Math.min(end, wanted ?? (chosen ? end : run.config.experiment.tableReadout));
  const show = (pass: boolean, at: number): void => {
    setCondition(undefined);
    setCharged(pass);
    setBudget(at);
  };
  const readout = run.config.experiment.tableReadout;
  const pass = Math.max(0, ...curvesOf(run, true).map((curve) => curve.pass));
  return (
    <LessonFrame
      name="less"
      intro={words.intro}
      tries={[
        { text: words.tries.early(readout), act: () => show(false, readout) },
        { text: words.tries.charged, act: () => show(true, pass) },
        { text: words.tries.late, act: () => show(true, pass + readout) },
      ]}
      notice={words.notice}
      source={chosen ? words.ofStudy(study.name, study.preset) : <RunSource of={found} />}
      see={{ text: words.see, go: () => goTo('compare') }}
    >
      {isWhole && (
        <Choice
          label={words.data}
          options={[
            { name: -1, text: words.thisRun },
            ...study.conditions.map(({ factors }, name) => ({
              name,
              text: words.inStudy(factorsText(factors)),
            })),
          ]}
          value={condition ?? -1}
          onChange={(name) => {
            setCondition(name < 0 ? undefined : name);
            setBudget(undefined);
          }}
        />
      )}
      {!chosen && (
        <Choice
          label={words.counting}
          options={[
            { name: 'own', text: words.ownUpdates },
            { name: 'all', text: words.allUpdates(whole(pass)) },
          ]}
          value={charged ? 'all' : 'own'}
          onChange={(name) => {
            setCharged(name === 'all');
            setBudget(undefined);
          }}
        />
      )}
      <Lines curves={curves} budget={budget} />
      <div class="lesson-sliders">
        <Slider
          id="less-budget"
          name={words.budget}
          low={1}
          high={Math.max(1, end)}
          step={1}
          value={budget}
          shown={words.updates(whole(budget))}
          onInput={setBudget}
        />
      </div>
      <Standings curves={curves} budget={budget} />
      <StudyMap />
    </LessonFrame>
  );
}

const HEIGHT = 300;
const MARGINS = { left: 52, right: 84, top: 14, bottom: 42 };

function Lines(props: {
  readonly curves: readonly BudgetCurve[];
  readonly budget: number;
}): JSX.Element {
  const { curves, budget } = props;
  const words = lessonLessText.value;
  const all = curves.flatMap(({ points }) => points);
  const low = Math.max(0, Math.min(...all.map(({ mean }) => mean)) - 0.05);
  const high = Math.min(1, Math.max(...all.map(({ mean }) => mean)) + 0.05);
  const last = Math.max(1, ...all.map((point) => point.budget));
  const names = curves.map(({ method }) => method);
  return (
    <Plot
      label={words.picture(
        whole(budget),
        curves
          .flatMap((curve) => {
            const point = within(curve, budget);
            return point ? [`${methodLabel(curve.method)} ${percent(point.mean, 1)}`] : [];
          })
          .join('; '),
      )}
      height={HEIGHT}
      margins={MARGINS}
      x={{
        range: [0, last],
        ticks: ticksOf(0, last, 6),
        tickText: (tick) => fixed(tick, 0),
        name: words.axis,
      }}
      y={{
        range: [low, high],
        ticks: ticksOf(low, high, 5),
        tickText: (tick) => percent(tick, 0),
      }}
      hint={words.hint}
    >
      {(at) => (
        <>
          <Upright x={budget} at={at} />
          {curves.map((curve) => {
            const look = lineLook(curve.method, names);
            const now = within(curve, budget);
            return (
              <g key={curve.method} class={`line-${look.key}`}>
                <path
                  class="stroke"
                  d={pathThrough(
                    curve.points.map((point) => [at.x(point.budget), at.y(point.mean)]),
                  )}
                  stroke-width={look.width}
                  stroke-dasharray={look.dash.join(' ')}
                />
                {curve.points.map((point) => (
                  <path
                    key={point.budget}
                    class="dot"
                    d={markPath(
                      look.mark,
                      at.x(point.budget),
                      at.y(point.mean),
                      point === now ? 7 : 3.5,
                    )}
                  />
                ))}
              </g>
            );
          })}
          {labelsApart(
            curves.flatMap(({ method, points }) => {
              const end = points.at(-1);
              return end ? [{ method, x: at.x(end.budget), y: at.y(end.mean) }] : [];
            }),
          ).map(({ method, x, y }) => (
            <text
              key={method}
              class={`label line-${lineLook(method, names).key}`}
              x={x + 10}
              y={y + 4}
            >
              {methodLabel(method)}
            </text>
          ))}
        </>
      )}
    </Plot>
  );
}

/** What each method has at a budget, the best first. */
function Standings(props: {
  readonly curves: readonly BudgetCurve[];
  readonly budget: number;
}): JSX.Element {
  const { curves, budget } = props;
  const words = lessonLessText.value;
  const names = curves.map(({ method }) => method);
  const rows = curves
    .map((curve) => ({ curve, point: within(curve, budget) }))
    .sort((a, b) => (b.point?.mean ?? -1) - (a.point?.mean ?? -1));
  return (
    <Scroll label={words.standings}>
      <table>
        <thead>
          <tr>
            <th scope="col">{words.method}</th>
            <th scope="col" class="number">
              {words.prompts}
            </th>
            <th scope="col" class="number">
              {words.own}
            </th>
            <th scope="col" class="number">
              {words.right}
            </th>
            <th scope="col" class="number">
              {words.interval}
            </th>
          </tr>
        </thead>
        <tbody>
          {rows.map(({ curve: { method, prompts }, point }) => (
            <tr key={method}>
              <th scope="row">
                <Swatch look={lineLook(method, names)} /> {methodLabel(method)}
              </th>
              <td class="number">{prompts === undefined ? '–' : whole(prompts)}</td>
              <td class="number">{point ? whole(point.update) : words.notYet}</td>
              <td class="number">{point ? percent(point.mean, 1) : '–'}</td>
              <td class="number">
                {point ? `${percent(point.low, 1)} – ${percent(point.high, 1)}` : '–'}
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </Scroll>
  );
}

/** What a condition of the study holds fixed. */
const factorsText = (factors: Readonly<Record<string, unknown>>): string => {
  const share = factors['task.wrongKeyShare'];
  return typeof share === 'number'
    ? lessonLessText.value.wrongKeys(percent(share, 0))
    : JSON.stringify(factors);
};

/** The cells of the study: those that have finished, and those that are still to come. */
function StudyMap(): JSX.Element {
  const words = lessonLessText.value;
  return (
    <div class="lesson-study">
      <h3>{words.study}</h3>
      <p>
        {words.progress(whole(study.finished), whole(study.planned))}{' '}
        {isWhole ? words.open : words.covered}
      </p>
      <Scroll label={words.study}>
        <table>
          <thead>
            <tr>
              <td />
              {study.seeds.map((seed) => (
                <th key={seed} scope="col">
                  {seed}
                </th>
              ))}
            </tr>
          </thead>
          <tbody>
            {study.conditions.map(({ factors, seeds }) => (
              <tr key={factorsText(factors)}>
                <th scope="row">{factorsText(factors)}</th>
                {study.seeds.map((seed) => {
                  const done = seeds.includes(seed);
                  return (
                    <td key={seed} class={done ? 'seed done' : 'seed'}>
                      <span aria-hidden="true">{done ? '■' : '□'}</span>
                      <span class="visually-hidden">{done ? words.done : words.waiting}</span>
                    </td>
                  );
                })}
              </tr>
            ))}
          </tbody>
        </table>
      </Scroll>
    </div>
  );
}
