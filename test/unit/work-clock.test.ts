import { expect, test } from 'vitest';
import { WorkClock } from '../../src/scheduler/work-clock.ts';

/** A clock of a test, in seconds, that moves when it is told to. */
function clockAt(before = 0) {
  let now = 1000;
  const pass = (seconds: number): void => void (now += seconds * 1000);
  const clock = new WorkClock(before, () => now);
  const lap = (seconds: number): void => {
    clock.startLap();
    pass(seconds);
    clock.endLap();
  };
  return { clock, pass, lap };
}

test('counts what is worked, from where it stood before, and no rest', async () => {
  const { clock, pass } = clockAt(100);
  pass(5);
  await clock.rest(async () => {
    pass(3600);
    await Promise.resolve();
  });
  pass(2);
  expect(clock.seconds).toBe(107);
  const broken = clock.rest(() => {
    pass(60);
    return Promise.reject(new Error('planted'));
  });
  await expect(broken).rejects.toThrow('planted');
  expect(clock.seconds).toBe(107);
});

test('takes its pace from laps alone, not from what came before or between them', async () => {
  const { clock, pass, lap } = clockAt();
  expect(clock.pace).toBe(0);
  // The base, its pre-training, the first kernels.
  pass(900);
  lap(2);
  await clock.rest(async () => {
    pass(3600);
    await Promise.resolve();
  });
  lap(4);
  expect(clock.pace).toBe(4);
  pass(50);
  lap(8);
  expect(clock.pace).toBe(6);
});

test('has the first lap, which compiles, until there is another', () => {
  const { clock, lap } = clockAt();
  lap(60);
  expect(clock.pace).toBe(60);
  lap(1);
  lap(3);
  expect(clock.pace).toBe(2);
});

test('follows a machine that has become slower within sixteen laps', () => {
  const { clock, lap } = clockAt();
  for (let i = 0; i < 100; i++) lap(1);
  expect(clock.pace).toBe(1);
  for (let i = 0; i < 16; i++) lap(3);
  expect(clock.pace).toBe(3);
});
