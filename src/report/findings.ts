import { startsFromFolder } from '../config.ts';
import { percent } from '../look/wording.ts';
import type { SelectionSummary } from '../results.ts';
import { estimatorLabel } from '../vocabulary/estimators.ts';
import type { Origin } from '../tasks/task.ts';
import { methodLabel, readsRewards, type MethodName } from '../selection/methods.ts';
import { seedsCaveat, wrongKeysCaveat } from './caveats.ts';
import { paperAverageOf } from './paper.ts';
import type { Estimate } from '../interval.ts';
import {
  baseEstimate,
  differenceAt,
  estimateAt,
  isEvaluated,
  lastCommonReadout,
  lastReadout,
  lastUpdate,
  learningCurve,
  methodsOf,
  passUpdates,
  readoutText,
  selectionUpdates,
  trainingCurve,
  trainingEnds,
  unitOf,
} from './readings.ts';
import type { Run } from '../run-folder/finished-run.ts';
import { average, count, counted, fixed, intervalText, listed, signed } from './text.ts';

/** Smallest fall in accuracy, from a method's best read-out to its last, that gets a sentence. */
const FALL = 0.03;
/** Smallest share of cut responses that gets a sentence. */
const MANY_CUT = 0.1;

/** The findings of a run, one or two sentences each, most important first. Text, not markup. */
export function findingsOf(run: Run): string[] {
  return [
    fullFinding(run),
    ...trainingFindings(run),
    tableFinding(run),
    ...lessonFindings(run),
    ...endFindings(run),
    ...comparisonCaveats(run),
    chargedFinding(run),
    ...selectionFindings(run),
    ...fallFindings(run),
    saturationFinding(run),
  ].filter((text) => text !== undefined);
}

function fullFinding(run: Run): string | undefined {
  const base = baseEstimate(run);
  const updates = lastUpdate(run, 'full');
  const full = estimateAt(run, 'full', lastReadout(run, 'full'));
  if (!base || !full) return undefined;
  const gain = full.mean - base.mean;
  return (
    `${estimatorLabel(run.results.config.ppo.estimator)} on the full pool took held-out accuracy from ${fixed(base.mean)} to ${fixed(full.mean)} ` +
    `in ${counted(updates, 'update')} (${signed(gain)}).`
  );
}

/** What a run without held-out prompts says: how FULL's own rewards moved. */
function trainingFindings(run: Run): string[] {
  const updates = lastUpdate(run, 'full');
  const reward = trainingEnds(run, 'full', 'reward_mean');
  const right = trainingEnds(run, 'full', 'accuracy_mean');
  if (isEvaluated(run) || !reward || !right) return [];
  return [
    `On the prompts that it trains on, FULL’s mean reward went from ${fixed(reward.first)} in the first ` +
      `${updatesText(reward.quarter)} to ${fixed(reward.last)} in the last, of ${count(updates)} ` +
      `(${signed(reward.last - reward.first)}); the share of right responses from ${percent(right.first)} to ${percent(right.last)}.`,
  ];
}

/** `update` or `3 updates`, behind `the first`. */
const updatesText = (updates: number): string =>
  updates === 1 ? 'update' : counted(updates, 'update');

/** What kept a given model from learning from its prompts. */
function lessonFindings(run: Run): string[] {
  if (!startsFromFolder(run.results.config)) return [];
  const updates = lastUpdate(run, 'full');
  const right = trainingCurve(run, 'full', 'accuracy_mean');
  const still = trainingCurve(run, 'full', 'actor_grad_norm').filter(([, norm]) => norm === 0);
  const cut = trainingEnds(run, 'full', 'cut_share');
  return [
    ...(right.length > 0 && right.every(([, share]) => share === 0)
      ? ['No response of FULL was right in any update.']
      : []),
    ...(still.length > 0
      ? [
          `In ${count(still.length)} of FULL’s ${counted(updates, 'update')} the gradient was zero, as where all responses to a prompt have the same reward: nothing was learned from them.`,
        ]
      : []),
    ...(cut && cut.last >= MANY_CUT
      ? [
          `${percent(cut.last)} of FULL’s responses in the last ${updatesText(cut.quarter)} reached the limit on their length before they ended.`,
        ]
      : []),
  ];
}

function tableFinding(run: Run): string | undefined {
  const { tableReadout } = run.results.config.experiment;
  const ranked = rankedAt(run, tableReadout);
  if (ranked.length === 0) return undefined;
  const order = ranked
    .map(({ method, mean }) => `${methodLabel(method)} ${fixed(mean)}`)
    .join(', ');
  const difference = differenceAt(run, 'lim', 'full', tableReadout);
  const told = difference ? ` ${differenceText('LIM', 'FULL', difference)}` : '';
  return `At ${readoutText(run, tableReadout)}, the read-out fixed before the run, from best to worst: ${order}.${told}`;
}

