import {
  accuracyOf,
  describeTask,
  inTableOrder,
  outsideTierSizesOf,
  readoutUnit,
  tierSizesOf,
  type Estimate,
  type ExperimentConfig,
  type MethodName,
} from '../src/index.ts';
import { counted, percent } from '../src/look/wording.ts';
import { caveatsOf, chargedText, findingOf, noFindingOf, sizesOf } from './state/finding.ts';
import { byId, cell, make, setText } from './dom.ts';
import { lineLook, type LineName } from '../src/look/tokens.ts';
import { lineSwatch } from './plots/line-swatch.ts';
import type { RunView } from '../src/index.ts';

const tierNames = ({ task }: ExperimentConfig): string[] => [...tierSizesOf(task).keys()];
/** Names of tiers that are no part of the mean. */
const outsideNames = ({ task }: ExperimentConfig): string[] => [...outsideTierSizesOf(task).keys()];

/** Names of the table's rows, in the paper's order: base, FULL, then the selections. */
const namesOf = (config: ExperimentConfig): LineName[] => [
  'base',
  ...inTableOrder(['full', ...config.experiment.methods]),
];

/** Held-out accuracy at the read-out that was fixed before the run, as far as known. */
export function drawResults(config: ExperimentConfig, model: RunView | undefined): void {
  const { tableReadout } = config.experiment;
  const tiers = tierNames(config);
  setText(
    byId('readout', HTMLParagraphElement),
    tiers.length === 0
      ? 'Not evaluated: the task has no held-out tiers.'
      : `Held-out accuracy of greedy answers after ${tableReadout} ${readoutUnit(config)}s of each method, a ` +
          'read-out fixed before the run.',
  );
  const heads = [
    'Method',
    'Mean',
    '95 % interval',
    ...tiers,
    ...outsideNames(config),
    'Sampled',
    'Prompts',
    'Easy',
    'Learnable',
    'Hard',
    'Wrong keys',
  ];
  const head = make(
    'tr',
    '',
    ...heads.map((text, i) => {
      const one = make('th', i === 0 ? '' : 'number', text);
      one.scope = 'col';
      return one;
    }),
  );
  const rows = namesOf(config).map((name) => makeRow(name, config, model, tiers));
  replaceIfOther(byId('results-head', HTMLTableSectionElement), [head]);
  replaceIfOther(byId('results-body', HTMLTableSectionElement), rows);
  setText(byId('interval', HTMLParagraphElement), intervalText(config, model));
  showWarnings(model?.warnings ?? []);
  setText(byId('bound', HTMLParagraphElement), boundText(model));
  setText(byId('charged', HTMLParagraphElement), model ? chargedText(model) : '');
}

function showWarnings(warnings: readonly string[]): void {
  const list = byId('warnings', HTMLUListElement);
  const rows = warnings.map((text) => make('li', '', text));
  if (!sameNodes(list.children, rows)) list.replaceChildren(...rows);
}

function makeRow(
  name: LineName,
  config: ExperimentConfig,
  model: RunView | undefined,
  tiers: readonly string[],
): HTMLTableRowElement {
  const found = model?.comparable(name) ?? [];
  const mean = (pick: (one: (typeof found)[number]) => number | undefined): string => {
    const values = found.map(pick).filter((value) => value !== undefined);
    if (values.length === 0) return '–';
    return percent(values.reduce((sum, value) => sum + value, 0) / values.length, 1);
  };
  const interval = accuracyOf(found, sizesOf(config, model));
  const makeup = name === 'base' ? undefined : model?.makeup[name];
  const counts = (['prompts', 'easy', 'learnable', 'hard', 'wrongKeys'] as const).map((kind) =>
    cell(makeup ? String(makeup[kind]) : '–', true),
  );
  const { key, label } = lineLook(name, config.experiment.methods);
  const title = make('th', `line-${key}`, label);
  title.scope = 'row';
  return make(
    'tr',
    '',
    title,
    cell(
      mean((one) => one.mean),
      true,
    ),
    cell(interval ? rangeOf(interval) : '–', true),
    ...tiers.map((tier) =>
      cell(
        mean((one) => one.tiers[tier]),
        true,
      ),
    ),
    ...outsideNames(config).map((tier) =>
      cell(
        mean((one) => one.outOfDistribution?.[tier]),
        true,
      ),
    ),
    cell(
      mean((one) => one.sampled?.mean),
      true,
    ),
    ...counts,
  );
}

