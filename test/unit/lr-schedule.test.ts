import { describe, expect, test } from 'vitest';
import { rateAt } from '../../src/optim/lr-schedule.ts';
import { lrSchedules, type LrScheduleShape } from '../../src/vocabulary/schedules.ts';
import fixture from '../fixtures/optim.json';

const plain = {
  schedule: 'constant',
  learningRate: 1e-3,
  warmupUpdates: 0,
  horizonUpdates: 10,
  minimumShare: 0.1,
} as const;

describe('rateAt', () => {
  test.each(fixture.lr)('follows the trace of $schedule to update $total_steps', (trace) => {
    const schedule = (
      trace.schedule === 'constant_with_warmup' ? 'constant' : trace.schedule
    ) as LrScheduleShape;
    expect(lrSchedules).toContain(schedule);
    const settings = {
      schedule,
      learningRate: trace.base_lr,
      warmupUpdates: trace.warmup_steps,
      horizonUpdates: trace.total_steps,
      minimumShare: (trace.extra?.min_lr ?? 0) / trace.base_lr,
    };
    for (const [update, want] of trace.lr_used_by_update.entries()) {
      expect(Math.abs(rateAt(settings, update) - want)).toBeLessThan(1e-12 * trace.base_lr);
    }
  });

  test('starts a warmup of four at rate 0 and rises by a quarter an update', () => {
    const rates = [0, 1, 2, 3, 4, 5].map((i) => rateAt({ ...plain, warmupUpdates: 4 }, i) / 1e-3);
    expect(rates).toEqual([0, 0.25, 0.5, 0.75, 1, 1]);
  });

  test('has the full rate at once without a warmup', () => {
    for (const schedule of lrSchedules) {
      expect(rateAt({ ...plain, schedule }, 0)).toBe(1e-3);
    }
  });

  test('reaches zero, or its floor, at the horizon', () => {
    expect(rateAt({ ...plain, schedule: 'linear' }, 10)).toBe(0);
    expect(rateAt({ ...plain, schedule: 'linear' }, 11)).toBe(0);
    expect(rateAt({ ...plain, schedule: 'cosine' }, 10)).toBe(0);
    expect(rateAt({ ...plain, schedule: 'cosine_with_min_lr' }, 10)).toBeCloseTo(1e-4, 15);
    expect(rateAt({ ...plain, schedule: 'cosine' }, 5)).toBeCloseTo(5e-4, 15);
  });
});
