import { describe, expect, test, vi } from 'vitest';
import { adapterParameters, planOf } from '../../src/model/adapters.ts';
import type { ModelConfig } from '../../src/model/config.ts';
import { findingsOf } from '../../src/report/findings.ts';
import { renderReport } from '../../src/report/page.ts';
import { lastUpdate, trainingEnds } from '../../src/report/readings.ts';
import { readRun } from '../../src/run-folder/finished-run.ts';
import { defaultAdapter } from '../../src/vocabulary/adapters.ts';
import { makeGivenRun, type GivenRunOptions } from '../support/given-run.ts';
import { folderOf, makeRun } from '../support/report-run.ts';

// A page is a dozen charts, a second or two where the machine is busy.
vi.setConfig({ testTimeout: 60_000 });

const open = (options: GivenRunOptions = {}) => readRun(makeGivenRun(options).folder);
const render = async (options: GivenRunOptions = {}): Promise<string> =>
  renderReport([await open(options)]);
/** The text of a page as a reader sees it, without its stylesheet. */
const textOf = (html: string): string =>
  html
    .replace(/<style>[^]*?<\/style>/g, '')
    .replace(/<[^>]+>/g, ' ')
    .replace(/\s+/g, ' ');
const headings = (html: string): string[] =>
  Array.from(html.matchAll(/<h2>([^<]*)<\/h2>/g), ([, name]) => name);
const tiers = { maths: 0.5, hard: 0.25 };

describe('a run of FULL alone without held-out prompts', () => {
  test('is called by its model and its prompts, and shows no path', async () => {
    const html = await render();
    expect(html).toContain('<h1>small-model on problems.jsonl, seed 1</h1>');
    expect(html).toContain('<title>small-model on problems.jsonl, seed 1</title>');
    expect(html).toContain('<li>problems.jsonl: left out 2 prompts');
    expect(html).not.toContain('/home/someone');
  });

  test('begins with its training and leaves out what it has not', async () => {
    const html = await render();
    expect(headings(html)).toEqual([
      'What was found',
      'What this run did',
      'Results',
      'Training',
      'What LIM is',
      'Scores',
      'What the pool holds',
      'What this shows',
      'Settings',
    ]);
    for (const [, id] of html.matchAll(/href="#([^"]+)"/g)) expect(html).toContain(`id="${id}"`);
    const text = textOf(html);
    for (const word of ['RAND', 'LINEAR', 'wrong key', 'Wilson', 'table: data epoch', 'MATH']) {
      expect(text).not.toContain(word);
    }
    expect(text).not.toMatch(/Held-out accuracy|memorizes|matching the key|The FULL pass is not/);
    expect(text).not.toMatch(/NaN|undefined|Infinity/);
    // Rewards of every prompt, and no curve of evaluations.
    expect(html).toContain('Reward matrix.');
    expect(html).not.toContain('id="curves"');
  });

  test('counts its updates and says where its rewards went', async () => {
    const run = await open();
    expect(lastUpdate(run, 'full')).toBe(6);
    // A quarter of six updates is two.
    expect(trainingEnds(run, 'full', 'accuracy_mean')).toEqual({
      first: 0.125,
      last: 0.625,
      quarter: 2,
    });
    expect(textOf(renderReport([run]))).toContain('6 updates of 6 prompts × 4 samples');
    const said = findingsOf(run);
    expect(said[0]).toMatch(
      /mean reward went from −0\.750 in the first 2 updates to 0\.250 in the last, of 6 \(\+1\.000\); .* from 12\.5 % to 62\.5 %/,
    );
    expect(said.join('\n')).toMatch(/In 1 of FULL’s 6 updates the gradient was zero/);
    expect(said.join('\n')).toMatch(/27\.5 % of FULL’s responses in the last 2 updates reached/);
  });

  test('says that nothing was right', async () => {
    const said = findingsOf(await open({ right: [0, 0, 0, 0] })).join('\n');
    expect(said).toContain('No response of FULL was right in any update.');
    expect(said).toMatch(/In 4 of FULL’s 4 updates the gradient was zero/);
    expect(said).toMatch(/100 % of FULL’s responses in the last update reached/);
  });

  test('says what was trained, and with what settings', async () => {
    const text = textOf(
      await render({
        task: { system: 'Think.', lastBatch: 'short' },
        config: { cacheStorage: 'f16' },
      }),
    );
    for (const part of [
      'Adapters of rank 4 are trained: 23,120 parameters beside 260,032 (8.9 %)',
      'stored in f16; the reference is the base without adapters',
      'GRPO on all 12 prompts',
      'Memory 26.9 MiB of 3.1 GiB; rows that decode together: 24',
      'Storage of keys and values f16',
      'Verifier exact',
      'Chat template the model’s own',
      'System message Think.',
      'Longest response 16 tokens; longer ones are cut',
      'and at &quot;\\n&quot;',
      'a smaller rollout, where too few',
    ]) {
      expect(text).toContain(part);
    }
    const whole = textOf(
      await render({ config: { adapter: null, weightStorage: 'f32' }, task: {} }),
    );
    expect(whole).toContain('parameters are trained; matrices are stored in f32.');
    expect(whole).not.toMatch(/adapters of rank|23,120/i);
  });

  test('names the rows of its examples by their ids, and says what the rows say', async () => {
    const html = await render({ prompt: (id) => ({ columns: { level: String(id) } }) });
    const text = textOf(/<b>Examples<\/b>[^]*?<\/table>/.exec(html)![0]);
    expect(text).toMatch(/id prompt key place score LIM row accuracy/);
    expect(text).toMatch(/row-11 problem 11 11 highest scores 0\.92 kept level 11 /);
  });

  test('of a module says whose rewards they are, and draws rewards beyond 1', async () => {
    const html = await render({
      task: { verifier: '/home/someone/judge.mjs' },
      config: { lim: { signal: 'reward' } },
      prompt: (place) => ({ rewards: [0, place === 0 ? 4.5 : 0.5, 2] }),
    });
    expect(html).toContain('Mean reward that the module judge.mjs gave the sampled responses.');
    expect(html).not.toContain('1 right, -0.5 wrong');
    // The ramp of the matrix and the axis of trajectories go as far as the rewards.
    expect(textOf(html)).toMatch(/Reward of every prompt in every data epoch, from −1 +to 5/);
    expect(html).not.toMatch(/<path d="[^"]*Z"[^>]*fill="none"/);
  });
});

