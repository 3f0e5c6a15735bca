import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, expect, test } from 'vitest';
import { openGpu } from '../../src/gpu/device.ts';
import { Experiment } from '../../src/scheduler/experiment.ts';
import { RunControl } from '../../src/scheduler/run-control.ts';
import { MemoryStore } from '../../src/scheduler/run-store.ts';
import { smallConfig } from '../support/ppo-rig.ts';

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
    'linear-score',
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

test('it makes those of adapters where a config has them, and none of pre-training', async () => {
  writeFileSync(join(folder, 'rows.json'), JSON.stringify([{ prompt: 'one', answer: '1' }]));
  const file = join(folder, 'adapters.json');
  const config = {
    model: { kind: 'folder', path: join(root, 'test/fixtures/models/qwen2-tied') },
    task: {
      name: 'dataset',
      prompts: 'rows.json',
      template: 'none',
      maxPromptTokens: 8,
      maxResponseTokens: 8,
    },
    rollout: { prompts: 1 },
    ppo: { minibatches: 1 },
  };
  writeFileSync(file, JSON.stringify(config));
  const { code, lines } = await compile(file);
  expect(code).toBe(0);
  const names = pipelines(lines).map((line) => line.split(' ')[0]);
  for (const name of [
    'low-rank-forward',
    'low-rank-backward-input',
    'low-rank-backward-weight',
    'group-baseline',
  ]) {
    expect(names).toContain(name);
  }
  expect(names).not.toContain('nll-loss');
}, 120_000);

test('it makes what a run asks for, and nothing else', async () => {
  const config = smallConfig({ experiment: { methods: ['full', 'lim', 'rand', 'linear'] } });
  const file = join(folder, 'small.json');
  writeFileSync(file, JSON.stringify({ ...config, preset: 'quick' }));
  const { code, lines } = await compile(file);
  expect(code).toBe(0);
  const gpu = await openGpu({ limits: 'max' });
  try {
    const flags = (promptOf: Uint32Array) => Uint8Array.from(promptOf, (_, i) => Number(i % 3 < 1));
    const experiment = await Experiment.open(
      {
        gpu,
        hostName: 'test',
        store: new MemoryStore(),
        verify: ({ promptOf }) =>
          Promise.resolve({
            rewards: Float32Array.from(flags(promptOf)),
            correct: flags(promptOf),
            formatted: flags(promptOf),
            extracted: Array.from(promptOf, () => null),
            failures: [],
          }),
        shippedBase: () => Promise.resolve(undefined),
        emit: () => undefined,
      },
      config,
      [1],
    );
    expect(await experiment.run(new RunControl())).toBeDefined();
    const asked = gpu.pipelines.dispatches.map(
      ({ kernel, constants }) => `${kernel.name} ${JSON.stringify(constants)}`,
    );
    expect(pipelines(lines).sort()).toEqual(asked.sort());
  } finally {
    await gpu.close();
  }
}, 300_000);

test('it takes several, and a size of the benchmarks: what they share is made once', async () => {
  const { code, lines } = await compile('100m', '10m');
  expect(code).toBe(0);
  const found = pipelines(lines);
  expect(found.filter((line) => line.startsWith('attention-forward'))).toHaveLength(1);
  // Both have heads of 64.
  expect(lines.join('\n')).toMatch(/#### attention-forward.*\n## .*const HEAD_DIM: u32 = 64;/);
}, 120_000);

test('it names what it is called with when that is neither', async () => {
  const { code, lines } = await compile('no-preset');
  expect(code).toBe(2);
  expect(lines.join('\n')).toContain('no-preset');
  expect((await compile()).code).toBe(2);
}, 60_000);
