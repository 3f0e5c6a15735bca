// The lesson about sampling: logits of recorded probabilities, and what a figure shows of them.

/** Less than any probability that was recorded. */
const NEVER = 1e-9;

/** Logits of probabilities at temperature 1, up to a constant, which no distribution depends on. */
export const logitsOf = (tokens: readonly { readonly plain: number }[]): number[] =>
  tokens.map(({ plain }) => Math.log(Math.max(plain, NEVER)));

/** How often each id was drawn. */
export function tally(draws: readonly number[], ids: number): number[] {
  const counts = new Array<number>(ids).fill(0);
  for (const id of draws) counts[id] = (counts[id] ?? 0) + 1;
  return counts;
}

/** A bar of the figure. */
export interface Bar {
  /** Undefined for all tokens that have no bar of their own. */
  readonly text: string | undefined;
  readonly plain: number;
  readonly probability: number;
  readonly count: number;
}

/** The first tokens, and all others together. */
export function shownTokens(
  tokens: readonly { readonly text: string; readonly plain: number }[],
  probabilities: readonly number[],
  counts: readonly number[],
  most: number,
): Bar[] {
  const bars = tokens.map(({ text, plain }, i) => ({
    text,
    plain,
    probability: probabilities[i] ?? 0,
    count: counts[i] ?? 0,
  }));
  if (bars.length <= most) return bars;
  const rest = bars.slice(most - 1);
  const sum = (of: (bar: Bar) => number): number => rest.reduce((all, bar) => all + of(bar), 0);
  return [
    ...bars.slice(0, most - 1),
    {
      text: undefined,
      plain: sum(({ plain }) => plain),
      probability: sum(({ probability }) => probability),
      count: sum(({ count }) => count),
    },
  ];
}