describe('a study of a given model', () => {
  test('has only its own methods in its sentences', async () => {
    const html = await render({ arms: ['lim', 'rand'], tiers });
    const text = textOf(html);
    expect(headings(html)).toContain('Learning curves');
    expect(text).toContain('its rewards are what LIM looks at');
    expect(text).toContain(
      'LIM is chosen from the rewards of FULL’s 6 updates, so its curve starts',
    );
    expect(text).toContain('RAND needs no pass.');
    expect(text).toContain('LIM knows what to keep only after training on everything.');
    expect(text).toContain('Of 12 prompts × 4 samples, the base got 25 % right');
    expect(text).not.toMatch(/LINEAR|Nothing here is evidence|memorizes|wrong key/);
    expect(text).toContain('What each selection kept by source');
  });

  test('says how each tier was answered, and calls nothing greedy that was sampled', async () => {
    const text = textOf(await render({ arms: ['lim'], tiers }));
    expect(text).toContain(
      'Held-out accuracy (maths greedy; hard mean of 4, temperature 0.4, top-p 0.95), after',
    );
    expect(text).toContain('Held-out accuracy at equal data epochs.');
    expect(text).not.toMatch(/greedy answers|greedy, at equal|greedy accuracy/);
    expect(text).toContain('LIM is chosen from');
    expect(text).not.toContain('no pass');
  });

  test('of FULL alone has curves, but none that charges its pass', async () => {
    const html = await render({ tiers });
    expect(headings(html)).toContain('Learning curves');
    expect(textOf(html)).not.toMatch(/pass charged|The FULL pass is not free|What each selection/);
  });
});

