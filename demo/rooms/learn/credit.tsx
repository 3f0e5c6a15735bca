// Lesson: which token earned it? The reward of a response, shared out by GAE.
import type { JSX } from 'preact';
import { useMemo, useState } from 'preact/hooks';
import { exactCredit, type Credit, type CreditCase } from '../../../src/lessons/exact.ts';
import type { RecordedLessons } from '../../../src/lessons/recorded.ts';
import { lessonCreditText } from '../../strings/lesson-credit.ts';
import { learnText } from '../../strings/learn.ts';
import { fixed } from '../../strings/numbers.ts';
import { goTo } from '../../router.ts';
import { Code, useWidth } from '../../views/markup.tsx';
import { Scroll } from '../../views/table.tsx';
import { toAct } from '../../views/spine.tsx';
import { useComputed } from './computing.ts';
import { Choice, LessonFrame, Slider } from './lesson.tsx';
import { linear, pathThrough } from './scale.ts';
import { ownUpdate } from './own-numbers.ts';
import { ownOf, OwnSource } from './own-source.tsx';
import { RecordedSource, recordedLessons, Waiting } from './source.tsx';

export function CreditLesson(): JSX.Element {
  const found = recordedLessons();
  const recorded = found.state === 'here' ? found.recorded : undefined;
  const own = ownOf(ownUpdate);
  const of = own?.credit ?? recorded?.credit;
  const prompts = own?.credit ? own.prompts : recorded?.prompts;
  if (!of || !prompts) return <Waiting of={found} own={ownUpdate} />;
  const source = recorded && (
    <>
      {lessonCreditText.value.update(recorded.credit.update)} <RecordedSource of={recorded} />
    </>
  );
  return (
    <Shared
      of={of}
      prompts={prompts}
      source={
        <OwnSource own={ownUpdate} fits={({ credit }) => credit !== undefined} recorded={source} />
      }
    />
  );
}

type Response = RecordedLessons['credit']['responses'][number];

function Shared(props: {
  readonly of: Omit<RecordedLessons['credit'], 'update'>;
  readonly prompts: RecordedLessons['prompts'];
  readonly source: JSX.Element;
}): JSX.Element {
  const { of, prompts, source } = props;
  const words = lessonCreditText.value;
  const { responses, gamma: ownGamma, gaeLambda: ownLambda } = of;
  const [row, setRow] = useState(0);
  const [gamma, setGamma] = useState(ownGamma);
  const [gaeLambda, setLambda] = useState(ownLambda);
  // The first of each kind: each has another story.
  const shown = useMemo(
    () =>
      responses.filter(({ kind }, i) => responses.findIndex((other) => other.kind === kind) === i),
    [responses],
  );
  const response = shown[row] ?? shown[0];
  const given = useMemo(
    (): CreditCase => ({
      rewards: response?.tokens.map(({ reward }) => reward) ?? [],
      values: response?.tokens.map(({ value }) => value) ?? [],
      gamma,
      gaeLambda,
    }),
    [response, gamma, gaeLambda],
  );
  const { result, by } = useComputed(
    given,
    `${given.rewards.length} of ${row}`,
    exactCredit,
    (kernels, asked) => kernels.credit(asked),
  );
  const pick = (kind: Response['kind']): void =>
    setRow(
      Math.max(
        0,
        shown.findIndex((one) => one.kind === kind),
      ),
    );
  const prompt = prompts[String(response?.place)];
  return (
    <LessonFrame
      name="credit"
      intro={words.intro}
      tries={[
        {
          text: words.tries.zero,
          act: () => {
            setGamma(ownGamma);
            setLambda(0);
          },
        },
        {
          text: words.tries.one,
          act: () => {
            setGamma(1);
            setLambda(1);
          },
        },
        {
          text: words.tries.slip,
          act: () => {
            pick('slip');
            setGamma(ownGamma);
            setLambda(ownLambda);
          },
        },
      ]}
      notice={words.notice(fixed(ownLambda, 2), fixed(ownGamma, 0))}
      computed={{ kernel: 'gae', by }}
      source={source}
      see={{
        text: words.see,
        go: () => {
          goTo('run');
          toAct(1);
        },
      }}
    >
      <Choice
        label={words.responses}
        options={shown.map(({ kind }, name) => ({ name, text: words.kinds[kind] }))}
        value={row}
        onChange={setRow}
      />
      {response && prompt && (
        <p class="lesson-problem">
          <Code text={prompt.text.replace(/_+=$/, '=')} />{' '}
          <span class="quiet">
            {words.key} <Code text={prompt.key ?? ''} />
            {prompt.truth !== undefined && (
              <>
                , {words.truth} <Code text={prompt.truth} />
              </>
            )}
            {' · '}
            {words.paid(signed(response.reward, 1))}
          </span>
        </p>
      )}
      {response && <Picture response={response} credit={result} />}
      <div class="lesson-sliders">
        <Slider
          id="credit-lambda"
          name={words.lambda}
          low={0}
          high={1}
          step={0.05}
          value={gaeLambda}
          onInput={setLambda}
        />
        <Slider
          id="credit-gamma"
          name={words.gamma}
          low={0}
          high={1}
          step={0.05}
          value={gamma}
          onInput={setGamma}
        />
      </div>
      {response && (
        <details>
          <summary>{learnText.value.numbers}</summary>
          <Table response={response} credit={result} />
        </details>
      )}
    </LessonFrame>
  );
}

