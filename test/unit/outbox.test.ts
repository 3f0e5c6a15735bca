import { describe, expect, test, vi } from 'vitest';
import { Outbox } from '../../src/workers/outbox.ts';

interface Note {
  readonly kind: 'progress' | 'update';
  readonly value: number;
}
const outbox = (intervalMs = 30) =>
  new Outbox<Note>(intervalMs, ({ kind }) => (kind === 'progress' ? kind : undefined));
const update = (value: number): Note => ({ kind: 'update', value });
const progress = (value: number): Note => ({ kind: 'progress', value });

describe('outbox', () => {
  test('gives what has gathered, in order, with only the newest progress', async () => {
    const box = outbox();
    box.push(progress(1));
    box.push(update(1));
    box.push(progress(2));
    box.push(update(2));
    expect(await box.next()).toEqual([update(1), progress(2), update(2)]);
  });

  test('wakes a reader who waits', async () => {
    const box = outbox();
    const batch = box.next();
    box.push(update(1));
    expect(await batch).toEqual([update(1)]);
  });

  test('keeps batches apart and loses nothing in between', async () => {
    vi.useFakeTimers();
    try {
      const box = outbox(30);
      const pushing = setInterval(() => box.push(update(1)), 1);
      const batches: number[] = [];
      const reading = (async () => {
        for (;;) {
          const { length } = await box.next();
          if (length === 0) return;
          batches.push(length);
        }
      })();
      await vi.advanceTimersByTimeAsync(151);
      clearInterval(pushing);
      box.close();
      await reading;
      // The first leaves at once, the others each 30 ms after the one before.
      expect(batches).toEqual([1, 30, 30, 30, 30, 30]);
    } finally {
      vi.useRealTimers();
    }
  });

  test('can be read out after it is closed, and is empty then', async () => {
    const box = outbox(10_000);
    box.push(update(1));
    await box.next();
    box.push(update(2));
    box.close();
    expect(await box.next()).toEqual([update(2)]);
    expect(await box.next()).toEqual([]);
  });

  test('lets go of a reader whom another one replaces', async () => {
    const box = outbox();
    const first = box.next();
    const second = box.next();
    box.push(update(1));
    expect(await first).toEqual([]);
    expect(await second).toEqual([update(1)]);
  });
});
