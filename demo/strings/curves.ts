// Texts of the strip of metrics.
import { translated } from './translated.ts';

const english = {
  title: (seed: number | undefined) =>
    `Learning, over the updates of each method${seed === undefined ? '' : `, seed ${seed}`}`,
  lines: 'Line styles',
  valuesAt: 'Values at',
  reset: 'Back to the read-out',
  readout: 'the fixed read-out',
  atReadout: (readout: string) => `${readout}, the fixed read-out`,
  at: (update: number, epoch: number | undefined) =>
    `update ${update}${epoch === undefined ? '' : `, FULL’s data epoch ${epoch}`}`,
  choose: 'Curves',
  chosen: (shown: number, of: number) => `${shown} of ${of} shown`,
  usual: 'Show the usual ones',
  held: 'Held-out accuracy',
  heldMeaning:
    'Greedy answers to prompts that no pool holds, mean of the tiers. Dashed rule: the read-out fixed before the run; past it FULL goes on alone, dimmed.',
  heldUnit: 'share right',
  updates: 'updates',
  none: 'no values yet',
  when: (update: number, readout: string | undefined) =>
    `update ${update}${readout === undefined ? '' : `; the read-out is at ${readout}`}`,
  whenReadout: (readout: string) => `at ${readout}, the fixed read-out`,
  absent: 'Without values in this run:',
};

export type CurvesText = typeof english;

export const curvesText = translated(english, {
  de: () => import('./de/curves.ts'),
  zh: () => import('./zh/curves.ts'),
});
