// A run as a story in five acts: where it is, and what it says of itself in a sentence.
import {
  inTableOrder,
  iterationsOf,
  methodLabel,
  type MethodName,
  type RunView,
} from '../../src/index.ts';
import { counted, percent } from '../../src/look/wording.ts';

export type Act = 1 | 2 | 3 | 4 | 5;

/** The acts in order, by their titles. */
export const acts: readonly { readonly act: Act; readonly title: string }[] = [
  { act: 1, title: 'Base' },
  { act: 2, title: 'All prompts' },
  { act: 3, title: 'Score' },
  { act: 4, title: 'Subsets' },
  { act: 5, title: 'Compare' },
];

export function actOf({ state, stage }: Pick<RunView, 'state' | 'stage'>): Act {
  if (state === 'done') return 5;
  switch (stage) {
    case undefined:
    case 'base':
      return 1;
    case 'full':
      return 2;
    case 'score':
      return 3;
    case 'report':
      return 5;
    default:
      return 4;
  }
}

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
  switch (act) {
    case 1: {
      const base = run.evaluations.base?.at(-1)?.mean;
      return base === undefined ? '' : `${percent(base, 1)} right`;
    }
    case 2: {
      const [at, of] = [updateOf(run, 'full'), updatesOf(run, 'full')];
      return at === 0 ? '' : of === undefined ? `update ${at}` : `update ${at} of ${of}`;
    }
    case 3:
      return run.lim ? `${run.lim.kept} of ${run.pool.length} kept` : '';
    case 4: {
      const arm = armsOf(run).findLast((method) => updateOf(run, method) > 0);
      return arm === undefined ? '' : `${methodLabel(arm)}, update ${updateOf(run, arm)}`;
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
  const act = actOf(run);
  const { pool, config, columns, meanCurve, lim } = run;
  const many = counted(pool.length, 'prompt');
  const drawn = config.model.kind !== 'folder';
  switch (act) {
    case 1: {
      if (run.pretraining)
        return 'A small model reads worked problems, some of them with mistakes.';
      const base = run.evaluations.base?.at(-1)?.mean;
      if (base === undefined) return 'First comes the base: the model before any reward.';
      const before = drawn
        ? 'It knows the procedure and slips'
        : 'This is the model as it was given';
      return `${before}: ${percent(base, 1)} of the answers to problems held out are right.`;
    }
    case 2: {
      const { epochs } = config.experiment;
      const paid = `PPO pays for right answers: ${many}, ${counted(epochs, 'epoch')}.`;
      const last = meanCurve.at(-1);
      if (last === undefined || Number.isNaN(last)) return `${paid} Watch which columns light up.`;
      const [first = last] = meanCurve;
      const when = columns.length === 1 ? 'In epoch 1' : `From epoch 1 to ${columns.length}`;
      const [low, high] = [percent(first, 0), percent(last, 0)];
      if (config.lim.signal !== 'accuracy')
        return `${paid} ${when}, the mean reward: ${last.toFixed(2)}.`;
      return columns.length === 1
        ? `${paid} ${when}, ${high} of its answers were paid as right.`
        : `${paid} ${when}, right answers went from ${low} to ${high}.`;
    }
    case 3:
      if (!lim) return 'Prompts that learn as the pool learns score high.';
      return `Prompts that learn as the pool learns score high: LIM keeps ${lim.kept} of ${pool.length}.`;
    case 4: {
      const arm = armsOf(run).findLast((method) => updateOf(run, method) > 0) ?? 'lim';
      const prompts = run.makeup[arm]?.prompts;
      const only =
        prompts === undefined ? 'only some prompts' : `only ${counted(prompts, 'prompt')}`;
      return `The same base again, and ${only}: ${methodLabel(arm)} at update ${updateOf(run, arm)} of ${updatesOf(run, arm) ?? '?'}.`;
    }
    case 5:
      return endingOf(run);
  }
}

/** What came out, at the read-out fixed before the run. */
function endingOf(run: RunView): string {
  const [lim, full] = [accuracyAt(run, 'lim'), accuracyAt(run, 'full')];
  const [kept] = run.sizesOf('lim');
  if (full === undefined) return 'The run is done. It was not evaluated on problems held out.';
  const all = `all ${run.pool.length}: ${percent(full, 1)}`;
  if (lim === undefined) return `Trained on ${all} of problems held out.`;
  const prompts = kept === undefined ? 'its prompts' : counted(kept, 'prompt');
  return `LIM on ${prompts}: ${percent(lim, 1)}. Trained on ${all}.`;
}
