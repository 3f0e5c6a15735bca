// Orders and choices of prompts, for all looks at them. No DOM.
import type { RunView } from '../../../src/index.ts';

/** What prompts can be put in order by. */
export const orders = ['score', 'mean', 'origin', 'pool', 'likeness'] as const;
export type Order = (typeof orders)[number];

/** Which prompts are shown. */
export const filters = [
  'all',
  'kept',
  'rejected',
  'right',
  'wrong',
  'easy',
  'learnable',
  'hard',
] as const;
export type Filter = (typeof filters)[number];

const originRanks = { easy: 0, learnable: 1, hard: 2 } as const;

/** The order after another, round and round. */
export const orderAfter = (order: Order): Order =>
  orders[(orders.indexOf(order) + 1) % orders.length] ?? 'score';

/**
 * All prompts in an order. By score: that of the run, which is by mean before there are scores. By
 * origin: easy before hard, each by score. By likeness: the curves closest to one prompt's first.
 *
 * @param one The prompt that others are likened to; without one it is the order by score.
 */
export function inOrder(run: RunView, order: Order, one: number | undefined): readonly number[] {
  if (order === 'score') return run.order;
  if (order === 'pool') return [...run.pool.keys()];
  if (order === 'mean') return by(run.order, (prompt) => -run.meanOf(prompt));
  if (order === 'origin') {
    return by(run.order, (prompt) => {
      const origin = run.pool[prompt]?.origin;
      return origin === undefined ? NaN : originRanks[origin];
    });
  }
  return one === undefined ? run.order : by(run.order, (prompt) => apart(run, prompt, one));
}

/** By rising value, NaN last; equal ones stay as they are. */
const by = (prompts: readonly number[], value: (prompt: number) => number): number[] => {
  const keyed = prompts.map((prompt) => {
    const key = value(prompt);
    return { prompt, key: Number.isNaN(key) ? Infinity : key };
  });
  return keyed.sort((a, b) => (a.key === b.key ? 0 : a.key - b.key)).map(({ prompt }) => prompt);
};

/** Mean square distance of two curves over the epochs that both have; NaN if there is none. */
export function apart({ columns }: Pick<RunView, 'columns'>, a: number, b: number): number {
  let sum = 0;
  let count = 0;
  for (const column of columns) {
    const distance = ((column[a] ?? NaN) - (column[b] ?? NaN)) ** 2;
    if (Number.isNaN(distance)) continue;
    sum += distance;
    count++;
  }
  return sum / count;
}

/** What the user asks to see. */
export interface Wanted {
  readonly filter: Filter;
  /** Part of the prompt's text; empty for any. */
  readonly text: string;
  /** Prompts picked on a picture; undefined for all. */
  readonly picked: ReadonlySet<number> | undefined;
  /** What the cut keeps; undefined before there are scores. */
  readonly kept: ReadonlySet<number> | undefined;
}

/** Whether a prompt is among those that the user asks to see. */
export function isWanted(run: RunView, prompt: number, wanted: Wanted): boolean {
  const { filter, text, picked, kept } = wanted;
  const one = run.pool[prompt];
  if (picked && !picked.has(prompt)) return false;
  if (text !== '' && !run.textOf(prompt).includes(text)) return false;
  switch (filter) {
    case 'all':
      return true;
    case 'kept':
      return kept?.has(prompt) ?? false;
    case 'rejected':
      return kept !== undefined && !kept.has(prompt);
    case 'wrong':
      return one?.wrongKey ?? false;
    case 'right':
      return !(one?.wrongKey ?? false);
    default:
      return one?.origin === filter;
  }
}

/** A part of the plane of epochs and values. */
export interface Region {
  readonly epochs: readonly [number, number];
  readonly values: readonly [number, number];
}

/** The prompts whose curves have a point in a region. */
export function inRegion(
  { columns, pool }: Pick<RunView, 'columns' | 'pool'>,
  { epochs, values }: Region,
): Set<number> {
  const [low, high] = [Math.min(...values), Math.max(...values)];
  const [first, last] = [Math.min(...epochs), Math.max(...epochs)];
  return new Set(
    [...pool.keys()].filter((prompt) =>
      columns.some((column, epoch) => {
        const value = column[prompt] ?? NaN;
        return epoch >= first && epoch <= last && value >= low && value <= high;
      }),
    ),
  );
}
