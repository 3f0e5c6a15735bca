import { describe, expect, test } from 'vitest';
import { matmulForward } from '../../kernels/matmul-forward.ts';
import type { VariantChoices } from '../../kernels/lib/variants.ts';
import { tinyConfig } from '../../src/bench/tiny.ts';
import { configFrom } from '../../src/config.ts';
import { digestOf } from '../../src/formats/digest.ts';
import { type Gpu, openGpu } from '../../src/gpu/device.ts';
import { initialParameters } from '../../src/model/parameters.ts';
import { modelConfigOf } from '../../src/scheduler/base.ts';
import { Experiment } from '../../src/scheduler/experiment.ts';
import { RunControl } from '../../src/scheduler/run-control.ts';
import { MemoryStore } from '../../src/scheduler/run-store.ts';
import { taskShapeOf } from '../../src/tasks/registry.ts';
import {
  choicesOf,
  defaultChoices,
  readChoices,
  tuningKey,
  unrunnable,
  useTuned,
} from '../../src/variants/choices.ts';
import { families } from '../../src/variants/families.ts';
import { plantFault } from '../support/faults.ts';
import { openTestGpu, seeded, tensorOf } from '../support/gpu.ts';
import { firstToken } from '../support/ppo-rig.ts';
import { kernelsOf } from '../support/variants.ts';

const gpu = await openTestGpu();
const defaults = choicesOf(gpu);
const onlyPlain = { preferred: ['plain'], measured: {} };
const plain: VariantChoices = Object.fromEntries(families.map(({ name }) => [name, onlyPlain]));

/** Two updates on the pool. */
const config = configFrom(
  'quick',
  {
    ...tinyConfig,
    task: { ...tinyConfig.task, poolPrompts: 8 },
    evaluation: { prompts: 2, samples: 0 },
    lim: { theta: -1e6 },
    experiment: {
      epochs: 1,
      methods: ['full'],
      armLength: 2,
      readouts: [2],
      tableReadout: 2,
      checkpointEvery: 1,
    },
  },
  'test',
);

/** Runs or resumes, with these choices on the device, and stops after some updates. */
async function runWith(
  choices: VariantChoices,
  store: MemoryStore,
  stopAfter = Infinity,
  device: Gpu = gpu,
) {
  device.choices = choices;
  const control = new RunControl();
  let updates = 0;
  const task = taskShapeOf(config.task)!;
  const warnings: string[] = [];
  const experiment = await Experiment.open(
    {
      gpu: device,
      hostName: 'test',
      store,
      verify: ({ promptOf, responses }) =>
        Promise.resolve({
          rewards: Float32Array.from(promptOf, (_, i) => [1, -0.5][firstToken(responses[i]) % 2]),
          correct: Uint8Array.from(promptOf, (_, i) => Number(firstToken(responses[i]) % 2 === 0)),
          formatted: new Uint8Array(promptOf.length).fill(1),
          extracted: Array.from(promptOf, () => null),
          failures: [],
        }),
      shippedBase: () => Promise.resolve(initialParameters(modelConfigOf(config, task), 1, 0.5)),
      emit: (event) => {
        if (event.type === 'warning') warnings.push(event.text);
        if (event.type === 'update' && ++updates === stopAfter) control.stop();
      },
    },
    config,
    [1],
    { resume: true },
  );
  const results = await experiment.run(control);
  const weights = [...(await experiment.weights())].map(
    ([name, data]) => `${name}: ${data.join()}`,
  );
  return { results, weights, warnings };
}

