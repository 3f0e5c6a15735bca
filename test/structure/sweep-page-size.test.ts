// The pages of large sweeps: what they weigh, and what they leave out.
import { expect, test, vi } from 'vitest';
import { sweepReport } from '../../src/report/sweep-page.ts';
import type { ReadSweep } from '../../src/sweep/readings.ts';
import { makeSweep, noEvidence } from '../support/made-sweep.ts';

// They take seconds where the machine is busy.
vi.setConfig({ testTimeout: 180_000 });

const render = (sweep: ReadSweep): Promise<string> =>
  sweepReport(sweep, noEvidence, { name: 'large', commands: ['limr sweep large.json'] });
const count = (text: string, part: RegExp): number => text.split(part).length - 1;

test('the page of 30 conditions, 12 methods, 5 read-outs and 10 seeds is under a megabyte', async () => {
  const sweep = makeSweep({
    factors: {
      'task.wrongKeyShare': [0, 0.05, 0.1, 0.2, 0.4],
      'lim.count': [6, 19, 38, 51, 77, 100],
    },
    methods: [
      ...(['full', 'rand', 'clean', 'strat', 'oracle', 'lim', 'lim-debiased'] as const),
      ...(['lim-early-2', 'hvar', 'near', 'gvar', 'anti'] as const),
    ],
    readouts: [10, 20, 40, 80, 120],
    pool: 128,
  });
  const html = await render(sweep);
  expect(new TextEncoder().encode(html).length).toBeLessThan(1_000_000);
  // No seed is left out: 30 × (11 × 5 + FULL's) rows of 10.
  const seeds = html.slice(
    html.indexOf('<section id="seeds"'),
    html.indexOf('<section id="limits"'),
  );
  expect(count(seeds, /<td>−?[01]?\.\d{3}/)).toBeGreaterThanOrEqual(30 * 12 * 5 * 10);
});

test('the page of 96 conditions is under a megabyte, and says where the rest is', async () => {
  const sweep = makeSweep({
    factors: {
      'task.wrongKeyShare': [0, 0.05, 0.1, 0.4],
      'lim.count': [6, 19, 38, 51],
      'base.seed': [1, 2, 3],
      'ppo.estimator': ['gae', 'grpo'],
    },
    methods: [
      ...(['full', 'rand', 'clean', 'strat', 'oracle', 'lim', 'lim-debiased'] as const),
      ...(['lim-early-2', 'hvar', 'near', 'gvar', 'anti'] as const),
    ],
    readouts: [10, 20, 40, 80, 120],
    seeds: [1, 2, 3],
    pool: 64,
  });
  const html = await render(sweep);
  expect(new TextEncoder().encode(html).length).toBeLessThan(1_000_000);
  for (const what of ['The curves', 'The seeds']) {
    expect(html).toContain(`${what} of 96 conditions would fill several pages: runs.csv,`);
  }
  expect(html).not.toMatch(/NaN|undefined|Infinity/);
});
