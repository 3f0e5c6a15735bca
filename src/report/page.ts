import {
  overridesOf,
  type ExperimentConfig,
  startsFromFolder,
  taughtTogether,
  withConfigPaths,
} from '../config.ts';
import { duration, percent } from '../look/wording.ts';
import { metric, type MetricKey } from '../metrics.ts';
import type {
  ExperimentResults,
  LimSummary,
  Probe,
  ScoredPrompt,
  SelectionSummary,
} from '../results.ts';
import { pageOf, tableOf } from './document.ts';
import {
  comparisonFigure,
  courseFigure,
  curveNamesOf,
  heatMapFigure,
  histogramFigure,
  learningFigure,
  legend,
  learningLegend,
  runMeanCurveFigure,
  runStyles,
  shareText,
  swatchBox,
  trainingFigure,
  trainingKeys,
  trainingLegend,
  trajectoryFigure,
  type ScoredPool,
} from './figures.ts';
import { estimateCells, findingsOf, paperComparison } from './findings.ts';
import { leastSeeds, tierPrompts, type Estimate } from '../interval.ts';
import { markup, raw, shortened, type Markup, type Part } from './markup.ts';
import { cutText } from './cut.ts';
import { barFigure, tierFigures } from './paper-figures.ts';
import { paperTables } from './paper-tables.ts';
import {
  armsOf,
  baseEstimate,
  differenceAt,
  estimateAt,
  evaluationsOf,
  inScoreOrder,
  isEvaluated,
  keptIds,
  lastReadout,
  lastUpdate,
  learningCurve,
  methodsOf,
  passUpdates,
  promptsOf,
  readersOf,
  readingsAt,
  readoutText,
  trainingCurve,
  trainingEnds,
  unitOf,
  type Answering,
  type Ends,
} from './readings.ts';
import type { Run } from '../run-folder/finished-run.ts';
import { methodFileName } from '../run-folder/names.ts';
import { describeTask } from '../tasks/registry.ts';
import { estimatorLabel } from '../vocabulary/estimators.ts';
import {
  inTableOrder,
  methodLabel,
  isSupervised,
  methodTakes,
  type MethodName,
  onlineOf,
} from '../selection/methods.ts';
import { seedsCaveat, strataCaveat } from './caveats.ts';
import { average, count, counted, fixed, listed, signed } from './text.ts';

/** Most runs that one page can tell apart. */
export const mostRuns = runStyles.length;

/** Longest text from a file in a table, in characters. */
const LONGEST_TEXT = 160;
/** Most kinds of rows that a table tells apart. */
const MOST_KINDS = 24;
/** Number of example prompts at each place of the order. */
const EXAMPLES = 4;

interface LabelledRun {
  readonly label: string;
  /** Prefix of the ids of this run's figures and sections. */
  readonly id: string;
  readonly run: Run;
}

/**
 * The report on one run, or on several runs side by side, as one HTML page that loads nothing. The
 * page holds no date, no path and no random number, so that the same files give the same bytes.
 *
 * @throws RangeError for no run, or for more runs than a page can tell apart.
 */
export function renderReport(runs: readonly Run[]): string {
  const [first] = runs;
  if (!first || runs.length > mostRuns) {
    throw new RangeError(`report: 1 to ${mostRuns} runs, got ${runs.length}`);
  }
  if (runs.length === 1) {
    const body = markup`<header><p class="kind">LIMR Lab · report</p><h1>${titleOf(first)}</h1>${factLine(first)}</header>
${runSections(first, '')}`;
    return pageOf(titleOf(first), body);
  }
  const labelled = runs.map((run, i): LabelledRun => {
    const letter = String.fromCharCode(65 + i);
    return { label: letter, id: `${letter.toLowerCase()}-`, run };
  });
  const title = `${count(runs.length)} LIMR experiments compared`;
  const body = markup`<header><p class="kind">LIMR Lab · report</p><h1>${title}</h1></header>
<main>${comparison(labelled)}
${labelled.map(
  ({
    label,
    id,
    run,
  }) => markup`<details class="run" id="${id}run"><summary>Run ${label}: ${titleOf(run)}</summary>
${factLine(run)}${sections(run, id)}</details>
`,
)}</main>`;
  return pageOf(title, body);
}

function titleOf({ results }: Run): string {
  const { config, seeds } = results;
  const one = seeds.length === 1 ? `seed ${seeds[0]?.seed ?? 0}` : `${seeds.length} seeds`;
  const { source } = describeTask(config.task);
  return startsFromFolder(config)
    ? `${shortened(lastPart(config.model.path), 60)} on ${shortened(source ?? config.task.name, 60)}, ${one}`
    : `LIMR experiment, preset ${shortened(config.preset, 40)}, ${one}`;
}

const factLine = ({ results }: Run): Markup =>
  markup`<p class="facts">${duration(results.seconds)} on ${shortened(results.adapter, LONGEST_TEXT)} (${shortened(results.host, 40)}) · config ${results.configHash.slice(0, 12)}</p>
`;

type SectionId =
  | 'found'
  | 'lim'
  | 'did'
  | 'table'
  | 'curves'
  | 'paper'
  | 'training'
  | 'scores'
  | 'kept'
  | 'limits'
  | 'settings';

/** The sections of a run's report. A section without content is left out. */
function sectionNames(run: Run): (readonly [id: SectionId, name: string])[] {
  const evaluated = isEvaluated(run);
  const selected = armsOf(run).length > 0;
  const lim = ['lim', 'What LIM is'] as const;
  // Without held-out prompts, training is what there is to see.
  return [
    ['found', 'What was found'],
    ...(evaluated ? [lim] : []),
    ['did', 'What this run did'],
    ['table', 'Results'],
    ...(evaluated
      ? [['curves', 'Learning curves'] as const, ['paper', 'Beside the paper'] as const]
      : []),
    ['training', 'Training'],
    ...(evaluated ? [] : [lim]),
    ['scores', 'Scores'],
    ...(selected
      ? [['kept', 'What was kept'] as const]
      : hasKinds(run)
        ? [['kept', 'What the pool holds'] as const]
        : []),
    ['limits', 'What this shows'],
    ['settings', 'Settings'],
  ];
}

/** Whether the prompts of a pool are of kinds. */
const hasKinds = ({ results }: Run): boolean =>
  results.seeds.some(
    ({ pool }) => pool.byOrigin !== undefined || Object.keys(pool.byColumn ?? {}).length > 0,
  );

const runSections = (
  run: Run,
  id: string,
): Markup => markup`<nav aria-label="Sections"><ul>${sectionNames(run).map(
  ([name, text]) => markup`<li><a href="#${id}${name}">${text}</a></li>`,
)}</ul></nav>
<main>
${sections(run, id)}</main>`;

