// Lesson: which prompts teach? A learning curve is drawn, and scored by the kernel that scores a run.
import type { JSX } from 'preact';
import { useMemo, useState } from 'preact/hooks';
import { exactScores, neverSolved, redrawnSums } from '../../../src/lessons/exact.ts';
import { lessonLimText } from '../../strings/lesson-lim.ts';
import { fixed, percent } from '../../strings/numbers.ts';
import { goTo } from '../../router.ts';
import { chosen, inspected } from '../../state/stage.ts';
import { toAct } from '../../views/spine.tsx';
import { Scroll } from '../../views/table.tsx';
import { Code, useWidth } from '../../views/markup.tsx';
import { useComputed } from './computing.ts';
import { Choice, LessonFrame } from './lesson.tsx';
import {
  axisLow,
  cloudOf,
  countsOf,
  dotsOf,
  presetCounts,
  presets,
  REDRAWS,
  type Preset,
} from './lim-cloud.ts';
import { Plot } from './plot.tsx';
import { pathThrough } from './scale.ts';
import { lessonRun, NoRun, RunSource, type LessonRun } from './source.tsx';

export function LimLesson(): JSX.Element {
  const found = lessonRun();
  const signal = found?.run.config.lim.signal;
  if (!found) return <NoRun />;
  if (signal !== 'accuracy') return <p class="quiet">{lessonLimText.value.rewards}</p>;
  return <Drawn of={found} />;
}

const HEIGHT = 260;
const MARGINS = { left: 52, right: 30, top: 14, bottom: 34 };
const [STRIP, COLUMNS] = [124, 60];
/** Pixels of an epoch's label. */
const LABEL = 64;

function Drawn({ of }: { readonly of: LessonRun }): JSX.Element {
  const { run } = of;
  const words = lessonLimText.value;
  const { samples } = run.config.rollout;
  const theta = run.lim?.theta ?? run.config.lim.theta;
  const mean = run.lim?.meanCurve ?? run.meanCurve;
  const [preset, setPreset] = useState<Preset | 'own'>();
  const [drawn, setDrawn] = useState<readonly number[]>();
  const counts =
    drawn?.length === mean.length
      ? drawn
      : presetCounts(preset === undefined || preset === 'own' ? 'late' : preset, mean, samples);
  const show = (name: Preset): void => {
    setPreset(name);
    setDrawn(presetCounts(name, mean, samples));
  };
  const prompt = inspected.value;
  const draw = (epoch: number, count: number): void => {
    setPreset('own');
    setDrawn(counts.map((old, k) => (k === epoch ? Math.min(samples, Math.max(0, count)) : old)));
  };

  const key = counts.join();
  const given = useMemo(() => {
    const curve = counts.map((count) => count / samples);
    return { mean, samples, sums: redrawnSums({ curve, samples, count: REDRAWS }) };
  }, [key, samples, mean]);
  const { result, by } = useComputed(given, `${mean.length}`, exactScores, (kernels, asked) =>
    kernels.scores(asked),
  );
  const [score = NaN] = result;
  const redraws = result.slice(1);
  const cloud = cloudOf(redraws, theta);
  const bound = neverSolved(mean, theta);

  return (
    <LessonFrame
      name="lim"
      intro={words.intro}
      tries={[
        { text: words.tries.late, act: () => show('late') },
        { text: words.tries.mean, act: () => show('mean') },
        { text: words.tries.never, act: () => show('never') },
      ]}
      notice={(bound.score < theta ? words.noticeRejected : words.noticeKept)(
        fixed(bound.level, 2),
        fixed(bound.requiredLevel, 3),
        fixed(theta, 1),
      )}
      computed={{ kernel: 'lim-score', by }}
      source={<RunSource of={of} />}
      see={{
        text: words.see,
        go: () => {
          goTo('run');
          toAct(3);
        },
      }}
    >
      <Choice
        label={words.curves}
        options={presets.map((name) => ({ name, text: words.presets[name] }))}
        value={preset ?? 'late'}
        onChange={(name) => {
          if (name !== 'own') show(name);
        }}
      />
      <Curves counts={counts} samples={samples} mean={mean} onDraw={draw} />
      <p class="lesson-result" aria-live="polite">
        <span class="lesson-number" id="lim-score">
          {Number.isNaN(score) ? '–' : fixed(score, 2)}
        </span>{' '}
        {words.scoreIs} ·{' '}
        <strong>
          {score >= theta ? words.kept(fixed(theta, 1)) : words.rejected(fixed(theta, 1))}
        </strong>
      </p>
      <Strip score={score} redraws={redraws} theta={theta} never={bound.score} />
      <p>
        {words.cloud(samples, fixed(cloud.low, 2), fixed(cloud.high, 2), percent(cloud.kept, 0))}
      </p>
      <details>
        <summary>{words.sum}</summary>
        <Table counts={counts} samples={samples} mean={mean} />
        {prompt !== undefined && run.pool[prompt] && (
          <p>
            <button
              type="button"
              class="link"
              onClick={() => {
                chosen.value = prompt;
                setPreset('own');
                setDrawn(countsOf(run.columns, prompt, mean, samples));
              }}
            >
              {words.promptCurve}
            </button>{' '}
            <Code text={run.textOf(prompt)} />
          </p>
        )}
      </details>
    </LessonFrame>
  );
}

