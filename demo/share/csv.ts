// The numbers behind what a room shows, as CSV (RFC 4180).
import {
  accuracyOf,
  inTableOrder,
  methodEntries,
  type Evaluation,
  type MethodName,
  type RunView,
} from '../../src/index.ts';
import { sizesOf } from '../state/finding.ts';

type Value = string | number | boolean | undefined | null;

/** A field; what is no number and no text is empty. */
function field(value: Value): string {
  if (value === undefined || value === null || Number.isNaN(value)) return '';
  const text = String(value);
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

export const csvText = (rows: readonly (readonly Value[])[]): string =>
  rows.map((row) => `${row.map(field).join(',')}\r\n`).join('');

/** What the numbers of a figure are of. */
export type Numbers = 'matrix' | 'curves' | 'finding' | 'makeup';

/** The numbers of a run. */
export function numbersOf(run: RunView, kind: Numbers): string {
  switch (kind) {
    case 'matrix':
      return csvText(matrixRows(run));
    case 'curves':
      return csvText(curveRows(run));
    case 'finding':
      return csvText(findingRows(run));
    case 'makeup':
      return csvText(makeupRows(run));
  }
}

const namesOf = (run: RunView): MethodName[] =>
  inTableOrder(['full', ...run.config.experiment.methods]);

/** A row for each prompt, in the order of the picture. */
function matrixRows(run: RunView): Value[][] {
  const { columns, pool, order, scores, selections, config } = run;
  const chosen = methodEntries(selections);
  return [
    [
      'prompt',
      'text',
      'origin',
      'wrong_key',
      ...columns.map((_, epoch) => `${config.lim.signal}_epoch_${epoch + 1}`),
      'score',
      ...chosen.map(([name]) => `in_${name}`),
    ],
    ...order.map((prompt) => [
      prompt,
      pool[prompt]?.text,
      pool[prompt]?.origin,
      pool[prompt]?.wrongKey,
      ...columns.map((column) => column[prompt]),
      scores?.[prompt],
      ...chosen.map(([, places]) => Number(places.has(prompt))),
    ]),
  ];
}

/** A row for each read-out of each method and seed. */
function curveRows(run: RunView): Value[][] {
  const rows = (['base', ...namesOf(run)] as const).flatMap((name) =>
    (run.evaluations[name] ?? []).map((one) => [name, one] as const),
  );
  const tiers = [...new Set(rows.flatMap(([, one]) => Object.keys(tiersOf(one))))];
  return [
    [
      'method',
      'seed',
      'update',
      'own_epochs',
      'samples',
      'accuracy',
      ...tiers.map((tier) => `tier_${tier}`),
    ],
    ...rows.map(([name, one]) => [
      name,
      one.seed,
      one.update,
      one.epochs,
      one.samples,
      one.mean,
      ...tiers.map((tier) => tiersOf(one)[tier]),
    ]),
  ];
}

const tiersOf = ({ tiers, outOfDistribution }: Evaluation): Readonly<Record<string, number>> => ({
  ...tiers,
  ...outOfDistribution,
});

/** A row for each method at the read-out that was fixed before the run. */
function findingRows(run: RunView): Value[][] {
  return [
    ['method', 'accuracy', 'low', 'high', 'interval_over', 'seeds', 'prompts'],
    ...(['base', ...namesOf(run)] as const).flatMap((name) => {
      const found = run.comparable(name);
      const estimate = accuracyOf(found, sizesOf(run.config, run));
      if (!estimate) return [];
      const { mean, low, high, over } = estimate;
      const prompts = name === 'base' ? undefined : run.sizesOf(name)[0];
      return [[name, mean, low, high, over, new Set(found.map(({ seed }) => seed)).size, prompts]];
    }),
  ];
}

function makeupRows(run: RunView): Value[][] {
  const kinds = ['prompts', 'easy', 'learnable', 'hard', 'wrongKeys'] as const;
  return [
    ['method', 'prompts', 'easy', 'learnable', 'hard', 'wrong_keys'],
    ...methodEntries(run.makeup).map(([name, made]) => [name, ...kinds.map((kind) => made[kind])]),
  ];
}
