import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import type { FamilyChoice } from '../../kernels/lib/variants.ts';
import { limr, limrProcess } from '../support/command-line.ts';

// Each of these processes compiles its pipelines anew.
vi.setConfig({ testTimeout: 120_000, hookTimeout: 120_000 });
const folder = mkdtempSync(join(tmpdir(), 'limr-device-'));
afterAll(() => rmSync(folder, { recursive: true }));
const at = (name: string): string => join(folder, name);
const put = (name: string, content: string): string => {
  writeFileSync(at(name), content);
  return at(name);
};
const json = (path: string): unknown => JSON.parse(readFileSync(path, 'utf8'));

describe('limr score', () => {
  test.each(['basic', 'missing', 'one-sample'])("gives LIMR's scores of %s", async (name) => {
    const fixture = join(import.meta.dirname, '../fixtures/lim', name);
    const expected = json(join(fixture, 'expected.json')) as {
      steps_per_epoch: number;
      scores: Record<string, number>;
      accuracy_after_fill: Record<string, number[]>;
      selected_ids_by_threshold: Record<string, string[]>;
      originals: object[];
    };
    const out = at(`${name}.json`);
    const done = await limrProcess(
      'score',
      fixture,
      '--format',
      'limr',
      '--compat',
      'limr',
      '--steps-per-epoch',
      String(expected.steps_per_epoch),
      '--out',
      out,
    );
    expect(done.stderr).toMatch(/^adapter: .+$/m);
    expect(done).toMatchObject({ code: 0, stdout: '' });
    const rows = json(out) as { prompt: string; score: number | null; rewards: number[] }[];
    const scored = rows.filter(({ score }) => score !== null);
    expect(scored.length).toBe(Object.keys(expected.scores).length);
    for (const { prompt, score, rewards } of scored) {
      const want = expected.scores[prompt];
      expect(Math.abs(score! - want)).toBeLessThanOrEqual(1e-5 * Math.max(1, Math.abs(want)));
      expect(rewards).toEqual(expected.accuracy_after_fill[prompt]);
    }
    const prompts = put(`${name}-prompts.json`, JSON.stringify(expected.originals));
    for (const [threshold, ids] of Object.entries(expected.selected_ids_by_threshold)) {
      const subset = at('subset.json');
      await limr('select', out, '--threshold', threshold, '--prompts', prompts, '--out', subset);
      expect((json(subset) as { id: string }[]).map(({ id }) => id)).toEqual(ids);
    }
  });

  test('reads JSONL, reports what does not fit and keeps results off stderr', async () => {
    const pool = put(
      'pool.jsonl',
      '{"id":"1","prompt":"a"}\n{"id":"2","prompt":"b"}\n{"id":"3","prompt":"c"}\n',
    );
    const rows = [1, 2].flatMap((epoch) =>
      ['a', 'b', 'other'].flatMap((prompt, p) =>
        [0, 1].map((sample) => ({ prompt, epoch, reward: p + sample < epoch ? 1 : -0.5 })),
      ),
    );
    const file = put('rollouts.jsonl', rows.map((row) => JSON.stringify(row)).join('\n'));
    const done = await limrProcess('score', file, '--prompts', pool, '--json');
    expect(done.code).toBe(0);
    expect(done.stderr).toContain('4 rows left out: prompt not in the prompt file');
    expect(done.stderr).toContain('1 prompt never rolled out');
    const { summary, scores } = JSON.parse(done.stdout) as {
      summary: Record<string, unknown>;
      scores: { id: string; score: number | null; rewards: number[] }[];
    };
    expect(summary).toMatchObject({ prompts: 3, epochs: 2, rule: 'corrected', unmatchedRows: 4 });
    expect(scores.map(({ id, rewards }) => [id, rewards])).toEqual([
      ['1', [0.5, 1]],
      ['2', [0, 0.5]],
      ['3', [null, null]],
    ]);
    expect(scores[2].score).toBeNull();
    // Curve (1/4, 3/4): 1 - (1/16 + 1/16) / (9/16 + 1/16).
    expect(scores[0].score).toBeCloseTo(0.8, 6);
  });

  test('carries answer keys through, so that a subset can be trained on', async () => {
    const rows = [1, 2].flatMap((step) =>
      ['a', 'b'].map((input) => ({ input, output: 'r', gts: `${input}!`, score: step - 1, step })),
    );
    const dump = put('gts.jsonl', rows.map((row) => JSON.stringify(row)).join('\n'));
    const scores = at('gts-scores.json');
    expect((await limrProcess('score', dump, '--out', scores)).code).toBe(0);
    expect(json(scores)).toMatchObject([
      { prompt: 'a', answer: 'a!' },
      { prompt: 'b', answer: 'b!' },
    ]);
    const out = at('gts-verl.jsonl');
    const select = ['select', scores, '--threshold', '-9', '--out', out, '--export'];
    expect((await limr(...select, 'verl')).code).toBe(0);
    const written = readFileSync(out, 'utf8').trimEnd().split('\n');
    expect(written.map((line) => JSON.parse(line) as unknown)).toMatchObject([
      { reward_model: { ground_truth: 'a!' } },
      { reward_model: { ground_truth: 'b!' } },
    ]);
    const bare = put('no-answers.json', '[{"prompt":"a","score":1}]');
    const { code, stderr } = await limr('select', bare, '--out', out, '--export', 'verl');
    expect(code).toBe(2);
    expect(stderr).toMatch(
      /no-answers\.json row 1: verl needs an answer .*--prompts pool\.jsonl\n$/,
    );
  });

  test('scores its own score file again, as a matrix', async () => {
    const first = put(
      'matrix.json',
      '[{"prompt":"a","rewards":[0,1]},{"prompt":"b","rewards":[1,null]}]',
    );
    const done = await limrProcess('score', first, '--json');
    const { scores } = JSON.parse(done.stdout) as { scores: { score: number }[] };
    expect(scores.map(({ score }) => score)).toEqual([0, 0]);
  });
});

