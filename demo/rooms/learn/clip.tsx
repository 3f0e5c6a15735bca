// Lesson: why not a bigger step? The tokens of one recorded update, and those that the clip holds.
import type { JSX } from 'preact';
import { useMemo, useRef, useState } from 'preact/hooks';
import { exactClip } from '../../../src/lessons/exact.ts';
import type { RecordedLessons } from '../../../src/lessons/recorded.ts';
import { lessonClipText } from '../../strings/lesson-clip.ts';
import { learnText } from '../../strings/learn.ts';
import { fixed, percent, whole } from '../../strings/numbers.ts';
import { goTo } from '../../router.ts';
import { useWidth } from '../../views/markup.tsx';
import { toAct } from '../../views/spine.tsx';
import { useComputed } from './computing.ts';
import { LessonFrame, Slider } from './lesson.tsx';
import { linear, pathThrough, ticksOf } from './scale.ts';
import { RecordedSource, recordedLessons, Waiting } from './source.tsx';

export function ClipLesson(): JSX.Element {
  const found = recordedLessons();
  return found.state === 'here' ? <Clipped of={found.recorded} /> : <Waiting of={found} />;
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

function Clipped({ of }: { readonly of: RecordedLessons }): JSX.Element {
  const words = lessonClipText.value;
  const { tokens, clip: ownClip, update } = of.clip;
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
      source={
        <>
          {words.update(update, whole(tokens.length))} <RecordedSource of={of} />
        </>
      }
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
        <div class="scroll" role="region" aria-label={learnText.value.numbers} tabIndex={0}>
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
        </div>
        {beyond > 0 && <p class="hint">{words.beyond(beyond)}</p>}
      </details>
    </LessonFrame>
  );
}

const [HEIGHT, LEFT, RIGHT, TOP, BOTTOM] = [320, 52, 14, 12, 44];

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
  const [host, width] = useWidth();
  const dragging = useRef(false);
  const x = linear([LEAST, MOST], [LEFT, Math.max(LEFT + 1, width - RIGHT)]);
  const y = linear([REACH, -REACH], [TOP, HEIGHT - BOTTOM]);
  const inside = (value: number, low: number, high: number): number =>
    Math.min(high, Math.max(low, value));
  const place = (i: number): readonly [number, number] => [
    x(inside(tokens[i]?.ratio ?? 1, LEAST, MOST)),
    y(inside(gains[i] ?? 0, -REACH, REACH)),
  ];
  // One path for all dots: two thousand elements would be drawn again with every step of a slider.
  const dots = (wanted: boolean): string =>
    held
      .flatMap((one, i) => {
        if (one !== wanted) return [];
        const [cx, cy] = place(i);
        return wanted
          ? [`M${(cx - 4).toFixed(1)} ${cy.toFixed(1)}a4 4 0 1 0 8 0a4 4 0 1 0-8 0`]
          : [`M${cx.toFixed(1)} ${cy.toFixed(1)}h.01`];
      })
      .join('');
  const drag = (event: PointerEvent & { readonly currentTarget: SVGSVGElement }): void => {
    const box = event.currentTarget.getBoundingClientRect();
    const value = REACH - ((event.clientY - box.top - TOP) / (HEIGHT - TOP - BOTTOM)) * 2 * REACH;
    onAdvantage(Math.round(inside(value, -2.5, 2.5) * 10) / 10);
  };
  return (
    <div ref={host} class="lesson-plot">
      {width > 0 && (
        <svg
          class="draws"
          width={width}
          height={HEIGHT}
          role="img"
          aria-label={words.picture}
          onPointerDown={(event) => {
            dragging.current = true;
            event.currentTarget.setPointerCapture(event.pointerId);
            drag(event);
          }}
          onPointerMove={(event) => {
            if (dragging.current) drag(event);
          }}
          onPointerUp={() => (dragging.current = false)}
          onPointerCancel={() => (dragging.current = false)}
        >
          <rect
            class="inside"
            x={x(Math.max(LEAST, 1 - clip))}
            y={TOP}
            width={x(Math.min(MOST, 1 + clip)) - x(Math.max(LEAST, 1 - clip))}
            height={HEIGHT - TOP - BOTTOM}
          />
          {ticksOf(-REACH, REACH, 6).map((tick) => (
            <g key={tick}>
              <path class="rule" d={`M${LEFT} ${y(tick)}H${width - RIGHT}`} />
              <text class="tick-text" x={LEFT - 8} y={y(tick) + 4} text-anchor="end">
                {fixed(tick, 0)}
              </text>
            </g>
          ))}
          {ticksOf(LEAST, MOST, 7).map((tick) => (
            <text class="tick-text" x={x(tick)} y={HEIGHT - BOTTOM + 18} text-anchor="middle">
              {fixed(tick, 1)}
            </text>
          ))}
          <text
            class="tick-text"
            x={(LEFT + width - RIGHT) / 2}
            y={HEIGHT - 6}
            text-anchor="middle"
          >
            {words.ratio}
          </text>
          <path class="rule strong" d={`M${x(1)} ${TOP}V${HEIGHT - BOTTOM}`} />
          <path class="free" d={dots(false)} />
          <path class="held" d={dots(true)} />
          <path
            class="own"
            d={pathThrough(
              curve.map((gain, i) => [x(curveRatios[i] ?? NaN), y(inside(gain, -REACH, REACH))]),
            )}
          />
          <circle class="own-dot" cx={x(1)} cy={y(advantage)} r={8} />
        </svg>
      )}
      <p class="hint">{words.hint}</p>
    </div>
  );
}
