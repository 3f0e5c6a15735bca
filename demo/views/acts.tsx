// The pictures of the acts that come after the first picture: a problem being answered, the race of
// the methods, and what came out.
import './run.css';
import type { JSX } from 'preact';
import { useEffect, useState } from 'preact/hooks';
import {
  accuracyOf,
  inTableOrder,
  methodLabel,
  type MethodName,
  type RunView,
} from '../../src/index.ts';
import { DIMMED, lineLook, markPath, type LineName } from '../../src/look/tokens.ts';
import {
  caveatsOf,
  chargedText,
  findingOf,
  noFindingOf,
  readoutText,
  sizesOf,
} from '../state/finding.ts';
import { film, follow, inspected, motion, reel, type Answers } from '../state/stage.ts';
import { accuracyAt, armsOf } from '../state/story.ts';
import { actsText } from '../strings/acts.ts';
import { engineText } from '../strings/engine.ts';
import { percent } from '../strings/numbers.ts';
import { Code, Swatch, useWidth } from './markup.tsx';
import { Steps } from './steps.tsx';

/** Act 1: a problem being answered, token by token. */
export function Problem({ run }: { readonly run: RunView }): JSX.Element {
  follow(run);
  const text = actsText.value;
  const shown = film.value;
  const prompt = inspected.value;
  const whole = shown?.end ?? run;
  const answers = useFirstAnswers(prompt);
  const base = run.evaluations.base?.at(-1)?.mean;
  if (prompt === undefined || !answers || whole.pool[prompt] === undefined) {
    return (
      <p class="quiet">
        {run.pretraining ? text.learning : base === undefined ? text.reading : text.right(base)}
      </p>
    );
  }
  const wrong = answers.find((one) => whole.verdictOn(prompt, one) !== 'right') ?? answers[0];
  return (
    <div class="problem-stage">
      <p class="big">
        <Code text={whole.textOf(prompt)} />
      </p>
      {wrong && (
        <>
          <p class={motion.value ? 'big typed moving' : 'big typed'} key={wrong.text}>
            {Array.from(wrong.text).map((letter, i) => (
              <span style={{ animationDelay: `${300 + i * 140}ms` }}>
                <Code text={letter} />
              </span>
            ))}
          </p>
          <Steps run={whole} prompt={prompt} response={wrong.text} />
        </>
      )}
      <p class="quiet">{text.oneOf(answers.length)}</p>
    </div>
  );
}

/** The responses of the first epoch, from the end of a film. */
function useFirstAnswers(
  prompt: number | undefined,
): Answers['epochs'][number]['completions'] | undefined {
  const [found, setFound] = useState<readonly [number, Answers]>();
  const answersOf = film.value ? reel.value?.answersOf : undefined;
  useEffect(() => {
    if (prompt === undefined || !answersOf) return undefined;
    let asked = true;
    answersOf(prompt, 'full').then(
      (answers) => {
        if (asked) setFound([prompt, answers]);
      },
      () => {
        if (asked) setFound(undefined);
      },
    );
    return () => {
      asked = false;
    };
  }, [prompt, answersOf]);
  return found?.[0] === prompt ? found?.[1].epochs[0]?.completions : undefined;
}

const labelOf = (name: LineName): string =>
  name === 'base' ? engineText.value.base : methodLabel(name);

const RACE_HEIGHT = 380;

/** Ticks at whole steps, from the last below the values to the first above them. */
function roundScale(least: number, most: number) {
  const step = [0.01, 0.02, 0.05, 0.1].find((one) => most - least <= 5 * one) ?? 0.2;
  // Tolerates that 0.3 is no sum of tenths.
  const first = Math.floor(least / step + 1e-9);
  const last = Math.max(first + 1, Math.ceil(most / step - 1e-9));
  const ticks = Array.from({ length: last - first + 1 }, (_, i) => (first + i) * step);
  return { low: first * step, high: last * step, ticks };
}