function sections(run: Run, id: string): Markup {
  const bodies: Readonly<Record<SectionId, () => Part>> = {
    found: () => foundSection(run),
    lim: () => limSection(run),
    did: () => didSection(run),
    table: () => tableSection(run),
    paper: () => paperSection(run, id),
    curves: () => markup`${learningLegend(run)}<div class="grid wide">
${learningFigure(run, `${id}equal`, false)}${armsOf(run).length === 0 ? '' : learningFigure(run, `${id}charged`, true)}</div>
`,
    training: () => trainingSection(run, id),
    scores: () => scoreSection(run, id),
    kept: () => keptSection(run),
    limits: () => limitsSection(run),
    settings: () => settingsSection(run),
  };
  return markup`${sectionNames(run).map(
    ([name, text]) => markup`<section id="${id}${name}"><h2>${text}</h2>
${bodies[name]()}</section>
`,
  )}`;
}

function foundSection(run: Run): Markup {
  const findings = findingsOf(run);
  if (findings.length === 0) return warnings(run);
  return markup`<ul class="findings">${findings.map(
    (text) => markup`<li>${text}</li>
`,
  )}</ul>
${warnings(run)}<p class="aside">These sentences are computed from the numbers below; the section <i>What this shows</i> says how far they carry.</p>
`;
}

function warnings(run: Run): Markup {
  const { results } = run;
  // Where nothing is selected, the section of the scores tells of their cut.
  const cuts =
    armsOf(run).length === 0 && startsFromFolder(results.config)
      ? []
      : results.seeds.flatMap(({ seed, lim }) =>
          lim && lim.warning !== '' ? [`seed ${seed}: ${shortened(lim.warning, 400)}`] : [],
        );
  const others = (results.warnings ?? []).map((text) =>
    shortened(withoutPaths(text, results.config), 400),
  );
  const block = (intro: Markup, texts: readonly string[]): Markup =>
    texts.length === 0
      ? markup``
      : markup`<div class="warning"><p>${intro}</p><ul>${texts.map((text) => markup`<li>${text}</li>`)}</ul></div>
`;
  return markup`${block(markup`<b>To be known before the numbers.</b>`, others)}${block(
    markup`<b>The threshold does not do its work here.</b> A cut rejects prompts that are never solved only while the mean curve is high enough (on average above 0.387 for θ = 0.6), and prompts that are always solved only above 0.`,
    cuts,
  )}`;
}

/** A sentence of the run, with the names of its files in place of their paths. */
function withoutPaths(text: string, config: ExperimentConfig): string {
  const paths: string[] = [];
  withConfigPaths(config, (path) => {
    if (path !== '') paths.push(path);
    return path;
  });
  return paths
    .sort((a, b) => b.length - a.length)
    .reduce((told, path) => told.replaceAll(path, () => lastPart(path)), text);
}

/** s_i = 1 - sum_k (r_i^k - r_avg^k)^2 / sum_k (1 - r_avg^k)^2 */
const formula =
  raw(`<math display="block" aria-label="s of i is one minus the sum over epochs of the squared distance between the prompt's reward and the mean reward, divided by the sum over epochs of the squared distance between one and the mean reward">
<msub><mi>s</mi><mi>i</mi></msub><mo>=</mo><mn>1</mn><mo>−</mo>
<mfrac><mrow><munderover><mo>∑</mo><mrow><mi>k</mi><mo>=</mo><mn>1</mn></mrow><mi>K</mi></munderover><msup><mrow><mo>(</mo><msubsup><mi>r</mi><mi>i</mi><mi>k</mi></msubsup><mo>−</mo><msubsup><mi>r</mi><mtext>avg</mtext><mi>k</mi></msubsup><mo>)</mo></mrow><mn>2</mn></msup></mrow><mrow><munderover><mo>∑</mo><mrow><mi>k</mi><mo>=</mo><mn>1</mn></mrow><mi>K</mi></munderover><msup><mrow><mo>(</mo><mn>1</mn><mo>−</mo><msubsup><mi>r</mi><mtext>avg</mtext><mi>k</mi></msubsup><mo>)</mo></mrow><mn>2</mn></msup></mrow></mfrac>
</math>`);

function limSection(run: Run): Markup {
  const { lim, task } = run.results.config;
  const arms = armsOf(run);
  const which =
    lim.count === undefined
      ? `Prompts with a score of at least θ = ${lim.theta}`
      : `The ${count(lim.count)} prompts with the highest scores`;
  const signal =
    lim.signal === 'reward'
      ? 'mean reward, as in the paper’s text'
      : describeTask(task).verdicts
        ? 'share of right responses, as in the paper’s code'
        : 'share of answers that match the key, as in the paper’s code';
  const rule =
    lim.compat === 'limr'
      ? 'Missing entries are filled and dropped as the paper’s released script does.'
      : 'A prompt that an epoch missed is compared over the epochs that it has.';
  return markup`<p>A language model learns from prompts whose answers can be checked: it samples answers, a verifier rewards right ones, and reinforcement learning (here ${estimatorLabel(run.results.config.ppo.estimator)}) makes them likelier. Not every prompt teaches. One that is always solved, or never, gives no direction. <b>Learning Impact Measurement</b> (LIM; Li, Zou and Liu 2025, <i>LIMR: Less is More for RL Scaling</i>, arXiv:2502.11886) finds the ones that do by watching one training pass over the whole pool. It records the reward r of every prompt i in every data epoch k, and scores how closely each prompt’s curve follows the mean curve of the pool:</p>
<div class="scroll" tabindex="0">${formula}</div>
<p>A prompt that follows the mean exactly scores 1. One that is solved from the start scores 0. One that is never solved scores below 0 once the mean curve is above one half. ${which} ${arms.length === 0 ? 'would be kept, to train the model again from the start on those alone; this run trained on the whole pool only' : 'are kept, and the model is trained again from the start on those alone'}. Here r is the ${signal}. ${rule}</p>
${
  arms.length === 0
    ? ''
    : markup`<dl class="terms">${methodsOf(run).map((name) => markup`<div><dt>${methodLabel(name)}</dt><dd>${name === 'full' ? fullText(run) : methodTakes(name, lim)}</dd></div>`)}</dl>
`
}`;
}

/** What FULL trains on, and the selections that look at its rewards. */
function fullText(run: Run): string {
  const readers = readersOf(run);
  const look = readers.length === 1 ? 'looks' : 'look';
  return `every prompt of the pool${readers.length === 0 ? '' : `; its rewards are what ${listed(readers.map(methodLabel))} ${look} at`}`;
}

/** The last part of a path: a report names files and folders, and not where they lie. */
const lastPart = (path: string): string =>
  path.split(/[/\\]/).findLast((part) => part !== '') ?? path;

