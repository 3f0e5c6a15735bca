// Try it: the models of the run that is shown answer one prompt side by side.
import './try-it.css';
import type { JSX } from 'preact';
import { useEffect, useMemo, useRef, useState } from 'preact/hooks';
import type {
  AskedPrompt,
  GenerateCall,
  Generated,
  GeneratedResponse,
  Inspected,
  NextToken,
  RunView,
  Verdict,
  WeightsName,
} from '../../src/index.ts';
import { lineLook, type LineName } from '../../src/look/tokens.ts';
import { groupAnswers, type AnswerGroup } from '../state/answer-groups.ts';
import { asker, wishesToAsk, type Asker } from '../state/asking.ts';
import {
  film,
  follow,
  inspected,
  live,
  reel,
  shownRun,
  typedText,
  workshop,
  watched,
} from '../state/stage.ts';
import {
  agreementText,
  answerWords,
  Newest,
  offeredWeights,
  usualWeights,
  weightsAtHand,
  weightsLabel,
} from '../state/try-it.ts';
import { marks } from '../state/verdicts.ts';
import { workedSteps } from '../state/worked-steps.ts';
import { fixed, percent } from '../strings/numbers.ts';
import { tryItText } from '../strings/try-it.ts';
import { Filled } from './filled.tsx';
import { Button, Code, Swatch } from './markup.tsx';
import { Tokens } from './tokens.tsx';

/** How long a slider rests before its distribution is asked for. */
const REST_MS = 150;
/** Tokens of a distribution that are drawn. */
const BARS = 6;
/** Kinds of answers that a column shows. */
const SHOWN_GROUPS = 6;
const sampleCounts = [1, 8, 32, 64] as const;

export function TryIt(): JSX.Element | null {
  const run = shownRun();
  if (!run) return null;
  return (
    <section class="card try-it" aria-labelledby="try-it-title">
      <h2 id="try-it-title">{tryItText.value.title}</h2>
      <Body run={run} />
    </section>
  );
}

/** The form, or why there is nobody to ask. */
function Body({ run }: { readonly run: RunView }): JSX.Element {
  follow(run);
  const text = tryItText.value;
  const ask = asker.value;
  const shop = workshop.value;
  const recorded = !live.value && reel.value?.origin.kind === 'recorded';
  if (shop?.problem !== undefined) {
    return <p class="quiet">{text.noGpu(shop.problem)}</p>;
  }
  if (recorded) {
    return (
      <div class="invitation">
        <p class="quiet">{text.recording}</p>
        <Button disabled={!shop?.canStart} onClick={() => shop?.start()}>
          {text.train}
        </Button>
      </div>
    );
  }
  const whole = film.value?.end;
  const offered = offeredWeights(whole ?? run, whole !== undefined);
  if (!ask || offered.length === 0) {
    const watches = live.value !== undefined && live.value === watched.value;
    const why = !run.running ? text.nobody : watches ? text.elsewhere : text.nobodyYet;
    return <p class="quiet">{why}</p>;
  }
  const atHand = weightsAtHand(offered, ask.weights, run.seed);
  if (atHand.length === 0) return <p class="quiet">{text.noWeights}</p>;
  return <Asking run={run} ask={ask} offered={atHand} />;
}

/** One model's part of what was asked. */
interface Column {
  /** Undefined before the first. */
  readonly generated?: Generated;
  readonly next?: NextToken;
  /** Why it has not answered. */
  readonly refusal?: string;
}

interface Question {
  readonly call: Omit<GenerateCall, 'weights'> & {
    readonly temperature: number;
    readonly topP: number;
  };
  readonly of: readonly WeightsName[];
}

/** What the shown responses were drawn with. */
type Drawn = Question['call'];

/** The answer whose tokens are looked at. */
interface Looked {
  readonly prompt: AskedPrompt;
  readonly runSeed: number;
  readonly weights: WeightsName;
  readonly row: number;
  readonly inspected?: Inspected;
  readonly refusal?: string;
}

const messageOf = (error: unknown): string =>
  error instanceof Error ? error.message : String(error);

