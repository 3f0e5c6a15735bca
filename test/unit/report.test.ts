import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test, vi } from 'vitest';
import { writeReport } from '../../src/cli/run-report.ts';
import { heatMap } from '../../src/report/chart.ts';
import { scoreBins } from '../../src/report/figures.ts';
import { seedsCaveat, wrongKeysCaveat } from '../../src/report/caveats.ts';
import { findingsOf, paperComparison } from '../../src/report/findings.ts';
import { escape, markup } from '../../src/report/markup.ts';
import { mostRuns, renderReport } from '../../src/report/page.ts';
import { learningCurve } from '../../src/report/readings.ts';
import { readRun } from '../../src/run-folder/finished-run.ts';
import type { ScoredPrompt } from '../../src/results.ts';
import { methodEntries } from '../../src/selection/methods.ts';
import { limr } from '../support/command-line.ts';
import { folderOf, makeRun, type MadeRun } from '../support/report-run.ts';

// A page is a dozen charts, a second or two where the machine is busy.
vi.setConfig({ testTimeout: 60_000 });

// Small: three epochs of 128 prompts.
const small = {
  task: { poolPrompts: 128 },
  experiment: { epochs: 3, armLength: 8, readouts: [2, 4, 6, 8], tableReadout: 4 },
};
const make = (options: Parameters<typeof makeRun>[0] = {}): MadeRun =>
  makeRun({ overrides: small, ...options });
const render = async (...made: MadeRun[]): Promise<string> =>
  renderReport(await Promise.all(made.map(({ folder }) => readRun(folder))));
/** The files of a run with one of them replaced; undefined takes it away. */
const changed = (made: MadeRun, file: string, text: string | undefined) => {
  const files = new Map(made.files);
  if (text === undefined) files.delete(file);
  else files.set(file, text);
  return folderOf('DIR', files);
};
const edited = (made: MadeRun, file: string, edit: (value: never) => unknown) =>
  changed(made, file, JSON.stringify(edit(JSON.parse(made.files.get(file)!) as never)));

/** Methods of the preset. */
const methodCount = 4;

const count = (text: string, part: string | RegExp): number => text.split(part).length - 1;

describe('markup', () => {
  test('escapes text and leaves markup', () => {
    expect(markup`<p title="${'"\'&'}">${'<b>'}${markup`<i>${1}</i>`}${['a', '>']}</p>`.text).toBe(
      '<p title="&quot;&#39;&amp;">&lt;b&gt;<i>1</i>a&gt;</p>',
    );
  });

  test('spells out what would not be seen, or would reorder a line', () => {
    expect(escape('a\u202eb\u0000c\nd\ud800é😀')).toBe('a⟨U+202E⟩b⟨U+0000⟩c⟨U+000A⟩d⟨U+D800⟩é😀');
  });
});