/** The model that a run starts from, at the beginning of a sentence. */
function modelText({ config, model: given }: ExperimentResults): string {
  const { model } = config;
  const shape = model.kind === 'folder' ? given : model;
  const sizes = shape
    ? ` (${counted(shape.layers, 'layer')}, width ${shape.hiddenSize}, ${counted(shape.heads, 'attention head')})`
    : '';
  return model.kind === 'folder'
    ? `The model ${shortened(lastPart(model.path), 80)}${sizes}`
    : `A small decoder${sizes}`;
}

/** What of a given model is trained, in a sentence; empty for a drawn one, which is trained whole. */
function trainedText({ config, model }: ExperimentResults): string {
  const { adapter, weightStorage = 'f32', ppo } = config;
  if (!startsFromFolder(config)) return '';
  const all = model ? count(model.parameters) : '';
  if (!adapter) {
    return `All ${all === '' ? '' : `${all} `}parameters are trained; matrices are stored in ${weightStorage}.`;
  }
  const { rank, alpha, rslora = false, targets } = adapter;
  const some = model?.adapterParameters;
  const share =
    model && some !== undefined
      ? `: ${count(some)} parameters beside ${all} (${percent(some / model.parameters)})`
      : '';
  const critic =
    ppo.estimator === 'gae' ? ' The critic has adapters of its own and a head for values.' : '';
  return (
    `Adapters of rank ${rank} are trained${share}, alpha ${alpha}${rslora ? ', rank-stabilised' : ''}, on ${listed(targets)} of each layer. ` +
    `The base stays as it is, stored in ${weightStorage}; the reference is the base without adapters.${critic}`
  );
}

/** What the base makes of the pool before FULL, in a sentence. */
function probeText({
  accuracy,
  reward,
  prompts,
  samples,
  neverSolved,
  alwaysSolved,
}: Probe): string {
  return (
    `Of ${counted(prompts, 'prompt')} × ${samples} samples, the base got ${percent(accuracy)} right (mean reward ${fixed(reward)}); ` +
    `it never solved ${percent(neverSolved)} of the prompts, and always ${percent(alwaysSolved)}.`
  );
}

function didSection(run: Run): Markup {
  const { config, base, seeds, probe } = run.results;
  const { rollout, experiment, evaluation } = config;
  const trained = trainedText(run.results);
  const pool = seeds[0]?.pool.prompts ?? 0;
  const sizes = [...tierPrompts(config, base)].map(([tier, prompts]) => `${tier} (${prompts})`);
  const online = armsOf(run).filter((method) => onlineOf(method));
  const taught = armsOf(run).filter(isSupervised);
  const arms = armsOf(run).filter((method) => !onlineOf(method) && !isSupervised(method));
  const budget =
    experiment.budget === 'updates'
      ? `${counted(experiment.armLength, 'update')} each`
      : `${counted(experiment.armLength, 'data epoch')} of its own prompts each`;
  const [pass, last] = [passUpdates(run), lastUpdate(run, 'full')];
  const task = describeTask(config.task);
  return markup`<p>${modelText(run.results)} and ${task.what}. ${
    seeds.length === 1
      ? `One seed: ${seeds[0]?.seed ?? 0}.`
      : `All of it once for each of ${seeds.length} seeds: ${listed(seeds.map(({ seed }) => String(seed)))}.`
  }</p>
<ol>
<li><b>Base.</b> ${task.corpus === '' ? 'The model that was given' : `${base.shipped ? 'A base model that comes with the program, pre-trained' : 'A base model, pre-trained in this run'} on ${task.corpus}`}${sizes.length === 0 ? '' : `: ${fixed(base.mean)} of held-out prompts right`}. ${armsOf(run).length === 0 && startsFromFolder(config) ? 'Training starts' : 'Every method starts'} from these weights.</li>
${
  trained === ''
    ? ''
    : markup`<li><b>Trained.</b> ${trained}</li>
`
}${
    probe
      ? markup`<li><b>Probe.</b> ${probeText(probe)}</li>
`
      : ''
  }<li><b>FULL.</b> ${estimatorLabel(config.ppo.estimator)} on all ${count(pool)} prompts for ${counted(experiment.epochs, 'data epoch')}, ${counted(pass, 'update')} of ${count(rollout.prompts)} prompts × ${rollout.samples} samples. Every prompt’s reward is recorded: a matrix of ${count(pool)} × ${experiment.epochs}.${last > pass ? markup` Its training goes on to update ${last}, and no reward is recorded any more.` : ''}</li>
<li><b>Scores.</b> LIM scores the prompts from that matrix${arms.length > 0 ? markup`, and subsets are selected` : ''}.</li>
${arms.length > 0 ? markup`<li><b>${listed(arms.map(methodLabel))}.</b> ${estimatorLabel(config.ppo.estimator)} from the base again on each subset, ${budget}, with nothing else changed.</li>` : ''}
${online.length > 0 ? markup`<li><b>${listed(online.map(methodLabel))}.</b> ${estimatorLabel(config.ppo.estimator)} from the base again on the whole pool, ${budget}; each chooses its prompts while it trains.</li>` : ''}
${taught.length > 0 ? markup`<li><b>${listed(taught.map(methodLabel))}.</b> Supervised fine-tuning from the base on responses that a file gives, ${listed(taught.map((method) => counted(lastUpdate(run, method), 'update')))} of ${counted(taughtTogether(config), 'row')}; nothing is sampled.</li>` : ''}
${sizes.length === 0 ? markup`<li><b>Not evaluated</b>: the task has no held-out prompts.</li>` : markup`<li><b>Evaluation</b> on held-out prompts, ${listed(sizes)}, after ${listed(experiment.readouts.filter((at) => at <= Math.max(...methodsOf(run).map((method) => lastReadout(run, method)))).map(String))} ${unitOf(run)}s${experiment.budget === 'updates' ? '' : ' of a method’s own prompts'}: ${task.answers ?? `greedy answers, and ${evaluation.samples === 0 ? 'no samples' : `${evaluation.samples} samples at temperature ${evaluation.temperature}`}`}. The table reads ${unitOf(run)} ${experiment.tableReadout}; that was fixed before the run.</li>`}
</ol>
`;
}

function tableSection(run: Run): Markup {
  if (!isEvaluated(run)) return trainingTable(run);
  return markup`<div class="tables">
${resultTable(run, 'greedy')}${resultTable(run, 'sampled')}${contrastTable(run)}${samplesTable(run)}</div>
${intervalNote(run)}`;
}

