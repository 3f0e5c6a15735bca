import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { limr } from '../support/command-line.ts';

const folder = mkdtempSync(join(tmpdir(), 'limr-select-'));
afterAll(() => rmSync(folder, { recursive: true }));

/** Right answers of 4 in three data epochs, stratum and key of each prompt. */
const rows = [
  [4, 4, 4, 'easy', false],
  [0, 2, 4, 'learnable', false],
  [1, 2, 3, 'learnable', false],
  [2, 2, 2, 'learnable', true],
  [0, 0, 0, 'hard', true],
  [0, 0, 1, 'hard', false],
] as const;
const means = [7 / 24, 10 / 24, 14 / 24];
const scoreOf = (right: readonly number[]): number => {
  const sum = (of: (k: number) => number) => of(0) + of(1) + of(2);
  return 1 - sum((k) => (right[k] / 4 - means[k]) ** 2) / sum((k) => (1 - means[k]) ** 2);
};
const plain = rows.map(([a, b, c], i) => ({
  id: i,
  prompt: `prompt ${i}`,
  score: scoreOf([a, b, c]),
  rewards: [a / 4, b / 4, c / 4],
}));
const samples = [4, 4, 4];

function file(name: string, list: readonly object[]): string {
  const path = join(folder, name);
  writeFileSync(path, JSON.stringify(list));
  return path;
}

const scores = file('scores.json', plain);
const counted = file(
  'counted.json',
  plain.map((row) => ({ ...row, samples })),
);
/** As a run on a made-up task writes them. */
const ofRun = file(
  'run.json',
  plain.map((row, i) => ({ ...row, origin: rows[i][3], wrongKey: rows[i][4] })),
);

async function selected(path: string, ...args: string[]): Promise<number[]> {
  const out = join(folder, 'out.json');
  const { code, stderr } = await limr('select', path, '--out', out, ...args);
  expect([code, stderr]).toEqual([0, expect.any(String)]);
  const kept = JSON.parse(readFileSync(out, 'utf8')) as { id: number }[];
  return kept.map(({ id }) => id);
}

