// What a network looks at while it writes an answer: shares of its attention, token by token.
import type { Attention } from '../../src/index.ts';

/** A head, from 0; undefined for the mean of all heads. */
export type Head = number | undefined;

type Shares = Pick<Attention, 'heads' | 'promptTokens' | 'seen' | 'tokens' | 'weights'>;

/** A token that is looked at. */
export interface Look {
  /** Its place among the tokens that can be seen. */
  readonly at: number;
  /** Of the attention, in [0, 1]. */
  readonly share: number;
}

/** Tokens that stand before a token of the answer: the first ones of those that can be seen. */
export const seenBefore = ({ promptTokens }: Pick<Shares, 'promptTokens'>, token: number): number =>
  promptTokens + token;

/** The share of a head's attention that a token gets, while a token of the answer is written. */
export function shareOf(attention: Shares, head: Head, token: number, at: number): number {
  const { heads, tokens, seen, weights } = attention;
  const of = (one: number): number =>
    weights[(one * tokens.length + token) * seen.length + at] ?? 0;
  if (head !== undefined) return of(head);
  let sum = 0;
  for (let one = 0; one < heads; one++) sum += of(one);
  return sum / heads;
}

/** The tokens that get most, the first of equal ones first. */
export function mostSeen(attention: Shares, head: Head, token: number, count: number): Look[] {
  return Array.from({ length: seenBefore(attention, token) }, (_, at) => ({
    at,
    share: shareOf(attention, head, token, at),
  }))
    .sort((a, b) => b.share - a.share || a.at - b.at)
    .slice(0, count);
}

/** Most rows and columns that are drawn. */
const MOST_ROWS = 24;
const MOST_COLUMNS = 48;

/** The part of a matrix that is drawn: all of it, or what is around a token of a long answer. */
export interface Part {
  /** Tokens of the answer, the last one excluded. */
  readonly rows: readonly [from: number, to: number];
  /** Tokens that can be seen, the last one excluded. */
  readonly columns: readonly [from: number, to: number];
}

export function partAround(attention: Shares, token: number): Part {
  const { length } = attention.tokens;
  const from = Math.max(0, Math.min(length - MOST_ROWS, token - MOST_ROWS / 2));
  const to = Math.min(length, from + MOST_ROWS);
  const last = seenBefore(attention, to - 1);
  return { rows: [from, to], columns: [Math.max(0, last - MOST_COLUMNS), last] };
}

/** Whether a part is the whole matrix. */
export const isWhole = ({ tokens, seen }: Shares, { rows, columns }: Part): boolean =>
  rows[1] - rows[0] === tokens.length && columns[1] - columns[0] === seen.length;

/** Places from one to another, the last one excluded. */
export const placesOf = ([from, to]: readonly [number, number]): number[] =>
  Array.from({ length: to - from }, (_, i) => from + i);