/** What online methods sampled, and what of it they trained on; nothing without such methods. */
function samplesTable(run: Run): Markup {
  const online = methodsOf(run).filter((method) => onlineOf(method));
  if (online.length === 0) return markup``;
  const several = run.results.seeds.length > 1;
  return tableOf({
    caption: markup`<b>Samples of methods that choose their prompts while they train</b>, whole training${several ? ', means over seeds' : ''}. The accuracy is of all that were generated; it moves with the prompts that are chosen.`,
    head: ['method', 'updates', 'generated', 'trained on', 'share', 'accuracy generated'],
    rows: online.map((method) => {
      const curve = (key: MetricKey): number[] =>
        trainingCurve(run, method, key).map(([, value]) => value);
      const sum = (key: MetricKey): number => curve(key).reduce((all, value) => all + value, 0);
      const [generated, trained] = [sum('samples_generated'), sum('samples_trained')];
      return [
        methodLabel(method),
        count(lastUpdate(run, method)),
        count(generated),
        count(trained),
        generated === 0 ? 'none' : percent(trained / generated),
        endsText(trainingEnds(run, method, 'generated_accuracy')),
      ];
    }),
  });
}

/** Rewards of training at its beginning and at its end: what there is without held-out prompts. */
function trainingTable(run: Run): Markup {
  return tableOf({
    caption: markup`<b>Samples of training</b>, means over the first and the last quarter of each method’s updates. There are no held-out prompts.`,
    head: ['method', 'prompts', 'updates', ...endKeys.map((key) => metric(key).name.toLowerCase())],
    rows: methodsOf(run).map((method) => [
      methodLabel(method),
      promptsOf(run, method),
      count(lastUpdate(run, method)),
      ...endKeys.map((key) => endsText(trainingEnds(run, method, key))),
    ]),
  });
}

const endKeys = ['reward_mean', 'accuracy_mean', 'response_length_mean', 'cut_share'] as const;

/** `0.200 → 0.950`. */
const endsText = (ends: Ends | undefined): string =>
  ends ? `${fixed(ends.first)} → ${fixed(ends.last)}` : 'none';

function intervalNote({ results }: Run): Markup {
  const over =
    results.seeds.length >= leastSeeds
      ? `Intervals of methods: 95 %, Student’s t over ${results.seeds.length} seeds; differences are paired by seed. The base is one model, so its interval is over held-out prompts (Wilson, by tier).`
      : `Intervals: 95 % over held-out prompts (Wilson’s for each tier, which is normal with a correction at the ends, then the mean of the tiers). With fewer than ${leastSeeds} seeds they say nothing about how another seed would have come out. Those of differences treat the two methods’ answers as independent, and those of samples count a prompt once, which makes both too wide rather than too narrow.`;
  return markup`<p class="aside">${over}</p>
`;
}

function resultTable(run: Run, how: Answering): Markup {
  const { results } = run;
  const { tableReadout } = results.config.experiment;
  const { evaluation } = results.config;
  const tiers = Object.keys(results.base.tiers);
  const outside = Object.keys(results.base.outOfDistribution ?? {});
  const base = baseEstimate(run, how);
  const baseReading = how === 'greedy' ? results.base : results.base.sampled;
  const seeds = results.seeds.length;
  const cell = (estimate: Estimate | undefined): Markup => {
    const { value, interval } = estimateCells(estimate);
    return markup`<b>${value}</b>${interval === '' ? '' : markup`<small>${interval}</small>`}`;
  };
  const methods = methodsOf(run);
  if (!base && methods.every((method) => !estimateAt(run, method, tableReadout, how))) {
    return markup``;
  }
  const rows = methods.map((method): Part[] => {
    const readings = [...readingsAt(run, method, tableReadout, how).values()];
    const estimate = estimateAt(run, method, tableReadout, how);
    const note =
      readings.length === 0
        ? markup`<small>${evaluationsOf(run, method).length === 0 ? 'not trained: no prompts' : `not read at this ${unitOf(run)}`}</small>`
        : readings.length < seeds
          ? markup`<small>${readings.length} of ${seeds} seeds</small>`
          : '';
    return [
      markup`${methodLabel(method)}${note}`,
      promptsOf(run, method),
      cell(estimate),
      ...tiers.map((tier) =>
        readings.length === 0
          ? 'none'
          : fixed(average(readings.map((one) => one.tiers[tier] ?? NaN))),
      ),
      ...outside.map((tier) =>
        readings.length === 0
          ? 'none'
          : fixed(average(readings.map((one) => one.outOfDistribution?.[tier] ?? NaN))),
      ),
      estimate && base ? signed(estimate.mean - base.mean) : 'none',
    ];
  });
  const { answers } = describeTask(results.config.task);
  const what =
    how === 'greedy'
      ? answers === undefined
        ? markup`<b>Held-out accuracy, greedy answers</b>`
        : markup`<b>Held-out accuracy</b> (${answers})`
      : markup`<b>Held-out accuracy, mean of ${evaluation.samples} samples</b> at temperature ${evaluation.temperature}, top-p ${evaluation.topP}`;
  return tableOf({
    caption: markup`${what}, after ${readoutText(run, tableReadout)}.${outside.map((tier) => ` ${tier}: prompts unlike those of training, no part of the mean.`)}`,
    head: [
      'method',
      'prompts',
      'mean of tiers',
      ...[...tiers, ...outside].map((tier) => shortened(tier, 24)),
      'over base',
    ],
    rows: [
      [
        'base',
        '',
        cell(base),
        ...tiers.map((tier) => fixed(baseReading?.tiers[tier] ?? NaN)),
        ...outside.map((tier) => fixed(baseReading?.outOfDistribution?.[tier] ?? NaN)),
        '',
      ],
      ...rows,
    ],
  });
}

/** The paper's tables and figures that the other sections do not hold. */
const paperSection = (run: Run, id: string): Markup =>
  markup`${paperTables(run)}${learningLegend(run)}<div class="grid wide">
${tierFigures(run, id)}${barFigure(run, id)}</div>
<p class="aside">The paper’s figures 2 and 3 are among those of the other sections; their captions say which. <code>limr report --figures</code> writes each panel to a file of its own.</p>
`;

function contrastTable(run: Run): Markup {
  const { tableReadout } = run.results.config.experiment;
  const pairs: [MethodName, MethodName][] = [
    ...methodsOf(run).flatMap((other): [MethodName, MethodName][] =>
      other === 'lim' ? [] : [['lim', other]],
    ),
    ['rand', 'full'],
  ];
  const rows = pairs.flatMap(([one, other]) => {
    const difference = differenceAt(run, one, other, tableReadout);
    if (!difference) return [];
    return [
      [
        `${methodLabel(one)} − ${methodLabel(other)}`,
        signed(difference.mean),
        `${signed(difference.low)} to ${signed(difference.high)}`,
        difference.low > 0 || difference.high < 0
          ? `${methodLabel(one)} ${difference.mean > 0 ? 'above' : 'below'}`
          : 'not told apart',
      ],
    ];
  });
  if (rows.length === 0) return markup``;
  return tableOf({
    caption: markup`<b>Differences</b> of ${describeTask(run.results.config.task).answers === undefined ? 'greedy ' : ''}accuracy after ${readoutText(run, tableReadout)}.`,
    head: ['pair', 'difference', '95 % interval', 'in words'],
    rows,
    kind: 'contrasts',
  });
}