describe('limr select', () => {
  test.each([
    // Variances 1/6 and 1/24 lead; 1/4, 5/24 and 1/12 of p (1 - p); mean accuracies 1/2 of 31/72.
    ['hvar', 2, [1, 2]],
    ['gvar', 2, [2, 3]],
    ['near', 3, [1, 2, 3]],
  ] as const)('%s takes the statistic of the curves', async (method, count, want) => {
    expect(await selected(scores, '--method', method, '--count', String(count))).toEqual(want);
  });

  test('lim-early knows the first epochs alone', async () => {
    const first = plain.map(({ rewards: [share] }) => -((share - means[0]) ** 2));
    const want = [...first.keys()].sort((a, b) => first[b] - first[a] || a - b).slice(0, 2);
    const got = await selected(scores, '--method', 'lim-early-1', '--count', '2');
    expect(got).toEqual(want.sort((a, b) => a - b));
  });

  test('lim-debiased takes the counts of the file, or of the option', async () => {
    const scale = means.reduce((sum, mean) => sum + (1 - mean) ** 2, 0);
    const debiased = rows.map(([a, b, c], i) => {
      const noise = [a, b, c].reduce<number>(
        (sum, right) => sum + (right * (4 - right)) / 16 / 3,
        0,
      );
      return plain[i].score + noise / scale;
    });
    const want = [...debiased.keys()].filter((i) => debiased[i] >= 0.8);
    expect(want).not.toEqual(plain.flatMap(({ score, id }) => (score >= 0.8 ? [id] : [])));
    const options = ['--method', 'lim-debiased', '--threshold', '0.8'];
    expect(await selected(counted, ...options)).toEqual(want);
    expect(await selected(scores, ...options, '--samples', '4')).toEqual(want);
  });

  test('controls read the keys in the scores of a run', async () => {
    expect(await selected(ofRun, '--method', 'clean', '--count', '4')).toEqual([0, 1, 2, 5]);
    expect(await selected(ofRun, '--method', 'oracle', '--count', '2')).toEqual([1, 2]);
    // LIM's two are learnable, the second with a wrong key, which no other learnable one has.
    expect(await selected(ofRun, '--count', '2')).toEqual([2, 3]);
    const ids = new Set<string>();
    for (const seed of ['1', '2', '3', '4', '5', '6']) {
      const strat = ['--method', 'strat', '--count', '2', '--seed', seed];
      ids.add((await selected(ofRun, ...strat)).join());
    }
    expect(ids).toEqual(new Set(['1,3', '2,3']));
    const lowest = plain.map(({ score }) => score).indexOf(Math.min(...plain.map((p) => p.score)));
    expect(await selected(ofRun, '--method', 'anti', '--count', '1')).toEqual([lowest]);
  });

  test('a subset file names the rows', async () => {
    const list = join(folder, 'list.json');
    writeFileSync(list, '[{"prompt": "prompt 4"}, {"id": 1}]');
    expect(await selected(scores, '--method', `file:${list}`)).toEqual([1, 4]);
    const out = join(folder, 'again.json');
    await limr('select', scores, '--method', 'hvar', '--count', '2', '--out', out);
    expect(await selected(ofRun, '--method', `file:${out}`)).toEqual([1, 2]);
  });

  const reward = file(
    'reward.json',
    plain.map((row) => ({ ...row, rewards: [-0.5, 1, 1] })),
  );
  const bare = file(
    'bare.json',
    plain.map(({ rewards: _rewards, ...row }) => row),
  );
  const single = file(
    'single.json',
    plain.map((row) => ({ ...row, rewards: [0, 1, 1], samples: [1, 4, 4] })),
  );
  test.each([
    [scores, 'lim-debiased', [], 'needs the number of samples behind each share'],
    [single, 'lim-debiased', [], 'needs the number of samples behind each share'],
    [scores, 'lim-debiased', ['--samples', '5'], 'no share of 5 answers'],
    [scores, 'lim-debiased', ['--samples', '1'], '--samples must be a whole number at least 2'],
    [counted, 'lim-debiased', ['--samples', '4'], 'has its own numbers of samples'],
    [reward, 'lim', ['--samples', '4'], 'the rewards are no shares of right answers'],
    [bare, 'lim', ['--samples', '4'], 'the file has no rewards'],
    [reward, 'hvar', [], 'needs the share of right answers in each epoch'],
    [bare, 'lim-early-2', [], 'needs the rewards of each epoch'],
    [scores, 'clean', [], 'needs to know which keys are wrong'],
    [scores, 'anti', [], 'needs to know which keys are wrong'],
    [scores, 'pass', [], 'needs answers of the base before training'],
    [scores, 'file:/nowhere.json', [], '/nowhere.json: no such file'],
    [scores, `file:${scores}`, ['--count', '2'], 'it takes no size'],
  ])('%s by %s %j is refused', async (path, method, args, message) => {
    const { code, stderr } = await limr('select', path, '--method', method, ...args);
    expect([code, stderr]).toEqual([2, expect.stringContaining(message)]);
    expect(stderr.trimEnd().split('\n')).toHaveLength(1);
  });

  test('lim-early is refused more epochs than there are', async () => {
    const short = file(
      'short.json',
      plain.map((row) => ({ ...row, rewards: row.rewards.slice(0, 2) })),
    );
    const { code, stderr } = await limr('select', short, '--method', 'lim-early-3', '--count', '1');
    expect([code, stderr]).toEqual([2, expect.stringContaining('this file has 2')]);
  });

  test.each([
    [{ samples: 4 }, 'samples must be an array of 3 counts'],
    [{ samples: [4, 4] }, 'samples must be an array of 3 counts'],
    [{ samples: [4, 4, 0] }, 'samples[2] is 0, and rewards[2] is 1'],
    [{ samples: [4, 4, -1] }, 'samples[2] must be a whole number'],
  ])('counts that cannot be are refused (%j)', async (over, message) => {
    const path = file('counts.json', [{ ...plain[0], ...over }]);
    const { code, stderr } = await limr('select', path, '--method', 'lim-debiased');
    expect([code, stderr]).toEqual([2, expect.stringContaining(message)]);
  });
});
