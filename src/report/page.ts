import { overridesOf, type ExperimentConfig, withConfigPaths } from '../config.ts';
import { toneRules } from '../look/tokens.ts';
import { duration } from '../look/wording.ts';
import type { ExperimentResults, LimSummary, ScoredPrompt, SelectionSummary } from '../results.ts';
import {
  comparisonFigure,
  heatMapFigure,
  histogramFigure,
  learningFigure,
  legend,
  meanCurveFigure,
  learningLegend,
  runStyles,
  shareText,
  swatchBox,
  trainingFigure,
  trainingKeys,
  trainingLegend,
  trajectoryFigure,
} from './figures.ts';
import { estimateCells, findingsOf, paperComparison } from './findings.ts';
import { leastSeeds, tierPrompts, type Estimate } from './interval.ts';
import { markup, raw, shortened, type Markup, type Part } from './markup.ts';
import {
  baseEstimate,
  differenceAt,
  estimateAt,
  evaluationsOf,
  cutText,
  keptIds,
  lastReadout,
  lastUpdate,
  learningCurve,
  methodsOf,
  readingsAt,
  readoutText,
  unitOf,
  type Answering,
} from './readings.ts';
import css from './report.css?raw';
import type { Run } from '../run-folder/finished-run.ts';
import { describeTask } from '../tasks/registry.ts';
import { methodLabel, methodNames, methodTakes, type MethodName } from '../selection/methods.ts';
import { seedsCaveat, strataCaveat } from './caveats.ts';
import { average, count, counted, fixed, listed, signed } from './text.ts';

/** Most runs that one page can tell apart. */
export const mostRuns = runStyles.length;

/** Longest text from a file in a table, in characters. */
const LONGEST_TEXT = 160;
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
    return document(titleOf(first), body);
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
  return document(title, body);
}

function document(title: string, body: Markup): string {
  return markup`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<title>${title}</title>
<style>
${raw(toneRules())}
${raw(css)}</style>
</head>
<body>
${body}
</body>
</html>
`.text;
}

const titleOf = ({ results }: Run): string =>
  `LIMR experiment, preset ${shortened(results.config.preset, 40)}, ${
    results.seeds.length === 1
      ? `seed ${results.seeds[0]?.seed ?? 0}`
      : `${results.seeds.length} seeds`
  }`;

const factLine = ({ results }: Run): Markup =>
  markup`<p class="facts">${duration(results.seconds)} on ${shortened(results.adapter, LONGEST_TEXT)} (${shortened(results.host, 40)}) · config ${results.configHash.slice(0, 12)}</p>
`;

const tableOf = (of: {
  readonly caption: Part;
  readonly head: readonly Part[];
  readonly rows: readonly (readonly Part[])[];
  readonly kind?: string;
}): Markup => markup`<figure class="table"><figcaption>${of.caption}</figcaption>
<div class="scroll" tabindex="0"><table class="${of.kind ?? 'figures'}">
<thead><tr>${of.head.map((cell) => markup`<th scope="col">${cell}</th>`)}</tr></thead>
<tbody>
${of.rows.map(
  ([first, ...rest]) =>
    markup`<tr><th scope="row">${first}</th>${rest.map((cell) => markup`<td>${cell}</td>`)}</tr>
`,
)}</tbody></table></div></figure>
`;

const sectionNames: readonly (readonly [id: string, name: string])[] = [
  ['found', 'What was found'],
  ['lim', 'What LIM is'],
  ['did', 'What this run did'],
  ['table', 'Results'],
  ['curves', 'Learning curves'],
  ['training', 'Training'],
  ['scores', 'Scores'],
  ['kept', 'What was kept'],
  ['limits', 'What this shows'],
  ['settings', 'Settings'],
];

const runSections = (
  run: Run,
  id: string,
): Markup => markup`<nav aria-label="Sections"><ul>${sectionNames.map(
  ([name, text]) => markup`<li><a href="#${id}${name}">${text}</a></li>`,
)}</ul></nav>
<main>
${sections(run, id)}</main>`;

