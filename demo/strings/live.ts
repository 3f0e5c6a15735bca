// Texts of the run under way: its buttons and where it stands.
import { standingWords } from '../../src/index.ts';
import { translated } from './translated.ts';

const english = {
  name: 'The run under way',
  share: 'Share of the run that is done',
  buttons: 'Training',
  pause: 'Pause',
  resume: 'Resume',
  step: 'Step',
  stop: 'Stop',
  looking: 'Looking for a GPU',
  ready: 'Ready',
  cannot: 'No GPU here: it cannot train',
  nothingStarts: 'Nothing starts until you press Start.',
  storedOpen:
    'Runs that are stored in this browser can be opened; why, and what to do, stands above.',
  stopping: 'Stopping after this update',
  begins: 'Starting',
  unfinished: 'There is an unfinished run that can be resumed',
  opened: (preset: string) => `The run of preset ${preset} is open`,
  standing: standingWords,
};

export type LiveText = typeof english;

export const liveText = translated(english, {
  de: () => import('./de/live.ts'),
  zh: () => import('./zh/live.ts'),
});
