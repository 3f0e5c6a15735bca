import { mkdtempSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test, vi } from 'vitest';
import { methodLabel } from '../../src/selection/methods.ts';
import { renderReport } from '../../src/report/page.ts';
import { runPanels } from '../../src/report/paper-figures.ts';
import { benchmarkTiers, paperRows } from '../../src/report/paper.ts';
import { onTier, estimateAt } from '../../src/report/readings.ts';
import { standaloneSvg } from '../../src/report/standalone.ts';
import { readRun } from '../../src/run-folder/finished-run.ts';
import { limr } from '../support/command-line.ts';
import { makeGivenRun, type GivenRunOptions } from '../support/given-run.ts';
import { folderOf, makeRun } from '../support/report-run.ts';

// A page is a dozen charts, a second or two where the machine is busy.
vi.setConfig({ testTimeout: 60_000 });

const benchmarks = { aime24: 0.1, 'MATH-500': 0.5, amc23: 0.3 };
const open = (options: GivenRunOptions = {}) => readRun(makeGivenRun(options).folder);
const study = () => open({ arms: ['lim', 'rand'], tiers: benchmarks });
/** The rows of the table whose caption has a text, as texts. */
function tableRows(html: string, caption: string): string[][] {
  const from = html.indexOf(caption);
  const table = from < 0 ? '' : html.slice(from, html.indexOf('</table>', from));
  const cell = /<t[hd](?: scope="(?:row|col)")?>(.*?)<\/t[hd]>/gs;
  return [...table.matchAll(/<tr>(.*?)<\/tr>/gs)].map(([, row = '']) =>
    [...row.matchAll(cell)].map(([, text = '']) =>
      text
        .replace(/<small>.*?<\/small>/g, '')
        .replace(/<(?!i>|\/i>)[^>]*>/g, '')
        .trim(),
    ),
  );
}

describe('the paper’s numbers', () => {
  test('have averages that are those of their rows', () => {
    for (const { name, accuracy, average } of paperRows) {
      const values = Object.values(accuracy);
      const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
      expect(Math.abs(mean - average), name).toBeLessThanOrEqual(0.0501);
    }
  });

  test.each([
    [
      ['math500', 'AIME_2024', 'amc-23'],
      ['AIME2024', 'MATH500', 'AMC2023'],
    ],
    [['aime25', 'math', 'amc12'], []],
    [['HuggingFaceH4.MATH-500'], ['MATH500']],
  ])('find their benchmarks among %j', (tiers, found) => {
    expect(benchmarkTiers(tiers).map(({ benchmark }) => benchmark)).toEqual(found);
  });
});

