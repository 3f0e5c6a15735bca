import type { Accuracy, Evaluation } from '../results.ts';
import { methodFileName } from '../run-folder/names.ts';
import { inTableOrder, methodEntries, methodOf, type MethodName } from '../selection/methods.ts';
import { readoutOf } from '../readouts.ts';
import { areaOf, areaTerms } from './area.ts';
import type { Sweep, SweepCell } from './folder.ts';

type Value = string | number | undefined;

/** A value as a field of a CSV file (RFC 4180); a missing one is empty. */
function field(value: Value): string {
  if (value === undefined || Number.isNaN(value)) return '';
  const text = String(value);
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

/** Responses that a method's selection costs in a cell. */
export function selectionSamples({ results }: SweepCell, method: MethodName): number {
  const { experiment, rollout } = results.config;
  const prompts = results.seeds[0]?.pool.prompts ?? 0;
  return methodOf(method).samples({
    prompts,
    epochs: experiment.epochs,
    samples: rollout.samples,
  });
}

/** Accuracy by tier, also of tiers beside the mean. */
const tiersOf = ({ tiers, outOfDistribution }: Accuracy): Readonly<Record<string, number>> => ({
  ...tiers,
  ...outOfDistribution,
});

function areaUpTo(
  { results }: SweepCell,
  evaluations: readonly Evaluation[],
  readout: number,
): number | undefined {
  const terms = areaTerms(results, evaluations, readout);
  return terms && areaOf(terms);
}

/** Names in the order in which they first occur. */
const distinct = (lists: readonly (readonly string[])[]): string[] => [...new Set(lists.flat())];

/**
 * The text of `runs.csv`: a row for each finished cell, method and read-out, sorted by cell, method and
 * update. A selection without prompts is one row without a read-out. Accuracies are in [0, 1]; `area` is
 * the mean accuracy from the base up to the read-out.
 */
export function rowsText({ grid, cells }: Sweep): string {
  const keys = Object.keys(grid.factors);
  const tiers = distinct(cells.map(({ results }) => Object.keys(tiersOf(results.base))));
  const head: Value[] = [
    'cell',
    'seed',
    ...keys,
    'method',
    'prompts',
    'update',
    'epochs',
    'samples',
    'selection_samples',
    'total_samples',
    'mean',
    ...tiers.map((tier) => `tier_${tier}`),
    'wrong_keys',
    'samples_trained',
    'area',
  ];
  const sorted = [...cells].sort((a, b) => (a.hash < b.hash ? -1 : 1));
  const rows = sorted.flatMap((cell) => {
    const factors = keys.map((key) => {
      const value = cell.factors[key];
      return typeof value === 'string' ? value : JSON.stringify(value);
    });
    const held = new Map(methodEntries(cell.results.methods));
    return inTableOrder(held.keys()).flatMap((method) => {
      const { prompts = 0, evaluations = [] } = held.get(method) ?? {};
      const selection = selectionSamples(cell, method);
      const [summary] = cell.results.seeds;
      const wrong =
        method === 'full' ? summary?.pool.wrongKeys : summary?.selections[method]?.wrongKeys;
      const front = [cell.hash, cell.seed, ...factors, methodFileName(method), prompts];
      const empty = [undefined, undefined, 0, selection, selection, undefined];
      if (evaluations.length === 0)
        return [[...front, ...empty, ...tiers.map(() => ''), wrong, 0, undefined]];
      const { samples: perPrompt } = cell.results.config.rollout;
      return [...evaluations]
        .sort((a, b) => a.update - b.update || (a.epochs ?? 0) - (b.epochs ?? 0))
        .map((one) => [
          ...front,
          one.update,
          one.epochs ?? one.samples / (prompts * perPrompt),
          one.samples,
          selection,
          one.samples + selection,
          one.mean,
          ...tiers.map((tier) => tiersOf(one)[tier]),
          wrong,
          one.samplesTrained ?? one.samples,
          areaUpTo(cell, evaluations, readoutOf(cell.results.config, one)),
        ]);
    });
  });
  return [head, ...rows].map((row) => `${row.map(field).join(',')}\n`).join('');
}
