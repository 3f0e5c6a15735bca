// Lesson: why not a bigger step? The tokens of one update, and those that the clip holds.
import type { JSX } from 'preact';
import { useMemo, useState } from 'preact/hooks';
import { exactClip } from '../../../src/lessons/exact.ts';
import type { RecordedLessons } from '../../../src/lessons/recorded.ts';
import { lessonClipText } from '../../strings/lesson-clip.ts';
import { learnText } from '../../strings/learn.ts';
import { fixed, percent, whole } from '../../strings/numbers.ts';
import { goTo } from '../../router.ts';
import { toAct } from '../../views/spine.tsx';
import { Scroll } from '../../views/table.tsx';
import { useComputed } from './computing.ts';
import { LessonFrame, Slider } from './lesson.tsx';
import { Plot, Upright, type Places } from './plot.tsx';
import { pathThrough, ticksOf } from './scale.ts';
import { ownUpdate } from './own-numbers.ts';
import { ownOf, OwnSource } from './own-source.tsx';
import { RecordedSource, recordedLessons, Waiting } from './source.tsx';

export function ClipLesson(): JSX.Element {
  const found = recordedLessons();
  const recorded = found.state === 'here' ? found.recorded : undefined;
  const own = ownOf(ownUpdate);
  const words = lessonClipText.value;
  const of = own?.clip ?? recorded?.clip;
  if (!of) return <Waiting of={found} own={ownUpdate} />;
  const source = recorded && (
    <>
      {words.update(recorded.clip.update, whole(recorded.clip.tokens.length))}{' '}
      <RecordedSource of={recorded} />
    </>
  );
  return <Clipped of={of} source={<OwnSource own={ownUpdate} recorded={source} />} />;
}

/** Ratios of the figure. */
const [LEAST, MOST] = [0.4, 1.8];
/** Points of the curve, at equal steps of the ratio. */
const CURVE = 57;
const curveRatios = Array.from(
  { length: CURVE },
  (_, i) => LEAST + ((MOST - LEAST) * i) / (CURVE - 1),
);
const REACH = 3;

function Clipped({
  of: { tokens, clip: ownClip },
  source,
}: {
  readonly of: Pick<RecordedLessons['clip'], 'tokens' | 'clip'>;
  readonly source: JSX.Element;
}): JSX.Element {
  const words = lessonClipText.value;
  const [advantage, setAdvantage] = useState(1.5);
  const [clip, setClip] = useState(ownClip);
  const given = useMemo(
    () => ({
      ratios: [...curveRatios, ...tokens.map(({ ratio }) => ratio)],
      advantages: [...curveRatios.map(() => advantage), ...tokens.map((token) => token.advantage)],
      clip,
    }),
    [tokens, advantage, clip],
  );
  const { result, by } = useComputed(given, `${tokens.length}`, exactClip, (kernels, asked) =>
    kernels.clip(asked),
  );
  const gains = result.gains.slice(CURVE);
  const held = result.held.slice(CURVE);
  const count = held.filter(Boolean).length;
  const beyond = tokens.filter(({ ratio }) => ratio < LEAST || ratio > MOST).length;
  const sides = (better: boolean): { many: number; held: number } => {
    const own = tokens.flatMap((token, i) =>
      token.advantage > 0 === better ? [held[i] === true] : [],
    );
    return { many: own.length, held: own.filter(Boolean).length };
  };
  return (
    <LessonFrame
      name="clip"
      intro={words.intro}
      tries={[
        { text: words.tries.tight, act: () => setClip(0.05) },
        {
          text: words.tries.none,
          act: () => setClip(0.6),
        },
        {
          text: words.tries.worse,
          act: () => {
            setClip(ownClip);
            setAdvantage(-1.5);
          },
        },
      ]}
      notice={words.notice}
      computed={{ kernel: 'policy-loss', by }}
      source={source}
      see={{
        text: words.see,
        go: () => {
          goTo('run');
          toAct(2);
        },
      }}
    >
      <Picture
        tokens={tokens}
        gains={gains}
        held={held}
        curve={result.gains.slice(0, CURVE)}
        clip={clip}
        advantage={advantage}
        onAdvantage={setAdvantage}
      />
      <p class="lesson-result" aria-live="polite">
        <span class="lesson-number" id="clip-held">
          {whole(count)}
        </span>{' '}
        {words.held(whole(tokens.length), percent(count / tokens.length, 1))}
      </p>
      <div class="lesson-sliders">
        <Slider
          id="clip-epsilon"
          name={words.epsilon}
          low={0.02}
          high={0.6}
          step={0.02}
          value={clip}
          onInput={setClip}
        />
        <Slider
          id="clip-advantage"
          name={words.advantage}
          low={-2.5}
          high={2.5}
          step={0.1}
          value={advantage}
          onInput={setAdvantage}
        />
      </div>
      <details>
        <summary>{learnText.value.numbers}</summary>
        <Scroll label={learnText.value.numbers}>
          <table>
            <thead>
              <tr>
                <th scope="col">{words.tokens}</th>
                <th scope="col" class="number">
                  {words.many}
                </th>
                <th scope="col" class="number">
                  {words.heldColumn}
                </th>
              </tr>
            </thead>
            <tbody>
              {([true, false] as const).map((better) => (
                <tr key={String(better)}>
                  <th scope="row">{better ? words.better : words.worse}</th>
                  <td class="number">{whole(sides(better).many)}</td>
                  <td class="number">{whole(sides(better).held)}</td>
                </tr>
              ))}
            </tbody>
          </table>
        </Scroll>
        {beyond > 0 && <p class="hint">{words.beyond(beyond)}</p>}
      </details>
    </LessonFrame>
  );
}

