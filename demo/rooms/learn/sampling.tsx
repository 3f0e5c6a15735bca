// Lesson: how is a token drawn? The distribution of a next token, its two knobs, and draws.
import type { JSX } from 'preact';
import { useMemo, useState } from 'preact/hooks';
import { exactDistribution, exactDraws } from '../../../src/lessons/exact.ts';
import type { RecordedLessons } from '../../../src/lessons/recorded.ts';
import { lessonSamplingText } from '../../strings/lesson-sampling.ts';
import { learnText } from '../../strings/learn.ts';
import { fixed, percent, whole } from '../../strings/numbers.ts';
import { goTo } from '../../router.ts';
import { mayMove } from '../../views/stage.tsx';
import { Scroll } from '../../views/table.tsx';
import { Button, Code } from '../../views/markup.tsx';
import { useComputed } from './computing.ts';
import { Choice, LessonFrame, Slider } from './lesson.tsx';
import { logitsOf, shownTokens, tally } from './draws.ts';
import { Plot } from './plot.tsx';
import { ownNext } from './own-numbers.ts';
import { ownOf, OwnSource } from './own-source.tsx';
import { RecordedSource, recordedLessons, Waiting } from './source.tsx';

export function SamplingLesson(): JSX.Element {
  const found = recordedLessons();
  const recorded = found.state === 'here' ? found.recorded : undefined;
  const own = ownOf(ownNext);
  const of = own ?? recorded;
  if (!of) return <Waiting of={found} own={ownNext} />;
  const words = lessonSamplingText.value;
  const source = recorded && <RecordedSource of={recorded} />;
  return (
    <Drawn
      // Of other prompts.
      key={own ? 'own' : 'recorded'}
      of={of}
      trained={own ? words.underWay(own.method.toUpperCase(), own.update) : words.trained}
      short={own ? own.method.toUpperCase() : 'FULL'}
      source={<OwnSource own={ownNext} recorded={source} />}
    />
  );
}

/** Tokens of a roll. */
const SAMPLES = 32;

function Drawn(props: {
  readonly of: Pick<RecordedLessons, 'next' | 'prompts'>;
  /** What the trained model is called, at length and in a sentence. */
  readonly trained: string;
  readonly short: string;
  readonly source: JSX.Element;
}): JSX.Element {
  const { of, trained, short, source } = props;
  const words = lessonSamplingText.value;
  const places = useMemo(() => [...new Set(of.next.map(({ place }) => place))], [of]);
  const [place, setPlace] = useState(places[0] ?? 0);
  const [weights, setWeights] = useState<'base' | 'full'>('base');
  const [temperature, setTemperature] = useState(1);
  const [topP, setTopP] = useState(1);
  const [number, setNumber] = useState(0);
  const asked = of.next.find((one) => one.place === place && one.weights === weights);
  const tokens = asked?.tokens ?? [];
  const given = useMemo(
    () => ({ logits: logitsOf(tokens), temperature, topP, number, samples: SAMPLES }),
    [asked, temperature, topP, number],
  );
  const shape = `${tokens.length}`;
  const probabilities = useComputed(given, shape, exactDistribution, (kernels, one) =>
    kernels.distribution(one),
  );
  const draws = useComputed(
    given,
    shape,
    (one) => exactDraws(exactDistribution(one), one),
    (kernels, one) => kernels.draws(one),
  );
  const counts = tally(draws.result, tokens.length);
  const key = of.prompts[String(place)];
  return (
    <LessonFrame
      name="sampling"
      intro={words.intro}
      tries={[
        { text: words.tries.cold, act: () => setTemperature(0) },
        {
          text: words.tries.hot,
          act: () => {
            setTemperature(2.5);
            setTopP(1);
          },
        },
        {
          text: words.tries.cut,
          act: () => {
            setTemperature(2.5);
            setTopP(0.8);
          },
        },
      ]}
      notice={words.notice}
      computed={{
        kernel: 'sample-token',
        by: probabilities.by === 'kernel' ? draws.by : probabilities.by,
      }}
      source={
        <>
          {words.of(weights === 'base' ? words.base : short)} {source}
        </>
      }
      see={{
        text: words.see,
        go: () => {
          goTo('run');
          // The room is shown with the change of the address.
          setTimeout(() => document.getElementById('try-it')?.scrollIntoView());
        },
      }}
    >
      <Choice
        label={words.prompts}
        options={places.map((name) => ({
          name,
          text: <Code text={(of.prompts[String(name)]?.text ?? '').replace(/_+=$/, '=')} />,
        }))}
        value={place}
        onChange={setPlace}
      />
      <Choice
        label={words.model}
        options={[
          { name: 'base', text: words.base },
          { name: 'full', text: trained },
        ]}
        value={weights}
        onChange={setWeights}
      />
      {key && (
        <p class="lesson-problem">
          <Code text={key.text.replace(/_+=$/, '=')} /> <span class="quiet">{words.first}</span>
        </p>
      )}
      <Picture tokens={tokens} probabilities={probabilities.result} counts={counts} roll={number} />
      <div class="lesson-sliders">
        <Slider
          id="sampling-temperature"
          name={words.temperature}
          low={0}
          high={3}
          step={0.1}
          value={temperature}
          onInput={setTemperature}
        />
        <Slider
          id="sampling-top-p"
          name={words.topP}
          low={0.05}
          high={1}
          step={0.05}
          value={topP}
          onInput={setTopP}
        />
        <Button id="sampling-roll" onClick={() => setNumber(number + 1)}>
          {words.roll(SAMPLES)}
        </Button>
      </div>
      <details>
        <summary>{learnText.value.numbers}</summary>
        <Scroll label={learnText.value.numbers}>
          <table>
            <thead>
              <tr>
                <th scope="col">{words.token}</th>
                <th scope="col" class="number">
                  {words.plain}
                </th>
                <th scope="col" class="number">
                  {words.drawnWith}
                </th>
                <th scope="col" class="number">
                  {words.drawn(SAMPLES)}
                </th>
              </tr>
            </thead>
            <tbody>
              {tokens.map(({ text, plain }, i) => (
                <tr key={text}>
                  <th scope="row">
                    <Code text={text} />
                  </th>
                  <td class="number">{percent(plain, 2)}</td>
                  <td class="number">{percent(probabilities.result[i] ?? NaN, 2)}</td>
                  <td class="number">{whole(counts[i] ?? 0)}</td>
                </tr>
              ))}
            </tbody>
          </table>
        </Scroll>
      </details>
    </LessonFrame>
  );
}