function Asking(props: {
  readonly run: RunView;
  readonly ask: Asker;
  readonly offered: readonly WeightsName[];
}): JSX.Element {
  const { run, ask, offered } = props;
  const { rollout } = run.config;
  const prompt = inspected.value;
  const typed = typedText.value;
  const promptBefore = useRef(prompt);
  const [samples, setSamples] = useState<number>(8);
  const [temperature, setTemperature] = useState(rollout.temperature);
  const [topP, setTopP] = useState(rollout.topP);
  const [picked, pick] = useState<readonly WeightsName[]>();
  const [columns, setColumns] = useState<Readonly<Partial<Record<WeightsName, Column>>>>({});
  const [drawn, setDrawn] = useState<Drawn>();
  /** What is waited for. */
  const [waiting, setWaiting] = useState<'update' | 'answer'>();
  const [looked, look] = useState<Looked>();
  const draws = useRef(0);
  const field = useRef<HTMLTextAreaElement>(null);
  const opener = useRef<HTMLElement | null>(null);
  const newest = useMemo(
    () =>
      new Newest<Question>(
        async ({ call, of }) => {
          const drawing = call.samples > 0;
          setWaiting(live.peek()?.running ? 'update' : 'answer');
          if (drawing) {
            setColumns({});
            setDrawn(call);
            look(undefined);
          }
          await Promise.all(
            of.map(async (weights) => {
              let told: Column;
              try {
                const generated = await ask.generate({ ...call, weights });
                told = { ...(drawing ? { generated } : {}), next: generated.next };
              } catch (error) {
                told = { refusal: messageOf(error) };
              }
              setColumns((before) => {
                const { generated } = before[weights] ?? {};
                return { ...before, [weights]: { ...(generated ? { generated } : {}), ...told } };
              });
            }),
          );
          setWaiting(undefined);
        },
        // A distribution may wait for the next one; responses that were asked for come.
        (before, next) => ({
          ...next,
          call: {
            ...next.call,
            samples: Math.max(before.call.samples, next.call.samples),
          },
        }),
      ),
    [ask],
  );
  useEffect(() => {
    setColumns({});
    setDrawn(undefined);
    look(undefined);
    pick(undefined);
    return () => newest.close();
  }, [newest]);
  useEffect(() => {
    const before = promptBefore.current;
    promptBefore.current = prompt;
    if (before !== undefined && before !== prompt) typedText.value = undefined;
  }, [prompt]);
  useEffect(() => {
    if (wishesToAsk.value === 0) return;
    field.current?.focus();
    field.current?.scrollIntoView({ block: 'center' });
  }, [wishesToAsk.value]);

  const text = tryItText.value;
  const wanted = typed ?? (prompt === undefined ? '' : run.textOf(prompt));
  const shown = offered.filter((name) => (picked ?? usualWeights(offered)).includes(name));
  const asked = (): AskedPrompt =>
    typed === undefined && prompt !== undefined ? { place: prompt } : { text: wanted };
  const question = (changed: Partial<Drawn>): Question => ({
    call: {
      prompt: asked(),
      runSeed: run.seed,
      samples: 0,
      seed: draws.current,
      temperature,
      topP,
      ...changed,
    },
    of: shown,
  });
  const draw = (): void => {
    if (wanted.trim() === '' || shown.length === 0) return;
    newest.ask(question({ samples }), 0);
    draws.current++;
  };
  const slide = (changed: Partial<Drawn>): void => {
    if (wanted.trim() !== '' && shown.length > 0) newest.ask(question(changed), REST_MS);
  };
  const open = async (weights: WeightsName, row: number, call: 'drawn' | 'rollout') => {
    opener.current = document.activeElement instanceof HTMLElement ? document.activeElement : null;
    const responses = columns[weights]?.generated?.responses ?? [];
    const question = {
      prompt: call === 'drawn' ? (drawn?.prompt ?? asked()) : asked(),
      weights,
      runSeed: drawn?.runSeed ?? run.seed,
    };
    const wish: Looked = { ...question, row };
    look(wish);
    try {
      const inspected = await ask.inspect({
        ...question,
        responses: call === 'drawn' ? responses.map(({ ids }) => ids) : 'last-rollout',
      });
      look((now) => (now === wish ? { ...wish, inspected } : now));
    } catch (error) {
      look((now) => (now === wish ? { ...wish, refusal: messageOf(error) } : now));
    }
  };
  const answered = shown.flatMap((name) => columns[name]?.generated ?? []).at(0);
  return (
    <>
      <p class="quiet">
        {text.intro} {live.value?.running && text.goesOn}
      </p>
      <form
        class="ask"
        onSubmit={(event) => {
          event.preventDefault();
          draw();
        }}
      >
        <label class="wide">
          <span>{text.prompt}</span>
          <textarea
            id="ask-prompt"
            ref={field}
            rows={1}
            spellcheck={false}
            value={wanted}
            placeholder={run.config.task.name === 'arithmetic' ? '7-3*4=' : text.type}
            onInput={(event) => (typedText.value = event.currentTarget.value)}
            onKeyDown={(event) => {
              if (event.key !== 'Enter' || event.shiftKey || event.isComposing) return;
              event.preventDefault();
              draw();
            }}
          />
        </label>
        <label>
          <span>{text.each}</span>
          <select
            value={String(samples)}
            onChange={(event) => setSamples(Number(event.currentTarget.value))}
          >
            {sampleCounts.map((count) => (
              <option value={String(count)}>{count}</option>
            ))}
          </select>
        </label>
        <Slider
          name={text.temperature}
          low={0}
          high={2}
          value={temperature}
          onInput={(value) => {
            setTemperature(value);
            slide({ temperature: value });
          }}
        />
        <Slider
          name={text.topP}
          low={0.05}
          high={1}
          value={topP}
          onInput={(value) => {
            setTopP(value);
            slide({ topP: value });
          }}
        />
        <button type="submit" id="ask" disabled={wanted.trim() === '' || shown.length === 0}>
          {text.ask}
        </button>
      </form>
      <div class="rounds" role="group" aria-label={text.who}>
        <span class="quiet">{text.models}</span>
        {offered.map((name) => (
          <Button
            key={name}
            class="round-button"
            pressed={shown.includes(name)}
            onClick={() =>
              pick(
                offered.filter((one) =>
                  one === name ? !shown.includes(one) : shown.includes(one),
                ),
              )
            }
          >
            {weightsLabel(name)}
          </Button>
        ))}
        {offered.includes('now') && prompt !== undefined && typed === undefined && (
          <Button class="link" onClick={() => void open('now', 0, 'rollout')}>
            {text.lastUpdate}
          </Button>
        )}
      </div>
      <p class="hint asked" role="status">
        {waiting !== undefined
          ? waiting === 'update'
            ? text.waiting
            : text.asking
          : drawn
            ? text.drawn(drawn.samples, drawn.temperature, drawn.topP)
            : text.enter}
      </p>
      {answered && (
        <p>
          <Filled text={text.asked} parts={{ prompt: <Code text={answered.prompt.text} /> }} />{' '}
          {answered.prompt.key !== undefined && (
            <span class="quiet">
              <Filled text={text.key} parts={{ key: <Code text={answered.prompt.key} /> }} />
            </span>
          )}
        </p>
      )}
      {Object.keys(columns).length > 0 && (
        <div class="columns">
          {shown.map((name) => (
            <Answers
              key={name}
              run={run}
              name={name}
              column={columns[name]}
              drawn={drawn}
              looked={looked?.weights === name ? looked.row : undefined}
              onLook={(row) => void open(name, row, 'drawn')}
            />
          ))}
        </div>
      )}
      {looked?.refusal !== undefined && <p class="problem">{looked.refusal}</p>}
      {looked && !looked.inspected && looked.refusal === undefined && (
        <p class="hint">{text.reading}</p>
      )}
      {looked?.inspected && (
        <Tokens
          inspected={looked.inspected}
          row={looked.row}
          title={text.byToken(byText(looked.inspected))}
          attend={(response, layer) => {
            const { prompt, runSeed, weights } = looked;
            return ask.attend({
              ...{ prompt, runSeed, weights, response },
              ...(layer === undefined ? {} : { layer }),
            });
          }}
          onClose={() => {
            look(undefined);
            opener.current?.focus();
          }}
        />
      )}
    </>
  );
}

