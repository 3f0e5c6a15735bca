import { describe, expect, test } from 'vitest';
import type { ExperimentConfig } from '../../src/config.ts';
import { type Gpu, openGpu } from '../../src/gpu/device.ts';
import type { ExperimentEvent } from '../../src/results.ts';
import type { Verifier } from '../../src/scheduler/evaluator.ts';
import { MemoryStore } from '../../src/scheduler/run-store.ts';
import { ReopeningPolicy } from '../../src/workers/device-recovery.ts';
import { TrainingRun } from '../../src/workers/training-run.ts';
import { watch } from '../support/device-calls.ts';
import { inNode, inNodeAlone, inPage, onceElsewhere } from '../support/host.ts';
import { smallConfig } from '../support/ppo-rig.ts';

const config = smallConfig({ lim: { signal: 'reward', theta: -1e6 } });

/** By a response's first character alone: an untrained model meets all three verdicts. */
const verify: Verifier = ({ responses }) => {
  const kinds = responses.map((response) => (response.charCodeAt(0) || 0) % 3);
  return Promise.resolve({
    rewards: Float32Array.from(kinds, (kind) => [1, -0.5, -1][kind]),
    correct: Uint8Array.from(kinds, (kind) => Number(kind === 0)),
    formatted: Uint8Array.from(kinds, (kind) => Number(kind < 2)),
    extracted: kinds.map(() => null),
    failures: [],
  });
};

type Only<Type> = Extract<ExperimentEvent, { readonly type: Type }>;
const only = <Type extends ExperimentEvent['type']>(
  events: readonly ExperimentEvent[],
  type: Type,
): Only<Type>[] => events.filter((event): event is Only<Type> => event.type === type);

/** Files by name, without what tells how long something took. */
function filesOf(store: MemoryStore): Map<string, string> {
  const timed = /("(?:tokens_per_second|\w+_ms|seconds)": ?)[-+.e\d]+/g;
  const names = [...store.files.keys()].filter((name) => !name.startsWith('checkpoints/')).sort();
  return new Map(
    names.map((name) => {
      const bytes = store.files.get(name);
      if (name.endsWith('.safetensors')) return [name, Array.from(bytes!).join()];
      return [name, new TextDecoder().decode(bytes).replace(timed, '$10')];
    }),
  );
}

interface Disturbance {
  /** Submits of the whole run, over all devices, before each of which the device is destroyed. */
  readonly losses?: readonly number[];
  /** Buffers of the whole run, each of which finds no memory. */
  readonly without?: readonly number[];
  /** How: by throwing, or as WebGPU tells it, later. */
  readonly throws?: boolean;
  readonly onEvent?: (event: ExperimentEvent, run: TrainingRun) => void;
  readonly config?: ExperimentConfig;
}

async function runOf({
  losses = [],
  without = [],
  throws,
  onEvent,
  config: own,
}: Disturbance = {}) {
  const store = new MemoryStore();
  const events: ExperimentEvent[] = [];
  const devices: Gpu[] = [];
  const counts = { submits: 0, buffers: 0 };
  const open = async (): Promise<Gpu> => {
    const gpu = await openGpu({ limits: 'default', features: ['subgroups'] });
    devices.push(gpu);
    const { device } = gpu;
    watch(device.queue, ['submit'], () => {
      if (losses.includes(++counts.submits)) device.destroy();
    });
    const create = device.createBuffer.bind(device);
    const fail = (descriptor: GPUBufferDescriptor): GPUBuffer => {
      if (throws) throw new RangeError('createBuffer failed');
      device.dispatchEvent(outOfMemory());
      // None at all: whatever it is used for is invalid.
      device.pushErrorScope('validation');
      const none = create({ ...descriptor, size: 2 ** 50 });
      void device.popErrorScope();
      return none;
    };
    Object.defineProperty(device, 'createBuffer', {
      value: (descriptor: GPUBufferDescriptor) =>
        without.includes(++counts.buffers) ? fail(descriptor) : create(descriptor),
    });
    return gpu;
  };
  const training: TrainingRun = new TrainingRun(
    {
      openGpu: open,
      hostName: 'test',
      store,
      verify,
      shippedBase: () => Promise.resolve(undefined),
      emit: (event) => {
        events.push(event);
        onEvent?.(event, training);
      },
    },
    {
      config: own ?? config,
      seeds: [3],
      resume: false,
      configHash: () => Promise.resolve(undefined),
    },
    new ReopeningPolicy(),
  );
  await training.opened;
  await training.ended;
  const lost = await Promise.all(devices.map((gpu) => gpu.device.lost));
  return { store, events, counts, devices: lost.length, state: only(events, 'state').at(-1) };
}

const outOfMemory = () =>
  new GPUUncapturedErrorEvent('uncapturederror', { error: new GPUOutOfMemoryError('no memory') });

