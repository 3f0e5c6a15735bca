import { afterEach, describe, expect, test } from 'vitest';
import { tuneKernels } from '../../src/bench/kernels.ts';
import { type BenchRecord, type SuiteName, suiteNames } from '../../src/bench/record.ts';
import { runBench } from '../../src/bench/run.ts';
import { readTuned, writeTuned } from '../../src/cli/tuned.ts';
import { useSystem } from '../../src/cli/system.ts';
import { hostName } from '../../src/host-name.ts';
import { choicesOf, readChoices, tuningKey } from '../../src/variants/choices.ts';
import { inNodeAlone, onceElsewhere } from '../support/host.ts';
import { openTestGpu } from '../support/gpu.ts';
import { MemorySystem } from '../support/memory-system.ts';

describe('the benchmarks', () => {
  const bench = async (suite: SuiteName) => {
    const gpu = await openTestGpu();
    const seen: BenchRecord[] = [];
    const result = await runBench(gpu, [suite], {
      repeats: 2,
      tiny: true,
      host: 'test',
      report: (record) => void seen.push(record),
    });
    expect(result).toMatchObject({ schema: 1, adapter: gpu.name, host: 'test' });
    expect(result.roofs.matmulGigaflops).toBeGreaterThan(0);
    expect(result.roofs.copyGigabytes).toBeGreaterThan(0);
    expect(result.records).toEqual(seen);
    expect(JSON.parse(JSON.stringify(result))).toEqual(result);
    return seen;
  };

  test.for(suiteNames)('run at toy shapes: %s', async (suite, { skip }) => {
    onceElsewhere(skip, suite === 'ppo' || suite === 'roof');
    const records = await bench(suite);
    expect(records.length).toBeGreaterThan(0);
    for (const record of records) {
      const { medianMs, spreadMs, tokensPerSecond, flops, bytes, roof } = record;
      expect(record.suite).toBe(suite);
      expect(record.runs).toBe(2);
      expect(medianMs).toBeGreaterThan(0);
      expect(spreadMs[0]).toBeLessThanOrEqual(medianMs);
      expect(spreadMs[1]).toBeGreaterThanOrEqual(medianMs);
      if (suite !== 'roof') {
        expect(flops).toBeGreaterThan(0);
        expect(bytes).toBeGreaterThan(0);
        expect(roof?.share).toBeGreaterThan(0);
      }
      if (['lim', 'kernels', 'roof'].includes(suite)) expect(tokensPerSecond).toBeNull();
      else expect(tokensPerSecond).toBeGreaterThan(0);
    }
    const [first] = records;
    if (suite === 'roof') {
      expect(records.map(({ name }) => name.replace(/, \w+$/, ''))).toEqual([
        'matmul',
        'copy kernel',
        'buffer copy',
        'dispatch',
        'submit of one dispatch',
        'readback',
        'pipeline, made and first run',
      ]);
    }
    if (suite === 'train') {
      // 16 rows through qkv and o, the MLP and the head, forward and twice back.
      const weights = 4 * 16 * 16 + 3 * 16 * 24 + 16 * 32;
      // The norm and AdamW take 17 for each number of the store, where three norms fill 64 each.
      expect(first.flops).toBe(3 * 2 * 16 * weights + 17 * (weights + 3 * 64));
    }
    if (suite === 'lim') {
      expect(first).toMatchObject({ shapes: { prompts: 100, epochs: 3 }, bytes: 16 * 300 + 400 });
    }
    if (suite === 'ppo') {
      expect(Object.keys(first.parts ?? {})).toEqual(['rollout', 'verify', 'update']);
    }
  });
});

describe('a model of a size', () => {
  test.for([
    ['train', ['training step, 1m', 'training step, 1m, f16 weights'], 64],
    ['rollout', ['generation, 1m, batch 1'], 64],
    ['ppo', ['PPO iteration, 1m'], 8 * 48],
  ] as const)('is measured by its own batch: %s', async ([suite, names, tokens], { skip }) => {
    const gpu = await openTestGpu();
    // A PPO iteration of this size takes the other software adapters half a minute.
    if (suite === 'ppo' && !hostName().startsWith('node')) return skip('measured in Node alone');
    const { records } = await runBench(gpu, [suite, 'kernels'], {
      repeats: 1,
      tiny: true,
      host: 'test',
      report: () => undefined,
      sized: { size: '1m', batch: 1 },
    });
    expect(records.map(({ name }) => name)).toEqual(names);
    for (const { tokensPerSecond, medianMs } of records) {
      expect(((tokensPerSecond ?? NaN) * medianMs) / 1000).toBeCloseTo(tokens, 6);
    }
  });
});