/** Whose tokens they are. */
function byText({ by: { weights, training } }: Inspected): string {
  const name = weightsLabel(weights);
  return training
    ? tryItText.value.trainedBy(name, weightsLabel(training.method), training.update)
    : name;
}

function Slider(props: {
  readonly name: string;
  readonly low: number;
  readonly high: number;
  readonly value: number;
  readonly onInput: (value: number) => void;
}): JSX.Element {
  const { name, low, high, value, onInput } = props;
  return (
    <label>
      <span>
        {name} <output>{fixed(value, 2)}</output>
      </span>
      <input
        type="range"
        aria-label={name}
        min={low}
        max={high}
        step={0.05}
        value={value}
        onInput={(event) => onInput(Number(event.currentTarget.value))}
      />
    </label>
  );
}

/** What one model answered. */
function Answers(props: {
  readonly run: RunView;
  readonly name: WeightsName;
  readonly column: Column | undefined;
  readonly drawn: Drawn | undefined;
  readonly looked: number | undefined;
  readonly onLook: (row: number) => void;
}): JSX.Element {
  const { run, name, column, drawn, looked, onLook } = props;
  const text = tryItText.value;
  const { generated, next, refusal } = column ?? {};
  const responses = generated?.responses ?? [];
  const groups = groupAnswers(responses);
  const training = generated?.by.training;
  const place = drawn && 'place' in drawn.prompt ? drawn.prompt.place : undefined;
  return (
    <section class="model" aria-label={text.answersOf(weightsLabel(name))}>
      <h3>
        {name !== 'now' && <Swatch look={lineLook(name, lineNames(run))} />} {weightsLabel(name)}
        {training && (
          <span class="quiet">
            {' '}
            {text.training(weightsLabel(training.method), training.update)}
          </span>
        )}
      </h3>
      {refusal !== undefined && <p class="problem">{refusal}</p>}
      {!column && <p class="quiet">…</p>}
      {generated && <p class="agreement">{agreementText(responses)}</p>}
      {generated && (
        <ul class="grouped">
          {groups.slice(0, SHOWN_GROUPS).map((group) => (
            <Answer
              key={group.one.text}
              run={run}
              prompt={generated.prompt.text}
              place={place}
              group={group}
              of={responses.length}
              open={looked === group.row}
              onLook={() => onLook(group.row)}
            />
          ))}
        </ul>
      )}
      {groups.length > SHOWN_GROUPS && (
        <p class="hint">{text.others(groups.length - SHOWN_GROUPS)}</p>
      )}
      {next && <Likely next={next} />}
    </section>
  );
}