/** The methods with a reading at a read-out, best first. */
function rankedAt(run: Run, readout: number): { method: MethodName; mean: number }[] {
  return methodsOf(run)
    .flatMap((method) => {
      const estimate = estimateAt(run, method, readout);
      return estimate ? [{ method, mean: estimate.mean }] : [];
    })
    .sort((a, b) => b.mean - a.mean);
}

/** Which method is ahead, by how much, and whether the interval excludes zero. */
function differenceText(one: string, other: string, difference: Estimate): string {
  const { mean, low, high, over } = difference;
  const interval = `95 % interval ${signed(low)} to ${signed(high)} over ${over}`;
  if (low > 0 || high < 0) {
    return `${one} is ${mean > 0 ? 'above' : 'below'} ${other} by ${fixed(Math.abs(mean))} (${interval}).`;
  }
  return `${one} and ${other} are not told apart: difference ${signed(mean)}, ${interval}.`;
}

function endFindings(run: Run): string[] {
  const { tableReadout } = run.results.config.experiment;
  return methodsOf(run).flatMap((other) => {
    if (other === 'lim') return [];
    const readout = lastCommonReadout(run, 'lim', other);
    // The finding at the table's read-out already covers FULL.
    if (readout === undefined || (readout === tableReadout && other === 'full')) return [];
    const difference = differenceAt(run, 'lim', other, readout);
    const [ours, theirs] = [estimateAt(run, 'lim', readout), estimateAt(run, other, readout)];
    if (!difference || !ours || !theirs) return [];
    const name = methodLabel(other);
    const word = difference.mean > 0 ? 'above' : 'below';
    const sure = difference.low > 0 || difference.high < 0;
    return [
      `${sure ? `LIM ended ${word} ${name}` : `LIM and ${name} are not told apart at the end`}: ${fixed(ours.mean)} against ${fixed(theirs.mean)} at ${readoutText(run, readout)}, ` +
        `the last read-out of both (difference ${signed(difference.mean)}, 95 % interval ${signed(difference.low)} to ` +
        `${signed(difference.high)} over ${difference.over}).`,
    ];
  });
}

/** The limits of the differences between methods. */
function comparisonCaveats(run: Run): (string | undefined)[] {
  const { seeds } = run.results;
  const compared = methodsOf(run).filter((method) => learningCurve(run, method).length > 0);
  if (compared.length < 2) return [];
  const sum = (method: 'lim' | 'rand'): number =>
    seeds.reduce((total, { selections }) => total + (selections[method]?.wrongKeys ?? 0), 0);
  return [
    seedsCaveat(seeds.length),
    compared.includes('lim') && compared.includes('rand')
      ? wrongKeysCaveat({ lim: sum('lim'), rand: sum('rand') })
      : undefined,
  ];
}

function chargedFinding(run: Run): string | undefined {
  const pass = passUpdates(run);
  const full = estimateAt(run, 'full', lastReadout(run, 'full'));
  const arms = methodsOf(run).filter((method) => readsRewards(method));
  const best = arms
    .flatMap((method) => learningCurve(run, method).map((point) => ({ method, ...point })))
    .filter(({ updates }) => updates > 0)
    .sort((a, b) => b.estimate.mean - a.estimate.mean)[0];
  if (!full || !best) return undefined;
  const [whole, early] = [true, false].map((all) =>
    arms.filter((method) => (selectionUpdates(run, method) === pass) === all),
  ) as [MethodName[], MethodName[]];
  const names = listed(arms.map(methodLabel));
  const { method, updates, estimate } = best;
  const total = counted(selectionUpdates(run, method) + updates, 'update');
  const verdict =
    estimate.mean > full.mean
      ? `${methodLabel(method)} then reaches ${fixed(estimate.mean)}, above that, after ${total} in all`
      : `no read-out of ${names} reaches that (best: ${methodLabel(method)} ${fixed(estimate.mean)} after ${total} in all)`;
  const need = [
    whole.length === 0
      ? `FULL’s ${counted(pass, 'update')} leave FULL itself at ${fixed(full.mean)}`
      : `${listed(whole.map(methodLabel))} ${whole.length === 1 ? 'needs' : 'need'} the rewards of FULL’s ` +
        `${counted(pass, 'update')}, which leave FULL itself at ${fixed(full.mean)}`,
    ...early.map(
      (one) =>
        `${methodLabel(one)} needs those of FULL’s first ${counted(selectionUpdates(run, one), 'update')}`,
    ),
  ];
  return `The selection is not free: ${need.join('; ')}; ${verdict}.`;
}

