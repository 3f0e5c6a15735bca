// Words of the room that compares runs.
import { translated } from './translated.ts';

const english = {
  found: (readout: string, seeds: number) =>
    `What was found, held-out accuracy at ${readout}${seeds > 1 ? `, mean over ${seeds} seeds` : ''}`,
  nothingFound: 'What was found',
  prompts: (least: number, most: number) =>
    least === most ? `${most} ${most === 1 ? 'prompt' : 'prompts'}` : `${least}–${most} prompts`,
  online: (trained: string, generated: string) => `, trained on ${trained} of ${generated} samples`,

  runs: 'Runs',
  runsHint:
    'Runs of the same settings count as seeds of one experiment: three of them give an interval over seeds.',
  runsTable: 'Table of runs',
  compareRun: (name: string) => `Compare ${name}`,
  include: 'Compare',
  run: 'Run',
  seedsHead: 'Seeds',
  adapter: 'Adapter',
  differs: 'Settings that differ',
  same: 'All settings are the same.',
  noSetting: 'not set',
  recorded: (date: string) => `Recorded ${date}`,
  shared: 'Shared, numbers only',
  shown: 'This tab, now',
  stored: (date: string) => `Begun ${date}`,
  running: 'under way',
  noStored:
    'Runs that you train in this browser appear here; a live run joins as it goes, the recording stands for one until then.',
  cannotRead: (name: string) => `${name} cannot be read:`,
  reading: 'Reading the stored runs …',
  twice: (seeds: string) => `Seed ${seeds} stands in two of these runs and counts once.`,
  remove: 'Leave out',

  curves: 'Learning, by method',
  axis: 'Over',
  axes: {
    updates: 'updates',
    epochs: 'own epochs',
    samples: 'samples, scoring charged',
  },
  axisTexts: {
    updates:
      'Every method at the same number of updates. What LIM’s scores cost is not in its curve.',
    epochs:
      'Passes of each method over its own prompts: a small selection makes many in as many updates.',
    samples:
      'Answers sampled in all. LIM’s curve begins after the FULL pass that its scores were read from.',
  },
  shareRight: 'share right',
  curvesLabel: (axis: string, values: string) =>
    `Held-out accuracy over ${axis}; last values: ${values}. The numbers are in the table below.`,
  rule: 'Dashed level: the base. Where FULL goes on alone it is pale.',
  bands: (seeds: number) =>
    seeds > 2
      ? `Bands: 95 % intervals over ${seeds} seeds; thin lines: the seeds.`
      : seeds === 2
        ? 'Thin lines: the two seeds. Two are too few for an interval over seeds.'
        : 'One seed: another may order the methods otherwise.',
  cursor: 'Values at',
  at: (unit: string, readout: string) => `${unit} ${readout}`,
  update: 'update',
  ownEpoch: 'own epoch',
  fixedReadout: 'the fixed read-out',
  backToReadout: 'Back to the read-out',
  numbers: 'Numbers of the curves',
  method: 'Method',
  accuracy: 'Accuracy',
  interval: '95 % interval',
  updatesHead: 'Updates',
  epochsHead: 'Own epochs',
  samplesHead: 'Samples',
  chargedHead: 'Samples with scoring',
  none: '–',
  noCurves: 'No read-out yet: curves come with the first.',
  settingsOf: (number: number) => `Settings ${number}`,
  seedsOf: (seeds: string) => `seeds ${seeds}`,

  sure: 'Is the difference sure?',
  fixedTitle: 'Fixed before the run',
  fixedText: (unit: string, readout: string) =>
    `The settings named ${unit} ${readout} as the read-out before the first update. LIM less the others there:`,
  exploratory: 'Exploratory',
  exploratoryText:
    'Nobody chose these before the run, and nothing is corrected for their number: they suggest what to test on fresh seeds.',
  exploratoryCount: (count: number) => `${count} more comparisons`,
  equalSamples: 'equal samples, scoring charged',
  comparison: 'Comparison',
  where: 'Where',
  difference: 'Difference, points',
  verdict: 'Reading',
  above: (one: string) => `${one} is ahead`,
  below: (one: string) => `${one} is behind`,
  level: 'not told apart',
  oneSeed: 'no interval: too few seeds',
  over: {
    seeds: (seeds: number) => `paired over ${seeds} seeds`,
    prompts: 'over the held-out prompts alone',
  },
  onePromptSeed:
    'With fewer than three seeds the interval is over the held-out prompts of these trainings: it says nothing about another seed, which may order the methods otherwise.',
  manySeeds: (seeds: number) =>
    `Intervals are Student’s t over ${seeds} seeds, paired: the same seed has the same pool and the same base.`,
  noDifferences: 'Comes when LIM and another method have been read at the same read-out.',
  stripLabel: (what: string, mean: string, low: string, high: string) =>
    `${what}: ${mean} points, ${low} to ${high}`,

  makeup: 'What each selection holds',
  makeupText:
    'Prompts by how hard they are for the base; the thin bar below: keys that are wrong on purpose.',
  makeupNumbers: 'Numbers of the selections',
  easy: 'easy',
  learnable: 'learnable',
  hard: 'hard',
  wrongKeys: 'wrong keys',
  makeupRow: (
    name: string,
    prompts: string,
    easy: string,
    learnable: string,
    hard: string,
    wrong: string,
  ) =>
    `${name}: ${prompts} prompts, ${easy} easy, ${learnable} learnable, ${hard} hard; ${wrong} with a wrong key`,
  noMakeup: 'These prompts do not say how hard they are.',
  selectionPending: 'Selections are known once FULL is done.',

  results: 'Results, tier by tier',
  notEvaluated: 'Not evaluated: the task has no held-out tiers.',
  evaluated: (readout: string) =>
    `Held-out accuracy of greedy answers after ${readout} of each method, a read-out fixed before the run.`,
  readoutOf: {
    update: (count: number) => `${count} updates`,
    'data epoch': (count: number) => `${count} data epochs`,
  },
  mean: 'Mean',
  sampled: 'Sampled',
  promptsHead: 'Prompts',
  easyHead: 'Easy',
  learnableHead: 'Learnable',
  hardHead: 'Hard',
  wrongHead: 'Wrong keys',
  table: 'Table of results',
  warnings: 'Warnings',
  overSeeds: (seeds: number) =>
    `Means and intervals are over ${seeds} seeds (Student’s t) once three are done; until then over held-out prompts.`,
  overPrompts:
    'With fewer than three seeds the interval is over the held-out prompts alone: another seed can land outside it.',
  noInterval: 'No interval for this task.',
  outside: (tier: string) => `${tier}: prompts unlike those of training, no part of the mean.`,
  sampledText: (samples: number, temperature: number) =>
    `Sampled: mean of ${samples} answers a prompt at temperature ${temperature}.`,
  ofSeed: (seed: number) => `Prompts are those of seed ${seed}.`,

  sweep: 'When is less more? A sweep',
  sweepText:
    'A sweep trains many settings with many seeds. Open its sweep.json with runs.csv, or its whole folder, to see for which subsets and budgets fewer prompts were better.',
  chooseFiles: 'Choose files',
  chooseFolder: 'Choose a folder',
  study: 'Show the study of this project',
  studyText: (done: number, of: number) => `${done} of ${of} trainings are in.`,
  mapText: 'Blue: less is more. Orange: less is less. Columns are the budget.',
  maps: {
    key: 'hatched, with a question mark: undecided. The 95 % interval holds 0, or there are fewer than three seeds. A dot: not read.',
    intervals: 'Intervals',
    intervalsOf: (diagram: string) => `${diagram}, 95 % intervals`,
    noInterval: 'none',
    interval: (low: string, high: string) => `${low} to ${high}`,
    seeds: (seeds: number) => (seeds === 1 ? '1 seed' : `${seeds} seeds`),
    corner: { subset: 'subset', method: 'method' },
    unit: (unit: string) => unit,
    equalSamples: ', equal total samples',
  },
  equalBudget: (unit: string) => `At the same number of ${unit}s`,
  equalTotal: 'At the same number of samples, scoring charged',
  nothingToCompare: 'Nothing in it can be compared with FULL yet.',
  close: 'Close the sweep',
  opening: 'Reading the sweep …',
};

export type CompareText = typeof english;

export const compareText = translated<CompareText>(english, {
  de: () => import('./de/compare.ts'),
  zh: () => import('./zh/compare.ts'),
});
