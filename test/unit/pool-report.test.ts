import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { courseOf } from '../../src/report/course.ts';
import { poolReport } from '../../src/report/pool-page.ts';
import { limr } from '../support/command-line.ts';
import { folderOf } from '../support/rollout-import.ts';

/** Right answers of four, in three data epochs. */
const right: Readonly<Record<string, readonly number[]>> = {
  solved: [4, 4, 4],
  unsolved: [0, 0, 0],
  still: [2, 2, 2],
  rising: [1, 2, 4],
  late: [0, 1, 3],
};
const rows = [0, 1, 2].flatMap((step) =>
  Object.entries(right).flatMap(([id, counts]) =>
    [0, 1, 2, 3].map((sample) => ({
      id,
      prompt: `<script>${id}</script>`,
      response: 'x',
      reward: sample < (counts[step] ?? 0) ? 1 : -0.5,
      step,
    })),
  ),
);
const root = folderOf({ 'dump/step_0.jsonl': [] });
const folder = join(root, 'dump');
mkdirSync(folder, { recursive: true });
for (const step of [0, 1, 2]) {
  const own = rows.filter((row) => row.step === step);
  writeFileSync(
    join(folder, `step_${step}.jsonl`),
    own.map((row) => JSON.stringify(row)).join('\n'),
  );
}

const report = async (...args: string[]) => {
  const out = join(root, 'report.html');
  const done = await limr('report', ...args, '--out', out);
  return { ...done, page: done.code === 0 ? readFileSync(out, 'utf8') : '' };
};
/** The cells of the row that a name begins. */
const cells = (page: string, name: string): string[] => {
  const row = new RegExp(`<th scope="row">${name}</th>(.*?)</tr>`, 's').exec(page)?.[1] ?? '';
  return [...row.matchAll(/<td>(.*?)<\/td>/gs)].map(([, text = '']) => text);
};

describe('limr report of rollouts', () => {
  test('tells who moved, what each method keeps and what that saves', async () => {
    const { code, page, stderr } = await report(folder, '--theta', '0.5');
    expect([code, stderr]).toEqual([0, expect.stringContaining('report of rollouts')]);
    expect(page).toContain('60 answers in 15 groups');
    // 7 of 20 answers in the first data epoch are right, 13 in the last.
    expect(page).toContain(
      '35 % of the answers were right in the first data epoch, 65 % in the last',
    );
    // 3 + 3 of the groups that never changed, one of rising's and one of late's.
    expect(page).toContain('In 53.3 % of the groups all answers were right, or all were wrong');
    expect(cells(page, 'always solved').slice(0, 3)).toEqual(['1', '20 %', '20 %']);
    expect(cells(page, 'never solved').slice(0, 3)).toEqual(['1', '20 %', '20 %']);
    expect(cells(page, 'never moved').slice(0, 3)).toEqual(['1', '20 %', '20 %']);
    expect(cells(page, 'moved').slice(0, 3)).toEqual(['2', '40 %', '40 %']);
    // m = 0.35, 0.45, 0.65: rising and late follow it, and so does what stays at one half.
    expect(cells(page, 'LIM').slice(0, 2)).toEqual(['3', '40 %']);
    expect(cells(page, 'all prompts').slice(0, 4)).toEqual(['5', '0 %', '0.350', '0.650']);
    expect(page).toContain('LIM would keep 3 of 5 prompts');
    expect(page).not.toContain('<script');
    expect(page).not.toContain(root);
  });

  test('a score file gives the page that its rollouts give, and the same bytes twice', async () => {
    const first = await report(folder);
    const again = await report(folder);
    expect(again.page).toBe(first.page);
    const scores = Object.entries(right).map(([id, counts]) => ({
      id,
      prompt: `<script>${id}</script>`,
      score: 0.5,
      rewards: counts.map((count) => count / 4),
      samples: [4, 4, 4],
    }));
    writeFileSync(join(root, 'scores.json'), JSON.stringify(scores));
    const { page } = await report(join(root, 'scores.json'));
    for (const name of ['always solved', 'never solved', 'never moved', 'moved']) {
      expect(cells(page, name).slice(0, 3)).toEqual(cells(first.page, name).slice(0, 3));
    }
    expect(page).toContain('60 answers in 15 groups');
  });

  test.each([
    ['a file that is neither', 'other.jsonl', [{ a: 1 }], 'no known rollout format'],
    ['scores without rewards', 'bare.jsonl', [{ prompt: 'p', score: 1 }], 'scores without rewards'],
  ])('refuses %s', async (_, name, content, message) => {
    writeFileSync(join(root, name), content.map((row) => JSON.stringify(row)).join('\n'));
    const { code, stderr } = await report(join(root, name));
    expect([code, stderr]).toEqual([2, expect.stringContaining(message)]);
  });

  test('ten thousand prompts make a page of bounded size', () => {
    const epochs = 21;
    const prompts = Array.from({ length: 10_000 }, (_, id) => ({
      prompt: `problem ${id} ${'x'.repeat(400)}`,
      id,
      score: ((id * 7919) % 10_000) / 10_000,
      rewards: Array.from({ length: epochs }, (__, k) => ((id * 31 + k * 17) % 9) / 8),
    }));
    const page = poolReport({
      name: 'large',
      prompts,
      lim: {
        signal: 'accuracy',
        compat: 'corrected',
        theta: 0.6,
        kept: 4000,
        meanCurve: Array.from({ length: epochs }, () => 0.5),
        neverSolved: 0,
        alwaysSolved: 0,
        warning: '',
      },
      choices: [{ method: 'lim', kept: prompts.slice(0, 4000).map(({ id }) => id), rule: 'r' }],
      samples: undefined,
      reading: [],
      bound: 'b',
    });
    expect(page.length).toBeLessThan(1_000_000);
    expect(cells(page, 'LIM')[0]).toBe('4,000');
  });

  test('gaps are no movement, and rewards have no ends', () => {
    const prompt = { prompt: 'p', id: 0, score: null };
    expect(courseOf({ ...prompt, rewards: [null, 1, 1] }, 'accuracy')).toBe('solved');
    expect(courseOf({ ...prompt, rewards: [1, null, 1] }, 'reward')).toBe('still');
    expect(courseOf({ ...prompt, rewards: [null, null] }, 'accuracy')).toBe('unseen');
  });
});