const signed = (value: number, digits: number): string =>
  `${value > 0 ? '+' : ''}${fixed(value, digits)}`;

const [TOP, PANEL, GAP, TEXT] = [22, 104, 30, 26];
const [LEFT, RIGHT] = [44, 10];

/** Above: what the critic expects before each token. Below: the credit of each token. */
function Picture(props: { readonly response: Response; readonly credit: Credit }): JSX.Element {
  const { response, credit } = props;
  const words = lessonCreditText.value;
  const [host, width] = useWidth();
  const { tokens, reward } = response;
  const column = Math.max(1, width - LEFT - RIGHT) / tokens.length;
  const x = (token: number): number => LEFT + (token + 0.5) * column;
  const value = linear([1.2, -1.2], [TOP, TOP + PANEL]);
  const low = TOP + PANEL + TEXT + GAP;
  const reach = Math.max(1, ...credit.advantages.map(Math.abs), ...credit.deltas.map(Math.abs));
  const height = linear([reach, -reach], [low, low + PANEL]);
  const total = low + PANEL + 8;
  const last = tokens.length - 1;
  return (
    <div ref={host} class="lesson-plot">
      {width > 0 && (
        <svg
          width={width}
          height={total}
          role="img"
          aria-label={words.picture(
            tokens
              .map(({ text }, i) => `${text} ${signed(credit.advantages[i] ?? NaN, 2)}`)
              .join('; '),
          )}
        >
          <text class="label" x={0} y={12}>
            {words.value}
          </text>
          {[1, 0, -1].map((tick) => (
            <g key={tick}>
              <path class="rule" d={`M${LEFT} ${value(tick)}H${width - RIGHT}`} />
              <text class="tick-text" x={LEFT - 8} y={value(tick) + 4} text-anchor="end">
                {fixed(tick, 0)}
              </text>
            </g>
          ))}
          <path class="own" d={pathThrough(tokens.map((token, i) => [x(i), value(token.value)]))} />
          {tokens.map((token, i) => (
            <circle key={i} class="own-dot" cx={x(i)} cy={value(token.value)} r={4} />
          ))}
          <path
            class="paid-mark"
            d={`M${x(last)} ${value(tokens[last]?.value ?? 0)}V${value(reward)}`}
          />
          <circle class="paid-dot" cx={x(last)} cy={value(reward)} r={6} />
          <text class="label" x={x(last) - 12} y={value(reward) + 5} text-anchor="end">
            {words.paid(signed(reward, 1))}
          </text>
          {tokens.map(({ text }, i) => (
            <text
              key={i}
              class="token-text"
              x={x(i)}
              y={TOP + PANEL + TEXT - 4}
              text-anchor="middle"
            >
              {text}
            </text>
          ))}
          <text class="label" x={0} y={low - 10}>
            {words.advantage}
          </text>
          <path class="rule strong" d={`M${LEFT} ${height(0)}H${width - RIGHT}`} />
          {[reach, -reach].map((tick) => (
            <text class="tick-text" x={LEFT - 8} y={height(tick) + 4} text-anchor="end">
              {signed(tick, 1)}
            </text>
          ))}
          {credit.advantages.map((advantage, i) => (
            <rect
              key={i}
              class={advantage < 0 ? 'below' : 'above'}
              x={x(i) - column * 0.32}
              width={column * 0.64}
              y={Math.min(height(0), height(advantage))}
              height={Math.max(1, Math.abs(height(advantage) - height(0)))}
            />
          ))}
          {credit.deltas.map((delta, i) => (
            <path
              key={i}
              class="delta"
              d={`M${x(i) - column * 0.4} ${height(delta)}h${column * 0.8}`}
            />
          ))}
        </svg>
      )}
      <p class="hint">{words.hint}</p>
    </div>
  );
}

function Table(props: { readonly response: Response; readonly credit: Credit }): JSX.Element {
  const { response, credit } = props;
  const words = lessonCreditText.value;
  return (
    <Scroll label={learnText.value.numbers}>
      <table>
        <thead>
          <tr>
            <th scope="col">{words.columns.token}</th>
            {(['value', 'reward', 'delta', 'advantage'] as const).map((name) => (
              <th key={name} scope="col" class="number">
                {words.columns[name]}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {response.tokens.map(({ text, value, reward }, i) => (
            <tr key={i}>
              <th scope="row">
                <Code text={text} />
              </th>
              {[value, reward, credit.deltas[i], credit.advantages[i]].map((number, at) => (
                <td key={at} class="number">
                  {fixed(number ?? NaN, 3)}
                </td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </Scroll>
  );
}