/** Rewrites what the newest checkpoint says of its kernels. */
function record(store: MemoryStore, from: string, to: string): void {
  const digests = new Map<string, string>();
  for (const [name, bytes] of store.files) {
    if (!/^checkpoints\/.*\.safetensors$/.test(name)) continue;
    const text = Array.from(bytes, (byte) => String.fromCharCode(byte)).join('');
    expect(text).toContain(from);
    expect(to.length).toBe(from.length);
    const changed = Uint8Array.from(text.replace(from, to), (character) => character.charCodeAt(0));
    store.files.set(name, changed);
    digests.set(name, digestOf(changed));
  }
  // Written by somebody, not damaged: the digests are those of what is there.
  for (const name of ['checkpoints/latest.json', 'checkpoints/previous.json']) {
    const bytes = store.files.get(name);
    if (!bytes) continue;
    const pointer = JSON.parse(new TextDecoder().decode(bytes)) as {
      digest?: string;
      readonly checkpoints: { readonly file: string; sha256: string }[];
    };
    delete pointer.digest;
    for (const entry of pointer.checkpoints) entry.sha256 = digests.get(entry.file) ?? entry.sha256;
    const whole = { ...pointer, digest: digestOf(JSON.stringify(pointer)) };
    store.files.set(name, new TextEncoder().encode(JSON.stringify(whole)));
  }
}

describe('kernel choices of a run', () => {
  const stores = { straight: new MemoryStore(), stopped: new MemoryStore() };
  let straight: Awaited<ReturnType<typeof runWith>> | undefined;

  test('are recorded with its results', async () => {
    try {
      straight = await runWith(plain, stores.straight);
      expect(straight.results?.kernels).toEqual(plain);
    } finally {
      gpu.choices = defaults;
    }
  });

  test('are forced when it goes on: the bits are the same', async () => {
    try {
      expect((await runWith(plain, stores.stopped, 1)).results).toBeUndefined();
      const resumed = await runWith(defaults, stores.stopped);
      expect(gpu.choices).toEqual(plain);
      expect(resumed.results?.kernels).toEqual(plain);
      expect(resumed.weights).toEqual(straight?.weights);
    } finally {
      gpu.choices = defaults;
    }
  });

  test('are replaced where they compute wrong, in a new run and in one that goes on', async () => {
    const portable = { preferred: ['registers'], measured: {} };
    const registers = { ...plain, 'matmul-backward-weight': portable };
    const replaced = {
      ...plain,
      'matmul-backward-weight': { ...onlyPlain, wrong: ['registers'] },
    };
    const store = new MemoryStore();
    try {
      await runWith(registers, store, 1);
    } finally {
      gpu.choices = defaults;
    }
    const device = await openGpu({ limits: 'default' });
    try {
      plantFault(device, 'matmul-backward-weight/registers', '+= sum;', '+= 0.5 * sum;');
      const fresh = await runWith(registers, new MemoryStore(), Infinity, device);
      expect(fresh.results?.kernels).toEqual(replaced);
      expect(fresh.weights).toEqual(straight?.weights);
      const resumed = await runWith(registers, store, Infinity, device);
      expect(resumed.results?.kernels).toEqual(replaced);
      for (const { warnings, results } of [fresh, resumed]) {
        expect(warnings.join()).toMatch(
          /matmul-backward-weight in variant 'registers' computes wrong/,
        );
        expect(results?.warnings).toEqual(expect.arrayContaining(warnings));
      }
    } finally {
      await device.close();
    }
  });

  test('are refused where they are unknown or cannot run', async () => {
    try {
      const store = new MemoryStore();
      await runWith(plain, store, 1);
      // Inside the metadata's JSON, quotes are escaped.
      record(store, String.raw`\"preferred\":[\"plain\"]`, String.raw`\"preferred\":[\"plane\"]`);
      await expect(runWith(plain, store)).rejects.toMatchObject({
        name: 'CheckpointError',
        message: 'the checkpoint names no known variants of kernels',
      });
    } finally {
      gpu.choices = defaults;
    }
  });
});

