import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, expect, test } from 'vitest';

const root = fileURLToPath(new URL('../..', import.meta.url));
const folder = mkdtempSync(join(tmpdir(), 'limr-compile-'));

afterAll(() => rmSync(folder, { recursive: true }));

const compile = (...args: readonly string[]) =>
  new Promise<{ code: number; lines: string[] }>((resolve) => {
    const command = ['--import', './scripts/ts-hooks.mjs', 'scripts/compile-kernels.ts', ...args];
    const child = execFile(process.execPath, command, { cwd: root }, (_error, _stdout, stderr) => {
      resolve({ code: child.exitCode ?? -1, lines: stderr.split('\n') });
    });
  });

/** Each pipeline as `NAME CONSTANTS`. */
const pipelines = (lines: readonly string[]): string[] =>
  lines.filter((line) => line.startsWith('#### ')).map((line) => line.slice(5));

test('scripts/compile-kernels.ts makes every pipeline of a preset', async () => {
  const { code, lines } = await compile('quick');
  expect(code).toBe(0);
  expect(lines.filter((line) => line.startsWith('FAILED'))).toEqual([]);
  const found = pipelines(lines);
  for (const line of found) expect(line).toMatch(/^[a-z][\w/-]* \{.*\}$/);
  const names = new Set(found.map((line) => line.split(' ')[0].split('/')[0]));
  // One of each part: rollout, update, critic, base, selection.
  for (const name of [
    'attention-decode',
    'sample-token',
    'matmul-forward',
    'matmul-backward-input',
    'matmul-backward-weight',
    'policy-loss',
    'value-loss',
    'nll-loss',
    'lim-score',
  ]) {
    expect([...names]).toContain(name);
  }
}, 120_000);

test('it takes a file, and makes other pipelines for it', async () => {
  const file = join(folder, 'config.json');
  writeFileSync(file, JSON.stringify({ preset: 'quick', ppo: { estimator: 'grpo' } }));
  const { code, lines } = await compile(file);
  expect(code).toBe(0);
  const names = pipelines(lines).map((line) => line.split(' ')[0]);
  expect(names).toContain('group-baseline');
  expect(names).not.toContain('value-loss');
}, 120_000);

test('it names what it is called with when that is neither', async () => {
  const { code, lines } = await compile('no-preset');
  expect(code).not.toBe(0);
  expect(lines.join('\n')).toContain('no-preset');
  expect((await compile()).code).toBe(2);
}, 60_000);