describe('limr doctor', () => {
  interface Host {
    readonly host: string;
    readonly adapters: readonly {
      readonly name: string;
      readonly kind: string;
      readonly selfTest: { readonly passed: boolean };
      readonly variants: Readonly<Record<string, FamilyChoice>>;
    }[];
  }
  let host: Host;
  beforeAll(async () => {
    vi.stubEnv('LIMR_CACHE', at('cache'));
    const { code, stdout } = await limrProcess('doctor', '--only', '--json');
    expect(code).toBe(0);
    [host] = (JSON.parse(stdout) as { hosts: Host[] }).hosts;
  });
  afterAll(() => void vi.unstubAllEnvs());

  test('names the adapter of this host and passes its self-test', () => {
    expect(host.host).toBe(`Node ${process.version.slice(1)}`);
    expect(host.adapters[0].name).not.toBe('');
    expect(host.adapters[0].selfTest.passed).toBe(true);
  });

  test('tells which variants plans take, and those measured on this adapter', async () => {
    const [{ name, variants }] = host.adapters;
    for (const { measured } of Object.values(variants)) expect(measured).toEqual({});
    const { preferred } = variants['matmul-forward'];
    const measured = { '64x64x64': 'plain', '64x64x128': 'plain' };
    const adapters = { [`node: ${name}`]: { 'matmul-forward': { preferred, measured } } };
    mkdirSync(at('cache'));
    put('cache/variants.json', JSON.stringify({ schema: 2, adapters }));
    const { stdout } = await limrProcess('doctor', '--only');
    expect(stdout).toMatch(
      new RegExp(`matmul-forward: measured here: plain at 2 shapes; ${preferred[0]}.* elsewhere`),
    );
    expect(stdout).toMatch(/attention-forward.*: (?!measured)/);
  });

  test('exits with 1 where there is no adapter of the kind asked for', async (context) => {
    const missing = host.adapters.some(({ kind }) => kind === 'gpu') ? 'software' : 'gpu';
    if (host.adapters.length > 1) context.skip('both kinds of adapter are here');
    const { code, stdout } = await limrProcess('doctor', '--only', '--adapter', missing);
    expect(code).toBe(1);
    expect(stdout).toContain('adapter was found');
    if (process.platform === 'linux') expect(stdout).toContain('mesa-vulkan-drivers');
  });
});