function trainingSection(run: Run, id: string): Markup {
  const over = run.results.seeds.length > 1 ? ' Lines are means over seeds.' : '';
  return markup`<p>What ${estimatorLabel(run.results.config.ppo.estimator)} saw while it trained: samples at temperature ${run.results.config.rollout.temperature} ${armsOf(run).length === 0 ? 'on the whole pool.' : 'on each method’s own prompts, so levels are not comparable between methods whose prompts differ in difficulty.'}${over}</p>
${trainingLegend(run)}<div class="grid">
${trainingKeys.map((key) => trainingFigure(run, `${id}${key.replaceAll('_', '-')}`, key))}</div>
`;
}

function scoreSection(run: Run, id: string): Markup {
  const { results } = run;
  const scored = results.seeds.flatMap(({ seed, lim }, i) => {
    const scores = run.scores[i] ?? [];
    return lim && scores.length > 0 ? [{ seed, lim, ranked: inScoreOrder(scores) }] : [];
  });
  const [first, ...others] = scored;
  if (!first) return markup`<p>No prompt was scored.</p>`;
  const several = scored.length > 1;
  return markup`<p>${boundText(first.lim)}${several ? ` Figures are of seed ${first.seed}; those of the other seeds are folded away below.` : ''}</p>
<div class="grid wide">
${runMeanCurveFigure(run, `${id}mean`)}${courseFigure(curveNamesOf(run, first.lim), first, `${id}courses`)}${seedFigures(run, first, `${id}s0`)}</div>
${heatMapFigure(first.ranked, first.lim, `${id}s0-heat`)}
${quantileTable(run)}
${exampleTable(run, first.ranked, first.lim)}
${others.map(
  (
    other,
    i,
  ) => markup`<details class="seed"><summary>Seed ${other.seed}</summary><div class="grid wide">
${seedFigures(run, other, `${id}s${i + 1}`)}</div>
${heatMapFigure(other.ranked, other.lim, `${id}s${i + 1}-heat`)}</details>
`,
)}`;
}

const seedFigures = (run: Run, pool: ScoredPool, id: string): Markup =>
  markup`${histogramFigure(pool.ranked, pool.lim, `${id}-histogram`)}${trajectoryFigure(curveNamesOf(run, pool.lim), pool, `${id}-kept`, true)}${trajectoryFigure(curveNamesOf(run, pool.lim), pool, `${id}-rejected`, false)}`;

const boundText = (lim: LimSummary): string =>
  lim.warning === ''
    ? `A prompt that is never solved scores ${fixed(lim.neverSolved, 2)} and one that is always solved ${fixed(lim.alwaysSolved, 2)}: the cut (${cutText(lim)}) rejects both.`
    : `A prompt that is never solved scores ${fixed(lim.neverSolved, 2)} and one that is always solved ${fixed(lim.alwaysSolved, 2)}, and a cut is meant to reject both. ${shortened(lim.warning, 400)}.`;

function quantileTable({ results }: Run): Markup {
  const shown = [0, 2, 5, 10, 15, 18, 20];
  return tableOf({
    caption: markup`<b>Score quantiles</b> of the scored prompts.`,
    head: ['seed', ...shown.map((at) => `${at * 5} %`), 'kept'],
    rows: results.seeds.map(({ seed, scoreQuantiles, lim }) => [
      String(seed),
      ...shown.map((at) => fixed(scoreQuantiles[at] ?? NaN, 2)),
      count(lim?.kept ?? 0),
    ]),
  });
}

/** A text of several lines in one. */
const oneLine = (text: string): string => text.replace(/\s+/gu, ' ').trim();

/** A prompt's key; beside a key that is wrong on purpose, the truth. Empty for older files. */
const keyCell = (key: string | undefined, truth: string | undefined): Part =>
  key === undefined
    ? ''
    : markup`<code>${shortened(oneLine(key), 40)}</code>${
        truth === undefined ? '' : markup`<small>truth ${shortened(truth, 40)}</small>`
      }`;

function exampleTable({ results }: Run, ranked: readonly ScoredPrompt[], lim: LimSummary): Markup {
  const { promptText } = describeTask(results.config.task);
  const ids = keptIds(ranked, lim);
  const from = (start: number, among = ranked) => among.slice(start, start + EXAMPLES);
  const drawn = ranked.some(({ origin }) => origin !== undefined);
  const described = drawn || ranked.some(({ columns }) => columns !== undefined);
  const named = ranked.some(({ rowId }) => rowId !== undefined);
  const places = [
    ['highest scores', from(0)],
    ['around the cut', from(Math.max(0, ids.size - EXAMPLES / 2))],
    ['lowest scores', from(Math.max(0, ranked.length - EXAMPLES))],
    [
      'wrong key, highest scores',
      from(
        0,
        ranked.filter(({ wrongKey }) => wrongKey === true),
      ),
    ],
  ] as const;
  const rows = places.flatMap(([place, members]) =>
    members.map(({ id, rowId, prompt, score, rewards, key, truth, ...made }): Part[] => [
      ...(named ? [shortened(oneLine(rowId ?? ''), 40)] : []),
      markup`<code>${shortened(oneLine(promptText(prompt)), LONGEST_TEXT)}</code>`,
      keyCell(key, truth),
      place,
      score === null ? 'none' : fixed(score, 2),
      ids.has(id) ? 'kept' : 'rejected',
      ...(described ? [madeText(made)] : []),
      rewards
        .slice(0, 12)
        .map((value) => (value === null ? '·' : fixed(value, 2)))
        .join(' '),
    ]),
  );
  return tableOf({
    caption: markup`<b>Examples</b> of prompts and their ${lim.signal} per data epoch${lim.meanCurve.length > 12 ? ' (the first 12)' : ''}.`,
    head: [
      ...(named ? ['id'] : []),
      ...['prompt', 'key', 'place', 'score', 'LIM'],
      ...(described ? [drawn ? 'origin' : 'row'] : []),
      lim.signal,
    ],
    rows,
    kind: 'words',
  });
}

/** How a prompt was made, or what its row says. */
const madeText = ({
  origin,
  wrongKey,
  columns = {},
}: Pick<ScoredPrompt, 'origin' | 'wrongKey' | 'columns'>): string =>
  [
    ...(origin === undefined ? [] : [origin]),
    ...(wrongKey === true ? ['wrong key'] : []),
    ...Object.entries(columns).map(
      ([column, value]) => `${shortened(column, 24)} ${shortened(oneLine(value), 40)}`,
    ),
  ].join(', ');