const HEIGHT = 320;
const MARGINS = { left: 52, right: 14, top: 12, bottom: 44 };

function Picture(props: {
  readonly tokens: RecordedLessons['clip']['tokens'];
  readonly gains: readonly number[];
  readonly held: readonly boolean[];
  readonly curve: readonly number[];
  readonly clip: number;
  readonly advantage: number;
  readonly onAdvantage: (advantage: number) => void;
}): JSX.Element {
  const { tokens, gains, held, curve, clip, advantage, onAdvantage } = props;
  const words = lessonClipText.value;
  const inside = (value: number, low: number, high: number): number =>
    Math.min(high, Math.max(low, value));
  // One path for all dots: two thousand elements would be drawn again with every step of a slider.
  const dots = (wanted: boolean, { x, y }: Places): string =>
    held
      .flatMap((one, i) => {
        if (one !== wanted) return [];
        const cx = x(inside(tokens[i]?.ratio ?? 1, LEAST, MOST));
        const cy = y(inside(gains[i] ?? 0, -REACH, REACH));
        return wanted
          ? [`M${(cx - 4).toFixed(1)} ${cy.toFixed(1)}a4 4 0 1 0 8 0a4 4 0 1 0-8 0`]
          : [`M${cx.toFixed(1)} ${cy.toFixed(1)}h.01`];
      })
      .join('');
  return (
    <Plot
      label={words.picture}
      height={HEIGHT}
      margins={MARGINS}
      x={{
        range: [LEAST, MOST],
        ticks: ticksOf(LEAST, MOST, 7),
        tickText: (tick) => fixed(tick, 1),
        name: words.ratio,
      }}
      y={{
        range: [-REACH, REACH],
        ticks: ticksOf(-REACH, REACH, 6),
        tickText: (tick) => fixed(tick, 0),
      }}
      hint={words.hint}
      onDrag={(_, value) => onAdvantage(Math.round(inside(value, -2.5, 2.5) * 10) / 10)}
      under={({ x, top, bottom }) => {
        const [from, to] = [x(Math.max(LEAST, 1 - clip)), x(Math.min(MOST, 1 + clip))];
        return <rect class="inside" x={from} y={top} width={to - from} height={bottom - top} />;
      }}
    >
      {(at) => (
        <>
          <Upright x={1} at={at} />
          <path class="free" d={dots(false, at)} />
          <path class="held" d={dots(true, at)} />
          <path
            class="own"
            d={pathThrough(
              curve.map((gain, i) => [
                at.x(curveRatios[i] ?? NaN),
                at.y(inside(gain, -REACH, REACH)),
              ]),
            )}
          />
          <circle class="own-dot" cx={at.x(1)} cy={at.y(advantage)} r={8} />
        </>
      )}
    </Plot>
  );
}