function sections(run: Run, id: string): Markup {
  const bodies: Readonly<Record<string, () => Part>> = {
    found: () => foundSection(run),
    lim: () => limSection(run),
    did: () => didSection(run),
    table: () => tableSection(run),
    curves: () => markup`${learningLegend(run)}<div class="grid wide">
${learningFigure(run, `${id}equal`, false)}${learningFigure(run, `${id}charged`, true)}</div>
`,
    training: () => trainingSection(run, id),
    scores: () => scoreSection(run, id),
    kept: () => keptSection(run),
    limits: () => limitsSection(run),
    settings: () => settingsSection(run),
  };
  return markup`${sectionNames.map(
    ([name, text]) => markup`<section id="${id}${name}"><h2>${text}</h2>
${bodies[name]?.()}</section>
`,
  )}`;
}

const foundSection = (run: Run): Markup => markup`<ul class="findings">${findingsOf(run).map(
  (text) => markup`<li>${text}</li>
`,
)}</ul>
${warnings(run)}<p class="aside">These sentences are computed from the numbers below; the section <i>What this shows</i> says how far they carry.</p>
`;

function warnings({ results }: Run): Markup {
  const cuts = results.seeds.flatMap(({ seed, lim }) =>
    lim && lim.warning !== '' ? [`seed ${seed}: ${shortened(lim.warning, 400)}`] : [],
  );
  const others = (results.warnings ?? []).map((text) => shortened(text, 400));
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

/** s_i = 1 - sum_k (r_i^k - r_avg^k)^2 / sum_k (1 - r_avg^k)^2 */
const formula =
  raw(`<math display="block" aria-label="s of i is one minus the sum over epochs of the squared distance between the prompt's reward and the mean reward, divided by the sum over epochs of the squared distance between one and the mean reward">
<msub><mi>s</mi><mi>i</mi></msub><mo>=</mo><mn>1</mn><mo>−</mo>
<mfrac><mrow><munderover><mo>∑</mo><mrow><mi>k</mi><mo>=</mo><mn>1</mn></mrow><mi>K</mi></munderover><msup><mrow><mo>(</mo><msubsup><mi>r</mi><mi>i</mi><mi>k</mi></msubsup><mo>−</mo><msubsup><mi>r</mi><mtext>avg</mtext><mi>k</mi></msubsup><mo>)</mo></mrow><mn>2</mn></msup></mrow><mrow><munderover><mo>∑</mo><mrow><mi>k</mi><mo>=</mo><mn>1</mn></mrow><mi>K</mi></munderover><msup><mrow><mo>(</mo><mn>1</mn><mo>−</mo><msubsup><mi>r</mi><mtext>avg</mtext><mi>k</mi></msubsup><mo>)</mo></mrow><mn>2</mn></msup></mrow></mfrac>
</math>`);

function limSection(run: Run): Markup {
  const { lim } = run.results.config;
  const rule =
    lim.compat === 'limr'
      ? 'Missing entries are filled and dropped as the paper’s released script does.'
      : 'A prompt that an epoch missed is compared over the epochs that it has.';
  return markup`<p>A language model learns from prompts whose answers can be checked: it samples answers, a verifier rewards right ones, and reinforcement learning (here PPO) makes them likelier. Not every prompt teaches. One that is always solved, or never, gives no direction. <b>Learning Impact Measurement</b> (LIM; Li, Zou and Liu 2025, <i>LIMR: Less is More for RL Scaling</i>, arXiv:2502.11886) finds the ones that do by watching one training pass over the whole pool. It records the reward r of every prompt i in every data epoch k, and scores how closely each prompt’s curve follows the mean curve of the pool:</p>
<div class="scroll" tabindex="0">${formula}</div>
<p>A prompt that follows the mean exactly scores 1. One that is solved from the start scores 0. One that is never solved scores below 0 once the mean curve is above one half. ${lim.count === undefined ? `Prompts with a score of at least θ = ${lim.theta}` : `The ${count(lim.count)} prompts with the highest scores`} are kept, and the model is trained again from the start on those alone. Here r is the ${lim.signal === 'accuracy' ? 'share of answers that match the key, as in the paper’s code' : 'mean reward, as in the paper’s text'}. ${rule}</p>
<dl class="terms">${methodsOf(run).map((name) => markup`<div><dt>${methodLabel(name)}</dt><dd>${methodTakes(name, lim)}</dd></div>`)}</dl>
`;
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

function didSection(run: Run): Markup {
  const { config, base, seeds } = run.results;
  const { rollout, experiment, evaluation } = config;
  const pool = seeds[0]?.pool.prompts ?? 0;
  const sizes = [...tierPrompts(config, base)].map(([tier, prompts]) => `${tier} (${prompts})`);
  const arms = methodsOf(run).filter((method) => method !== 'full');
  const budget =
    experiment.budget === 'updates'
      ? `${counted(experiment.armLength, 'update')} each`
      : `${counted(experiment.armLength, 'data epoch')} of its own prompts each`;
  const pass = lastUpdate(run, 'full');
  const task = describeTask(config.task);
  return markup`<p>${modelText(run.results)} and ${task.what}. ${
    seeds.length === 1
      ? `One seed: ${seeds[0]?.seed ?? 0}.`
      : `All of it once for each of ${seeds.length} seeds: ${listed(seeds.map(({ seed }) => String(seed)))}.`
  }</p>
<ol>
<li><b>Base.</b> ${task.corpus === '' ? 'The model that was given' : `${base.shipped ? 'A base model that comes with the program, pre-trained' : 'A base model, pre-trained in this run'} on ${task.corpus}`}${sizes.length === 0 ? '' : `: ${fixed(base.mean)} of held-out prompts right`}. Every method starts from these weights.</li>
<li><b>FULL.</b> PPO on all ${count(pool)} prompts for ${counted(experiment.epochs, 'data epoch')}, ${counted(pass, 'update')} of ${count(rollout.prompts)} prompts × ${rollout.samples} samples. Every prompt’s reward is recorded: a matrix of ${count(pool)} × ${experiment.epochs}.</li>
<li><b>Scores.</b> LIM scores the prompts from that matrix${arms.length > 0 ? markup`, and subsets are selected` : ''}.</li>
${arms.length > 0 ? markup`<li><b>${listed(arms.map(methodLabel))}.</b> PPO from the base again on each subset, ${budget}, with nothing else changed.</li>` : ''}
${sizes.length === 0 ? markup`<li><b>Not evaluated</b>: the task has no held-out prompts.</li>` : markup`<li><b>Evaluation</b> on held-out prompts, ${listed(sizes)}, after ${listed(experiment.readouts.filter((at) => at <= Math.max(...methodsOf(run).map((method) => lastReadout(run, method)))).map(String))} ${unitOf(run)}s${experiment.budget === 'updates' ? '' : ' of a method’s own prompts'}: ${task.answers ?? `greedy answers, and ${evaluation.samples === 0 ? 'no samples' : `${evaluation.samples} samples at temperature ${evaluation.temperature}`}`}. The table reads ${unitOf(run)} ${experiment.tableReadout}; that was fixed before the run.</li>`}
</ol>
`;
}

function tableSection(run: Run): Markup {
  return markup`<div class="tables">
${resultTable(run, 'greedy')}${resultTable(run, 'sampled')}${contrastTable(run)}</div>
${intervalNote(run)}`;
}

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
      estimate && base ? signed(estimate.mean - base.mean) : 'none',
    ];
  });
  const what =
    how === 'greedy'
      ? markup`<b>Held-out accuracy, greedy answers</b>`
      : markup`<b>Held-out accuracy, mean of ${evaluation.samples} samples</b> at temperature ${evaluation.temperature}, top-p ${evaluation.topP}`;
  return tableOf({
    caption: markup`${what}, after ${readoutText(run, tableReadout)}.`,
    head: [
      'method',
      'prompts',
      'mean of tiers',
      ...tiers.map((tier) => shortened(tier, 24)),
      'over base',
    ],
    rows: [
      ['base', '', cell(base), ...tiers.map((tier) => fixed(baseReading?.tiers[tier] ?? NaN)), ''],
      ...rows,
    ],
  });
}