const origins = ['easy', 'learnable', 'hard'] as const;

/** The columns of a selection's table: a name, and the number of prompts. */
type Kind = readonly [name: string, of: (selection: SelectionSummary) => number];

/** The kinds of prompts of a drawn pool. */
const drawnKinds: readonly Kind[] = [
  ...origins.map((origin): Kind => [origin, ({ byOrigin }) => byOrigin?.[origin] ?? 0]),
  ['wrong keys', ({ wrongKeys = 0 }) => wrongKeys],
];

/** The kinds of rows of a file: a list for each column, the most frequent value first. */
function columnKinds(pool: SelectionSummary): readonly (readonly [string, Kind[]])[] {
  return Object.entries(pool.byColumn ?? {}).map(([column, counts]) => {
    const kinds = Object.entries(counts)
      .sort(([, a], [, b]) => b - a)
      .slice(0, MOST_KINDS)
      .map(([value]): Kind => [
        value === '' ? 'none' : shortened(oneLine(value), 24),
        (selection) => held(held(selection.byColumn ?? {}, column) ?? {}, value) ?? 0,
      ]);
    const rest = (selection: SelectionSummary): number =>
      kinds.reduce((left, [, of]) => left - of(selection), selection.prompts);
    return [column, rest(pool) > 0 ? [...kinds, ['others', rest]] : kinds];
  });
}

/** An own property, by a name that comes from a file. */
const held = <Value>(of: Readonly<Record<string, Value>>, name: string): Value | undefined =>
  Object.entries(of).find(([own]) => own === name)?.[1];

function keptSection(run: Run): Markup {
  const { seeds } = run.results;
  const several = seeds.length > 1;
  const selections = methodsOf(run).filter((method) => method !== 'full');
  const pool = meanSelection(seeds.map((seed) => seed.pool));
  const rows = selections.flatMap((method) => {
    const held = seeds.flatMap((seed) => seed.selections[method] ?? []);
    return held.length === 0 ? [] : [{ name: methodLabel(method), selection: meanSelection(held) }];
  });
  const inStrata = pool.byOrigin !== undefined;
  const table = (
    list: readonly { readonly name: string; readonly selection: SelectionSummary }[],
    all: SelectionSummary,
    caption: Markup,
    kinds: readonly Kind[] = inStrata ? drawnKinds : [],
  ): Markup =>
    tableOf({
      caption,
      head: [
        'selection',
        'prompts',
        ...kinds.map(([name]) => name),
        ...(inStrata ? ['make-up'] : []),
      ],
      rows: [
        [
          'pool',
          count(all.prompts),
          ...kinds.map(([, of]) => count(of(all))),
          ...(inStrata ? [bar(all)] : []),
        ],
        ...list.map(({ name, selection }): Part[] => [
          name,
          shareText(selection.prompts, all.prompts),
          ...kinds.map(([, of]) => shareText(of(selection), of(all))),
          ...(inStrata ? [bar(selection)] : []),
        ]),
      ],
    });
  const what = selections.length === 0 ? 'The pool' : 'What each selection kept';
  const makeUp = markup`. Make-up: ${origins.map((origin) => markup`${swatchBox(`var(--${origin})`)} ${origin} `)}`;
  const { pool: drawn } = describeTask(run.results.config.task);
  return markup`${
    selections.length === 0
      ? ''
      : markup`<p>${drawn === '' ? '' : `${drawn} `}Percentages are of the pool’s prompts of that kind.</p>
`
  }${selections.length === 0 && !inStrata ? '' : table(rows, pool, markup`<b>${what}</b>${several ? `, means over ${seeds.length} seeds` : ''}${inStrata ? makeUp : ''}`)}
${columnKinds(pool).map(([column, kinds]) => table(rows, pool, markup`<b>${what}</b> by ${shortened(column, 40)}`, kinds))}
${
  several && selections.length > 0
    ? markup`<details class="seed"><summary>Seed by seed</summary>${seeds.map((seed) =>
        table(
          selections.flatMap((method) => {
            const selection = seed.selections[method];
            return selection ? [{ name: methodLabel(method), selection }] : [];
          }),
          seed.pool,
          markup`Seed ${seed.seed}`,
        ),
      )}</details>`
    : ''
}`;
}

function meanSelection(list: readonly SelectionSummary[]): SelectionSummary {
  const mean = (pick: (one: SelectionSummary) => number): number => average(list.map(pick));
  return {
    prompts: mean((one) => one.prompts),
    ...(list.every(({ byOrigin }) => byOrigin !== undefined)
      ? {
          byOrigin: {
            easy: mean((one) => one.byOrigin?.easy ?? 0),
            learnable: mean((one) => one.byOrigin?.learnable ?? 0),
            hard: mean((one) => one.byOrigin?.hard ?? 0),
          },
        }
      : {}),
    wrongKeys: mean((one) => one.wrongKeys ?? 0),
    byColumn: meanColumns(list),
  };
}

function meanColumns(list: readonly SelectionSummary[]): Record<string, Record<string, number>> {
  const sums = new Map<string, Map<string, number>>();
  for (const { byColumn = {} } of list) {
    for (const [column, counts] of Object.entries(byColumn)) {
      const sum = sums.get(column) ?? new Map<string, number>();
      sums.set(column, sum);
      for (const [value, one] of Object.entries(counts)) {
        sum.set(value, (sum.get(value) ?? 0) + one / list.length);
      }
    }
  }
  return Object.fromEntries([...sums].map(([column, sum]) => [column, Object.fromEntries(sum)]));
}

/** A selection's make-up by origin as a bar; the table gives the numbers. */
const bar = ({ byOrigin, prompts }: SelectionSummary): Markup =>
  byOrigin === undefined || prompts === 0
    ? markup`empty`
    : markup`<span class="bar" aria-hidden="true">${origins.map((origin) =>
        raw(
          `<i style="width:${((100 * byOrigin[origin]) / prompts).toFixed(2)}%;background:var(--${origin})"></i>`,
        ),
      )}</span>`;

