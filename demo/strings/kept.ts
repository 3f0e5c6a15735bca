// The words of kept runs and of the files of a run.
import { translated } from './translated.ts';

const english = {
  title: 'Runs stored in this browser',
  room: (runs: string, used: string, of: string) =>
    `These runs take ${runs}; this site uses ${used} of the ${of} that the browser offers it.`,
  roomLabel: 'Room that this site uses',
  persist: 'Ask the browser to keep them',
  persistHint: 'Otherwise it may remove them when the disk is nearly full.',
  persisted: 'The browser keeps them, also when the disk is nearly full.',
  persistRefused:
    'The browser declined to promise it: it decides by how often a site is used. Pinned runs can still be downloaded as bundles.',
  hint: (most: number) =>
    `The last ${most} runs and all pinned ones are kept in this browser, on this machine: a new run takes the place of the oldest that is not pinned, and clearing the data of this site removes all.`,
  started: (date: string) => `started ${date}`,
  pinned: 'pinned',
  pin: 'Pin',
  name: 'Name',
  resume: 'Resume',
  open: 'Open',
  bundle: 'Bundle',
  free: 'Download and free',
  delete: 'Delete',
  discard: 'Discard',
  resumeRun: (title: string, state: string) => `Resume run of ${title}, ${state}`,
  openRun: (title: string, state: string) => `Open run of ${title}, ${state}`,
  bundleRun: (title: string, state: string) =>
    `Bundle to download of the run of ${title}, ${state}`,
  freeRun: (title: string, state: string) =>
    `Download the bundle of the run of ${title}, ${state}, then free its room`,
  full: 'Little room is left for this site.',
  freeOldest: (name: string, size: string) => `Download and free the oldest: ${name}, ${size}`,
  making: 'Making the bundle …',
  declined: 'No file was saved, so the run stays.',
  out: {
    saved: (file: string, size: string) =>
      `${file} is saved, all ${size} of it. Shall the run make room here? Dropped on this page, the file opens it again.`,
    handed: (file: string, size: string) =>
      `The browser has all ${size} of ${file}. Once you see it among your downloads, the run can make room here; dropped on this page, the file opens it again.`,
  },
  lost: (files: number) =>
    files === 1
      ? 'One file is part of no bundle and goes with the run:'
      : `${files} files are part of no bundle and go with the run:`,
  notFreed: 'The run stays as it was:',
  freeNow: (size: string) => `Free ${size}`,
  keepIt: 'Keep the run',
  freed: (size: string) => `${size} freed.`,
  pinRun: (title: string, state: string) => `Pin run of ${title}, ${state}`,
  unpinRun: (title: string, state: string) => `Unpin run of ${title}, ${state}`,
  nameRun: (title: string, state: string) => `Name and note of the run of ${title}, ${state}`,
  deleteRun: (title: string, state: string) => `Delete run of ${title}, ${state}`,
  discardRun: (title: string, state: string) => `Discard run of ${title}, ${state}`,
  confirmDelete: 'Delete this run and its files? Its bundle, if you have downloaded it, stays.',
  confirmDiscard: 'Discard this unfinished run?',
  titleField: 'Name of this run',
  noteField: 'Note',
  save: 'Save',
  cancel: 'Cancel',
  unknown: 'unknown settings',
  settings: (preset: string, seeds: readonly number[]) =>
    `preset ${preset}, ${seeds.length === 1 ? 'seed' : 'seeds'} ${seeds.join(', ')}`,
  unreadable: (why: string) => `cannot be read: ${why}`,
  underWay: 'under way',
  otherTab: 'belongs to another tab, which works on it',
  finished: 'finished',
  noCheckpoint: 'without a checkpoint',
  atBase: 'unfinished, kept with its base',
  at: (method: string, update: number) => `unfinished, kept at ${method} update ${update}`,
  files: 'Files of the run',
  recorded:
    'You see a recording. Its bundle holds the files of that run: the page and limr open it.',
  downloadReport: 'Download report',
  downloadBundle: 'Download bundle',
  withWeights: 'with the trained weights',
  reportStates: {
    none: 'The report is one page to read or pass on; the bundle is one file that this page and limr open again. Both come once the run is done.',
    making: 'Making the report …',
    made: 'One page that loads nothing from elsewhere.',
  },
  meanings: {
    'config.json': 'settings and seeds, as limr run reads them',
    'results.json': 'config, accuracies, what each selection kept',
    'scores.json': 'every prompt with its key, score and curve',
    'rewards.safetensors': 'the reward matrix, prompts × epochs',
    'metrics.jsonl': 'every scalar of every update',
    'subsets/lim.json': 'the prompts that LIM kept',
  },
  later: 'later',
  adapter: 'what was trained, in the layout of PEFT',
  model: 'the trained model, in the layout of Hugging Face',
  otherSeed: 'of another seed',
  subsetOf: (method: string, seed: string | undefined) =>
    `the prompts of ${method}${seed === undefined ? '' : `, seed ${seed}`}`,
  kept: 'Kept in this browser until the run is deleted or the data of this site is cleared.',
  notKept: (why: string) =>
    `Nothing can be stored: ${why}. Runs are in this tab's memory alone, so download what you want before you close it.`,
  bundleBusy: 'A run is under way: the bundle can be opened when it has ended.',
};

export type KeptText = typeof english;
export const keptText = translated(english, {
  de: () => import('./de/kept.ts'),
  zh: () => import('./zh/kept.ts'),
});