/** Act 4: accuracy of each method over its own updates, FULL's curve as a ghost. */
export function Race({ run }: { readonly run: RunView }): JSX.Element {
  follow(run);
  const text = actsText.value;
  const [host, width] = useWidth();
  const { config } = run;
  const { armLength, budget } = config.experiment;
  const base = run.evaluations.base?.at(-1)?.mean;
  const names = inTableOrder(['full', ...armsOf(run)]);
  const lines = names.map((name) => ({
    name,
    points: [
      ...(base === undefined ? [] : [[0, base] as const]),
      ...(run.evaluations[name] ?? [])
        .filter(
          ({ seed, update }) => seed === run.seed && (budget !== 'updates' || update <= armLength),
        )
        .map(({ update, mean }) => [update, mean] as const),
    ],
    at: run.updates[name]?.at(-1)?.update ?? 0,
  }));
  const values = lines.flatMap(({ points }) => points.map(([, value]) => value));
  if (values.length === 0) {
    return <p class="quiet">{names.length > 1 ? text.noReadout : text.noSelection}</p>;
  }
  const { low, high, ticks } = roundScale(Math.min(...values), Math.max(...values));
  const end = Math.max(
    1,
    budget === 'updates'
      ? armLength
      : Math.max(...lines.flatMap(({ points }) => points.map(([x]) => x))),
  );
  const [left, right, top, bottom] = [44, 104, 14, 46];
  const x = (update: number): number => left + (update / end) * Math.max(1, width - left - right);
  const y = (value: number): number =>
    top + (1 - (value - low) / (high - low)) * (RACE_HEIGHT - top - bottom);
  const labels = apart(
    lines.flatMap(({ name, points }) => {
      const last = points.at(-1);
      return last && points.length > 1
        ? [{ name, x: x(last[0]), y: y(last[1]), value: last[1] }]
        : [];
    }),
  );
  return (
    <div ref={host} class="race">
      {width > 0 && (
        <svg width={width} height={RACE_HEIGHT} role="img" aria-label={raceText(lines)}>
          {ticks.map((value) => (
            <g class="rule">
              <path d={`M${left} ${y(value)}H${width - right}`} />
              <text x={left - 6} y={y(value)} text-anchor="end">
                {percent(value, 0)}
              </text>
            </g>
          ))}
          {ticksTo(end).map((update) => (
            <text class="tick-text" x={x(update)} y={RACE_HEIGHT - 28} text-anchor="middle">
              {update}
            </text>
          ))}
          <text
            class="tick-text"
            x={(left + width - right) / 2}
            y={RACE_HEIGHT - 8}
            text-anchor="middle"
          >
            {text.updates}
          </text>
          {lines.map(({ name, points, at }) => {
            const look = lineLook(name, names);
            const last = points.at(-1);
            return (
              <g class={`line-${look.key}`} opacity={name === 'full' ? DIMMED + 0.25 : 1}>
                <path
                  class="stroke"
                  d={points
                    .map(([u, value], i) => `${i === 0 ? 'M' : 'L'}${x(u)} ${y(value)}`)
                    .join('')}
                  stroke-width={look.width}
                  stroke-dasharray={look.dash.join(' ')}
                />
                {points.slice(1).map(([u, value]) => (
                  <path class="dot" d={markPath(look.mark, x(u), y(value), 4)} />
                ))}
                {last && at > last[0] && name !== 'full' && (
                  <path
                    class="stroke ahead"
                    d={`M${x(last[0])} ${y(last[1])}H${x(Math.min(end, at))}`}
                  />
                )}
              </g>
            );
          })}
          {labels.map(({ name, x: from, y: height, value }) => (
            <text class={`label line-${lineLook(name, names).key}`} x={from + 8} y={height}>
              {methodLabel(name)} {percent(value, 0)}
            </text>
          ))}
        </svg>
      )}
      <p class="hint">{text.raceHint}</p>
    </div>
  );
}

const raceText = (
  lines: readonly {
    readonly name: LineName;
    readonly points: readonly (readonly [number, number])[];
  }[],
): string =>
  actsText.value.race(
    lines
      .flatMap(({ name, points }) => {
        const last = points.at(-1);
        return last && points.length > 1
          ? [actsText.value.raceLine(labelOf(name), last[1], last[0])]
          : [];
      })
      .join(', '),
  );