describe('several runs', () => {
  const three = async () =>
    renderReport([
      await readRun(makeRun({ overrides: { task: { poolPrompts: 128 } } }).folder),
      await open(),
      await open({ arms: ['lim'], tiers }),
    ]);

  test('of different kinds say what cannot be compared', async () => {
    const html = await three();
    const text = textOf(html);
    expect(text).toContain('The runs have different held-out prompts');
    expect(text).toMatch(/Mean reward of training.* FULL .*−0\.750 → 0\.250/);
    expect(text).toMatch(/model drawn and pre-trained small-model small-model/);
    expect(text).toMatch(/prompts from the task arithmetic problems\.jsonl problems\.jsonl/);
    expect(text).toMatch(/LIM kept \d+ nothing was selected \d+/);
    expect(html).not.toContain('/home/someone');
    expect(html.replace(/<pre>[^]*?<\/pre>/g, '')).not.toMatch(/NaN|undefined|Infinity/);
    const ids = Array.from(html.matchAll(/ id="([^"]*)"/g), ([, id]) => id);
    expect(new Set(ids).size).toBe(ids.length);
    for (const [, id] of html.matchAll(/href="#([^"]+)"/g)) expect(ids).toContain(id);
  });

  test('without any evaluation have no table of it', async () => {
    const run = await open();
    const text = textOf(renderReport([run, run]));
    expect(text).not.toContain('Held-out accuracy');
    expect(text).toContain('Mean reward of training');
  });
});

describe('hostile rows', () => {
  const bad = '</style></title><script>alert(1)</script><img src=x onerror="a()">\u202e\u0007';

  test('stay text, however long', async () => {
    const prompt = `${bad}\n${'p'.repeat(100_000)}`;
    const options: GivenRunOptions = {
      arms: ['lim'],
      tiers: { [bad.replaceAll('/', '')]: 0.5 },
      task: { system: prompt, stopStrings: [bad, '\u202e'] },
      config: { model: { kind: 'folder', path: `/models/${bad.replaceAll('/', '')}` } },
      prompt: (place) =>
        place % 2 === 0
          ? { prompt, key: prompt, rowId: prompt, columns: { source: bad, level: prompt } }
          : {},
    };
    const made = makeGivenRun(options);
    const columns = Object.fromEntries(Array.from({ length: 900 }, (_, i) => [`${bad}${i}`, 1]));
    const results = {
      ...made.results,
      warnings: [prompt],
      model: { ...made.results.model, architecture: prompt },
      seeds: made.results.seeds.map((seed) => ({
        ...seed,
        pool: { prompts: 12, byColumn: { [prompt]: columns } },
      })),
    };
    const files = new Map(made.files).set('results.json', JSON.stringify(results));
    const run = await readRun(folderOf(bad, files));
    for (const html of [renderReport([run]), renderReport([run, run])]) {
      expect(html).not.toMatch(/<script|<img|<\/style>[^]*<\/style>|[\u202e\u0007]/);
      expect(html.split('</title>')).toHaveLength(2);
      expect(html).toContain('&lt;script&gt;alert(1)&lt;/script&gt;');
      // Neither a long text nor many kinds of rows fill the page.
      expect(html.length).toBeLessThan(1_500_000);
      expect(html).not.toContain('p'.repeat(500));
    }
  });

  test('in several lines are one line, and kinds that are left over are counted', async () => {
    const html = await render({ prompt: () => ({ prompt: 'one\n\n\ttwo', key: 'a\nb' }) });
    expect(html).toContain('<code>one two</code>');
    expect(html).toContain('<code>a b</code>');
    const made = makeGivenRun();
    const results = {
      ...made.results,
      seeds: made.results.seeds.map((seed) => ({
        ...seed,
        pool: { prompts: 12, byColumn: { source: { books: 7 } } },
      })),
    };
    const files = new Map(made.files).set('results.json', JSON.stringify(results));
    const text = textOf(renderReport([await readRun(folderOf('DIR', files))]));
    expect(text).toMatch(/The pool by source selection prompts books others pool 12 7 5/);
  });
});

test('parameters of adapters are counted without padding', () => {
  const config = {
    architecture: 'llama',
    hiddenSize: 64,
    intermediateSize: 172,
    layers: 5,
    heads: 8,
    kvHeads: 4,
    headDim: 8,
  } as ModelConfig;
  const spec = { ...defaultAdapter, rank: 3 };
  // q and o: 64 -> 64, k and v: 64 -> 32, gate and up: 64 -> 172, down: 172 -> 64.
  const ends = 2 * (64 + 64) + 2 * (64 + 32) + 3 * (64 + 172);
  expect(adapterParameters(config, planOf(spec, config))).toBe(5 * 3 * ends);
  const some = { ...spec, targets: ['v'] as const };
  expect(adapterParameters(config, planOf(some, config))).toBe(5 * 3 * (64 + 32));
});