/** Number of prompts of a method over the seeds: one number, or the least and the most. */
function promptsOf({ results }: Run, method: MethodName): string {
  const sizes =
    method === 'full'
      ? results.seeds.map(({ pool }) => pool.prompts)
      : results.seeds.flatMap(({ selections }) => selections[method]?.prompts ?? []);
  if (sizes.length === 0) return count(results.methods[method]?.prompts ?? 0);
  const [least, most] = [Math.min(...sizes), Math.max(...sizes)];
  return least === most ? count(least) : `${count(least)}–${count(most)}`;
}

function contrastTable(run: Run): Markup {
  const { tableReadout } = run.results.config.experiment;
  const pairs: [MethodName, MethodName][] = [
    ...methodNames.flatMap((other): [MethodName, MethodName][] =>
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
    caption: markup`<b>Differences</b> of greedy accuracy after ${readoutText(run, tableReadout)}.`,
    head: ['pair', 'difference', '95 % interval', 'in words'],
    rows,
    kind: 'contrasts',
  });
}

function trainingSection(run: Run, id: string): Markup {
  const over = run.results.seeds.length > 1 ? ' Lines are means over seeds.' : '';
  return markup`<p>What PPO saw while it trained: samples at temperature ${run.results.config.rollout.temperature} on each method’s own prompts, so levels are not comparable between methods whose prompts differ in difficulty.${over}</p>
${trainingLegend(run)}<div class="grid">
${trainingKeys.map((key) => trainingFigure(run, `${id}${key.replaceAll('_', '-')}`, key))}</div>
`;
}