/** Whole updates for an axis, at most seven. */
function ticksTo(end: number): number[] {
  const step =
    [1, 2, 3, 4, 5, 10, 20, 25, 50, 100, 200, 500, 1000].find((one) => end / one <= 6) ?? end;
  return Array.from({ length: Math.floor(end / step) + 1 }, (_, i) => i * step);
}

/** Moves labels down where they would cover each other. */
function apart<Label extends { readonly y: number }>(labels: readonly Label[]): Label[] {
  const sorted = [...labels].sort((a, b) => a.y - b.y);
  let before = -Infinity;
  return sorted.map((label) => {
    const height = Math.max(label.y, before + 16);
    before = height;
    return { ...label, y: height };
  });
}

const ROW = 34;

/** Act 5: accuracy at the read-out fixed before the run, with intervals, and what it is worth. */
export function Finding({ run }: { readonly run: RunView }): JSX.Element {
  follow(run);
  const text = actsText.value;
  const [host, width] = useWidth();
  const { config } = run;
  const names: LineName[] = ['base', ...inTableOrder(['full', ...armsOf(run)])];
  const rows = names.flatMap((name) => {
    const estimate = accuracyOf(run.comparable(name), sizesOf(config, run));
    return estimate ? [{ name, ...estimate }] : [];
  });
  const finding = findingOf(config, run) || noFindingOf(config, run);
  const charged = chargedText(run);
  if (rows.length === 0) {
    return <p class="quiet">{text.nothingHeldOut}</p>;
  }
  const low = Math.max(0, Math.min(...rows.map((row) => row.low)) - 0.03);
  const high = Math.min(1, Math.max(...rows.map((row) => row.high)) + 0.03);
  const [left, right] = [84, 62];
  const x = (value: number): number =>
    left + ((value - low) / (high - low)) * Math.max(1, width - left - right);
  const height = rows.length * ROW + 8;
  return (
    <div class="finding-stage">
      <p class="quiet">{text.atReadout(readoutText(config))}</p>
      <div ref={host}>
        {width > 0 && (
          <svg
            width={width}
            height={height}
            role="img"
            aria-label={rows
              .map(({ name, mean, low: from, high: to }) =>
                text.estimate(labelOf(name), mean, from, to),
              )
              .join('; ')}
          >
            {rows.map(({ name, mean, low: from, high: to }, i) => {
              const look = lineLook(name, names);
              const middle = i * ROW + ROW / 2 + 4;
              return (
                <g class={`line-${look.key}`}>
                  <text class="label" x={0} y={middle}>
                    {labelOf(name)}
                  </text>
                  <path class="rule" d={`M${left} ${middle}H${width - right}`} />
                  <path class="stroke" d={`M${x(from)} ${middle}H${x(to)}`} stroke-width={3} />
                  <path
                    class="dot"
                    d={markPath(look.mark === 'none' ? 'circle' : look.mark, x(mean), middle, 6)}
                  />
                  <text class="value" x={width - right + 8} y={middle}>
                    {percent(mean, 1)}
                  </text>
                </g>
              );
            })}
          </svg>
        )}
      </div>
      <p class="verdict">{finding}</p>
      {charged !== '' && <p>{charged}</p>}
      <p class="quiet">{caveatsOf(run)}</p>
      <Arms run={run} />
    </div>
  );
}

/** How large each selection is. */
function Arms({ run }: { readonly run: RunView }): JSX.Element {
  follow(run);
  const text = actsText.value;
  const names: MethodName[] = inTableOrder(['full', ...armsOf(run)]);
  return (
    <ul class="legend" aria-label={text.sizes}>
      {names.flatMap((name) => {
        const [size] = run.sizesOf(name);
        if (size === undefined || accuracyAt(run, name) === undefined) return [];
        const wrong = run.makeup[name]?.wrongKeys ?? 0;
        return [
          <li key={name}>
            <Swatch look={lineLook(name, names)} /> {text.size(methodLabel(name), size, wrong)}
          </li>,
        ];
      })}
    </ul>
  );
}
