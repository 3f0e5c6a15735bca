import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import type { Gpu } from '../../src/gpu/device.ts';
import type { Plan } from '../../src/gpu/plan.ts';
import { SubmitQueue } from '../../src/gpu/queue.ts';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

/** A device that does one submit after the other, each in the time that its steps take. */
class SlowDevice {
  /** Milliseconds of every submit. */
  readonly submits: number[] = [];
  #free = 0;
  readonly queue = {
    submit: ([work]: [number]) => {
      this.submits.push(work);
      this.#free = Math.max(this.#free, performance.now()) + work;
    },
    onSubmittedWorkDone: () =>
      new Promise<undefined>((done) =>
        setTimeout(() => done(undefined), this.#free - performance.now()),
      ),
  };
}

interface Work {
  readonly milliseconds: number;
  readonly flops: number;
}

function planOf(steps: readonly Work[]): Plan {
  const plan = {
    steps,
    stepsPerSubmit: 16,
    ready: () => Promise.resolve(),
    writeUniforms: () => undefined,
    coldPipeline: () => undefined,
    flopsOf: (index: number) => steps[index].flops,
    encode: (from: number, to: number) =>
      steps.slice(from, to).reduce((sum, { milliseconds }) => sum + milliseconds, 0),
  };
  return plan as unknown as Plan;
}

const gpuOf = (device: SlowDevice): Gpu =>
  ({
    device,
    kind: 'cpu',
    throwIfFailed: () => undefined,
    pipelines: { firstRun: (_entry: unknown, run: () => Promise<void>) => run() },
    ask: (call: () => Promise<unknown>) => call(),
  }) as unknown as Gpu;

async function runs(steps: readonly Work[], count: number): Promise<number[]> {
  const device = new SlowDevice();
  const queue = new SubmitQueue(gpuOf(device));
  const plan = planOf(steps);
  const all = (async () => {
    for (let run = 0; run < count; run++) await queue.run(plan);
    await queue.idle();
  })();
  await vi.runAllTimersAsync();
  await all;
  return device.submits;
}

const repeat = (count: number, work: Work): Work[] => Array.from({ length: count }, () => work);

describe('the submit queue', () => {
  test('bounds submits of heavy steps from the first on', async () => {
    // 0.5 GFLOP/s, slower than is assumed at first.
    const submits = await runs(repeat(64, { milliseconds: 80, flops: 4e7 }), 4);
    expect(Math.max(...submits)).toBe(80);
  });

  test('cuts a run of heavy steps between many light ones', async () => {
    const light = repeat(400, { milliseconds: 0.1, flops: 0 });
    const heavy = repeat(20, { milliseconds: 40, flops: 4e7 });
    const submits = await runs([...light, ...heavy, ...light], 12);
    // The mean step takes a millisecond: by it alone, 50 would go together and last two seconds.
    expect(Math.max(...submits)).toBeLessThan(250);
    // In the end about the target, and light steps go together.
    const last = submits.slice(-(submits.length / 12));
    expect(Math.max(...last)).toBeLessThan(130);
    expect(last.length).toBeLessThan(100);
  });

  test('halves what ran over, though nothing is known of its operations', async () => {
    const submits = await runs(repeat(64, { milliseconds: 10, flops: 0 }), 8);
    // 16 steps at first, as the plan was built.
    expect(submits[0]).toBe(160);
    expect(Math.max(...submits.slice(-8))).toBeLessThanOrEqual(50);
  });

  test('lets submits grow on a fast device', async () => {
    const submits = await runs(repeat(256, { milliseconds: 0.05, flops: 4e7 }), 100);
    expect(submits.length / 100).toBeLessThan(32);
    expect(submits.at(-1)).toBeGreaterThan(6);
  });
});
