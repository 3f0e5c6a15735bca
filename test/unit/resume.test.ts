import { describe, expect, test } from 'vitest';
import { configFrom } from '../../src/config.ts';
import { digestOf } from '../../src/formats/digest.ts';
import type { FoundCheckpoint } from '../../src/scheduler/checkpoint.ts';
import { SeedCompletions } from '../../src/scheduler/completion-log.ts';
import { readResumeState } from '../../src/scheduler/resume.ts';
import { RunArchive } from '../../src/scheduler/run-archive.ts';
import { MemoryStore } from '../../src/scheduler/run-store.ts';
import { openTask } from '../../src/tasks/registry.ts';
import { tiny } from '../e2e/tiny.ts';

const experiment = { ...tiny.experiment, methods: ['full', 'lim'] };
const config = configFrom('quick', { ...tiny, experiment }, 'test');
const { epochs } = config.experiment;
const prompts = config.rollout.prompts * 4;
const task = await openTask(config.task);
const run = { config, seeds: [1], task, rows: {} };

/** A line of a log after so many updates. */
const line = (type: string, after: number, rest: object): string =>
  JSON.stringify({ type, after, ...rest });
const update = (number: number): string =>
  JSON.stringify({ seed: 1, method: 'full', update: number, epoch: 0, metrics: {} });

const evaluated = { samples: 0, mean: 0.5, tiers: { T1: 0.5 } };
const lines = [
  line('started', 0, { adapter: 'llvmpipe', host: 'node', totalUpdates: 24 }),
  line('phase', 0, { seed: 1, phase: 'base', text: 'The base model' }),
  line('evaluation', 0, { method: 'base', seed: 1, update: 0, ...evaluated, shipped: true }),
  line('pool', 0, { seed: 1 }),
  line('phase', 0, { seed: 1, phase: 'full', text: 'PPO' }),
  line('column', 4, { seed: 1, epoch: 0 }),
  line('evaluation', 4, { method: 'full', seed: 1, update: 4, ...evaluated }),
];

const textOf = (of: readonly string[]): string => of.map((one) => `${one}\n`).join('');
const markOf = (text: string) => ({
  bytes: new TextEncoder().encode(text).length,
  sha256: digestOf(new TextEncoder().encode(text)),
});

/** Goes on from a checkpoint after 5 updates of FULL whose log is `log`. */
async function goOn(log: readonly string[], records = [1, 2, 3, 4, 5].map(update)) {
  const store = new MemoryStore();
  const files = new Map([
    ['events.jsonl', textOf(log)],
    ['metrics.jsonl', textOf(records)],
  ]);
  for (const [path, text] of files) await store.write(path, text);
  const one = Float32Array.of(1);
  const network = { parameters: new Map([['w', one]]), optimizer: { updates: 5, moments: [] } };
  const sums = new Float32Array(prompts * epochs).fill(4);
  const found: FoundCheckpoint = {
    configHash: '',
    seeds: [1],
    adapter: 'llvmpipe',
    host: 'node',
    progress: { pretrained: 0, updates: 5, seconds: 1 },
    base: network.parameters,
    pretraining: null,
    ppo: { actor: network, critic: null },
    matrix: {
      accuracySums: sums,
      rewardSums: sums,
      samples: new Uint32Array(prompts * epochs).fill(8),
    },
    file: 'checkpoints/seed-0-full-5.safetensors',
    files: new Map([...files].map(([path, text]) => [path, markOf(text)])),
    layout: 3,
  };
  return readResumeState(new RunArchive(store, new SeedCompletions(config, 1)), run, found, true);
}

const selection = {
  prompts,
  byOrigin: { easy: 0, learnable: 0, hard: 0 },
  wrongKeys: 0,
};
const scored = (rest: object, selections: object = {}): string =>
  line('scores', 5, {
    seed: 1,
    files: {},
    summary: { seed: 1, lim: null, pool: selection, selections, scoreQuantiles: [] },
    ...rest,
  });

describe('a run that goes on', () => {
  test('stands where its log says, and shows what went before', async () => {
    const { progress, events } = await goOn(lines);
    expect(progress).toMatchObject({ seedIndex: 0, methodIndex: 0, iteration: 5, updates: 5 });
    expect(progress.base).toEqual({ mean: 0.5, tiers: { T1: 0.5 }, shipped: true });
    expect(events.map(({ type }) => type)).toEqual([
      ...['phase', 'evaluation', 'pool', 'phase'],
      ...['update', 'update', 'update', 'update', 'column', 'evaluation', 'update'],
    ]);
    const column = events.find((event) => event.type === 'column');
    expect([...column!.accuracy]).toEqual(Array<number>(prompts).fill(0.5));
  });

  // All of them with a digest that is right: whoever wrote the log wrote that too.
  test.each([
    ['no JSON', ['{"type":'], /^events\.jsonl line 8: .+ \(damaged\)$/],
    ['nothing', [''], /^events\.jsonl line 8: /],
    ['an unknown event', [line('quit', 5, {})], /^events\.jsonl line 8: type/],
    ['a number for a text', [line('warning', 5, { text: 7 })], /line 8: text/],
    ['an update of later', [line('pool', 6, { seed: 1 })], /line 8: an event after update 6 of 5/],
    ['an update of before', [line('pool', 3, { seed: 1 })], /line 8: an event after update 3 of 5/],
    ['a seed of another run', [line('pool', 5, { seed: 2 })], /line 8: seed 2 is none of 1/],
    ['an epoch past the last', [line('column', 5, { seed: 1, epoch: 2 ** 52 })], /data epoch/],
    [
      'a phase of a method that is not trained',
      [line('phase', 5, { seed: 1, phase: 'linear', text: '' })],
      /linear is none of full/,
    ],
    [
      'a second method before FULL is done',
      [line('phase', 4, { seed: 1, phase: 'lim', text: '' })],
      /events\.jsonl.+(update 5 of full, seed 1, was not due|after update 4 of 5)/,
    ],
    ['scores whose files are gone', [scored({})], /^rewards\.safetensors is missing/],
    ['selections of nobody', [scored({}, { '../x': selection })], /line 8: summary\.selections/],
    ['a mark that is none', [scored({ files: { 'scores.json': 3 } })], /line 8: files/],
  ])('refuses a log that ends with %s', async (_, end, why) => {
    const going = goOn([...lines, ...end]);
    await expect(going).rejects.toMatchObject({ name: 'DamageError' });
    await expect(going).rejects.toThrow(why);
  });

  test('refuses a log without the updates of its checkpoint', async () => {
    await expect(goOn(lines, [1, 2, 3, 4].map(update))).rejects.toThrow(
      /metrics\.jsonl is damaged: 4 updates, .+full-5\.safetensors has 5/,
    );
    await expect(goOn(lines, [1, 2, 3, 4, 6].map(update))).rejects.toMatchObject({
      name: 'DamageError',
      message: 'events.jsonl is damaged: update 6 of full, seed 1, was not due',
    });
  });
});