function selectionFindings(run: Run): string[] {
  const { seeds } = run.results;
  const scored = seeds.filter(({ lim }) => lim !== null);
  const kept = scored.flatMap(({ selections }) => selections.lim ?? []);
  if (kept.length === 0) return [];
  const pools = scored.map(({ pool }) => pool);
  const of = (list: readonly SelectionSummary[], pick: (one: SelectionSummary) => number): string =>
    count(average(list.map(pick)));
  const share = average(kept.map(({ prompts }, i) => prompts / (pools[i]?.prompts ?? NaN)));
  const mean = kept.length > 1 ? ` (means over ${kept.length} seeds)` : '';
  const never = scored.flatMap(({ lim }) => lim?.neverSolved ?? []);
  const range = [Math.min(...never), Math.max(...never)];
  const scores =
    range[0] === range[1]
      ? fixed(range[0] ?? NaN, 2)
      : range.map((end) => fixed(end, 2)).join(' to ');
  const stratum = (origin: Origin): string => of(kept, (one) => one.byOrigin?.[origin] ?? 0);
  const drawn = pools.every(({ byOrigin }) => byOrigin !== undefined);
  const madeUp =
    `: ${stratum('easy')} easy, ${stratum('learnable')} learnable, ` +
    `${stratum('hard')} hard; ${of(kept, (one) => one.wrongKeys ?? 0)} of the ` +
    `${of(pools, (one) => one.wrongKeys ?? 0)} with a wrong key`;
  const sentence =
    `LIM kept ${of(kept, (one) => one.prompts)} of ${of(pools, (one) => one.prompts)} prompts (${percent(share)})${mean}` +
    `${drawn ? madeUp : ''}. A never-solved prompt scores ${scores}.`;
  const empty = kept.some(({ prompts }) => prompts === 0)
    ? ['On at least one seed LIM kept no prompt at all, so that there was nothing to train on.']
    : [];
  return [sentence, ...empty];
}

function fallFindings(run: Run): string[] {
  return methodsOf(run).flatMap((method) => {
    const curve = learningCurve(run, method);
    const last = curve.at(-1);
    const best = [...curve].sort((a, b) => b.estimate.mean - a.estimate.mean)[0];
    if (!last || !best || best.estimate.mean - last.estimate.mean < FALL) return [];
    return [
      `${methodLabel(method)} fell from its best, ${fixed(best.estimate.mean)} at ${counted(best.readout, unitOf(run))}, ` +
        `to ${fixed(last.estimate.mean)} at the end: training further on these prompts did harm.`,
    ];
  });
}

function saturationFinding(run: Run): string | undefined {
  const curve = trainingCurve(run, 'lim', 'informative_groups').map(([, value]) => value);
  if (curve.length < 2) return undefined;
  const tail = curve.slice(-Math.min(5, Math.floor(curve.length / 2)));
  const [first, last] = [curve[0] ?? NaN, average(tail)];
  if (!(last < first / 2)) return undefined;
  return (
    `LIM used its subset up: the share of its prompts with both right and wrong samples fell from ` +
    `${percent(first)} in the first update to ${percent(last)} in the last ${tail.length}.`
  );
}

/**
 * Compares the order of this run's methods with the paper's; undefined with fewer than two methods.
 */
export function paperComparison(run: Run): string | undefined {
  const { tableReadout } = run.results.config.experiment;
  const ranked = rankedAt(run, tableReadout).flatMap((one) => {
    const average = paperAverageOf(one.method);
    return average === undefined ? [] : [{ ...one, average }];
  });
  if (ranked.length < 2) return undefined;
  const paper = [...ranked].sort((a, b) => b.average - a.average);
  const turned = paper.flatMap((upper, i) =>
    paper.slice(i + 1).flatMap((lower) => {
      if (upper.mean > lower.mean) return [];
      const difference = differenceAt(run, upper.method, lower.method, tableReadout);
      const sure = difference && difference.high < 0 ? '' : ' (not told apart)';
      return [`${methodLabel(upper.method)} ≤ ${methodLabel(lower.method)}${sure}`];
    }),
  );
  const averages = paper.map(
    ({ method, average }) => `${methodLabel(method)} ${fixed(average, 1)}`,
  );
  const verdict =
    turned.length === 0
      ? 'the same order, which one small run does not confirm'
      : `${orderText(ranked)}, so these pairs come out the other way: ${turned.join(', ')}`;
  return (
    `The paper’s averages over three benchmarks, in percent, are ${listed(averages)}, at the end of training. ` +
    `Here, at ${readoutText(run, tableReadout)}: ${verdict}.`
  );
}

/** Methods from best to worst; `=` between methods that are equal to three digits. */
const orderText = (ranked: ReturnType<typeof rankedAt>): string =>
  ranked
    .map(({ method, mean }, i) => {
      const before = ranked[i - 1];
      const sign = before && fixed(before.mean) === fixed(mean) ? ' = ' : ' > ';
      return `${i === 0 ? '' : sign}${methodLabel(method)}`;
    })
    .join('');

/** The cells of a table: the value, as `0.711`, and its interval for the line below. */
export const estimateCells = (
  estimate: Estimate | undefined,
): { readonly value: string; readonly interval: string } =>
  estimate
    ? {
        value: fixed(estimate.mean),
        interval: estimate.low === estimate.high ? '' : intervalText(estimate),
      }
    : { value: 'none', interval: '' };
