import { cutScores } from './cut.ts';
import { varianceScore } from './curve-statistics.ts';
import { known, type StaticMethod, wholePass } from './method.ts';

/**
 * HVAR: the prompts whose share of right answers varied most over the data epochs, the historical
 * variance of 1-shot RLVR (Wang et al. 2025, arXiv:2504.20571).
 */
export const hvar = {
  name: 'hvar',
  code: 12,
  label: 'HVAR',
  takes: () =>
    'as many prompts as LIM, those whose share of right answers varied most over the epochs',
  needs: ['shares'],
  usualSize: 'as LIM',
  samples: wholePass,
  choose: async ({ shares }, cut) =>
    cutScores(
      { method: 'hvar', label: 'variance over epochs' },
      await known(shares, 'hvar', 'shares').scoreCurves(varianceScore),
      cut,
    ),
} as const satisfies StaticMethod;
