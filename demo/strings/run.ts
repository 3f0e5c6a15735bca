// Texts of the banner, the spine, and the stage's first pictures.
import { counted, fixed, percent, type Noun } from './numbers.ts';
import { translated } from './translated.ts';

const prompt: Noun = ['prompt', 'prompts'];

const english = {
  rooms: { run: 'Run', prompts: 'Prompts', compare: 'Compare', learn: 'Learn', data: 'Data' },
  roomsName: 'Rooms',
  keys: 'Keys of this page',
  language: 'Language',
  dark: 'Dark colours',

  spine: 'The run',
  coming: 'A recorded run is on its way.',
  missing: (why: string) => `The recorded run cannot be shown: ${why}.`,
  underWay: 'A run of this tab, under way',
  watching: 'Another tab trains; this one watches',
  watchedEnded: 'The other tab ended this run before it was done',
  broken: 'A run of this tab that did not end',
  finished: 'A finished run of this browser',
  showRecording: 'Show the recording',
  shared: 'Shared, numbers only',
  sharedText: 'It came with the link; nothing was computed here.',
  recorded: 'Recorded',
  recordedOn: (date: string) => `on ${date}, on`,
  adapter: 'Whole name of the adapter',
  shareOf: (act: string) => `Share of ${act}`,

  acts: ['Base', 'All prompts', 'Score', 'Subsets', 'Compare'],
  right: (share: number) => `${percent(share, 1)} right`,
  update: (at: number, of: number | undefined) =>
    of === undefined ? `update ${at}` : `update ${at} of ${of}`,
  kept: (kept: number, of: number) => `${kept} of ${of} kept`,
  atUpdate: (method: string, at: number) => `${method}, update ${at}`,

  pretraining: 'A small model reads worked problems, some of them with mistakes.',
  beforeBase: 'First comes the base: the model before any reward.',
  base: (share: number, drawn: boolean) =>
    `${drawn ? 'A small language model knows the procedure and slips' : 'This is the model as it was given'}: ` +
    `${percent(share, 1)} of the answers to problems held out are right.`,
  paid: (prompts: number, epochs: number) =>
    `PPO pays a language model for right answers: ${counted(prompts, prompt)}, ${counted(epochs, ['epoch', 'epochs'])}.`,
  watch: 'Watch which columns light up.',
  reward: (epochs: number, last: number) =>
    `${epochs === 1 ? 'In epoch 1' : `From epoch 1 to ${epochs}`}, the mean reward: ${fixed(last, 2)}.`,
  answers: (epochs: number, first: number, last: number) =>
    epochs === 1
      ? `In epoch 1, ${percent(last, 0)} of its answers were paid as right.`
      : `From epoch 1 to ${epochs}, right answers went from ${percent(first, 0)} to ${percent(last, 0)}.`,
  scores: (cut: { readonly kept: number; readonly of: number } | undefined) =>
    `Prompts that learn as the pool learns score high${cut ? `: LIM keeps ${cut.kept} of ${cut.of}` : ''}.`,
  again: (prompts: number | undefined, method: string, at: number, of: number | undefined) =>
    `The same base again, and only ${prompts === undefined ? 'some prompts' : counted(prompts, prompt)}: ` +
    `${method} at update ${at} of ${of ?? '?'}.`,
  notEvaluated: 'The run is done. It was not evaluated on problems held out.',
  fullAlone: (all: number, full: number) =>
    `Trained on all ${all}: ${percent(full, 1)} of problems held out.`,
  ending: (kept: number | undefined, lim: number, all: number, full: number) =>
    `LIM on ${kept === undefined ? 'its prompts' : counted(kept, prompt)}: ${percent(lim, 1)}. ` +
    `Trained on all ${all}: ${percent(full, 1)}.`,

  recording: 'The recording',
  play: 'Play the film',
  pause: 'Pause the film',
  place: 'Place in the film',
  speed: 'Speed of the film',
  resume: 'Resume your run',
  resumes: 'It was not finished and goes on bit for bit.',
  train: 'Train it here',
  took: (time: string) => `${time} on the adapter of the recording`,
  tookHere: (time: string) => `${time} last time`,
  cannotTrain: 'This browser cannot train; the recording tells the whole story.',
  settings: 'Settings and own data',

  stages: [
    'A problem, and an answer',
    'Every prompt, epoch by epoch',
    'The same prompts, in order of their score',
    'Trained again, on a selection',
    'What came out',
  ],
  onItsWay: 'This picture is on its way.',
  field: 'Prompts, by what they earned',
  fieldHint:
    'A column is a prompt, a row is an epoch: one pass over all prompts. Click, or use the arrow keys.',
  notYet: (epoch: number, text: string) => `Epoch ${epoch}, ${text}: not yet`,
  matched: (epoch: number, text: string, matched: number, of: number) =>
    `Epoch ${epoch}, ${text}: ${matched} of ${of} answers match the key`,
  earned: (epoch: number, text: string, reward: number) =>
    `Epoch ${epoch}, ${text}: mean reward ${fixed(reward, 2)}`,
  andWrong: ', a key that is wrong on purpose',
  legend: 'Colours and marks of the picture',
  rewards: 'mean reward, −1 to 1',
  shares: 'none to all answers match',
  easy: 'easy',
  learnable: 'learnable',
  hard: 'hard',
  wrong: 'key wrong on purpose',
  keptByLim: 'kept by LIM',
  changed: (epoch: number) => `Changed most in epoch ${epoch}:`,
  change: (from: number, to: number, of: number) => `${from} → ${to} of ${of}`,
  empty: '(empty)',
};

export type RunText = typeof english;

export const runText = translated(english, {
  de: () => import('./de/run.ts'),
  zh: () => import('./zh/run.ts'),
});
