import { describe, expect, test } from 'vitest';
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
    const box = outbox(30);
    const pushing = setInterval(() => box.push(update(1)), 1);
    const times: number[] = [];
    let count = 0;
    for (let i = 0; i < 6; i++) {
      count += (await box.next()).length;
      times.push(performance.now());
    }
    clearInterval(pushing);
    // A timer may fire a millisecond early by the clock of performance.now.
    for (let i = 1; i < times.length; i++) {
      expect(times[i] - times[i - 1]).toBeGreaterThanOrEqual(28);
    }
    expect(count).toBeGreaterThan(6);
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
