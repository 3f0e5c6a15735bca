// What a run says of itself, act by act: a fact, a share, a sentence.
import {
  inTableOrder,
  iterationsOf,
  methodLabel,
  type MethodName,
  type RunView,
} from '../../src/index.ts';
import { percent } from '../strings/numbers.ts';
import { runText } from '../strings/run.ts';
import { actOf, type Act } from './act.ts';

export const titleOf = (act: Act): string => runText.value.acts[act - 1] ?? '';

const mean = (values: readonly number[]): number =>
  values.reduce((sum, value) => sum + value, 0) / values.length;

/** Held-out accuracy of a method at the fixed read-out, over the seeds that all methods have. */
export function accuracyAt(run: RunView, method: MethodName | 'base'): number | undefined {
  const found = run.comparable(method);
  return found.length === 0 ? undefined : mean(found.map((one) => one.mean));
}

/** Methods of a run besides FULL. */
export const armsOf = ({ config }: RunView): MethodName[] =>
  inTableOrder(config.experiment.methods.filter((method) => method !== 'full'));

const updateOf = (run: RunView, method: MethodName): number =>
  run.updates[method]?.at(-1)?.update ?? 0;

/** Updates that a method will make, as far as its prompts are known. */
function updatesOf(run: RunView, method: MethodName): number | undefined {
  const prompts = method === 'full' ? run.pool.length : (run.makeup[method]?.prompts ?? 0);
  return prompts > 0 ? iterationsOf(run.config, method, prompts) : undefined;
}

/** What stands under an act's title; empty before there is anything to say. */
export function factOf(run: RunView, act: Act): string {
  const text = runText.value;
  switch (act) {
    case 1: {
      const base = run.evaluations.base?.at(-1)?.mean;
      return base === undefined ? '' : text.right(base);
    }
    case 2: {
      const at = updateOf(run, 'full');
      return at === 0 ? '' : text.update(at, updatesOf(run, 'full'));
    }
    case 3:
      return run.lim ? text.kept(run.lim.kept, run.pool.length) : '';
    case 4: {
      const arm = armsOf(run).findLast((method) => updateOf(run, method) > 0);
      return arm === undefined ? '' : text.atUpdate(methodLabel(arm), updateOf(run, arm));
    }
    case 5: {
      const lim = accuracyAt(run, 'lim');
      return actOf(run) < 5 || lim === undefined ? '' : `LIM ${percent(lim, 1)}`;
    }
  }
}

/** Share of an act that is done, in [0, 1]. */
export function shareOf(run: RunView, act: Act): number {
  const now = actOf(run);
  if (now !== act) return now > act ? 1 : 0;
  switch (act) {
    case 2: {
      const of = updatesOf(run, 'full');
      return of === undefined ? 0 : Math.min(1, updateOf(run, 'full') / of);
    }
    case 4: {
      const arms = armsOf(run);
      const done = arms.map(
        (method) => updateOf(run, method) / (updatesOf(run, method) ?? Infinity),
      );
      return arms.length === 0 ? 1 : Math.min(1, mean(done));
    }
    case 1:
      return run.pretraining ? run.pretraining.update / run.pretraining.of : 0.5;
    case 3:
      return run.lim ? 1 : 0.5;
    case 5:
      return 1;
  }
}

/** Where the run is, in a sentence with its numbers. */
export function sentenceOf(run: RunView): string {
  const text = runText.value;
  const { pool, config, columns, meanCurve, lim } = run;
  switch (actOf(run)) {
    case 1: {
      if (run.pretraining) return text.pretraining;
      const base = run.evaluations.base?.at(-1)?.mean;
      return base === undefined ? text.beforeBase : text.base(base, config.model.kind !== 'folder');
    }
    case 2: {
      const last = meanCurve.at(-1) ?? NaN;
      const [first = last] = meanCurve;
      const then = Number.isNaN(last)
        ? text.watch
        : config.lim.signal === 'accuracy'
          ? text.answers(columns.length, first, last)
          : text.reward(columns.length, last);
      return `${text.paid(pool.length, config.experiment.epochs)} ${then}`;
    }
    case 3:
      return text.scores(lim && { kept: lim.kept, of: pool.length });
    case 4: {
      const arm = armsOf(run).findLast((method) => updateOf(run, method) > 0) ?? 'lim';
      return text.again(
        run.makeup[arm]?.prompts,
        methodLabel(arm),
        updateOf(run, arm),
        updatesOf(run, arm),
      );
    }
    case 5:
      return endingOf(run);
  }
}

/** What came out, at the read-out fixed before the run. */
function endingOf(run: RunView): string {
  const text = runText.value;
  const [lim, full] = [accuracyAt(run, 'lim'), accuracyAt(run, 'full')];
  if (full === undefined) return text.notEvaluated;
  const all = run.pool.length;
  return lim === undefined
    ? text.fullAlone(all, full)
    : text.ending(run.sizesOf('lim')[0], lim, all, full);
}