describe('a run whose device is not there for ever', () => {
  let whole: ReturnType<typeof runOf> | undefined;
  const straight = () => (whole ??= runOf());

  test('goes on on another device wherever one is lost, to the same bytes', async ({ skip }) => {
    if (inPage)
      skip('the same code as under Deno and in Node; a page loses its GPU in the e2e tests');
    const { store, counts, devices, events } = await straight();
    expect(devices).toBe(1);
    expect(only(events, 'recovery')).toEqual([]);
    // In pre-training, in the first rollout, among the updates, near the end: in one run.
    const parts = inNode ? [0.02, 0.3, 0.65] : [0.3];
    const losses = parts.map((part) => Math.ceil(part * counts.submits));
    const healed = await runOf({ losses });
    expect(healed.state).toMatchObject({ state: 'done' });
    expect(healed.devices).toBe(1 + parts.length);
    const told = only(healed.events, 'recovery');
    expect(told.map(({ seconds, attempt, most }) => [seconds, attempt, most])).toEqual(
      parts.map((_, i) => [2 ** i, i + 1, 5]),
    );
    for (const { reason } of told) expect(reason).toMatch(/^device lost: ./);
    expect(filesOf(healed.store)).toEqual(filesOf(store));
    expect(only(healed.events, 'warning')).toEqual([]);
  });

  test('tells everything again after it, from its beginning', async ({ skip }) => {
    inNodeAlone(skip);
    const { counts, events: want } = await straight();
    const { events } = await runOf({ losses: [Math.ceil(0.9 * counts.submits)] });
    const last = events.findLastIndex(({ type }) => type === 'started');
    expect(last).toBeGreaterThan(0);
    const again = events.slice(last);
    const updates = (from: readonly ExperimentEvent[]) =>
      only(from, 'update').map(({ method, update }) => `${method} ${update}`);
    expect(updates(again)).toEqual(updates(want));
    expect(only(again, 'column')).toEqual(only(want, 'column'));
    expect(only(again, 'scores')).toEqual(only(want, 'scores'));
  });

  test.for([true, false])(
    'decodes fewer rows together where there is no memory, to the same bytes (throws: %s)',
    async (throws, { skip }) => {
      if (inPage) skip('the same code as under Deno and in Node, tried there');
      onceElsewhere(skip, !throws);
      const { store, counts } = await straight();
      const rows = config.rollout.prompts * config.rollout.samples;
      const without = [0.5, 1.3].map((part) => Math.ceil(part * counts.buffers));
      const healed = await runOf({ without, throws });
      expect(healed.state).toMatchObject({ state: 'done' });
      const texts = only(healed.events, 'warning').map(({ text }) => text);
      expect(texts).toEqual([
        expect.stringContaining(
          `not enough GPU memory for ${rows} rows: decoding ${rows / 2} together (no memory for `,
        ),
        expect.stringContaining(
          `not enough GPU memory for ${rows / 2} rows: decoding ${rows / 4} together (`,
        ),
      ]);
      expect(only(healed.events, 'recovery')).toEqual([]);
      expect(filesOf(healed.store)).toEqual(filesOf(store));
    },
  );

  test('tries pre-training again where there is no memory: no row decodes there', async ({
    skip,
  }) => {
    inNodeAlone(skip);
    const { store } = await straight();
    const healed = await runOf({ without: [20], throws: true });
    expect(healed.state).toMatchObject({ state: 'done' });
    expect(healed.devices).toBe(2);
    expect(only(healed.events, 'warning').map(({ text }) => text)).toEqual([
      expect.stringMatching(
        /^not enough GPU memory to pre-train the base: trying again, 1 of 2 \(no memory for /,
      ),
    ]);
    expect(filesOf(healed.store)).toEqual(filesOf(store));
  });

  test('ends with the number where nothing is left to halve', async ({ skip }) => {
    inNodeAlone(skip);
    const from = async (first: number) => {
      const without = Array.from({ length: 100_000 }, (_, i) => i + first);
      const { events, state } = await runOf({ without, throws: true });
      return { state, warnings: only(events, 'warning').map(({ text }) => text) };
    };
    const base = await from(20);
    expect(base.state).toMatchObject({ state: 'failed' });
    expect(base.state?.message).toMatch(
      /^AllocationError: not enough GPU memory to pre-train the base: no memory for .* of \d.*; the run has no checkpoint yet$/,
    );
    expect(base.warnings).toHaveLength(2);
    const { counts } = await straight();
    const decoding = await from(Math.ceil(0.9 * counts.buffers));
    expect(decoding.state).toMatchObject({ state: 'failed' });
    expect(decoding.state?.message).toMatch(
      /^AllocationError: not enough GPU memory to decode 1 row: no memory for .* of \d.*; the last good checkpoint is /,
    );
    const rows = config.rollout.prompts * config.rollout.samples;
    expect(decoding.warnings).toHaveLength(Math.floor(Math.log2(rows)));
  });

  test('stops while it waits, and names what it has', async () => {
    const { counts } = await straight();
    const { state, devices } = await runOf({
      losses: [Math.ceil(0.6 * counts.submits)],
      onEvent: ({ type }, { control }) => {
        if (type === 'recovery') control.stop();
      },
    });
    expect(devices).toBe(1);
    expect(state).toMatchObject({ state: 'stopped' });
    expect(state?.message).toMatch(
      /^device lost: .*; the last good checkpoint is checkpoints\/seed-0-full-\d\.safetensors$/,
    );
  });
});
