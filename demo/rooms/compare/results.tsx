// What the shown run found: its numbers at the read-out fixed before the run, and the whole table.
import type { JSX } from 'preact';
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
  type RunView,
} from '../../../src/index.ts';
import { lineLook, type LineName } from '../../../src/look/tokens.ts';
import {
  caveatsOf,
  chargedText,
  findingOf,
  noFindingOf,
  readoutText,
  sizesOf,
} from '../../state/finding.ts';
import { changes, depends } from '../../state/stage.ts';
import { compareText } from '../../strings/compare.ts';
import { percent, whole } from '../../strings/numbers.ts';
import { Swatch } from '../../views/markup.tsx';
import { Scroll } from '../../views/table.tsx';
import { visibleString } from '../../visible-text.ts';
import { wholeRun } from './sources.ts';

const tierNames = ({ task }: ExperimentConfig): string[] => [...tierSizesOf(task).keys()];
/** Names of tiers that are no part of the mean. */
const outsideNames = ({ task }: ExperimentConfig): string[] => [...outsideTierSizesOf(task).keys()];

/** Names of the table's rows, in the paper's order: base, FULL, then the selections. */
const namesOf = (config: ExperimentConfig): LineName[] => [
  'base',
  ...inTableOrder(['full', ...config.experiment.methods]),
];

/** The shown run; who calls this is drawn again when the run changes. */
function followed(): RunView | undefined {
  depends(changes.value);
  return wholeRun.value;
}

const mean = (values: readonly number[]): number =>
  values.reduce((sum, value) => sum + value, 0) / values.length;

/** The finding and its numbers, at the top of the room. */
export function Found(): JSX.Element | null {
  const run = followed();
  const text = compareText.value;
  if (!run) return null;
  const { config } = run;
  const seeds = new Set(run.comparable('full').map(({ seed }) => seed)).size;
  return (
    <section id="found" class="card" aria-labelledby="found-title">
      <h2 id="found-title">{text.found(readoutText(config), seeds)}</h2>
      <ul id="found-values" class="found-values">
        {namesOf(config).map((name) => {
          const found = run.comparable(name);
          const look = lineLook(name, config.experiment.methods);
          return (
            <li class={look.key}>
              <span>
                <Swatch look={look} /> {look.label}
              </span>
              <strong>
                {found.length === 0 ? text.none : percent(mean(found.map((one) => one.mean)), 1)}
              </strong>
              <span class="quiet">{name === 'base' ? '' : sizeText(run, name)}</span>
            </li>
          );
        })}
      </ul>
      <p id="finding">{findingOf(config, run) || noFindingOf(config, run)}</p>
      <p id="charged">{chargedText(run)}</p>
      <p id="caveats" class="quiet">
        {caveatsOf(run)}
      </p>
    </section>
  );
}

/** `39 prompts`; for several seeds `31–42 prompts`. */
function sizeText(run: RunView, name: MethodName): string {
  const text = compareText.value;
  const sizes = run.sizesOf(name);
  if (sizes.length === 0) return '';
  const prompts = text.prompts(Math.min(...sizes), Math.max(...sizes));
  const samples = run.samplesOf(name);
  if (!samples) return prompts;
  return prompts + text.online(whole(samples.trained), whole(samples.generated));
}

/** Held-out accuracy at the read-out that was fixed before the run, as far as known. */
export function Results(): JSX.Element | null {
  const run = followed();
  const text = compareText.value;
  if (!run) return null;
  const { config } = run;
  const [tiers, outside] = [tierNames(config), outsideNames(config)];
  const { tableReadout } = config.experiment;
  const heads = [
    text.mean,
    text.interval,
    ...tiers,
    ...outside,
    text.sampled,
    text.promptsHead,
    text.easyHead,
    text.learnableHead,
    text.hardHead,
    text.wrongHead,
  ];
  return (
    <section class="card" aria-labelledby="results-title">
      <h2 id="results-title">{text.results}</h2>
      <p id="readout">
        {tiers.length === 0
          ? text.notEvaluated
          : text.evaluated(text.readoutOf[readoutUnit(config)](tableReadout))}
      </p>
      <Scroll label={text.table}>
        <table id="results-table">
          <thead id="results-head">
            <tr>
              <th scope="col">{text.method}</th>
              {heads.map((head) => (
                <th scope="col" class="number">
                  {visibleString(head)}
                </th>
              ))}
            </tr>
          </thead>
          <tbody id="results-body">
            {namesOf(config).map((name) => (
              <Row name={name} run={run} tiers={tiers} outside={outside} />
            ))}
          </tbody>
        </table>
      </Scroll>
      <p id="interval" class="quiet">
        {intervalText(run, outside)}
      </p>
      <p id="bound" class="problem" lang="en">
        {boundText(run)}
      </p>
      <ul id="warnings" class="problem" aria-label={text.warnings} lang="en">
        {run.warnings.map((warning) => (
          <li key={warning}>{visibleString(warning)}</li>
        ))}
      </ul>
    </section>
  );
}

function Row(props: {
  readonly name: LineName;
  readonly run: RunView;
  readonly tiers: readonly string[];
  readonly outside: readonly string[];
}): JSX.Element {
  const { name, run, tiers, outside } = props;
  const { config } = run;
  const { none } = compareText.value;
  const found = run.comparable(name);
  const share = (pick: (one: (typeof found)[number]) => number | undefined): string => {
    const values = found.map(pick).filter((value) => value !== undefined);
    return values.length === 0 ? none : percent(mean(values), 1);
  };
  const interval = accuracyOf(found, sizesOf(config, run));
  const makeup = name === 'base' ? undefined : run.makeup[name];
  const { key, label } = lineLook(name, config.experiment.methods);
  const cells = [
    share((one) => one.mean),
    interval ? rangeOf(interval) : none,
    ...tiers.map((tier) => share((one) => one.tiers[tier])),
    ...outside.map((tier) => share((one) => one.outOfDistribution?.[tier])),
    share((one) => one.sampled?.mean),
    ...(['prompts', 'easy', 'learnable', 'hard', 'wrongKeys'] as const).map((kind) =>
      makeup ? whole(makeup[kind]) : none,
    ),
  ];
  return (
    <tr>
      <th scope="row" class={`line-${key}`}>
        {label}
      </th>
      {cells.map((cell) => (
        <td class="number">{cell}</td>
      ))}
    </tr>
  );
}

/** An interval; a dash if the task does not tell how many prompts were answered. */
const rangeOf = ({ low, high }: Estimate): string =>
  low === high ? compareText.value.none : `${percent(low, 1)} – ${percent(high, 1)}`;

function intervalText(run: RunView, outside: readonly string[]): string {
  const text = compareText.value;
  const { config, seeds } = run;
  const rule =
    seeds.length >= 3
      ? text.overSeeds(seeds.length)
      : describeTask(config.task).isHeldOut
        ? text.overPrompts
        : text.noInterval;
  const { samples, temperature } = config.evaluation;
  return [
    rule,
    text.sampledText(samples, temperature),
    ...outside.map((tier) => text.outside(visibleString(tier))),
    ...(seeds.length > 1 ? [text.ofSeed(run.seed)] : []),
  ].join(' ');
}

function boundText({ lim }: RunView): string {
  const warning = lim?.warning ?? '';
  // The warning begins with the rule of the cut: theta, or the lowest kept score.
  return warning === '' ? '' : `${warning.charAt(0).toUpperCase()}${warning.slice(1)}.`;
}
