// Words for what the engine names: origins, verdicts, read-outs and cuts.
import {
  cutText,
  seedsCaveat,
  wrongKeysCaveat,
  type LimSummary,
  type Origin,
  type Verdict,
  type WrongKeys,
} from '../../src/index.ts';
import { translated } from './translated.ts';

const english = {
  base: 'Base',
  origins: {
    easy: 'easy for the base',
    learnable: 'learnable for the base',
    hard: 'hard for the base',
  } satisfies Record<Origin, string>,
  verdicts: {
    right: 'right',
    wrong: 'wrong',
    unformatted: 'no proper answer',
    'matches-wrong-key': 'matches the wrong key',
    'misses-wrong-key': 'not the wrong key',
    'right-unpaid': 'right, but not the wrong key',
  } satisfies Record<Verdict, string>,
  /** The read-out that was fixed before the run. */
  readout: (at: number, budget: 'updates' | 'epochs') =>
    budget === 'updates' ? `update ${at}` : `data epoch ${at} of its own prompts`,
  cut: (lim: LimSummary): string => cutText(lim),
  fewSeeds: (seeds: number): string => seedsCaveat(seeds) ?? '',
  wrongKeys: (keys: WrongKeys): string => wrongKeysCaveat(keys) ?? '',
};

export type EngineText = typeof english;

export const engineText = translated(english, {
  de: () => import('./de/engine.ts'),
  zh: () => import('./zh/engine.ts'),
});