/** The curve that is drawn, over the pool's mean curve. */
function Curves(props: {
  readonly counts: readonly number[];
  readonly samples: number;
  readonly mean: readonly number[];
  readonly onDraw: (epoch: number, count: number) => void;
}): JSX.Element {
  const { counts, samples, mean, onDraw } = props;
  const words = lessonLimText.value;
  const last = Math.max(1, counts.length - 1);
  const own = counts.map((count) => count / samples);
  const steps: Readonly<Record<string, number>> = {
    ArrowUp: 1,
    ArrowDown: -1,
    PageUp: Math.ceil(samples / 4),
    PageDown: -Math.ceil(samples / 4),
    Home: -samples,
    End: samples,
  };
  return (
    <Plot
      label={words.plot}
      height={HEIGHT}
      margins={MARGINS}
      x={{ range: [0, last] }}
      y={{ range: [0, 1], ticks: [0, 0.5, 1], tickText: (share) => percent(share, 0) }}
      hasParts
      hint={words.plotHint}
      onDrag={(epoch, share) =>
        onDraw(
          Math.min(counts.length - 1, Math.max(0, Math.round(epoch))),
          Math.round(share * samples),
        )
      }
    >
      {({ x, y, left, right }) => {
        const path = (values: readonly number[]): string =>
          pathThrough(values.map((value, epoch) => [x(epoch), y(value)]));
        // Labels that would cover each other are left out.
        const every = Math.ceil((counts.length * LABEL) / (right - left));
        return (
          <>
            {own.map((share, epoch) => (
              <path
                key={epoch}
                class="residual"
                d={`M${x(epoch)} ${y(mean[epoch] ?? NaN)}V${y(share)}`}
              />
            ))}
            <path class="mean" d={path(mean)} />
            <path class="own" d={path(own)} />
            <text
              class="label mean-label"
              x={right}
              // On the side of the mean curve where the drawn one does not end.
              y={y(mean.at(-1) ?? 0) + ((own.at(-1) ?? 0) < (mean.at(-1) ?? 0) ? -12 : 22)}
              text-anchor="end"
            >
              {words.meanLabel}
            </text>
            {own.map((share, epoch) => (
              <g key={epoch}>
                {epoch % every === 0 && (
                  <text class="tick-text" x={x(epoch)} y={HEIGHT - 12} text-anchor="middle">
                    {words.epoch(epoch + 1)}
                  </text>
                )}
                <circle
                  class="handle"
                  cx={x(epoch)}
                  cy={y(share)}
                  r={13}
                  tabindex={0}
                  role="slider"
                  aria-label={words.epoch(epoch + 1)}
                  aria-orientation="vertical"
                  aria-valuemin={0}
                  aria-valuemax={samples}
                  aria-valuenow={counts[epoch] ?? 0}
                  aria-valuetext={words.right(counts[epoch] ?? 0, samples)}
                  onKeyDown={(event) => {
                    const step = steps[event.key];
                    if (step === undefined) return;
                    event.preventDefault();
                    event.stopPropagation();
                    onDraw(epoch, (counts[epoch] ?? 0) + step);
                  }}
                />
                <circle class="own-dot" cx={x(epoch)} cy={y(share)} r={6} />
              </g>
            ))}
          </>
        );
      }}
    </Plot>
  );
}

