import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import modelConfig from '../fixtures/models/qwen2-tied/config.json';
import modelUri from '../fixtures/models/qwen2-tied/model.safetensors?inline';
import tokenizer from '../fixtures/models/qwen2-tied/tokenizer.json';
import { main } from '../../src/cli/main.ts';
import { useSystem } from '../../src/cli/system.ts';
import { Gpu } from '../../src/gpu/device.ts';
import { inNodeAlone } from '../support/host.ts';
import { MemorySystem } from '../support/memory-system.ts';
import { assetBytes } from '../support/model-fixture.ts';

// Each device compiles its kernels anew.
vi.setConfig({ testTimeout: 240_000 });
beforeEach(({ skip }) => {
  // healing.test.ts loses devices on every host.
  inNodeAlone(skip);
});
afterEach(() => {
  useSystem(undefined);
  vi.restoreAllMocks();
});

const encode = (text: string) => new TextEncoder().encode(text);
const config = {
  base: { updates: 50, sequencesPerUpdate: 8 },
  model: { hiddenSize: 16, intermediateSize: 16, layers: 1, heads: 2, kvHeads: 1, headDim: 8 },
};
const rows = Array.from({ length: 12 }, (_, i) => ({
  prompt: `${i}+${i % 3}=`,
  response: String(i + (i % 3)),
}));
const files = [
  ['c.json', encode(JSON.stringify(config))],
  ['d.jsonl', encode(rows.map((row) => JSON.stringify(row)).join('\n'))],
  ['m/config.json', encode(JSON.stringify(modelConfig))],
  ['m/model.safetensors', await assetBytes(modelUri)],
  ['m/tokenizer.json', encode(JSON.stringify(tokenizer))],
] as const;

interface Disturbance {
  /** The line of progress after which 301 seconds pass at once. */
  readonly pause?: string;
  /** Lines of progress after each of which the device is destroyed. */
  readonly losses?: readonly string[];
}

/** Runs a command that trains; the files that it leaves are in `system`. */
async function train(argv: readonly string[], { pause, losses = [] }: Disturbance = {}) {
  const system = new MemorySystem(files);
  const tell = system.stderr.bind(system);
  const left = [...losses];
  let due = false;
  let skipped = 0;
  const now = performance.now.bind(performance);
  vi.spyOn(performance, 'now').mockImplementation(() => now() + skipped);
  system.stderr = (text) => {
    if (pause !== undefined && text.includes(pause)) skipped = 301_000;
    if (left[0] !== undefined && text.includes(left[0])) {
      left.shift();
      due = true;
    }
    return tell(text);
  };
  const run = Reflect.get(Gpu.prototype, 'run');
  vi.spyOn(Gpu.prototype, 'run').mockImplementation(function (this: Gpu, plan) {
    if (due) this.device.destroy();
    due = false;
    return Reflect.apply(run, this, [plan]);
  });
  const close = vi.spyOn(Gpu.prototype, 'close');
  useSystem(system);
  const code = await main([...argv, '--out', 'o']);
  const devices = close.mock.calls.length;
  vi.restoreAllMocks();
  expect(left).toEqual([]);
  expect([code, system.err]).toEqual([0, expect.stringContaining(': o')]);
  return { system, devices };
}

const output = ({ files: all }: MemorySystem) =>
  new Map([...all].filter(([name]) => name.startsWith('o')));

/** Warnings, and what else was said of where the training stands. */
const news = (system: MemorySystem): string[] =>
  system.err
    .split('\n')
    .filter((line) => /^(?:warning|going on|beginning)/.test(line))
    .map((line) => line.replace(/device lost: .*?; opening/, 'device lost; opening'));

const reopened = (seconds: number, attempt: number): string =>
  `warning: device lost; opening a device again in ${seconds} s (${attempt} of 5 within an hour)`;

describe.each([
  ['limr base', ['base', 'c.json'], 'update 21/50', 21, 'update 41/50'],
  [
    'limr sft',
    ['sft', 'c.json', '--data', 'd.jsonl', '--batch', '4', '--epochs', '2'],
    'epoch 1, update 2/3',
    2,
    'epoch 2, update 1/3',
  ],
  [
    'limr sft --train lora',
    ['sft', 'm', '--train', 'lora', '--data', 'd.jsonl', '--batch', '4', '--epochs', '2'],
    'epoch 1, update 2/3',
    2,
    'epoch 2, update 1/3',
  ],
])('%s', (_, argv, early, kept, late) => {
  test('whose device is lost comes to the same bytes, from the last copy', async () => {
    const whole = await train(argv);
    expect(whole.devices).toBe(1);
    expect(news(whole.system)).toEqual([]);
    const healed = await train(argv, { pause: early, losses: [late] });
    expect(healed.devices).toBe(2);
    expect(news(healed.system)).toEqual([reopened(1, 1), `going on after update ${kept}`]);
    expect(output(healed.system)).toEqual(output(whole.system));
    // Before any copy: everything is done again.
    const again = await train(argv, { losses: [early] });
    expect(again.devices).toBe(2);
    expect(news(again.system)).toEqual([reopened(1, 1), 'beginning again: no copy was made yet']);
    expect(output(again.system)).toEqual(output(whole.system));
  });
});
