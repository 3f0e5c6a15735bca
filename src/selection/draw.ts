import { RandomStream } from '../random.ts';
import { type Cut, countIn } from './cut.ts';
import type { Selection, SelectionPool } from './method.ts';

/** Draws `count` items without replacement, ascending; every subset is equally likely. */
export function drawn(items: readonly number[], count: number, stream: RandomStream): number[] {
  const order = Uint32Array.from(items);
  for (let i = 0; i < count; i++) {
    const j = i + stream.below(items.length - i);
    const chosen = order[j] ?? 0;
    order[j] = order[i] ?? 0;
    order[i] = chosen;
  }
  return [...order.subarray(0, count)].sort((a, b) => a - b);
}

/** Prompts drawn at random among those of one kind. */
interface DrawRule {
  readonly method: string;
  /** Code of the method: a key of its random numbers. */
  readonly code: number;
  /** The kind in words, in the plural: `prompts with a right key`. */
  readonly kind: string;
}

/**
 * Draws as many prompts of a kind as the cut asks for, or all if there are fewer; every subset is
 * equally likely.
 */
export function drawOf(
  { method, code, kind }: DrawRule,
  { prompts, seed }: SelectionPool,
  candidates: readonly number[],
  cut: Cut,
): Selection {
  const asked = countIn(cut, method);
  const count = Math.min(asked, candidates.length);
  const indices = drawn(candidates, count, new RandomStream(seed, 'randomSelection', code));
  const kept = new Set(indices);
  const among = new Set(candidates);
  const shortfall = count < asked ? `the pool has only ${candidates.length} ${kind}` : undefined;
  return {
    method,
    indices,
    rule:
      `${count} of ${candidates.length} ${kind}, of ${prompts} prompts, drawn with seed ${seed}` +
      (shortfall === undefined ? '' : `; ${asked} were asked for`),
    ...(shortfall === undefined ? {} : { shortfall }),
    reason: (prompt) =>
      kept.has(prompt) ? 'drawn' : among.has(prompt) ? 'not drawn' : `not one of the ${kind}`,
  };
}

/** The places of the items that pass a test. */
export const placesWhere = <Item>(
  items: readonly Item[],
  test: (item: Item) => boolean,
): number[] => [...items.entries()].flatMap(([place, item]) => (test(item) ? [place] : []));
