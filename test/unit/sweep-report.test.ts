import { describe, expect, test, vi } from 'vitest';
import { linearAxis, logarithmicAxis } from '../../src/report/sweep-drawing.ts';
import { scaleOf } from '../../src/report/sweep-figures.ts';
import { sweepReport } from '../../src/report/sweep-page.ts';
import { sweepTable } from '../../src/report/sweep-table.ts';
import { evidenceOf } from '../../src/sweep/evidence.ts';
import { parsePreregistration } from '../../src/sweep/preregistration.ts';
import type { ReadSweep } from '../../src/sweep/readings.ts';
import { makeEvidence, makeSweep, noEvidence } from '../support/made-sweep.ts';

// A page of a large sweep takes seconds where the machine is busy.
vi.setConfig({ testTimeout: 180_000 });

const origin = { name: 'core-a', commands: ['limr sweep core-a.json --out core-a'] };
const where = { 'task.wrongKeyShare': 0.1 };
const small = (): ReadSweep =>
  makeSweep({ seeds: [1, 2, 3, 4], methods: ['full', 'rand', 'lim', 'hvar'] });
const render = (sweep: ReadSweep, evidence = makeEvidence(sweep, where)): Promise<string> =>
  sweepReport(sweep, evidence, origin);
const count = (text: string, part: string | RegExp): number => text.split(part).length - 1;

