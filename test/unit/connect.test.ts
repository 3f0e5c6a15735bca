import { afterEach, describe, expect, it, vi } from 'vitest';
import { connect } from '../../src/threads/connect.ts';
import type { WorkerApi } from '../../src/threads/worker-api.ts';

/** A browser's worker that is ready and answers no call. */
class Deaf extends EventTarget {
  static ended = 0;

  constructor() {
    super();
    queueMicrotask(() =>
      this.dispatchEvent(new MessageEvent('message', { data: 'limr-worker-ready' })),
    );
  }

  postMessage(): void {
    // Nobody is there.
  }

  terminate(): void {
    Deaf.ended++;
  }
}

/** Closes a worker as a browser would, by fake timers. @returns Milliseconds until it is closed. */
async function closing(): Promise<number> {
  vi.stubGlobal('process', { ...process, getBuiltinModule: undefined });
  vi.stubGlobal('Worker', Deaf);
  vi.useFakeTimers();
  Deaf.ended = 0;
  const connection = await connect<WorkerApi>(
    'deaf',
    (Worker) => new Worker(new URL('a:b'), {} as never),
  );
  const begun = Date.now();
  const closed = connection.close(10).then(() => Date.now() - begun);
  await vi.advanceTimersByTimeAsync(10);
  expect(Deaf.ended).toBe(1);
  await vi.runAllTimersAsync();
  return closed;
}

describe('a worker that is closed in a browser', () => {
  afterEach(() => {
    vi.useRealTimers();
    vi.unstubAllGlobals();
  });

  it('is closed at once where a page owns it', async () => {
    expect(await closing()).toBe(10);
  });

  it('is given time to end where a worker owns it, which may itself be ended next', async () => {
    vi.stubGlobal('WorkerGlobalScope', EventTarget);
    expect(await closing()).toBeGreaterThanOrEqual(100);
  });
});
