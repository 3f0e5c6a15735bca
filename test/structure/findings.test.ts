import { existsSync, readFileSync } from 'node:fs';
import { describe, expect, test, vi } from 'vitest';
import {
  curvesFigure,
  figureFile,
  lessonFile,
  lessonText,
  page,
  shownOf,
  studiesIn,
  sweepText,
  withTables,
} from '../../scripts/findings.ts';
import { evidenceOf } from '../../src/sweep/evidence.ts';
import type { Sweep } from '../../src/sweep/folder.ts';
import { parsePreregistration } from '../../src/sweep/preregistration.ts';
import { makeSweep } from '../support/made-sweep.ts';

// The bootstrap of fifty cells takes seconds where the machine is busy.
vi.setConfig({ testTimeout: 300_000 });

const where = { 'task.wrongKeyShare': 0.1 };
const registration = (seeds: readonly number[]) =>
  parsePreregistration(
    new TextEncoder().encode(
      JSON.stringify({
        schema: 1,
        title: 'Made | before\nthe <b>seeds</b>',
        alpha: 0.05,
        equivalence: 0.02,
        seeds,
        contrasts: [
          { name: 'P1', one: 'lim', other: 'rand', where, at: { update: 20 } },
          { name: 'P2', one: 'lim', other: 'full', where, at: { totalSamples: 1 } },
        ],
      }),
    ),
    'plan.json',
  );
const text = (seeds: readonly number[], options: Parameters<typeof makeSweep>[0] = {}) => {
  const sweep = makeSweep({ seeds, methods: ['full', 'rand', 'lim', 'hvar'], ...options });
  return sweepText(sweep as unknown as Sweep, evidenceOf(sweep, registration(seeds)));
};
const rowsOf = (markdown: string, first: string): string[][] =>
  markdown
    .split('\n')
    .filter((line) => line.startsWith(`| ${first} |`))
    .map((line) => line.split('|').map((cell) => cell.trim()));

describe('docs/findings.md', () => {
  const kept = readFileSync(page, 'utf8');

  test.each(studiesIn(kept))(
    'has the tables of %s as npm run findings writes them',
    async (study) => {
      const { tables, figure } = await shownOf(study);
      expect(withTables(kept, study, tables)).toBe(kept);
      const file = figureFile(study);
      expect(existsSync(file) ? readFileSync(file, 'utf8') : undefined).toBe(figure);
    },
  );

  test('stands beside the study of the lesson, as npm run findings writes it', async () => {
    expect(readFileSync(lessonFile, 'utf8')).toBe(await lessonText());
  });

  test('has a place for both studies', () => {
    expect(studiesIn(kept)).toEqual(['core-a', 'confirm']);
    expect(() => withTables(kept, 'none', '')).toThrow(/no place for the tables of none/);
  });
});

test('the figure of a sweep stands alone, with two panels for each condition', () => {
  const sweep = makeSweep({ seeds: [1, 2, 3], methods: ['full', 'rand', 'lim', 'hvar', 'near'] });
  const figure = curvesFigure(sweep as unknown as Sweep)!;
  expect(figure.match(/<svg x="/g)).toHaveLength(6);
  expect(figure).toMatch(/^<svg xmlns="http:\/\/www\.w3\.org\/2000\/svg"/);
  for (const name of ['wrong keys 0 %', 'wrong keys 30 %', 'NEAR', 'HVAR']) {
    expect(figure).toContain(`>${name}</text>`);
  }
  expect(figure).toMatch(/\.plot path \{[^}]*stroke: currentColor/);
  // Nothing is loaded, and no colour is left to a style sheet that is not there.
  expect(figure).not.toMatch(/href|url\(|<script|NaN/);
  for (const [, tone] of figure.matchAll(/var\((--[\w-]+)\)/g))
    expect(figure).toContain(`${tone}:`);
  expect(curvesFigure({ ...sweep, cells: [] } as unknown as Sweep)).toBeUndefined();
});

describe('the tables of a sweep', () => {
  test('begin with what was fixed, then the secondary outcomes, then all else', async () => {
    const found = await text([1, 2, 3, 4, 5, 6, 7]);
    const order = ['Fixed before the run', 'Secondary, judged by nothing', 'Exploratory'];
    const places = order.map((part) => found.indexOf(`### ${part}`));
    expect(places.every((place) => place >= 0)).toBe(true);
    expect(places).toEqual([...places].sort((a, b) => a - b));
  });

  test('give verdict, p and Holm’s p of each contrast, and every seed', async () => {
    const seeds = [1, 2, 3, 4, 5, 6, 7];
    const found = await text(seeds, { noise: 0.001 });
    const [p1] = rowsOf(found, 'P1');
    // All seven differences are above 0: 2 / 2^7, twice as much after Holm's correction.
    expect(p1?.slice(2, 9)).toEqual([
      'LIM − RAND',
      'update 20, wrong keys 10 %',
      '**LIM is ahead of RAND**',
      expect.stringMatching(/^\+\.0\d\d$/) as string,
      '.0156',
      '.0313',
      '',
    ]);
    expect(rowsOf(found, 'P2')[0]?.[4]).toBe('**not to be told**');
    for (const seed of seeds) {
      expect(rowsOf(found, String(seed))[0]?.slice(2, 4)).toEqual([
        expect.stringMatching(/^\+\.0\d\d$/),
        'missing',
      ]);
    }
  });

  test('are no place for what a file says', async () => {
    const found = await text([1, 2, 3]);
    expect(found).toContain('Made before the b seeds /b.');
    expect(found).not.toMatch(/NaN|undefined|Infinity/);
    // Every row of a table has as many cells as its head.
    for (const block of found.split('\n\n').filter((part) => part.startsWith('|'))) {
      expect(new Set(block.split('\n').map((line) => line.split(' | ').length)).size).toBe(1);
    }
  });

  test('say what has not finished', async () => {
    const found = await text([1, 2, 3], {
      missing: (factors) => factors['task.wrongKeyShare'] === 0.3,
    });
    expect(found).toMatch(/#### Wrong keys 30 %\n\nNo cell has finished\./);
  });
});