describe('the tuning cache', () => {
  afterEach(() => useSystem(undefined));

  const systemWith = (environment: Readonly<Record<string, string>>): MemorySystem => {
    const memory = new MemorySystem([]);
    useSystem(Object.assign(memory, { environment: (name: string) => environment[name] }));
    return memory;
  };

  test('keeps what was measured, beside what it held of other adapters', async ({ skip }) => {
    inNodeAlone(skip);
    const gpu = await openTestGpu();
    const before = gpu.choices;
    const memory = systemWith({ LIMR_CACHE: '/cache', XDG_CACHE_HOME: '/xdg', HOME: '/home' });
    try {
      expect(await readTuned()).toEqual({});
      // As it was kept before there were families.
      const first = { preferred: 'quad', measured: { 'forward 8x4x4': 'plain' } };
      const text = JSON.stringify({ schema: 1, adapters: { 'node: other': first } });
      memory.files.set('/cache/matmul.json', new TextEncoder().encode(text));
      const other = readChoices(first)!;
      expect(other['matmul-forward']).toEqual({
        preferred: ['quad'],
        measured: { '8x4x4': 'plain' },
      });
      expect(await readTuned()).toEqual({ 'node: other': other });
      const choices = await tuneKernels(gpu, { tiny: true, repeats: 1 });
      const measured = Object.entries(choices).flatMap(([family, choice]) =>
        Object.keys(choice.measured).map((key) => `${family} ${key}`),
      );
      expect(measured).toEqual([
        'matmul-forward 8x4x4',
        'matmul-forward 8x4x4 f16',
        'matmul-backward-input 8x4x4',
        'matmul-backward-input 8x4x4 f16',
        'matmul-backward-weight 8x4x4',
      ]);
      expect(await writeTuned(gpu, choices)).toBe('/cache/variants.json');
      expect(await readTuned()).toEqual({
        'node: other': other,
        [tuningKey(gpu, hostName())]: choices,
      });
      expect(memory.err).toBe('');
    } finally {
      gpu.choices = before;
    }
  });

  test.each([
    [{ XDG_CACHE_HOME: '/xdg', HOME: '/home' }, '/xdg/limr-lab/variants.json'],
    [{ HOME: '/home' }, '/home/.cache/limr-lab/variants.json'],
  ])('lies where %j says', async (environment, path) => {
    systemWith(environment);
    const gpu = await openTestGpu();
    expect(await writeTuned(gpu, choicesOf(gpu))).toBe(path);
  });

  test('needs a home', async () => {
    systemWith({});
    const gpu = await openTestGpu();
    expect(await readTuned()).toEqual({});
    await expect(writeTuned(gpu, choicesOf(gpu))).rejects.toThrow('LIMR_CACHE names no folder');
  });

  test.each([
    ['matmul.json', '{', 'JSON'],
    ['matmul.json', 'null', 'it is not of schema 1'],
    ['matmul.json', '{"schema": 2, "adapters": {}}', 'it is not of schema 1'],
    ['variants.json', '{"schema": 1, "adapters": {}}', 'it is not of schema 2'],
    [
      'matmul.json',
      '{"schema": 1, "adapters": {"a": 3}}',
      "the entry of 'a' names no known variants",
    ],
    [
      'variants.json',
      '{"schema": 2, "adapters": {"a": 3}}',
      "the entry of 'a' names no known variants",
    ],
  ])('is reported and not used when %s holds %s', async (file, text, reason) => {
    const memory = systemWith({ LIMR_CACHE: '/cache' });
    memory.files.set(`/cache/${file}`, new TextEncoder().encode(text));
    expect(await readTuned()).toEqual({});
    expect(memory.err).toContain(`/cache/${file} are not used: `);
    expect(memory.err).toContain(reason);
    expect(memory.err.trimEnd().split('\n')).toHaveLength(1);
  });
});
