import { cutScores } from './cut.ts';
import { groupScore } from './curve-statistics.ts';
import { known, type StaticMethod, wholePass } from './method.ts';

/**
 * GVAR: the prompts whose answers differed most within an epoch, by the mean over epochs of
 * p (1 - p) (Foster et al. 2025, arXiv:2502.12272).
 */
export const gvar = {
  name: 'gvar',
  code: 13,
  label: 'GVAR',
  takes: () =>
    'as many prompts as LIM, those whose answers differed most within an epoch, by p (1 − p)',
  needs: ['shares'],
  usualSize: 'as LIM',
  samples: wholePass,
  choose: async ({ shares }, cut) =>
    cutScores(
      { method: 'gvar', label: 'variance within epochs' },
      await known(shares, 'gvar', 'shares').scoreCurves(groupScore),
      cut,
    ),
} as const satisfies StaticMethod;