describe('the page of a sweep', () => {
  test('loads nothing, runs nothing, and is the same for the same cells', async () => {
    const html = await render(small());
    expect(html).not.toMatch(/https?:|<script|<link|<img|<iframe|@import|\bsrc=|url\((?!#)/i);
    expect(await render(small())).toBe(html);
  });

  test('begins with what was fixed before the run, and labels all else', async () => {
    const html = await render(small());
    const fixed = html.indexOf('id="fixed"');
    expect(fixed).toBeGreaterThan(0);
    expect(fixed).toBeLessThan(html.indexOf('id="phase"'));
    const section = html.slice(fixed, html.indexOf('</section>', fixed));
    for (const part of [
      'ab12'.repeat(16),
      'LIM is ahead of RAND',
      'LIM is behind FULL',
      'p .002',
    ]) {
      expect(section).toContain(part);
    }
    expect(section).toContain('no finished cell has these settings');
    // Every section of comparisons but the first is exploratory.
    for (const id of ['tested', 'phase', 'crossing', 'factors', 'curves', 'selections', 'keys']) {
      expect(html).toMatch(
        new RegExp(`<section id="${id}"><h2>[^<]* <span class="tag">exploratory`),
      );
    }
    expect(count(section, 'class="tag"')).toBe(0);
  });

  test('draws evidence as it is judged', async () => {
    const sweep = small();
    const text = JSON.stringify({
      schema: 1,
      title: 'Made before the seeds',
      alpha: 0.05,
      equivalence: 0.02,
      seeds: [1, 2, 3, 4],
      contrasts: [{ name: 'P1', one: 'lim', other: 'rand', where, at: { update: 20 } }],
    });
    const preregistration = parsePreregistration(new TextEncoder().encode(text), 'plan.json');
    const evidence = evidenceOf(sweep, preregistration);
    const html = await sweepReport(sweep, evidence, origin);
    expect(html).toContain(preregistration.sha256);
    expect(html).toMatch(/P1: LIM − RAND<\/b><small>update 20, wrong keys 10 %/);
    // Four seeds cannot go below p = .125, however large the difference.
    expect(html).toMatch(/not told apart<\/b><small>[^<]*p \.125, adjusted p \.125, 4 seeds/);
    expect(sweepTable(sweep, evidence)).toContain('Made before the seeds');
  });

  test('says that everything is exploratory where nothing was fixed', async () => {
    const html = await render(small(), noEvidence);
    expect(html).toContain('Nothing was fixed before the run');
    expect(html).not.toContain('SHA-256 of the file');
  });

  test('says so when the sweep’s seeds are not those of the file', async () => {
    const sweep = small();
    const evidence = makeEvidence(sweep, where);
    const { preregistration } = evidence;
    const other = { ...evidence, preregistration: { ...preregistration!, seeds: [1, 2, 3, 7] } };
    expect(await render(sweep)).not.toContain('seeds are not those of the file');
    expect(await render(sweep, other)).toContain('seeds are not those of the file');
  });

  test('has areas and interactions apart from what is judged', async () => {
    const sweep = small();
    const html = await sweepReport(sweep, evidenceOf(sweep), origin);
    const start = html.indexOf('<section id="secondary"');
    const section = html.slice(start, html.indexOf('</section>', start));
    expect(section).toMatch(/^<section id="secondary"><h2>Secondary outcomes <span class="tag">/);
    for (const share of ['10 %', '30 %']) {
      expect(section).toContain(
        `update 40, wrong keys ${share}, minus the same at wrong keys 0 %</small>`,
      );
    }
    expect(section).toMatch(/the interval (?:holds|is above|is below) 0<\/b>/);
    expect(section).not.toMatch(/adjusted p|ahead of/);
    expect(html).toMatch(/<section id="area">[\s\S]*?<th>LIM<td>\.\d{3} \(\.\d{3}–\.\d{3}\)/);
    // Four seeds of 18 pairs: nothing can be shown after a correction for all.
    expect(html).toMatch(
      /18 comparisons of two methods could be made here and p is adjusted for none of them: 0 of them have p ≤ 0\.05, where about 1 would without any difference; adjusted for all of them, so few seeds could show none\./,
    );
  });

  test('colours by the sign, and hatches what is undecided', async () => {
    const decided = await render(makeSweep({ seeds: [1, 2, 3, 4], noise: 0.0001 }), noEvidence);
    const equal = /At equal updates[\s\S]*?At equal total/.exec(decided)![0];
    // RAND's lead of .01 falls by .003 an update; LIM's of .12 crosses at 30.
    expect(equal).toMatch(
      /<td class="s[1-4]">\+\.100<td class="s[1-4]">\+\.080<td class="s[1-4]">\+\.040<td class="s-[1-4]">−\.040/,
    );
    const few = await render(makeSweep({ seeds: [1, 2] }), noEvidence);
    const undecided = /At equal updates[\s\S]*?At equal total/.exec(few)![0];
    expect(count(undecided, /<td class="s/)).toBe(0);
    expect(count(undecided, /<td class="u s-?\d"><i>[+−]\.\d{3}\?<\/i>/)).toBe(3 * 2 * 4);
  });

  test('is a map of share × budget for each method where subsets differ in size', async () => {
    const sweep = makeSweep({
      factors: { 'task.wrongKeyShare': [0.1], 'lim.count': [13, 38] },
      seeds: [1, 2, 3],
    });
    const html = await render(sweep, noEvidence);
    expect(html).toContain('<b>LIM, wrong keys 10 %</b>');
    expect(html).toMatch(/<th scope="row">5\.1 % \(13\)/);
    expect(html).toMatch(/<th scope="row">14\.8 % \(38\)/);
  });

  test('has a table beside every drawing', async () => {
    const html = await render(small());
    for (const id of ['phase', 'factors', 'curves']) {
      const start = html.indexOf(`<section id="${id}"`);
      const section = html.slice(start, html.indexOf('</section>', start));
      expect(count(section, '<table')).toBeGreaterThan(0);
    }
    expect(count(html, '<svg')).toBe(count(html, /<svg class="(?:plot|swatch)/));
    expect(count(html, '<svg class="plot')).toBe(
      count(html, /<svg class="plot[^>]*role="img" aria-label="[^"]+"/),
    );
  });

  test('says how much is missing', async () => {
    const sweep = makeSweep({ seeds: [1, 2, 3, 4], missing: (_, seed) => seed === 4 });
    expect(await render(sweep, noEvidence)).toContain('3 cells of 12 are missing');
    expect(await render(small())).not.toContain('is not finished');
  });

  test('is whole before the first cell', async () => {
    const html = await render(makeSweep({ missing: () => true }), noEvidence);
    expect(html).toContain('0 of 30 cells finished');
    expect(html).not.toMatch(/NaN|undefined|Infinity/);
  });

  test('holds no number that is none', async () => {
    for (const sweep of [
      small(),
      makeSweep({ seeds: [1] }),
      makeSweep({ factors: {}, seeds: [1, 2, 3] }),
    ]) {
      expect(await render(sweep, noEvidence)).not.toMatch(/NaN|undefined|Infinity/);
    }
  });

  test('shows hostile text as text', async () => {
    const bad = '</style></title><script>alert(1)</script><img src=x onerror="alert(1)">\u202e';
    const sweep = makeSweep({ seeds: [1, 2, 3], factors: { [bad]: [bad, 1] } });
    const evidence = makeEvidence(sweep, { [bad]: bad });
    const named = {
      ...evidence,
      preregistration: { ...evidence.preregistration!, title: bad, sha256: bad },
      registered: evidence.registered.map((one) => ({ ...one, name: bad, refused: bad })),
    };
    const hostile: ReadSweep = {
      ...sweep,
      grid: { ...sweep.grid, preset: bad, config: { [bad]: bad } },
      cells: sweep.cells.map((cell) => ({
        ...cell,
        hash: bad,
        results: { ...cell.results, adapter: bad, host: bad, configHash: bad },
      })),
    };
    const html = await sweepReport(hostile, named, { name: bad, commands: [bad] });
    expect(html).not.toMatch(/<script|<img|onerror="|\u202e/);
    expect(count(html, '</style>')).toBe(1);
  });
});

describe('the table in the terminal', () => {
  test('has area and U* of every method, and says how many comparisons there are', () => {
    const sweep = makeSweep({
      factors: { 'task.wrongKeyShare': [0.1] },
      methods: ['full', 'lim', 'rand'],
      noise: 0,
    });
    const text = sweepTable(sweep, evidenceOf(sweep));
    // LIM leads by .12 - .004 u.
    expect(text).toMatch(/^ {2}LIM .* area 0\.\d{3} +U\* 30\.0$/m);
    expect(text).toMatch(/^ {2}FULL .* area 0\.\d{3}$/m);
    expect(text).toContain('3 comparisons of two methods could be made here');
  });

  test('begins with what was fixed before the run', () => {
    const sweep = small();
    const lines = sweepTable(sweep, makeEvidence(sweep, where)).split('\n');
    expect(lines[0]).toBe(
      `Fixed before the run (SHA-256 ${'ab12'.repeat(16)}): LIM against noise removal and the pool`,
    );
    expect(lines[1]).toMatch(
      /^ {2}P1 {2}LIM − RAND {2}update 40, wrong keys 10 % .*LIM is ahead of RAND/,
    );
    expect(lines.slice(4, 8)).toEqual([
      '',
      'Secondary, judged by nothing:',
      expect.stringMatching(
        /^ {2}Area P1 {2}LIM − RAND {2}mean accuracy up to 40, wrong keys 10 %/,
      ),
      '',
    ]);
    expect(lines[8]).toMatch(/^Exploratory/);
    const lim = lines.filter((line) => /^ {2}LIM .*(?:above|below|undecided) +area /.test(line));
    expect(lim).toHaveLength(3);
  });

  test('says what is exploratory and what is missing', () => {
    const text = sweepTable(makeSweep({ missing: (_, seed) => seed > 3 }), noEvidence);
    expect(text).toContain('Nothing was fixed before the run');
    expect(text).toContain('Not finished: 9 of 30 cells.');
  });
});

describe('axes and colours', () => {
  test('end on round steps that hold all values', () => {
    const text = String;
    expect(linearAxis('x', [0.31, 0.68], text)).toMatchObject({ range: [0.3, 0.7] });
    expect(linearAxis('x', [0, 120], text).ticks.map(({ at }) => at)).toEqual([0, 50, 100, 150]);
    expect(linearAxis('x', [5, 5], text).ticks.length).toBeGreaterThan(1);
    expect(logarithmicAxis('x', [0.5, 40], text).ticks.map(({ at }) => at)).toEqual([
      0.5, 1, 2, 5, 10, 20,
    ]);
  });

  test('hold the largest difference', () => {
    expect(scaleOf([{ mean: 0.03 }, { mean: -0.11 }])).toBe(0.12);
    expect(scaleOf([])).toBe(0.04);
  });
});
