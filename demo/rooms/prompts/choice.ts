// What the Prompts room shows of a run, for all its looks: a cut, an order, a filter.
import { batch, computed, effect, signal } from '@preact/signals';
import type { RunView } from '../../../src/index.ts';
import { inspected, shownRun } from '../../state/stage.ts';
import { type Cut, isScored, keptBy, ownCut, type Scored, settledScores } from './cut.ts';
import { type Filter, inOrder, isWanted, type Order } from './order.ts';

/** The cut that the user tries; undefined for the run's own. */
export const tried = signal<Cut | undefined>(undefined);
export const order = signal<Order>('score');
export const filter = signal<Filter>('all');
/** Part of a prompt's text. */
export const search = signal('');
/** Prompts picked on a picture; undefined for all. */
export const picked = signal<ReadonlySet<number> | undefined>(undefined);

/** The scores of a run in float64, computed once. */
const settled = new WeakMap<Float64Array, Float64Array>();

export function scoresOf(run: Scored): Float64Array {
  const found = settled.get(run.scores) ?? settledScores(run);
  settled.set(run.scores, found);
  return found;
}

/** The cut that is shown; undefined before there are scores. */
export const cutNow = (run: RunView): Cut | undefined =>
  tried.value ?? (run.lim && ownCut(run.lim));

/** What the shown cut keeps; undefined before there are scores. The run's own is as the run made it. */
export function keptNow(run: RunView): ReadonlySet<number> | undefined {
  const cut = tried.value;
  if (!cut || !isScored(run)) return run.selections.lim;
  return keptBy(run, scoresOf(run), cut);
}

/** The order that was made last, and what of. */
let made: { readonly of: readonly unknown[]; readonly order: readonly number[] } | undefined;

/** All prompts in the chosen order: the same array while nothing has changed it. */
export function ordered(run: RunView): readonly number[] {
  const one = order.value === 'likeness' ? inspected.value : undefined;
  // The run's own order is another array whenever its means or scores are others.
  const of = [run.order, order.value, one];
  if (!made || made.of.some((part, i) => part !== of[i])) {
    made = { of, order: inOrder(run, order.value, one) };
  }
  return made.order;
}

/** Whether all prompts are asked for. */
export const wantsAll = computed(
  () => filter.value === 'all' && search.value.trim() === '' && picked.value === undefined,
);

/** The prompts that are asked for, in the chosen order. */
export function wantedNow(run: RunView): readonly number[] {
  const all = ordered(run);
  if (wantsAll.value) return all;
  const wanted = {
    filter: filter.value,
    text: search.value.trim(),
    picked: picked.value,
    kept: keptNow(run),
  };
  return all.filter((prompt) => isWanted(run, prompt, wanted));
}

/** Forgets what was tried on another pool. */
export function followPool(): () => void {
  let pool: RunView['pool'] | undefined;
  return effect(() => {
    const now = shownRun()?.pool;
    if (now === pool) return;
    if (pool && now && now.length > 0) {
      batch(() => {
        tried.value = undefined;
        picked.value = undefined;
      });
    }
    pool = now;
  });
}