describe('tuned choices', () => {
  const nothing = new Set() as unknown as GPUSupportedFeatures;
  const adapter = (name: string) => ({
    name,
    kind: 'cpu' as const,
    features: nothing,
    info: {} as GPUAdapterInfo,
    choices: plain,
  });

  test('are those of the same adapter under the same implementation', () => {
    const workgroup = { 'matmul-forward': { preferred: ['workgroup'], measured: {} } };
    const tuned = { [tuningKey({ name: 'A' }, 'node 20.1.0')]: workgroup };
    for (const [name, host, used] of [
      ['A', 'node 22.0.0', true],
      ['A', 'deno 2.9.5', false],
      ['B', 'node 20.1.0', false],
      ['constructor', '', false],
    ] as const) {
      const device = adapter(name);
      expect(useTuned(device, host, tuned)).toBe(used);
      expect(device.choices).toEqual(used ? workgroup : plain);
    }
  });

  test('are not used where a variant of theirs cannot run', () => {
    const device = adapter('A');
    const forward = { preferred: ['plain'], measured: { x: 'subgroup' } };
    const choices: VariantChoices = { 'matmul-forward': forward };
    expect(unrunnable(device, choices)).toEqual({ family: 'matmul-forward', variant: 'subgroup' });
    expect(useTuned(device, 'node 1', { [tuningKey(device, 'node 1')]: choices })).toBe(false);
    expect(device.choices).toBe(plain);
  });

  test('reach the plans built after them', () => {
    const named = (device: Gpu): string[] => {
      const x = tensorOf(device, 'x', seeded(16, 1), [4, 4]);
      const out = tensorOf(device, 'out', seeded(16, 2), [4, 4]);
      const plan = device.plan('tuned', matmulForward({ x, weight: x, out }, { rows: 4 }));
      plan.destroy();
      return kernelsOf(plan);
    };
    try {
      useTuned(gpu, 'test', { [tuningKey(gpu, 'test')]: plain });
      expect(named(gpu)).toEqual(['matmul-forward']);
    } finally {
      gpu.choices = defaults;
    }
  });

  test.each([
    [undefined],
    [null],
    ['plain'],
    [{}],
    [{ 'matmul-forward': 'plain' }],
    [{ 'matmul-forward': { preferred: ['plain'] } }],
    [{ 'matmul-forward': { preferred: 'plain', measured: {} } }],
    [{ 'matmul-forward': { preferred: [], measured: {} } }],
    [{ 'matmul-forward': { preferred: ['plane'], measured: {} } }],
    [{ 'matmul-forward': { preferred: ['split16'], measured: {} } }],
    [{ 'matmul-forward': { preferred: ['plain'], measured: [] } }],
    [{ 'matmul-forward': { preferred: ['plain'], measured: { x: 'plane' } } }],
    [{ 'matmul-forward': { preferred: ['plain'], measured: {}, wrong: ['plane'] } }],
    [{ 'matmul-sideways': { preferred: ['plain'], measured: {} } }],
    [{ constructor: { preferred: ['plain'], measured: {} } }],
    // The form of one choice for all kernels.
    [{ preferred: 'plain' }],
    [{ preferred: 'plane', measured: {} }],
    [{ preferred: 'plain', measured: [] }],
    [{ preferred: 'plain', measured: { 'forward 1x1x1': 'plane' } }],
    [{ preferred: 'plain', measured: { 'forward 1x1x1': 'split16' } }],
    [{ preferred: 'plain', measured: { 'sideways 1x1x1': 'plain' } }],
    [{ preferred: 'plain', fewTiles: 'split16', measured: {} }],
    [{ preferred: 'plain', fewTiles: ['plain'], measured: {} }],
  ])('are not read from %j', (value) => {
    expect(readChoices(value)).toBeUndefined();
  });

  test('are read back as they were', () => {
    const choices = {
      ...defaultChoices(gpu),
      'matmul-forward': { preferred: ['quad'], measured: { '16x8x4': 'plain' }, wrong: ['ragged'] },
    };
    expect(readChoices(JSON.parse(JSON.stringify(choices)))).toEqual(choices);
  });
});
