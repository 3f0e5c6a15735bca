import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import type { Gpu } from '../../src/gpu/device.ts';
import type { CompileProgress, Plan } from '../../src/gpu/plan.ts';
import { SubmitQueue } from '../../src/gpu/queue.ts';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

/** A device that does one submit after the other, each in the time that its steps take. */
class SlowDevice {
  /** Milliseconds of every submit. */
  readonly submits: number[] = [];
  /** Milliseconds in which somebody awaited it. */
  awaited = 0;
  #free = 0;
  readonly queue = {
    submit: ([work]: [number]) => {
      this.submits.push(work);
      this.#free = Math.max(this.#free, performance.now()) + work;
    },
    onSubmittedWorkDone: () => {
      const left = Math.max(0, this.#free - performance.now());
      this.awaited += left;
      return new Promise<undefined>((done) => setTimeout(() => done(undefined), left));
    },
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
    millisecondsPerStep: undefined,
    ready: () => Promise.resolve(),
    writeUniforms: () => undefined,
    coldEntry: () => undefined,
    flopsOf: (index: number) => steps[index].flops,
    encode: (from: number, to: number) =>
      steps.slice(from, to).reduce((sum, { milliseconds }) => sum + milliseconds, 0),
  };
  return plan as unknown as Plan;
}

async function runs(polls: boolean, steps: readonly Work[], count: number): Promise<number[]> {
  const device = new SlowDevice();
  const gpu = { device, kind: 'cpu', check: () => undefined } as unknown as Gpu;
  const queue = new SubmitQueue(gpu, polls);
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

describe.each([
  ['a host that polls', true],
  ['a host that is told', false],
])('the submit queue on %s', (_, polls) => {
  test('bounds submits of heavy steps from the first on', async () => {
    // 0.5 GFLOP/s, slower than is assumed at first.
    const submits = await runs(polls, repeat(64, { milliseconds: 80, flops: 4e7 }), 4);
    expect(Math.max(...submits)).toBe(80);
  });

  test('cuts a run of heavy steps between many light ones', async () => {
    const light = repeat(400, { milliseconds: 0.1, flops: 0 });
    const heavy = repeat(20, { milliseconds: 40, flops: 4e7 });
    const submits = await runs(polls, [...light, ...heavy, ...light], 12);
    // The mean step takes a millisecond: by it alone, 50 would go together and last two seconds.
    expect(Math.max(...submits)).toBeLessThan(250);
    // In the end about the target, and light steps go together.
    const last = submits.slice(-(submits.length / 12));
    expect(Math.max(...last)).toBeLessThan(130);
    expect(last.length).toBeLessThan(100);
  });

  test('halves what ran over, though nothing is known of its operations', async () => {
    const submits = await runs(polls, repeat(64, { milliseconds: 10, flops: 0 }), 8);
    // 16 steps at first, as the plan was built.
    expect(submits[0]).toBe(160);
    expect(Math.max(...submits.slice(-8))).toBeLessThanOrEqual(50);
  });

  test('lets submits grow on a fast device', async () => {
    const submits = await runs(polls, repeat(256, { milliseconds: 0.05, flops: 4e7 }), 100);
    expect(submits.length / 100).toBeLessThan(32);
    expect(submits.at(-1)).toBeGreaterThan(6);
  });
});

describe('on a host that polls', () => {
  const open = () => {
    const device = new SlowDevice();
    const gpu = { device, kind: 'cpu', check: () => undefined } as unknown as Gpu;
    const queue = new SubmitQueue(gpu, true);
    /** Runs a plan to its end; how long that took, and for how much of it the device was polled. */
    const timed = async (plan: Plan): Promise<{ took: number; polled: number }> => {
      const [started, before] = [performance.now(), device.awaited];
      const run = queue.run(plan).then(() => queue.idle());
      await vi.runAllTimersAsync();
      await run;
      return { took: performance.now() - started, polled: device.awaited - before };
    };
    return { timed };
  };
  const work = { milliseconds: 40, flops: 4e7 };

  test('sleeps through most of a plan that runs once, by its operations', async () => {
    const { timed } = open();
    // Nothing is known: all of it is polled for.
    expect(await timed(planOf([work]))).toEqual({ took: 40, polled: 40 });
    // Its first steps say nothing about the others.
    const light = repeat(16, { milliseconds: 1, flops: 1e6 });
    const { took, polled } = await timed(planOf([...light, ...repeat(12, work)]));
    expect(polled).toBeLessThan(0.4 * 496);
    expect(took).toBeLessThan(1.1 * 496);
  });

  test('does not sleep on for long when plans that run once have become faster', async () => {
    const { timed } = open();
    for (let run = 0; run < 4; run++) await timed(planOf(repeat(8, work)));
    // Eight times as fast as the rate until now.
    let slept = 0;
    for (let run = 0; run < 4; run++) {
      slept += (await timed(planOf(repeat(8, { ...work, milliseconds: 5 })))).took - 40;
    }
    expect(slept).toBeLessThan(300);
    const { took } = await timed(planOf(repeat(8, { ...work, milliseconds: 5 })));
    expect(took).toBeLessThan(1.1 * 40);
  });
});

test.each([
  ['gpu', ['made']],
  ['cpu', ['first run']],
] as const)('a %s tells of a pipeline when its driver compiles it', async (kind, wanted) => {
  const device = new SlowDevice();
  const gpu = { device, kind, check: () => undefined } as unknown as Gpu;
  const queue = new SubmitQueue(gpu, false);
  const told: string[] = [];
  queue.onCompile = (_done, _total, label) => told.push(label);
  const entry = { label: 'first run', warm: false };
  const plan = Object.assign(planOf([{ milliseconds: 1, flops: 0 }]), {
    ready: (progress?: CompileProgress) => Promise.resolve(progress?.(1, 1, 'made')),
    coldEntry: () => (entry.warm ? undefined : entry),
  });
  const runs = queue.run(plan).then(() => queue.run(plan));
  await vi.runAllTimersAsync();
  await runs;
  expect(told.slice(0, 1)).toEqual(wanted);
  expect(told.filter((label) => label === 'first run')).toHaveLength(kind === 'cpu' ? 1 : 0);
});
