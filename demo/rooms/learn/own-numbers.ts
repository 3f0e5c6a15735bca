// What the run under way answers for lessons, in place of what was recorded for them.
import { signal, type Signal } from '@preact/signals';
import type { AnsweredBy, LastRollout, MethodName, RunView } from '../../../src/index.ts';
import {
  type CreditKind,
  creditKind,
  type RecordedLessons,
} from '../../../src/lessons/recorded.ts';
import type { Asker } from '../../state/asking.ts';

/** Prompts of an update that are asked for. */
const PROMPTS = 64;
/** Most dots of the lesson about the clip: a slider redraws them all. */
const MOST_TOKENS = 4000;
/** Prompts whose next token is asked for. */
const NEXT = 8;

/** The update that a rollout was made for. */
export interface OfUpdate {
  readonly method: MethodName;
  readonly update: number;
}

/** Of the last update of the run under way. */
export interface OwnUpdate extends OfUpdate {
  readonly clip: Pick<RecordedLessons['clip'], 'clip' | 'tokens'>;
  /** Undefined where no critic shares the reward out. */
  readonly credit: Omit<RecordedLessons['credit'], 'update'> | undefined;
  readonly prompts: RecordedLessons['prompts'];
}

/** Next tokens of the base and of the policy as it stands, under the names `base` and `full`. */
export interface OwnNext extends OfUpdate {
  readonly next: RecordedLessons['next'];
  readonly prompts: RecordedLessons['prompts'];
}

/** What a lesson has of the run under way. */
export type Own<Numbers> =
  | { readonly state: 'none' | 'asking' }
  | { readonly state: 'here'; readonly numbers: Numbers }
  | { readonly state: 'refused'; readonly why: string };

type Held<Numbers> = Own<Numbers> & { readonly of?: RunView };

/** Numbers that are asked for at a wish, and are those of one run. */
export class OwnNumbers<Numbers> {
  readonly #held: Signal<Held<Numbers>> = signal({ state: 'none' });
  readonly #ask: (ask: Asker, run: RunView) => Promise<Numbers>;

  constructor(ask: (ask: Asker, run: RunView) => Promise<Numbers>) {
    this.#ask = ask;
  }

  /** What there is of a run; nothing of the one before it. */
  of(run: RunView | undefined): Own<Numbers> {
    const held = this.#held.value;
    return held.of === run ? held : { state: 'none' };
  }

  /** Asks the run between two of its updates. */
  take(ask: Asker, run: RunView): void {
    const asking: Held<Numbers> = { state: 'asking', of: run };
    const settle = (found: Own<Numbers>): void => {
      if (this.#held.peek() === asking) this.#held.value = { ...found, of: run };
    };
    this.#held.value = asking;
    this.#ask(ask, run).then(
      (numbers) => settle({ state: 'here', numbers }),
      (error: unknown) =>
        settle({ state: 'refused', why: error instanceof Error ? error.message : String(error) }),
    );
  }

  /** Goes back to what was recorded. */
  leave(): void {
    this.#held.value = { state: 'none' };
  }
}

export const ownUpdate = new OwnNumbers<OwnUpdate>(async (ask, run) =>
  updateOf(await ask.rollout({ prompts: PROMPTS }), run),
);

export const ownNext = new OwnNumbers<OwnNext>(async (ask, { pool }) => {
  // Evenly over the pool. A prompt whose key is wrong on purpose says nothing of a right next token.
  const right = [...pool.keys()].filter((place) => pool[place]?.wrongKey !== true);
  const count = Math.min(NEXT, right.length);
  const places = Array.from(
    { length: count },
    (_, i) => right[Math.floor((i * right.length) / count)] ?? 0,
  );
  const next: RecordedLessons['next'][number][] = [];
  let by: AnsweredBy | undefined;
  for (const [weights, name] of [
    ['base', 'base'],
    ['now', 'full'],
  ] as const) {
    for (const place of places) {
      const call = { prompt: { place }, weights, samples: 0, temperature: 1, topP: 1 } as const;
      const told = await ask.generate(call);
      by = told.by;
      const tokens = told.next.tokens.map(({ text, plain }) => ({ text, plain }));
      next.push({ place, weights: name, tokens, rest: told.next.rest.plain });
    }
  }
  return {
    ...trainingOf(by),
    next,
    prompts: Object.fromEntries(
      places.map((place) => [String(place), { text: pool[place]?.text ?? '' }]),
    ),
  };
});

const trainingOf = (by: AnsweredBy | undefined): OfUpdate =>
  by?.training ?? { method: 'full', update: 0 };

/** What a rollout tells of the clip and of the credit. */
export function updateOf(
  { by, prompts }: LastRollout,
  { config: { ppo }, pool }: Pick<RunView, 'config' | 'pool'>,
): OwnUpdate {
  const told = prompts.flatMap(({ place, responses }) =>
    responses.map((response) => ({ place, response })),
  );
  const tokens = told.flatMap(({ response }) =>
    response.tokens.flatMap(({ text, ratio, advantage, clipped }) =>
      ratio === null || advantage === null
        ? []
        : [{ text, ratio, advantage, held: clipped === true }],
    ),
  );
  const responses = told.flatMap(({ place, response }) => {
    const { verdict } = response;
    const own = response.tokens.flatMap(({ text, value, reward, advantage }) =>
      value === null || reward === null || advantage === null
        ? []
        : [{ text, value, reward, advantage }],
    );
    if (!verdict || own.length === 0) return [];
    const kind = creditKind(verdict, pool[place]?.wrongKey === true);
    return [{ kind, place, reward: verdict.reward, tokens: own }];
  });
  return {
    ...trainingOf(by),
    clip: { clip: ppo.clipLow, tokens: tokens.slice(0, MOST_TOKENS) },
    credit:
      ppo.estimator === 'gae' && responses.length > 0
        ? { gamma: ppo.gamma, gaeLambda: ppo.gaeLambda, responses: longestOf(responses) }
        : undefined,
    prompts: Object.fromEntries(
      prompts.map(({ place, prompt }) => {
        const { key, truth } = pool[place] ?? {};
        return [
          String(place),
          {
            text: prompt.text,
            ...(key === undefined ? {} : { key }),
            ...(truth === undefined ? {} : { truth }),
          },
        ];
      }),
    ),
  };
}

const kinds: readonly CreditKind[] = ['right', 'slip', 'malformed', 'wrong-key'];

/** One response of each kind, the longest: it tells most. */
const longestOf = <
  Response extends { readonly kind: CreditKind; readonly tokens: readonly unknown[] },
>(
  responses: readonly Response[],
): Response[] =>
  kinds.flatMap((kind) =>
    responses
      .filter((response) => response.kind === kind)
      .sort((a, b) => b.tokens.length - a.tokens.length)
      .slice(0, 1),
  );