const byScore = (scores: readonly ScoredPrompt[]): ScoredPrompt[] =>
  [...scores].sort((a, b) => (b.score ?? -Infinity) - (a.score ?? -Infinity) || a.id - b.id);

function scoreSection(run: Run, id: string): Markup {
  const { results } = run;
  const scored = results.seeds.flatMap(({ seed, lim }, i) => {
    const scores = run.scores[i] ?? [];
    return lim && scores.length > 0 ? [{ seed, lim, ranked: byScore(scores) }] : [];
  });
  const [first, ...others] = scored;
  if (!first) return markup`<p>No prompt was scored.</p>`;
  const several = scored.length > 1;
  return markup`<p>${boundText(first.lim)}${several ? ` Figures are of seed ${first.seed}; those of the other seeds are folded away below.` : ''}</p>
<div class="grid wide">
${meanCurveFigure(run, `${id}mean`)}${seedFigures(first, `${id}s0`)}</div>
${heatMapFigure(first.ranked, first.lim, `${id}s0-heat`)}
${quantileTable(run)}
${exampleTable(run, first.ranked, first.lim)}
${others.map(
  (
    other,
    i,
  ) => markup`<details class="seed"><summary>Seed ${other.seed}</summary><div class="grid wide">
${seedFigures(other, `${id}s${i + 1}`)}</div>
${heatMapFigure(other.ranked, other.lim, `${id}s${i + 1}-heat`)}</details>
`,
)}`;
}

const seedFigures = (
  { lim, ranked }: { readonly lim: LimSummary; readonly ranked: readonly ScoredPrompt[] },
  id: string,
): Markup =>
  markup`${histogramFigure(ranked, lim, `${id}-histogram`)}${trajectoryFigure(ranked, lim, `${id}-kept`, true)}${trajectoryFigure(ranked, lim, `${id}-rejected`, false)}`;

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

/** A prompt's key; beside a key that is wrong on purpose, the truth. Empty for older files. */
const keyCell = (key: string | undefined, truth: string | undefined): Part =>
  key === undefined
    ? ''
    : markup`<code>${shortened(key, 40)}</code>${
        truth === undefined ? '' : markup`<small>truth ${shortened(truth, 40)}</small>`
      }`;

