// The words of the room of data: rollouts of the user's own.
import { counted } from '../../src/look/wording.ts';
import { fixed, percent, whole } from './numbers.ts';
import { translated } from './translated.ts';
import type { Oddity } from '../rooms/data/import-model.ts';

const rows = (count: number): string => counted(count, 'row', whole(count));
const prompts = (count: number): string => counted(count, 'prompt', whole(count));
const entries = (count: number): string => counted(count, 'entry', whole(count));
const files = (count: number): string => counted(count, 'file', whole(count));

const english = {
  title: 'Rollouts of your own',
  lead: 'Drop rollouts of OpenRLHF, TRL, verl or LIMR, a reward matrix, a score file or the bundle of a run (.limr) anywhere on this page. They are scored here and never leave this machine.',
  chooseFiles: 'Choose files',
  chooseFolder: 'Choose a folder',
  files: 'Files of rollouts or scores',
  folder: 'Folder of rollouts',
  reading: (name: string) => `Reading ${name}`,
  read: (share: number) => `${percent(share, 0)} read`,
  scoring: 'All is read; scoring',
  cancel: 'Cancel',
  close: 'Close',
  closed: 'Close these rollouts',
  failed: (name: string) => `${name} could not be read`,
  mend: 'If it is the right file, the ways of reading below may help.',
  kept: (kept: number, of: number) => `LIM keeps ${whole(kept)} of ${prompts(of)}`,
  share: (share: number) => percent(share, 1),
  size: (prompts: number, epochs: number) =>
    `${counted(prompts, 'prompt', whole(prompts))} × ${counted(epochs, 'data epoch', whole(epochs))}`,
  scoresAlone: (prompts: number) =>
    `${whole(prompts)} scores, taken as the file has them: it holds no rewards to look at`,
  unscored: (count: number) => `${whole(count)} without a score`,
  computedOn: (adapter: string) => `scored on ${adapter}`,
  computedHere: (why: string) =>
    `scored in float64 on the processor, since no GPU can be used (${why}). The prompts kept are the same; last digits of scores may differ from those of limr score.`,
  cutLegend: 'Keep a prompt when',
  threshold: 'its score is at least θ',
  count: 'it is among the N highest',
  hopeless: (score: number) =>
    `Careful: a prompt that is never solved scores ${fixed(score, 2)} here, so this θ keeps hopeless prompts and wrong keys too.`,
  histogram: 'How many prompts have which score; what is kept is blue',
  below: '≤ −1',
  matrix: (signal: 'accuracy' | 'reward'): string =>
    signal === 'accuracy'
      ? 'Share of right answers: prompts from the highest score to the lowest, epochs from top to bottom'
      : 'Mean reward: prompts from the highest score to the lowest, epochs from top to bottom',
  keptMark: 'kept',
  missing: 'no value',
  meanCurve: 'Mean of all prompts over the epochs: a prompt scores high when it follows this curve',
  epoch: (epoch: number) => `epoch ${whole(epoch)}`,
  epochColumn: 'Epoch',
  meanColumn: 'Mean',
  table: 'As tables',
  prompts: 'Prompts by score',
  prompt: 'Prompt',
  score: 'Score',
  keptColumn: 'Kept',
  yes: 'yes',
  no: 'no',
  noScore: 'none',
  odd: 'What did not fit together',
  clean: 'Everything fitted together: no row was left out, merged or guessed.',
  oddities: {
    unmatchedRows: (count) => `${rows(count)} left out: the prompt is not in the pool`,
    duplicateEntries: (count) => `${entries(count)} sampled in several steps of an epoch: pooled`,
    partialEntries: (count) => `${entries(count)} with fewer samples than most`,
    missingEntries: (count) => `${entries(count)} missing: a prompt was not sampled in an epoch`,
    mergedPrompts: (count) => `${prompts(count)} of the pool merged with another of the same text`,
    neverRolledOut: (count) => `${prompts(count)} of the pool never sampled`,
    rowsWithoutSignal: (count) => `${rows(count)} without a reward: left out of the means`,
    repeatedRows: (count) => `${rows(count)} logged again by a later step: counted once`,
    rowsPastEnd: (count) => `${rows(count)} past the last whole epoch: left out`,
    cutRows: (count) => `${rows(count)} cut while being written: left out`,
    emptyFiles: (count) => `${files(count)} without a row`,
    filesLeftOut: (count) => `${files(count)} beside them not read`,
  } satisfies Readonly<Record<Oddity, (count: number) => string>>,
  told: 'What limr score prints of it',
  ways: 'Ways of reading',
  signal: 'What is scored',
  signals: { accuracy: 'share of right samples', reward: 'the rewards themselves' },
  rule: 'Missing entries',
  rules: { corrected: 'left out of the means', limr: 'filled or dropped as LIMR’s script does' },
  format: 'Format',
  formatAuto: 'by what is in the file',
  reward: 'Column of the reward',
  rewardHint: 'of several: a=1,b=0.5 sums them',
  epochs: 'Data epochs',
  stepsPerEpoch: 'Steps in an epoch',
  byFile: 'from the file',
  allowPartial: 'Leave out a last row that was cut while it was written',
  pool: 'Pool of prompts',
  poolNone: 'none: the prompts of the files count',
  choosePool: 'Choose a file',
  dropPool: 'Without a pool',
  readAgain: 'Read again',
  outOfRange: (what: string) => `${what}: not a whole number from 1 to 1,000,000`,
  downloads: 'Take it with you',
  downloadScores: 'Download scores.json',
  subset: 'Subset as',
  subsetSame: 'the file’s own form',
  downloadSubset: 'Download the subset',
  busy: 'A run is under way: a model, prompts or a verifier can be chosen when it has ended. Rollouts and score files open at any time.',
};

export type DataText = typeof english;
export const dataText = translated(english, {
  de: () => import('./de/data.ts'),
  zh: () => import('./zh/data.ts'),
});
