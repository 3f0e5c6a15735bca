import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { limr } from '../support/command-line.ts';
import { fourCells } from '../support/sweep-grid.ts';

const folder = mkdtempSync(join(tmpdir(), 'limr-sweep-command-'));
afterAll(() => {
  rmSync(folder, { recursive: true });
});
const at = (name: string, content?: unknown): string => {
  const path = join(folder, name);
  if (content !== undefined) writeFileSync(path, JSON.stringify(content));
  return path;
};
const grid = at('grid.json', fourCells);
const plan = {
  schema: 1,
  title: 'a title',
  alpha: 0.05,
  equivalence: 0.02,
  seeds: [1, 2],
  contrasts: [{ name: 'P1', one: 'lim', other: 'rand', where: {}, at: { update: 2 } }],
};

test.each([
  [['--shard', '0/2'], "--shard must be I/N with I from 1 to N, such as 2/4, got '0/2'"],
  [['--shard', '3/2'], "got '3/2'"],
  [['--shard', '1'], "got '1'"],
  [['--shard', '1/2/3'], "got '1/2/3'"],
  [['--workers', '0'], '--workers'],
  [['--workers', '1.5'], '--workers'],
  [['--seconds', '0'], '--seconds'],
  [['--seconds', '9e9'], '--seconds'],
  [['--methods', 'lim,best'], 'methods.1'],
  [['--preregistration', at('none.json')], 'none.json'],
  [['--preregistration', at('late.json', { ...plan, stopEarly: true })], 'stopEarly'],
  [['--preregistration', at('wrong.json', { ...plan, seeds: [1] })], 'seeds'],
])('limr sweep %j is refused in one line, before a folder is made', async (argv, why) => {
  const { code, stderr } = await limr('sweep', grid, '--out', at('out'), ...argv);
  expect(code).toBe(2);
  expect(stderr).toContain(why);
  expect(stderr.trimEnd().split('\n')).toHaveLength(1);
  expect(existsSync(at('out'))).toBe(false);
});

test('a sweep needs a grid and a folder', async () => {
  expect(await limr('sweep', '--out', at('out'))).toMatchObject({ code: 2 });
  expect(await limr('sweep', grid)).toMatchObject({
    code: 2,
    stderr: expect.stringContaining('--out DIR') as string,
  });
});