/** The score on its axis, among the scores of redraws. */
function Strip(props: {
  readonly score: number;
  readonly redraws: readonly number[];
  readonly theta: number;
  readonly never: number;
}): JSX.Element {
  const { score, redraws, theta, never } = props;
  const words = lessonLimText.value;
  const [host, width] = useWidth();
  const low = axisLow(never);
  const [left, right] = [14, 14];
  const inner = Math.max(1, width - left - right);
  const base = STRIP - 26;
  const x = (value: number): number =>
    left + ((Math.min(1, Math.max(low, value)) - low) / (1 - low)) * inner;
  const dots = dotsOf(redraws, low, COLUMNS);
  const tallest = Math.max(1, ...dots.map(({ height }) => height + 1));
  const spacing = Math.min(5, (base - 20) / tallest);
  const ticks = Array.from({ length: (1 - low) * 2 + 1 }, (_, i) => low + i / 2);
  return (
    <div ref={host} class="lesson-plot">
      {width > 0 && (
        <svg width={width} height={STRIP} role="img" aria-label={words.strip(fixed(score, 2))}>
          <path class="rule" d={`M${left} ${base}H${width - right}`} />
          {ticks.map((tick) => (
            <text class="tick-text" x={x(tick)} y={base + 18} text-anchor="middle">
              {fixed(tick, 1)}
            </text>
          ))}
          {dots.map(({ column, height }, i) => (
            <circle
              key={i}
              class="redraw"
              cx={left + ((column + 0.5) / COLUMNS) * inner}
              cy={base - 3 - height * spacing}
              r={Math.max(1.2, spacing / 2 - 0.2)}
            />
          ))}
          <path class="theta" d={`M${x(theta)} 4V${base}`} />
          <text class="label" x={x(theta) - 6} y={14} text-anchor="end">
            θ = {fixed(theta, 1)}
          </text>
          {!Number.isNaN(score) && (
            <path class="score-mark" d={`M${x(score)} ${base - 1}l-7 -11h14z`} />
          )}
        </svg>
      )}
    </div>
  );
}

/** The sum of the score, epoch by epoch. */
function Table(props: {
  readonly counts: readonly number[];
  readonly samples: number;
  readonly mean: readonly number[];
}): JSX.Element {
  const { counts, samples, mean } = props;
  const words = lessonLimText.value;
  const rows = counts.map((count, epoch) => {
    const [own, all] = [count / samples, mean[epoch] ?? NaN];
    return { own, all, apart: (own - all) ** 2, most: (1 - all) ** 2 };
  });
  const apart = rows.reduce((sum, row) => sum + row.apart, 0);
  const most = rows.reduce((sum, row) => sum + row.most, 0);
  return (
    <Scroll label={words.sum}>
      <table>
        <thead>
          <tr>
            <th scope="col">{words.epochs}</th>
            <th scope="col" class="number">
              r
            </th>
            <th scope="col" class="number">
              r̄
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
          {rows.map((row, epoch) => (
            <tr key={epoch}>
              <th scope="row">{epoch + 1}</th>
              <td class="number">{fixed(row.own, 3)}</td>
              <td class="number">{fixed(row.all, 3)}</td>
              <td class="number">{fixed(row.apart, 3)}</td>
              <td class="number">{fixed(row.most, 3)}</td>
            </tr>
          ))}
        </tbody>
        <tfoot>
          <tr>
            <th scope="row">Σ</th>
            <td />
            <td />
            <td class="number">{fixed(apart, 3)}</td>
            <td class="number">{fixed(most, 3)}</td>
          </tr>
        </tfoot>
      </table>
      <p>
        s = 1 − {fixed(apart, 3)} ⁄ {fixed(most, 3)} = {fixed(1 - apart / most, 2)}
      </p>
    </Scroll>
  );
}