describe('the report', () => {
  test('is one page that loads nothing', async () => {
    const html = await render(make());
    expect(html).not.toMatch(/https?:|<script|<link|<img|<iframe|@import|\bsrc=|url\((?!#)/i);
    expect(html).toContain("default-src 'none'");
  });

  test('has the parts that a reader needs', async () => {
    const html = await render(make());
    for (const part of [
      'arXiv:2502.11886',
      '<math',
      'Held-out accuracy, greedy answers',
      'mean of 4 samples',
      'with the FULL pass charged',
      'Mean curve.',
      'Kept trajectories.',
      'Rejected trajectories.',
      'Reward matrix.',
      'What each selection kept',
      'Score quantiles',
      'What was injected by design',
      'Nothing here is evidence about MATH',
      'The FULL pass is not free',
      'ppo.lossAggregation',
      'llvmpipe',
    ]) {
      expect(html).toContain(part);
    }
    // Axes say what they count.
    for (const name of ['share right', 'nats per token', 'tokens', 'share matching the key']) {
      expect(html).toMatch(new RegExp(`<text[^>]*>${name}</text>`));
    }
    // Two learning curves, three of tiers, bars, six of training, mean curve, histogram, three of
    // trajectories, heat map.
    expect(count(html, 'role="img"')).toBe(18);
  });

  test('gives the same bytes for the same files, whatever was drawn before', async () => {
    const first = await render(make());
    await render(make({ seeds: [4] }));
    expect(await render(make())).toBe(first);
    expect(first).not.toMatch(/zr\d|ecmeta|class="[^"]*cls/);
  });

  test('has ids of its own, and none twice, on a page of several runs', async () => {
    const html = await render(make(), make({ seeds: [2] }));
    const ids = Array.from(html.matchAll(/ id="([^"]*)"/g), ([, id]) => id);
    expect(new Set(ids).size).toBe(ids.length);
    for (const [, id] of html.matchAll(/(?:url\(#|href="#)([^)"]+)/g)) expect(ids).toContain(id);
  });

  test('tells of a tier out of distribution beside the mean, which stays as it is', async () => {
    const made = make({ preset: 'standard-ood' });
    const plain = make();
    expect(made.results.base.mean).toBe(plain.results.base.mean);
    const html = await render(made);
    expect(html).toMatch(/<th[^>]*>T3<\/th>\s*<th[^>]*>OOD<\/th>/);
    expect(html).toContain('OOD: prompts unlike those of training, no part of the mean.');
    // The base and each method, in the table of greedy answers.
    expect(count(html, '>0.125</td>')).toBeGreaterThan(methodCount);
    expect(await render(plain)).not.toContain('OOD');
  });

  test('shows hostile text as text', async () => {
    const bad = '</style></title><script>alert(1)</script><img src=x onerror="alert(1)">\u202e';
    const made = make();
    const scores = JSON.parse(made.files.get('scores.json')!) as { prompt: string }[];
    const tiers = (tiers: object) => ({ [bad]: 0.5, ...tiers });
    const { results } = made;
    const files = new Map(made.files);
    files.set('scores.json', JSON.stringify(scores.map((row) => ({ ...row, prompt: bad }))));
    files.set(
      'results.json',
      JSON.stringify({
        ...results,
        config: { ...results.config, preset: bad },
        configHash: bad,
        adapter: bad,
        host: bad,
        injected: [bad, `\`${bad}\``],
        overrides: [{ field: bad, value: bad, reference: { [bad]: bad } }],
        base: { ...results.base, tiers: tiers(results.base.tiers) },
        seeds: results.seeds.map((seed) => ({ ...seed, lim: { ...seed.lim, warning: bad } })),
      }),
    );
    const run = await readRun(folderOf(bad, files));
    for (const html of [renderReport([run]), renderReport([run, run])]) {
      expect(html).not.toMatch(/<script|<img|<\/style>[^]*<\/style>|\u202e/);
      expect(count(html, '</title>')).toBe(1);
      expect(html).toContain('&lt;script&gt;alert(1)&lt;/script&gt;');
    }
  });

  test('names intervals over prompts below three seeds, over seeds from there', async () => {
    const one = await render(make());
    expect(one).toContain('95 % over held-out prompts');
    expect(one).not.toContain('Student’s t over');
    const five = await render(make({ seeds: [1, 2, 3, 4, 5] }));
    expect(five).toContain('Student’s t over 5 seeds');
    expect(five).toContain('means over 5 seeds');
    for (const seed of [2, 3, 4, 5]) expect(five).toContain(`<summary>Seed ${seed}</summary>`);
    // A band for each method, in both learning curves and in those of three tiers.
    expect(count(five, '<polygon')).toBe(20);
  });

  test('says so when a method has no prompts', async () => {
    const made = make({ theta: 0.9999 });
    expect(made.results.methods.lim).toMatchObject({ prompts: 0, evaluations: [] });
    const html = await render(made);
    expect(html).toContain('not trained: no prompts');
    expect(html).toContain('LIM kept no prompt at all');
    expect(html).not.toMatch(/NaN|undefined|Infinity/);
  });

  test('shows no number that is none', async () => {
    for (const html of [
      await render(make()),
      await render(make({ seeds: [1, 2, 3] }), make({ preset: 'quick' })),
    ]) {
      expect(html.replace(/<pre>[^]*?<\/pre>/g, '')).not.toMatch(/NaN|undefined|Infinity|\[object/);
    }
  });

  test('warns where theta does not reject never-solved prompts', async () => {
    const made = make();
    const folder = edited(made, 'results.json', (results: MadeRun['results']) => ({
      ...results,
      seeds: results.seeds.map((seed) => ({
        ...seed,
        lim: { ...seed.lim, neverSolved: 0.8, warning: 'theta 0.6 KEEPS never-solved prompts' },
      })),
    }));
    const html = renderReport([await readRun(folder)]);
    expect(html).toContain('The threshold does not do its work here.');
    expect(html).toContain('KEEPS never-solved');
    expect(await render(made)).not.toContain('does not do its work');
  });

  test('shows the warnings of a run, as text, before its numbers', async () => {
    const made = make();
    const folder = edited(made, 'results.json', (results: MadeRun['results']) => ({
      ...results,
      warnings: ['resumed on another adapter: bit-for-bit no longer holds', '<i>3 unjudged</i>'],
    }));
    const html = renderReport([await readRun(folder)]);
    expect(html).toContain('<li>resumed on another adapter: bit-for-bit no longer holds</li>');
    expect(html).toContain('<li>&lt;i&gt;3 unjudged&lt;/i&gt;</li>');
    expect(html.indexOf('resumed on another')).toBeLessThan(html.indexOf('id="table"'));
    // Results of before there were warnings have none.
    expect(await render(made)).not.toContain('To be known before');
  });

  test('tells a selection by count from one by threshold', async () => {
    const html = await render(make({ overrides: { ...small, lim: { count: 21 } } }));
    expect(html).toContain('The 21 prompts with the highest scores are kept');
    expect(html).toContain('the 21 highest');
    expect(html).toMatch(/<b>Kept trajectories\.<\/b> 21 prompts kept/);
    expect(html).toContain('LIM kept the first 21');
    expect(html).not.toContain('θ = 0.6 rejects');
    expect(await render(make())).not.toContain('the 21 highest');
  });

  test('reads equal epochs at their end, whatever updates that took each seed', async () => {
    const experiment = {
      budget: 'epochs',
      epochs: 3,
      armLength: 3,
      readouts: [1, 2, 3],
      tableReadout: 3,
    };
    const overrides = { task: { poolPrompts: 768 }, experiment };
    const made = make({ overrides, seeds: [1, 2, 3] });
    const ends = made.results.methods.lim!.evaluations.filter(({ epochs }) => epochs === 3);
    // What makes reading by updates impossible: seeds keep differently many.
    expect(new Set(ends.map(({ update }) => update)).size).toBeGreaterThan(1);
    const run = await readRun(made.folder);
    const html = renderReport([run]);
    expect(html).toContain('after 3 data epochs of each method’s own prompts.');
    expect(html).toContain('greedy, at equal data epochs.');
    expect(html).not.toContain('not read at this');
    expect(html.replace(/<pre>[^]*?<\/pre>/g, '')).not.toMatch(/NaN|undefined|Infinity/);
    const said = findingsOf(run).join('\n');
    expect(said).toMatch(/At 3 data epochs of each method’s own prompts, the read-out fixed/);
    // FULL is charged in updates: 3 epochs of 12.
    expect(said).toContain('FULL’s 36 updates');
    const lim = learningCurve(run, 'lim');
    expect(lim.map(({ readout }) => readout)).toEqual([0, 1, 2, 3]);
    const mean = ends.reduce((sum, { update }) => sum + update, 0) / 3;
    expect(lim.at(-1)!.updates).toBeCloseTo(mean, 12);
  });

  test('draws a run without samples, with missing entries, and with one epoch', async () => {
    const made = make({
      overrides: { ...small, experiment: { ...small.experiment, epochs: 1, readouts: [2, 4] } },
    });
    const files = new Map(made.files);
    const { results } = made;
    const bare = <T extends object>(value: T): T => ({ ...value, sampled: undefined });
    files.set(
      'results.json',
      JSON.stringify({
        ...results,
        base: bare(results.base),
        methods: Object.fromEntries(
          methodEntries(results.methods).map(([name, { prompts, evaluations }]) => [
            name,
            { prompts, evaluations: evaluations.map(bare) },
          ]),
        ),
      }),
    );
    files.set(
      'scores.json',
      made.files.get('scores.json')!.replace(/"rewards":\[[^\]]*\]/, '"rewards":[null]'),
    );
    const html = renderReport([await readRun(folderOf('DIR', files))]);
    expect(html).not.toContain('<b>Held-out accuracy, mean of');
    expect(html).not.toMatch(/NaN/);
  });

  test('compares runs side by side, up to a number', async () => {
    const html = await render(
      make(),
      make({ seeds: [2], overrides: { ...small, lim: { theta: 0.5 } } }),
    );
    expect(html).toContain('2 LIMR experiments compared');
    expect(html).toContain('<code>lim.theta</code>');
    expect(html).toContain('Run B');
    const run = await readRun(make().folder);
    expect(() => renderReport([])).toThrow(RangeError);
    expect(() => renderReport(Array.from({ length: mostRuns + 1 }, () => run))).toThrow(RangeError);
  });
});

describe('keys', () => {
  const table = (html: string): string =>
    /<b>Examples<\/b>[^]*?<\/table>/.exec(html)?.[0].replace(/<[^>]+>/g, ' ') ?? '';

  test('stand beside prompts without their padding, with the truth where they are wrong', async () => {
    const html = table(await render(make()));
    expect(html).toMatch(/\d(\+\d)+= +\d /);
    expect(html).not.toContain('_');
    expect(html).toMatch(/truth \d/);
  });

  test('of files that are older than them are left open', async () => {
    const made = make();
    const folder = edited(made, 'scores.json', (rows: ScoredPrompt[]) =>
      rows.map(({ key: _key, truth: _truth, ...row }) => row),
    );
    const run = await readRun(folder);
    expect(run.scores[0][0]).not.toHaveProperty('key');
    expect(table(renderReport([run]))).not.toContain('truth');
  });

  test('must be text', async () => {
    const folder = edited(make(), 'scores.json', (rows: ScoredPrompt[]) =>
      rows.map((row) => ({ ...row, key: 7 })),
    );
    await expect(readRun(folder)).rejects.toThrow(/scores\.json row 1: key/);
  });
});

describe('caveats', () => {
  test('say what five seeds cannot show, and what six could', () => {
    expect(seedsCaveat(1)).toContain('One seed');
    expect(seedsCaveat(3)).toContain('p = 0.25.');
    expect(seedsCaveat(5)).toContain('p = 0.0625.');
    expect(seedsCaveat(6)).toBeUndefined();
  });

  test('do not let LIM take credit for keys that it never saw', async () => {
    expect(wrongKeysCaveat({ lim: 1, rand: 105 })).toMatch(/105 wrong keys, LIM on 1: .* not sep/);
    expect(wrongKeysCaveat({ lim: 3, rand: 3 })).toBeUndefined();
    const run = await readRun(make({ seeds: [1, 2, 3, 4, 5] }).folder);
    const said = findingsOf(run).join('\n');
    expect(said).toContain('cannot go below p = 0.0625');
    expect(said).toMatch(/not separated from the removal of wrong keys/);
    expect(renderReport([run])).toContain('three modes by construction');
  });
});

describe('findings', () => {
  // Table at 48, arms end at 120: there is an end to speak of.
  const study = (lift: Parameters<typeof makeRun>[0] = {}) =>
    makeRun({
      preset: 'study',
      seeds: [1, 2, 3],
      overrides: {
        task: { poolPrompts: 768 },
        experiment: {
          epochs: 12,
          armLength: 120,
          readouts: [24, 48, 72, 96, 120, 144],
          tableReadout: 48,
        },
      },
      ...lift,
    });

  test('follow the numbers where they contradict the paper', async () => {
    const low = await readRun(study({ lift: { lim: -0.3 } }).folder);
    const said = findingsOf(low).join('\n');
    expect(said).toMatch(/LIM is below FULL by 0\.\d+ \(95 % interval −.* over seeds\)/);
    expect(said).toMatch(/LIM ended below FULL: 0\.\d+ against 0\.\d+ at 120 updates/);
    expect(said).toMatch(/no read-out of LIM and LINEAR reaches that/);
    expect(paperComparison(low)).toMatch(/these pairs come out the other way: .*LIM ≤ FULL/);
  });

  test('follow the numbers where they agree with it', async () => {
    const high = await readRun(study({ lift: { lim: 0.25, linear: -0.2 } }).folder);
    const said = findingsOf(high).join('\n');
    expect(said).toMatch(/LIM ended above FULL/);
    expect(said).toMatch(/LIM then reaches 0\.9\d+, above that, after \d+ updates in all/);
    expect(said).toMatch(/RAND fell from its best/);
    expect(paperComparison(high)).toMatch(/the same order/);
  });

  test('charge the updates of the FULL pass', async () => {
    const run = await readRun(make().folder);
    // Three epochs of two updates, then the eight of an arm.
    expect(findingsOf(run).join('\n')).toContain('FULL’s 6 updates');
    expect(findingsOf(run).join('\n')).toMatch(/after (8|10|12|14) updates in all/);
  });
});

describe('heat map', () => {
  // The plot is 700 wide from x = 84 to 784 and its one row 134 high.
  const draw = (cells: readonly (readonly [number, number, string])[]) =>
    heatMap({
      id: 'h',
      label: 'h',
      width: 798,
      height: 200,
      xName: 'x',
      columns: 7,
      rows: [{ name: 'row', cells: cells.map(([start, end, color]) => ({ start, end, color })) }],
      rules: [],
    }).text;

  test('joins equal neighbours and leaves gaps open', () => {
    const svg = draw([
      [0, 1, 'red'],
      [1, 2, 'red'],
      [4, 5, 'red'],
      [5, 7, 'blue'],
    ]);
    const path = (color: string) =>
      new RegExp(`<path d="([^"]*)"[^>]*fill="${color}"`).exec(svg)?.[1];
    const spans = (text = '') =>
      Array.from(text.matchAll(/M([\d.]+) [\d.]+L([\d.]+) /g), ([, from, to]) => [
        Number(from),
        Number(to),
      ]);
    expect(spans(path('red'))).toEqual([
      [84, 284],
      [484, 584],
    ]);
    expect(spans(path('blue'))).toEqual([[584, 784]]);
  });
});

describe('score bins', () => {
  test('end at theta, so that a score equal to it is kept', () => {
    const bins = scoreBins([0.6, 0.5999, 0.61, -0.2, null], 0.6);
    expect(bins.filter(({ kept }) => kept).reduce((sum, bin) => sum + bin.count, 0)).toBe(2);
    expect(bins.reduce((sum, bin) => sum + bin.count, 0)).toBe(4);
  });

  test('gather what is far below in one bar', () => {
    const bins = scoreBins([-1e6, 0.7], 0.6);
    expect(bins[0]).toMatchObject({ count: 1 });
    expect(bins[0].start).toBeGreaterThan(-7);
    expect(scoreBins([null], 0.6)).toEqual([]);
  });
});

describe('reading a run', () => {
  const made = make({ seeds: [1, 2] });

  test.each(['results.json', 'metrics.jsonl', 'scores.json', 'scores-seed-2.json'])(
    'names %s where it is missing',
    async (file) => {
      await expect(readRun(changed(made, file, undefined))).rejects.toMatchObject({
        name: 'FormatError',
        message: expect.stringContaining(`DIR/${file}: no such file`) as string,
      });
    },
  );

  test.each([
    ['another', 2],
    ['none', undefined],
    ['text', '1'],
  ])('refuses a schema that it does not know: %s', async (_, schema) => {
    const folder = edited(made, 'results.json', (results: object) => ({ ...results, schema }));
    await expect(readRun(folder)).rejects.toThrow(/DIR\/results\.json: schema: only 1 is known/);
  });

  test.each([
    [
      'results.json',
      { methods: { full: { prompts: -1, evaluations: [] } } },
      'methods.full.prompts',
    ],
    ['results.json', { base: { mean: 1.5, tiers: {}, shipped: true } }, 'base.mean'],
    ['results.json', { seeds: [] }, 'seeds'],
    ['results.json', { seconds: 'long' }, 'seconds'],
    ['results.json', { config: { schema: 1 } }, 'config'],
  ])('names the field at fault in %s', async (file, fields, path) => {
    const folder = edited(made, file, (results: object) => ({ ...results, ...fields }));
    await expect(readRun(folder)).rejects.toThrow(`DIR/${file}: ${path}`);
  });

  test('names the row of a score file and the line of the metrics', async () => {
    const bad = edited(made, 'scores.json', (rows: { score: unknown }[]) =>
      rows.map((row, i) => (i === 4 ? { ...row, score: 'high' } : row)),
    );
    await expect(readRun(bad)).rejects.toThrow('DIR/scores.json row 5: score');
    const short = edited(made, 'scores.json', (rows: object[]) => rows.slice(1));
    await expect(readRun(short)).rejects.toThrow('DIR/scores.json: must hold the 128 prompts');
    const torn = changed(made, 'metrics.jsonl', `${made.files.get('metrics.jsonl')!}{"seed":`);
    await expect(readRun(torn)).rejects.toThrow(/DIR\/metrics\.jsonl line \d+/);
  });
});

describe('limr report', () => {
  const root = mkdtempSync(join(tmpdir(), 'limr-report-'));
  afterAll(() => rmSync(root, { recursive: true }));
  const put = (name: string, made: MadeRun): string => {
    const folder = join(root, name);
    mkdirSync(join(folder, 'subsets'), { recursive: true });
    for (const [file, text] of made.files) writeFileSync(join(folder, file), text);
    return folder;
  };

  test('rebuilds what the run wrote byte for byte, wherever it lies by then', async () => {
    const folder = put('one', make());
    await writeReport(folder);
    const written = readFileSync(join(folder, 'report.html'));
    cpSync(folder, join(root, 'moved'), { recursive: true });
    const out = join(root, 'rebuilt.html');
    const { code, stdout, stderr } = await limr('report', `${join(root, 'moved')}/`, '--out', out);
    expect({ code, stdout }, stderr).toEqual({ code: 0, stdout: '' });
    expect(readFileSync(out).equals(written)).toBe(true);
  });

  test('compares several folders', async () => {
    const [a, b] = [put('a', make()), put('b', make({ seeds: [2] }))];
    const out = join(root, 'both.html');
    expect(await limr('report', a, b, '--out', out)).toMatchObject({ code: 0 });
    expect(readFileSync(out, 'utf8')).toContain('2 LIMR experiments compared');
  });

  test('refuses what is no run in one line, and writes nothing', async () => {
    const empty = join(root, 'empty');
    mkdirSync(empty);
    const out = join(root, 'none.html');
    for (const [folder, says] of [
      [empty, 'results.json: no such file'],
      [join(root, 'nowhere'), 'no such folder'],
    ] as const) {
      const { code, stderr } = await limr('report', folder, '--out', out);
      expect(code).toBe(2);
      expect(stderr).toContain(says);
      expect(stderr.trim().split('\n')).toHaveLength(1);
    }
    expect(existsSync(out)).toBe(false);
    const made = put('odd', make());
    writeFileSync(join(made, 'results.json'), '{"schema": 9}');
    expect(await limr('report', made)).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('schema') as string,
    });
  });
});