const HEIGHT = 320;
const MARGINS = { left: 48, right: 0, top: 12, bottom: 52 };
/** Pixels from which on more tokens have a bar. */
const WIDE = 500;

/** A bar for each of the most probable tokens, and the drawn tokens as dots in them. */
function Picture(props: {
  readonly tokens: RecordedLessons['next'][number]['tokens'];
  readonly probabilities: readonly number[];
  readonly counts: readonly number[];
  readonly roll: number;
}): JSX.Element {
  const { tokens, probabilities, counts, roll } = props;
  const words = lessonSamplingText.value;
  const barsAt = (width: number) =>
    shownTokens(tokens, probabilities, counts, width < WIDE ? 6 : 9);
  return (
    <Plot
      label={words.picture(
        barsAt(WIDE)
          .map(
            ({ text, probability, count }) =>
              `${text ?? words.others}: ${percent(probability, 1)}, ${count}`,
          )
          .join('; '),
      )}
      height={HEIGHT}
      margins={MARGINS}
      x={{ range: [0, 1] }}
      y={{ range: [0, 1], ticks: [0, 0.5, 1], tickText: (share) => percent(share, 0) }}
      hint={words.hint(SAMPLES, fixed(1, 0))}
    >
      {({ x, y, left, right, top, bottom }, width) => {
        const bars = barsAt(width);
        const column = (right - left) / bars.length;
        // As many draws as there are reach 100 %, so that a stack can be read on the axis.
        const pitch = (bottom - top) / SAMPLES;
        return bars.map(({ text, plain, probability, count }, i) => {
          const from = x(i / bars.length);
          const middle = from + column / 2;
          return (
            <g key={text ?? ''}>
              <rect
                class="above"
                x={from + column * 0.12}
                width={column * 0.76}
                y={y(probability)}
                height={Math.max(0, y(0) - y(probability))}
              />
              <path class="delta" d={`M${from + column * 0.06} ${y(plain)}h${column * 0.88}`} />
              <g key={roll} class={mayMove() ? 'balls falling' : 'balls'}>
                {Array.from({ length: count }, (_, ball) => (
                  <circle
                    key={ball}
                    cx={middle}
                    cy={y(0) - (ball + 0.5) * pitch}
                    r={pitch * 0.42}
                    style={{ animationDelay: `${ball * 25}ms` }}
                  />
                ))}
              </g>
              <text
                class={text === undefined ? 'tick-text' : 'token-text'}
                x={middle}
                y={HEIGHT - 28}
                text-anchor="middle"
              >
                {text ?? words.others}
              </text>
              <text class="tick-text" x={middle} y={HEIGHT - 8} text-anchor="middle">
                {percent(probability, probability > 0 && probability < 0.1 ? 1 : 0)}
              </text>
            </g>
          );
        });
      }}
    </Plot>
  );
}