describe('table 2 of a run on benchmarks', () => {
  test('has an average, and the paper’s row under each of ours, marked as the paper’s', async () => {
    const rows = tableRows(renderReport([await study()]), 'The paper’s table 2, beside this run');
    expect(rows[0]).toEqual(['method', 'questions', 'AIME2024', 'MATH500', 'AMC2023', 'AVG.']);
    expect(rows.slice(1)).toEqual([
      ['base', '', '10.0', '50.0', '30.0', '30.0'],
      ...paper('Qwen-Math-7B', '', '16.7', '52.4', '52.5', '40.5'),
      ['FULL', '12', '10.0', '50.0', '30.0', '30.0'],
      ...paper('Qwen-Math-7B-FULL', '8,523', '32.5', '76.6', '61.9', '57.0'),
      ['RAND', '4', '10.0', '50.0', '30.0', '30.0'],
      ...paper('Qwen-Math-7B-RAND', '1,389', '25.8', '66.0', '56.3', '49.4'),
      ...paper('Qwen-Math-7B-LINEAR', '1,138', '28.3', '74.6', '61.9', '54.9'),
      ['LIM', '4', '10.0', '50.0', '30.0', '30.0'],
      ...paper('LIMR', '1,389', '32.5', '78.0', '63.8', '58.1'),
    ]);
  });

  test('says how both were sampled, and that averages of other tiers do not compare', async () => {
    const same = renderReport([await study()]);
    expect(same).toContain('MATH500 greedily, AIME2024 and AMC2023 by the mean of 4 samples');
    expect(same).toContain('MATH-500 mean of 4, temperature 0.4, top-p 0.95');
    expect(same).not.toContain('the two do not compare');
    const more = renderReport([await open({ tiers: { ...benchmarks, own: 0.2 } })]);
    expect(more).toContain(
      'average is of its 4 tiers, the paper’s of its three benchmarks: the two do',
    );
    const rows = tableRows(more, 'The paper’s table 2');
    expect(rows[0]).toEqual([
      ...['method', 'questions', 'AIME2024', 'MATH500', 'AMC2023', 'own', 'AVG.'],
    ]);
    expect(rows[1]).toEqual(['base', '', '10.0', '50.0', '30.0', '20.0', '27.5']);
    expect(rows[2]?.[5]).toBe('<i></i>');
  });

  test('is followed by table 3 where methods are supervised, which are read at their own end', async () => {
    const made = makeGivenRun({
      arms: ['lim', 'sft', 'sft:/home/someone/s1.jsonl'],
      tiers: benchmarks,
      config: { sft: { data: '/home/someone/limo.jsonl' } },
    });
    const { sft } = made.results.methods;
    // Its training goes on past the read-out of the table.
    const last = { ...sft!.evaluations[2], epochs: 5, tiers: { ...benchmarks, aime24: 0.2 } };
    const methods = {
      ...made.results.methods,
      sft: { prompts: 817, evaluations: [...sft!.evaluations, last] },
    };
    const files = new Map(made.files).set(
      'results.json',
      JSON.stringify({ ...made.results, methods }),
    );
    const html = renderReport([await readRun(folderOf('DIR', files))]);
    const rows = tableRows(html, 'The paper’s table 3, beside this run');
    expect(
      rows.slice(1).map(([name = '', questions, aime]) => [name.slice(0, 18), questions, aime]),
    ).toEqual([
      ['base', '', '10.0'],
      ['<i>the paper’s Qwe', '<i></i>', '<i>16.7</i>'],
      ['SFT', '817', '20.0'],
      [expect.stringMatching(/^SFT s1\.jsonl \(/), '4', '10.0'],
      ['<i>the paper’s Qwe', '<i>1,000</i>', '<i>15.8</i>'],
      ['<i>the paper’s Qwe', '<i>817</i>', '<i>15.8</i>'],
      ['LIM', '4', '10.0'],
      ['<i>the paper’s LIM', '<i>1,389</i>', '<i>32.5</i>'],
    ]);
    // Table 2 has the methods of the paper's, and no supervised one.
    const second = tableRows(html, 'The paper’s table 2, beside this run').map(([name]) => name);
    expect(second).toContain('LIM');
    expect(second).not.toContain('SFT');
    expect(html).toContain('Supervised fine-tuning from the base on responses that a file gives');
    expect(html).not.toContain('/home/someone');
  });

  test('is not there for tiers that are no benchmark of the paper', async () => {
    const html = renderReport([await open({ tiers: { maths: 0.5 } })]);
    expect(html).not.toContain('The paper’s table 2');
    // The curve of the tier is there all the same.
    expect(html).toContain(
      '<b>maths.</b> Accuracy at equal read-outs. The paper’s figures 1a and 4.',
    );
  });
});

const paper = (name: string, ...cells: string[]): string[][] => [
  [`the paper’s ${name}`, ...cells].map((text) => `<i>${text}</i>`),
];

describe('panels', () => {
  test('of a run are the paper’s, one of figure 4 for each benchmark', async () => {
    const run = await study();
    expect(runPanels(run).map(({ file, title }) => `${file}: ${title}`)).toEqual([
      'figure-1a-aime24: Accuracy on aime24',
      'figure-1b: Methods that train on less data',
      'figure-2a: Learning dynamics of prompts',
      'figure-2b: Learning trajectories, kept by LIM',
      'figure-2b-rejected: Learning trajectories, rejected by LIM',
      'figure-3a: Held-out accuracy',
      'figure-3b: Response length',
      'figure-3c: Mean reward',
      'figure-4-aime24: Accuracy on aime24',
      'figure-4-math-500: Accuracy on MATH-500',
      'figure-4-amc23: Accuracy on amc23',
    ]);
  });

  test('of a tier hold that tier’s numbers', async () => {
    const run = await readRun(
      makeRun({
        overrides: {
          task: { poolPrompts: 128 },
          experiment: { epochs: 3, armLength: 8, readouts: [2, 4, 6, 8], tableReadout: 4 },
        },
      }).folder,
    );
    const [seed] = run.results.methods.lim!.evaluations;
    for (const tier of Object.keys(seed.tiers)) {
      expect(estimateAt(onTier(run, tier), 'lim', 2)?.mean).toBe(seed.tiers[tier]);
      expect(onTier(run, tier).results.base.mean).toBe(run.results.base.tiers[tier]);
    }
    expect(runPanels(run)).toHaveLength(11);
  });

  test('are SVG files that need no style sheet and name their lines', async () => {
    for (const panel of runPanels(await study())) {
      const svg = standaloneSvg(panel);
      expect(svg).toMatch(/^<svg xmlns="http:\/\/www.w3.org\/2000\/svg" width="\d+" height="\d+"/);
      expect(svg).not.toMatch(/var\(|inherit|NaN|undefined|<style/);
      expect(svg).toContain(`>${panel.title}</text>`);
      for (const { text } of panel.legend) expect(svg).toContain(`>${text}</text>`);
    }
    const [first] = runPanels(await study());
    expect(first.legend.map(({ text }) => text)).toEqual([
      'base',
      ...(['full', 'lim', 'rand'] as const).map(methodLabel),
    ]);
  });

  test('call hostile tiers by plain names of files, no two alike', async () => {
    const tiers = { '..</title><script>': 0.5, '../': 0.25, '…': 0.1 };
    const panels = runPanels(
      await open({
        tiers: Object.fromEntries(
          Object.entries(tiers).map(([name, value]) => [name.replaceAll('/', ''), value]),
        ),
      }),
    );
    const files = panels.map(({ file }) => file);
    expect(new Set(files).size).toBe(files.length);
    for (const file of files) expect(file).toMatch(/^[a-z0-9-]+$/);
    for (const panel of panels) expect(standaloneSvg(panel)).not.toContain('<script');
  });
});

describe('limr report --figures', () => {
  const root = mkdtempSync(join(tmpdir(), 'limr-figures-'));
  const scores = join(root, 'scores.json');
  writeFileSync(
    scores,
    JSON.stringify(
      [0, 1, 2, 3].map((id) => ({
        id: String(id),
        prompt: `problem ${id}`,
        score: id / 4,
        rewards: [0, id / 4, id < 2 ? 0 : 1],
        data_source: id % 2 === 0 ? 'aime24' : 'math500',
      })),
    ),
  );
  const report = (...args: string[]) =>
    limr('report', scores, '--out', join(root, 'report.html'), ...args);

  test('writes the panels that rollouts have, by benchmark where their rows tell', async () => {
    const folder = join(root, 'figures');
    expect(await report('--figures', folder)).toMatchObject({ code: 0 });
    expect(readdirSync(folder)).toEqual([
      ...['figure-2a.svg', 'figure-2b-rejected.svg', 'figure-2b.svg', 'figure-3a.svg'],
      ...['figure-4-aime24.svg', 'figure-4-math500.svg'],
    ]);
    const page = readFileSync(join(root, 'report.html'), 'utf8');
    expect(page).toContain('<h3>By data_source</h3>');
    // aime24: (0, 0 and 0.5, 0 and 1); math500: (0, 0.25 and 0.75, 0 and 1).
    const numbers = /<b>math500\.<\/b>.*?<\/table>/s.exec(page)?.[0] ?? '';
    expect([...numbers.matchAll(/<td>([\d.]+)<\/td>/g)].map(([, text]) => text)).toEqual([
      '0.000',
      '0.500',
      '0.500',
    ]);
  });

  test('refuses a folder that holds something, and an unknown kind', async () => {
    expect(await report('--figures', root)).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('--figures') as string,
    });
    expect(await report('--figures', join(root, 'new'), '--images', 'gif')).toMatchObject({
      code: 2,
      stderr: expect.stringContaining("'gif' is none of svg, png") as string,
    });
  });
});
