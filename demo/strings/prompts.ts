// Texts of the Prompts room.
import { translated } from './translated.ts';

const english = {
  title: 'Every prompt, every epoch',
  none: 'The prompts come with the run.',
  looks: 'Look at the prompts as',
  heat: 'Heat map',
  land: 'Landscape',
  curves: 'Curves',
  table: 'Table',
  show: 'Show',
  filters: {
    all: 'all',
    kept: 'kept by the cut',
    rejected: 'rejected by the cut',
    right: 'with a right key',
    wrong: 'with a wrong key',
    easy: 'easy',
    learnable: 'learnable',
    hard: 'hard',
  },
  search: 'Search',
  orderBy: 'Order',
  orders: {
    score: 'score',
    mean: 'mean',
    origin: 'origin',
    pool: 'as in the pool',
    likeness: 'like the chosen one',
  },
  ends: {
    score: { first: 'highest score', last: 'lowest' },
    mean: { first: 'highest mean', last: 'lowest' },
    origin: { first: 'easy', last: 'hard' },
    pool: { first: 'first of the pool', last: 'last' },
    likeness: { first: 'most like it', last: 'least' },
  },
  shown: (shown: string, of: string) => `${shown} of ${of} prompts`,
  showAll: 'show all',
  picked: (count: string) => `${count} picked`,
  heatText: (order: string) =>
    `What FULL earned. A column is a prompt, ${order}; a row is an epoch, one pass over all prompts.`,
  orderTexts: {
    score: 'the highest LIM score first',
    means: 'the highest mean so far first',
    mean: 'the highest mean first',
    origin: 'easy ones first, hard ones last',
    pool: 'in the order of the pool',
    likeness: 'the one most like the chosen prompt first',
  },
  matrixLabel: 'Prompts in this order',
  matrixHint:
    'Click a prompt or use the arrow keys, Page Up, Page Down, Home and End. Drag over columns to pick them; o changes the order.',
  legend: 'Colours and marks',
  rampAccuracy: 'share of answers that match the key, 0 to 1',
  rampOwn: 'share of right responses, 0 to 1',
  rampReward: 'mean reward, −1 to 1',
  missing: 'no value yet',
  easy: 'easy',
  learnable: 'learnable',
  hard: 'hard for the base',
  wrongKey: 'wrong key',
  keptMark: 'kept',
  cell: (epoch: string, prompt: string, wrong: boolean, value: string) =>
    `Epoch ${epoch}, ${prompt}${wrong ? ', wrong key on purpose' : ''}: ${value}`,
  noValue: 'no value yet',

  landText:
    'Every bar is a prompt in one epoch, and its height what it earned; the first epoch is in front. Kept prompts stand on a plinth, and the wall is the cut.',
  landLabel: 'Landscape of prompts and epochs; h shows the same as a heat map',
  landTools: 'Camera',
  landHint:
    'Drag or use the arrow keys to go round, with Shift to move; + and − or the wheel go nearer and farther, Home goes back. A click or Page Up and Page Down choose a prompt.',
  landLive: 'Drawn out of the trainer’s own buffers.',
  landOwn: 'A run under way is drawn out of the trainer’s own buffers, while they fill.',
  landWait: 'The landscape is on its way.',
  landNone: 'The landscape needs WebGPU, which draws nothing here; this is the same as a heat map.',
  landChosen: (prompt: string, rank: string, of: string) => `${prompt}, rank ${rank} of ${of}`,
  turnLeft: 'Turn left',
  turnRight: 'Turn right',
  nearer: 'Nearer',
  farther: 'Farther',
  fromAbove: 'From above',
  homeView: 'First view',

  keptByLim: 'Kept by LIM',
  keptByCut: 'Kept by this cut',
  allSoFar: 'All prompts so far',
  rejectedTitle: 'Rejected',
  curvesBefore: 'Once FULL is done they part: those that LIM keeps here, the others there.',
  curvesLater: 'Known once FULL is done.',
  curvesText: (shown: string, chosen: boolean) =>
    `${shown}, the pool’s mean curve in red.${chosen ? ' The chosen prompt stands out.' : ''}`,
  curvesCount: (count: number, shown: string) => `${shown} ${count === 1 ? 'prompt' : 'prompts'}`,
  curvesSample: (shown: string, of: string) => `${shown} of ${of} prompts`,
  curvesHint: 'Drag over a picture to pick the prompts whose curves pass there.',
  epochAxis: 'data epoch of FULL',
  shareAxis: 'share matching the key',
  rewardAxis: 'mean reward',

  tableLabel: 'List of prompts',
  noSuch: 'No such prompts.',
  prompt: 'Prompt',
  score: 'Score',
  mean: 'Mean',
  epochColumn: (epoch: string) => `E ${epoch}`,
  epochLong: (epoch: string) => `Epoch ${epoch}`,
  origin: 'Origin',
  cut: 'Cut',
  kept: 'kept',
  origins: { easy: 'easy', learnable: 'learnable', hard: 'hard' },
  withWrongKey: 'wrong key',

  cutTitle: 'What would another cut keep?',
  cutBefore: 'The scores come once FULL has seen every prompt in every epoch.',
  thetaLabel: 'Threshold θ',
  thetaWords: (theta: string) => `θ = ${theta}`,
  countLabel: 'Or the highest',
  countWords: (count: string) => `the ${count} highest`,
  cutKeys: 'Drag over the picture, or use the arrow keys: one step is 0.01, with Shift 0.1.',
  keeps: (kept: string, of: string) => `keeps ${kept} of ${of} prompts`,
  ownCut: (cut: string, kept: string) => `The run’s own cut: ${cut}, ${kept} kept.`,
  sameAsOwn: 'This is the cut that the run trained on.',
  against: (more: number, fewer: number) =>
    more === 0 && fewer === 0
      ? 'The same prompts as the run’s own cut.'
      : `Against the run’s own cut: ${[
          ...(more > 0 ? [`${more} more`] : []),
          ...(fewer > 0 ? [`${fewer} fewer`] : []),
        ].join(', ')}.`,
  untrained: 'Nothing was trained on this cut: what it would teach, only a run can tell.',
  backToOwn: 'Back to the run’s cut',
  histogram: (from: string, to: string) =>
    `How many prompts score how much, from ${from} to ${to}; the line is the cut`,
  neverSolved: 'never solved',
  alwaysSolved: 'always solved',
  boundText: (never: string, level: string, required: string, ok: boolean) =>
    ok
      ? `A prompt that is never solved scores ${never} here, below θ: it is rejected. The mean curve is as high as a flat ${level}, and θ needs ${required}.`
      : `A prompt that is never solved scores ${never} here, not below θ: the cut keeps prompts that nobody solved. The mean curve is as low as a flat ${level}, and θ needs more than ${required}.`,
  boundCount: (never: string) => `A prompt that is never solved scores ${never} here.`,
  makeupCaption: 'What this cut keeps',
  group: 'Prompts',
  keptOf: 'Kept',
  outOf: 'Of',
  allPrompts: 'all',
  wrongKeys: 'with a wrong key',
  rejection: (wrong: string, rejected: string, precision: string, chance: string) =>
    `Of ${rejected} rejected prompts ${wrong} have a wrong key, ${precision}; in the whole pool it is ${chance}.`,
  download: (count: number, shown: string) =>
    `Download ${count === 1 ? 'this prompt' : `these ${shown} prompts`}`,
  downloadHint: 'JSON lines with place, prompt and key, as limr run and limr select read them.',
  ladder: 'The same for every θ',
  theta: 'θ',
  wrongShort: 'Wrong keys',
  precision: 'Of the rejected, wrong',

  answersTitle: 'Every answer, epoch by epoch',
  answersLabel: 'Answers by epoch',
  answersChoose: 'Choose a prompt to read what was answered to it, epoch by epoch.',
  answersUnkept: 'What some epochs sampled for it was not stored; their rewards were.',
  key: 'key',
  wrongOnPurpose: 'key wrong on purpose',
  truth: 'the truth is',
  scoreFact: (score: string) => `score ${score}`,
  inMethod: (method: string) => `in ${method}`,
  epoch: (epoch: string) => `Epoch ${epoch}`,
  rightOf: (right: string, of: string) => `${right} of ${of} right`,
  matchWrong: (match: string, of: string, right: number) =>
    `${match} of ${of} match the wrong key${right > 0 ? `, ${right} right` : ''}`,
  paidFor: (mark: string, words: string, reward: string) => `${mark} ${words}, ${reward}`,
};

export type PromptsText = typeof english;

export const promptsText = translated(english, {
  de: () => import('./de/prompts.ts'),
  zh: () => import('./zh/prompts.ts'),
});