function exampleTable({ results }: Run, ranked: readonly ScoredPrompt[], lim: LimSummary): Markup {
  const { promptText } = describeTask(results.config.task);
  const ids = keptIds(ranked, lim);
  const from = (start: number, among = ranked) => among.slice(start, start + EXAMPLES);
  const drawn = ranked.some(({ origin }) => origin !== undefined);
  const described = drawn || ranked.some(({ columns }) => columns !== undefined);
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
    members.map(({ id, prompt, score, rewards, key, truth, ...made }): Part[] => [
      markup`<code>${shortened(promptText(prompt), LONGEST_TEXT)}</code>`,
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
    ...Object.entries(columns).map(([column, value]) => `${column} ${value}`),
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
function columnKinds({ byColumn = {} }: SelectionSummary): readonly (readonly [string, Kind[]])[] {
  return Object.entries(byColumn).map(([column, counts]) => [
    column,
    Object.entries(counts)
      .sort(([, a], [, b]) => b - a)
      .map(([value]): Kind => [
        value === '' ? 'none' : value,
        (selection) => held(held(selection.byColumn ?? {}, column) ?? {}, value) ?? 0,
      ]),
  ]);
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
  const makeUp = markup`. Make-up: ${origins.map((origin) => markup`${swatchBox(`var(--${origin})`)} ${origin} `)}`;
  const { pool: drawn } = describeTask(run.results.config.task);
  return markup`<p>${drawn === '' ? '' : `${drawn} `}Percentages are of the pool’s prompts of that kind.</p>
${table(rows, pool, markup`<b>What each selection kept</b>${several ? `, means over ${seeds.length} seeds` : ''}${inStrata ? makeUp : ''}`)}
${columnKinds(pool).map(([column, kinds]) => table(rows, pool, markup`<b>What each selection kept</b> by ${column}`, kinds))}
${
  several
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
  const comparison = paperComparison(run);
  const seedText =
    seeds.length >= leastSeeds
      ? `${seeds.length} seeds of one base model: the intervals cover other pools and other samples, not other bases, tasks or sizes. ${seedsCaveat(seeds.length) ?? ''}`
      : `${seeds.length === 1 ? 'One seed' : 'Two seeds'}: another seed may order the methods otherwise. Comparisons need ${leastSeeds} or more.`;
  return markup`<ul>
<li><b>Nothing here is evidence about MATH, Qwen or any large model.</b> It is the procedure of the paper, run in full on ${task.limits}</li>
<li><b>The FULL pass is not free.</b> LIM and LINEAR know what to keep only after training on everything. Curves at equal updates say how well a subset teaches once it is known; the charged curves say what knowing it cost.</li>
${
  task.hasStrata
    ? markup`<li><b>The strata are made.</b> ${strataCaveat}</li>
`
    : ''
}<li><b>Orderings at small scale can contradict the paper.</b> ${comparison ?? 'Too few methods were read to compare orders.'} A model this small memorizes a small subset in a few dozen updates, where a large one trains on it for a hundred epochs.</li>
<li>${seedText}</li>
<li>Read-outs are part of the config and so fixed before the run (table: ${unitOf(run)} ${config.experiment.tableReadout}). Settings changed after looking at results make the next ones exploratory until fresh seeds confirm them.</li>
</ul>
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
  return markup`<h3>Where it ran</h3>
<dl class="terms">${facts.map(([name, value]) => markup`<div><dt>${name}</dt><dd>${value}</dd></div>`)}</dl>
${
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
  const methods = methodNames.filter((method) =>
    runs.some(({ run }) => learningCurve(run, method).length > 0),
  );
  const facts: readonly (readonly [string, (run: Run) => Part])[] = [
    ['folder', ({ name }) => shortened(name, 60)],
    ['preset', ({ results }) => shortened(results.config.preset, 40)],
    [
      'seeds',
      ({ results }) => shortened(results.seeds.map(({ seed }) => String(seed)).join(', '), 60),
    ],
    ['pool', ({ results }) => count(results.seeds[0]?.pool.prompts ?? 0)],
    ['data epochs', ({ results }) => String(results.config.experiment.epochs)],
    ['LIM kept', (run) => promptsOf(run, 'lim')],
    ['table read-out', (run) => `${unitOf(run)} ${run.results.config.experiment.tableReadout}`],
    ['adapter', ({ results }) => shortened(results.adapter, 80)],
    ['host', ({ results }) => shortened(results.host, 40)],
    ['duration', ({ results }) => duration(results.seconds)],
    ['config', ({ results }) => results.configHash.slice(0, 12)],
  ];
  const changed = differingFields(runs.map(({ run }) => run.results.config));
  const accuracy = (estimate: Estimate | undefined): Markup => {
    const { value, interval } = estimateCells(estimate);
    return markup`<b>${value}</b>${interval === '' ? '' : markup`<small>${interval}</small>`}`;
  };
  const head = ['run', ...runs.map(({ label }) => label)];
  return markup`<section id="compare"><h2>Side by side</h2>
${tableOf({
  caption: markup`<b>Held-out accuracy, greedy answers</b>, at each run’s own table read-out, with 95 % intervals (over seeds from ${leastSeeds} up, else over prompts).`,
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
${methods.map((method) => comparisonFigure(runs, method, `compare-${method}`))}</div>
${tableOf({
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
    }) => markup`<li><a href="#${id}run">Run ${label}</a>: ${findingsOf(run)[1] ?? findingsOf(run)[0]}</li>
`,
  )}</ul></section>
`;
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