function replaceIfOther(section: HTMLTableSectionElement, rows: HTMLTableRowElement[]): void {
  if (!sameNodes(section.rows, rows)) section.replaceChildren(...rows);
}

const sameNodes = (shown: HTMLCollection, wanted: readonly HTMLElement[]): boolean =>
  shown.length === wanted.length && wanted.every((one, i) => shown[i]?.isEqualNode(one));

/** An interval; a dash if the task does not tell how many prompts were answered. */
const rangeOf = ({ low, high }: Estimate): string =>
  low === high ? '–' : `${percent(low, 1)} – ${percent(high, 1)}`;

/** `39 prompts`; for several seeds `31–42 prompts`. */
function sizeText(model: RunView, name: MethodName): string {
  const sizes = model.sizesOf(name);
  if (sizes.length === 0) return '';
  const [least, most] = [Math.min(...sizes), Math.max(...sizes)];
  const prompts = least === most ? counted(most, 'prompt') : `${least}–${most} prompts`;
  const samples = model.samplesOf(name);
  if (!samples) return prompts;
  const { trained, generated } = samples;
  return `${prompts}, trained on ${trained} of ${counted(generated, 'sample')}`;
}

/** Shows the finding and its numbers at the top of the page. */
export function drawFinding(config: ExperimentConfig, model: RunView | undefined): void {
  if (!model) return;
  const readout = model.fixedReadout.text;
  setText(
    byId('finding', HTMLParagraphElement),
    findingOf(config, model) || noFindingOf(config, model),
  );
  setText(byId('caveats', HTMLParagraphElement), caveatsOf(model));
  const seeds = new Set(model.comparable('full').map(({ seed }) => seed)).size;
  setText(
    byId('found-title', HTMLHeadingElement),
    `What was found, held-out accuracy at ${readout}${seeds > 1 ? `, mean over ${seeds} seeds` : ''}`,
  );
  const rows = namesOf(config).map((name) => {
    const found = model.comparable(name);
    const mean = found.reduce((sum, one) => sum + one.mean, 0) / found.length;
    const value = make('strong', '', found.length === 0 ? '–' : percent(mean, 1));
    const size = make('span', 'quiet', name === 'base' ? '' : sizeText(model, name));
    const look = lineLook(name, config.experiment.methods);
    return make('li', look.key, make('span', '', lineSwatch(look), ` ${look.label}`), value, size);
  });
  const list = byId('found-values', HTMLUListElement);
  if (!sameNodes(list.children, rows)) list.replaceChildren(...rows);
}

function intervalText(config: ExperimentConfig, model: RunView | undefined): string {
  const seeds = model?.seeds.length ?? 1;
  const counted = seeds > 1 && model ? ` Prompts are those of seed ${model.seed}.` : '';
  const outside = outsideNames(config)
    .map((tier) => ` ${tier}: prompts unlike those of training, no part of the mean.`)
    .join('');
  const sampled = `Sampled: mean of ${config.evaluation.samples} answers a prompt at temperature ${config.evaluation.temperature}.${outside}${counted}`;
  if (seeds >= 3) {
    return `Means and intervals are over ${seeds} seeds (Student's t) once three are done; until then over held-out prompts. ${sampled}`;
  }
  if (!describeTask(config.task).isHeldOut) return `No interval for this task. ${sampled}`;
  return (
    `With fewer than three seeds the interval is over the held-out prompts alone: another seed can ` +
    `land outside it. ${sampled}`
  );
}

function boundText(model: RunView | undefined): string {
  const warning = model?.lim?.warning ?? '';
  // The warning begins with the rule of the cut: theta, or the lowest kept score.
  return warning === '' ? '' : `${warning.charAt(0).toUpperCase()}${warning.slice(1)}.`;
}