function limitsSection(run: Run): Markup {
  const { seeds, config } = run.results;
  const task = describeTask(config.task);
  const given = startsFromFolder(config);
  const arms = armsOf(run);
  const readers = readersOf(run);
  const comparison = paperComparison(run);
  const pools = given ? 'other orders of the prompts' : 'other pools';
  const fewSeeds = seeds.length === 1 ? 'One seed' : 'Two seeds';
  const seedText =
    seeds.length >= leastSeeds
      ? `${seeds.length} seeds of one base model: the intervals cover ${pools} and other samples, not other bases, tasks or sizes. ${seedsCaveat(seeds.length) ?? ''}`
      : given && arms.length === 0
        ? `${fewSeeds}: another seed may come out otherwise. Statements about a setting need ${leastSeeds} or more.`
        : `${fewSeeds}: another seed may order the methods otherwise. Comparisons need ${leastSeeds} or more.`;
  const evidence = given
    ? markup`<b>This is one model on one set of problems.</b> ${arms.length === 0 ? 'It is reinforcement learning' : 'It is the procedure of the paper, run in full'} on ${task.limits} Another model, other problems or another verifier may come out otherwise.`
    : markup`<b>Nothing here is evidence about MATH, Qwen or any large model.</b> It is the procedure of the paper, run in full on ${task.limits}`;
  const heldOut = isEvaluated(run)
    ? '<b>Held out means left out of the pool.</b> Whether the model met these problems in its own training before is not known here.'
    : '<b>Nothing was held out.</b> Rewards are of the prompts that were trained on, so a rise says nothing about other prompts. Tiers of held-out prompts would.';
  const points: readonly Markup[] = [
    evidence,
    ...(given ? [raw(heldOut)] : []),
    ...(readers.length === 0
      ? []
      : [
          markup`<b>The FULL pass is not free.</b> ${listed(readers.map(methodLabel))} ${readers.length === 1 ? 'knows' : 'know'} what to keep only after training on everything. Curves at equal updates say how well a subset teaches once it is known; the charged curves say what knowing it cost.`,
        ]),
    ...(task.hasStrata ? [markup`<b>The strata are made.</b> ${strataCaveat}`] : []),
    ...(given
      ? comparison === undefined
        ? []
        : [markup`<b>Orderings can contradict the paper.</b> ${comparison}`]
      : [
          markup`<b>Orderings at small scale can contradict the paper.</b> ${comparison ?? 'Too few methods were read to compare orders.'} A model this small memorizes a small subset in a few dozen updates, where a large one trains on it for a hundred epochs.`,
        ]),
    markup`${seedText}`,
    ...(isEvaluated(run)
      ? [
          markup`Read-outs are part of the config and so fixed before the run (table: ${unitOf(run)} ${config.experiment.tableReadout}). Settings changed after looking at results make the next ones exploratory until fresh seeds confirm them.`,
        ]
      : []),
  ];
  return markup`<ul>
${points.map(
  (point) => markup`<li>${point}</li>
`,
)}</ul>
`;
}

/** A value from a config or a list of overrides, as short text. */
const valueText = (value: unknown): string =>
  shortened(
    typeof value === 'string' ? value : value === undefined ? 'none' : JSON.stringify(value),
    80,
  );

/** Where the base came from. */
function baseText({ config, base, model }: ExperimentResults): Part {
  if (config.model.kind === 'folder') {
    return model
      ? markup`the model that was given, SHA-256 of its files <code>${shortened(model.sha256, 80)}</code>`
      : 'the model that was given';
  }
  return base.shipped ? 'shipped with the program' : 'pre-trained in this run';
}

/** The settings of a given model and of its task; empty for a drawn model. */
function modelFacts({ config, model, memory }: ExperimentResults): (readonly [string, Part])[] {
  if (!startsFromFolder(config)) return [];
  const { adapter, weightStorage = 'f32', cacheStorage = 'f32', ppo, rollout } = config;
  const { settings = [] } = describeTask(config.task);
  const trained = adapter
    ? `adapters of rank ${adapter.rank}, alpha ${adapter.alpha}${adapter.rslora === true ? ', rank-stabilised' : ''}, on ${listed(adapter.targets)}`
    : 'all parameters';
  const some = model?.adapterParameters;
  return [
    ['Model', shortened(lastPart(config.model.path), LONGEST_TEXT)],
    ...(model
      ? ([
          [
            'Architecture',
            `${shortened(model.architecture, 40)}, ${counted(model.parameters, 'parameter')}`,
          ],
        ] as const)
      : []),
    ['Trained', trained],
    ...(model && adapter && some !== undefined
      ? ([
          [
            'Trained parameters',
            `${count(some)} beside ${count(model.parameters)} (${percent(some / model.parameters)})`,
          ],
        ] as const)
      : []),
    [adapter ? 'Storage of the base' : 'Storage of matrices', weightStorage],
    ['Storage of keys and values', cacheStorage],
    ...(memory === undefined
      ? []
      : ([['Memory', shortened(memory.replace(/^GPU memory: /, ''), 400)]] as const)),
    ['Estimator', ppo.estimator],
    [
      'Rollout',
      `${counted(rollout.prompts, 'prompt')} × ${rollout.samples} samples at temperature ${rollout.temperature}, top-p ${rollout.topP}`,
    ],
    ...settings.map(([name, value]) => [shortened(name, 60), shortened(value, 400)] as const),
  ];
}

function settingsSection(run: Run): Markup {
  const { results } = run;
  const { overrides, injected } = results;
  const facts: readonly (readonly [string, Part])[] = [
    ['Adapter', shortened(results.adapter, LONGEST_TEXT)],
    ['Host', shortened(results.host, LONGEST_TEXT)],
    ['Duration', `${duration(results.seconds)} (${fixed(results.seconds, 1)} s)`],
    ['Preset', shortened(results.config.preset, 80)],
    ['Config hash', markup`<code>${shortened(results.configHash, 80)}</code>`],
    ['Seeds', results.seeds.map(({ seed }) => String(seed)).join(', ')],
    ['Base', baseText(results)],
  ];
  const learnt = modelFacts(results);
  return markup`<h3>Where it ran</h3>
<dl class="terms">${facts.map(([name, value]) => markup`<div><dt>${name}</dt><dd>${value}</dd></div>`)}</dl>
${
  learnt.length === 0
    ? ''
    : tableOf({
        caption: markup`<b>What was trained on what.</b>`,
        head: ['setting', 'here'],
        rows: learnt,
        kind: 'words',
      })
}${
    injected.length === 0
      ? ''
      : markup`<h3>What was injected by design</h3>
<ul>${injected.map((text) => markup`<li>${withCode(shortened(text, 600))}</li>`)}</ul>
`
  }<h3>Constants that differ from the reference run</h3>
<p>The reference is what LIMR’s released code ran, its flags with their defaults filled in. What concerns size (model, task, base, experiment) has no counterpart there.</p>
${
  overrides.length === 0
    ? markup`<p>None.</p>`
    : tableOf({
        caption: markup`${counted(overrides.length, 'override')}.`,
        head: ['constant', 'here', 'reference'],
        rows: overrides.map(({ field, value, reference }) => [
          markup`<code>${shortened(field, 80)}</code>`,
          valueText(value),
          valueText(reference),
        ]),
        kind: 'words',
      })
}
<details class="seed"><summary>The whole config</summary><pre>${JSON.stringify(
    withConfigPaths(results.config, lastPart),
    null,
    2,
  )
    .split('\n')
    .map((line) => [shortened(line, 200), raw('\n')])}</pre></details>
`;
}

