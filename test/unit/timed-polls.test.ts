import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { withTimedPolls } from '../../src/gpu/timed-polls.ts';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

/** Answers after some milliseconds; until then it asks for the next turn of the event loop again and again. */
function poller(milliseconds: number) {
  const end = performance.now() + milliseconds;
  const seen = { polls: 0, answered: false };
  const poll = (): void => {
    seen.polls++;
    if (performance.now() >= end) seen.answered = true;
    else setImmediate(poll);
  };
  return { seen, ask: () => setImmediate(poll) };
}

describe('with timed polls', () => {
  test('an answer that takes long is looked for once a millisecond', async () => {
    const { seen, ask } = poller(40);
    withTimedPolls(ask);
    await vi.advanceTimersByTimeAsync(60);
    expect(seen.answered).toBe(true);
    // Fake time stands still in immediates: none came at once.
    expect(seen.polls).toBeLessThan(45);
  });

  test('nobody else sees another setImmediate, not even after a call that throws', () => {
    const own = setImmediate;
    let inside: unknown;
    expect(withTimedPolls(() => ((inside = setImmediate), 7))).toBe(7);
    expect(inside).not.toBe(own);
    expect(setImmediate).toBe(own);
    expect(() =>
      withTimedPolls(() => {
        throw new Error('lost');
      }),
    ).toThrow('lost');
    expect(setImmediate).toBe(own);
  });
});

test('an answer that comes at once is looked for at once', async () => {
  vi.useRealTimers();
  // No time passes: on a busy machine the first poll may come late.
  const clock = vi.spyOn(performance, 'now').mockReturnValue(0);
  let timers = 0;
  const timer = vi.spyOn(globalThis, 'setTimeout').mockImplementation(((call: () => void) => {
    timers++;
    return setImmediate(call);
  }) as unknown as typeof setTimeout);
  try {
    await new Promise<void>((answered) => withTimedPolls(() => setImmediate(() => answered())));
    expect(timers).toBe(0);
  } finally {
    timer.mockRestore();
    clock.mockRestore();
  }
});