const lineNames = ({ config }: RunView): readonly LineName[] => [
  'base',
  'full',
  ...config.experiment.methods.filter((method) => method !== 'full'),
];

function verdictOf(
  run: RunView,
  place: number | undefined,
  { text, verdict }: GeneratedResponse,
): Verdict | undefined {
  if (!verdict) return undefined;
  if (place !== undefined) return run.verdictOn(place, { text, ...verdict });
  return verdict.correct ? 'right' : verdict.formatted ? 'wrong' : 'unformatted';
}

function Answer(props: {
  readonly run: RunView;
  readonly prompt: string;
  readonly place: number | undefined;
  readonly group: AnswerGroup<GeneratedResponse>;
  readonly of: number;
  readonly open: boolean;
  readonly onLook: () => void;
}): JSX.Element {
  const { run, prompt, place, group, of, open, onLook } = props;
  const { one, count } = group;
  const { task } = run.config;
  const verdict = verdictOf(run, place, one);
  const text = tryItText.value;
  const worked =
    task.name === 'arithmetic' ? workedSteps(prompt, one.text, task.modulus) : undefined;
  return (
    <li class={verdict ?? ''}>
      <button
        type="button"
        class="link answer"
        aria-expanded={open}
        title={text.byTokenName}
        onClick={onLook}
      >
        <Code text={one.text} />
      </button>{' '}
      {of > 1 && <span class="quiet">×{count}</span>}
      <span class="words quiet">
        {verdict && (
          <span class="mark" aria-hidden="true">
            {marks[verdict]}
          </span>
        )}{' '}
        {answerWords(verdict, worked)}
        {!one.finished && ` · ${text.cut}`}
      </span>
    </li>
  );
}

/** The first tokens that a model would draw. */
function Likely({ next }: { readonly next: NextToken }): JSX.Element {
  return (
    <figure>
      <figcaption class="hint">{tryItText.value.next}</figcaption>
      <ol class="likely">
        {next.tokens.slice(0, BARS).map(({ id, text, plain, probability }) => (
          <li key={id}>
            <Code text={text} />
            <span class="bar">
              <span style={{ width: `${100 * probability}%` }} />
              <span class="plain" style={{ left: `${100 * plain}%` }} />
            </span>
            <span class="number">{percent(probability, 1)}</span>
          </li>
        ))}
      </ol>
    </figure>
  );
}