/** Text whose backquoted parts are code. */
const withCode = (text: string): Part[] =>
  text.split('`').map((part, i) => (i % 2 === 1 ? markup`<code>${part}</code>` : part));

function comparison(runs: readonly LabelledRun[]): Markup {
  const first = runs[0]?.run.results.config;
  const methods = methodsOfAll(runs).filter((method) =>
    runs.some(({ run }) => learningCurve(run, method).length > 0),
  );
  const given = runs.some(({ run }) => startsFromFolder(run.results.config));
  const evaluated = runs.some(({ run }) => isEvaluated(run));
  const tiers = new Set(runs.map(({ run }) => Object.keys(run.results.base.tiers).join()));
  const facts: readonly (readonly [string, (run: Run) => Part])[] = [
    ['folder', ({ name }) => shortened(name, 60)],
    ...(given
      ? ([
          ['model', modelName],
          ['prompts from', taskName],
        ] as const)
      : []),
    ['preset', ({ results }) => shortened(results.config.preset, 40)],
    [
      'seeds',
      ({ results }) => shortened(results.seeds.map(({ seed }) => String(seed)).join(', '), 60),
    ],
    ['pool', ({ results }) => count(results.seeds[0]?.pool.prompts ?? 0)],
    ['data epochs', ({ results }) => String(results.config.experiment.epochs)],
    [
      'LIM kept',
      (run) => (run.results.methods.lim ? promptsOf(run, 'lim') : 'nothing was selected'),
    ],
    [
      'table read-out',
      (run) =>
        isEvaluated(run)
          ? `${unitOf(run)} ${run.results.config.experiment.tableReadout}`
          : 'not evaluated',
    ],
    ['adapter', ({ results }) => shortened(results.adapter, 80)],
    ['host', ({ results }) => shortened(results.host, 40)],
    ['duration', ({ results }) => duration(results.seconds)],
    ['config', ({ results }) => results.configHash.slice(0, 12)],
  ];
  const changed = differingFields(
    runs.map(({ run }) => withConfigPaths(run.results.config, lastPart)),
  );
  const accuracy = (estimate: Estimate | undefined): Markup => {
    const { value, interval } = estimateCells(estimate);
    return markup`<b>${value}</b>${interval === '' ? '' : markup`<small>${interval}</small>`}`;
  };
  const head = ['run', ...runs.map(({ label }) => label)];
  const greedy = runs.every(
    ({ run }) => describeTask(run.results.config.task).answers === undefined,
  );
  return markup`<section id="compare"><h2>Side by side</h2>
${
  evaluated
    ? markup`${tableOf({
        caption: markup`<b>Held-out accuracy${greedy ? ', greedy answers' : ''}</b>, at each run’s own table read-out, with 95 % intervals (over seeds from ${leastSeeds} up, else over prompts).${tiers.size > 1 ? markup` <b>The runs have different held-out prompts</b>, so that a row compares no like with like.` : ''}`,
        head,
        rows: [
          ['base', ...runs.map(({ run }) => accuracy(baseEstimate(run)))],
          ...methods.map((method): Part[] => [
            methodLabel(method),
            ...runs.map(({ run }) =>
              accuracy(estimateAt(run, method, run.results.config.experiment.tableReadout)),
            ),
          ]),
        ],
      })}
${legend(
  runs.flatMap(({ label }, i) => {
    const style = runStyles[i];
    return style ? [{ style, text: `Run ${label}` }] : [];
  }),
)}<div class="grid wide">
${methods.map((method) => comparisonFigure(runs, method, `compare-${methodFileName(method)}`))}</div>
`
    : ''
}${runs.every(({ run }) => isEvaluated(run)) ? '' : rewardComparison(runs, head)}${tableOf({
    caption: markup`<b>The runs.</b>`,
    head,
    rows: facts.map(([name, of]) => [name, ...runs.map(({ run }) => of(run))]),
    kind: 'words',
  })}
${
  changed.length === 0 || !first
    ? markup`<p>All runs have the same config.</p>`
    : tableOf({
        caption: markup`<b>Settings that differ.</b>`,
        head,
        rows: changed.map(({ field, values }) => [
          markup`<code>${field}</code>`,
          ...values.map(valueText),
        ]),
        kind: 'words',
      })
}</section>
<section><h2>Run by run</h2>
<ul>${runs.map(
    ({
      label,
      id,
      run,
    }) => markup`<li><a href="#${id}run">Run ${label}</a>: ${isEvaluated(run) ? (findingsOf(run)[1] ?? findingsOf(run)[0]) : findingsOf(run)[0]}</li>
`,
  )}</ul></section>
`;
}

/** The methods of several runs, FULL first. */
const methodsOfAll = (runs: readonly LabelledRun[]): MethodName[] =>
  inTableOrder(runs.flatMap(({ run }) => methodsOf(run)));

/** Rewards of training side by side, for runs without held-out prompts. */
const rewardComparison = (
  runs: readonly LabelledRun[],
  head: readonly string[],
): Markup => markup`${tableOf({
  caption: markup`<b>Mean reward of training</b>, over the first and the last quarter of a method’s updates. Runs may differ in prompts and verifiers.`,
  head,
  rows: methodsOfAll(runs).flatMap((method): Part[][] =>
    runs.some(({ run }) => lastUpdate(run, method) > 0)
      ? [
          [
            methodLabel(method),
            ...runs.map(({ run }) => endsText(trainingEnds(run, method, 'reward_mean'))),
          ],
        ]
      : [],
  ),
})}
`;

/** A run's model, for a table. */
const modelName = ({ results: { config } }: Run): string =>
  startsFromFolder(config) ? shortened(lastPart(config.model.path), 60) : 'drawn and pre-trained';

/** The file of a run's prompts, or its task, for a table. */
function taskName({ results }: Run): string {
  const { task } = results.config;
  return shortened(describeTask(task).source ?? `the task ${task.name}`, 60);
}

/** Fields in which a config differs from the first one, with the values of all configs. */
function differingFields(
  configs: readonly ExperimentConfig[],
): { readonly field: string; readonly values: readonly unknown[] }[] {
  const [first, ...others] = configs;
  const fields = new Set(
    others.flatMap((config) => [
      ...overridesOf(config, first).map(({ field }) => field),
      ...overridesOf(first, config).map(({ field }) => field),
    ]),
  );
  return [...fields].map((field) => ({
    field,
    values: configs.map((config) => fieldAt(config, field)),
  }));
}

function fieldAt(config: unknown, path: string): unknown {
  return path
    .split('.')
    .reduce<unknown>(
      (value, name) =>
        typeof value === 'object' && value !== null && Object.hasOwn(value, name)
          ? (value as Record<string, unknown>)[name]
          : undefined,
      config,
    );
}
