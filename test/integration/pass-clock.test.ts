import { expect, test } from 'vitest';
import { copy } from '../../kernels/copy.ts';
import { type Gpu, openGpu } from '../../src/gpu/device.ts';
import { PassClock } from '../../src/gpu/pass-clock.ts';
import { clearStep } from '../../src/gpu/plan.ts';

async function withClock(body: (gpu: Gpu, clock: PassClock) => Promise<void>): Promise<void> {
  const gpu = await openGpu({ features: ['timestamp-query'] });
  try {
    const clock = gpu.features.has('timestamp-query') ? new PassClock(gpu) : undefined;
    if (clock) await body(gpu, clock);
    else expect(() => new PassClock(gpu)).toThrow();
    clock?.destroy();
  } finally {
    await gpu.close();
  }
}

test('adds up the time inside compute passes, between two readings', () =>
  withClock(async (gpu, clock) => {
    const x = gpu.tensor('x', [2 ** 20], 'f32', 'activations');
    const out = gpu.tensor('out', [2 ** 20], 'f32', 'activations');
    // A clear ends the pass: two passes a run.
    const plan = gpu.plan('copies', [copy({ x, out }), clearStep(x), copy({ x, out })]);
    await gpu.run(plan);
    expect(await clock.read()).toBe(0);
    gpu.passClock = clock;
    const started = performance.now();
    for (let i = 0; i < 20; i++) await gpu.run(plan);
    await gpu.idle();
    const wall = performance.now() - started;
    const inside = await clock.read();
    expect(inside).toBeGreaterThan(0);
    // Browsers round the marks of each of the 40 passes.
    expect(inside).toBeLessThan(wall + 40 * 0.1);
    expect(await clock.read()).toBe(0);
  }));

test('says nothing rather than too little where there were more passes than marks', () =>
  withClock(async (gpu, clock) => {
    for (let pass = 0; pass < 2048; pass++) expect(clock.next()).toBeDefined();
    expect(clock.next()).toBeUndefined();
    expect(await clock.read()).toBeUndefined();
    expect(await clock.read()).toBe(0);
    expect(clock.next()?.beginningOfPassWriteIndex).toBe(0);
    expect(gpu.passClock).toBeUndefined();
  }));
