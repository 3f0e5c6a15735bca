import type { RunState } from '../results.ts';

/**
 * Lets messages in, such as a pause, in a loop that otherwise waits for the GPU alone. No timer:
 * those are slowed down in a hidden tab.
 */
export function yieldToMessages(): Promise<void> {
  const { setImmediate } = globalThis as { setImmediate?: (callback: () => void) => unknown };
  if (setImmediate) return new Promise((resolve) => void setImmediate(resolve));
  return new Promise((resolve) => {
    const { port1, port2 } = new MessageChannel();
    port1.onmessage = () => {
      port1.close();
      resolve();
    };
    port2.postMessage(null);
  });
}

/**
 * Pause, resume, single step and stop of a loop. The loop awaits `untilMayContinue` before each iteration; a
 * request takes effect there, so that an iteration is always done whole: until then the state is
 * `pausing`, `stepping` or `stopping`, and `paused` only while nothing is computed. What a run meets
 * between a stop and its end is told: `stopped`, `done` and `failed`, which the loop's owner reports,
 * are final, and requests after them do nothing.
 */
export class RunControl {
  #state: RunState = 'running';
  #steps = 0;
  #wake: (() => void) | undefined;
  readonly #onState: (state: RunState, message: string) => void;

  /** @param onState Told of every change, with why a run failed or was stopped. */
  constructor(onState: (state: RunState, message: string) => void = () => undefined) {
    this.#onState = onState;
  }

  get state(): RunState {
    return this.#state;
  }

  pause(): void {
    this.#steps = 0;
    if (this.#state === 'running' || this.#state === 'stepping') this.#change('pausing');
  }

  resume(): void {
    this.#steps = 0;
    if (this.#held) this.#change('running');
  }

  /** One more iteration, then paused; a running loop pauses after the iteration it is in. */
  step(): void {
    if (this.#state === 'running') this.pause();
    else if (this.#held) {
      this.#steps++;
      if (this.#state === 'paused') this.#change('stepping');
    }
  }

  stop(): void {
    if (this.#state === 'running' || this.#held) this.#change('stopping');
  }

  /** The loop has ended because of `stop`, its checkpoint written. */
  stopped(message = ''): void {
    if (!this.ended) this.#change('stopped', message);
  }

  /** The loop ran to its end. */
  finish(message = ''): void {
    if (!this.ended) this.#change('done', message);
  }

  fail(message: string): void {
    if (!this.ended) this.#change('failed', message);
  }

  get ended(): boolean {
    return this.#state !== 'running' && this.#state !== 'stopping' && !this.#held;
  }

  /** Paused, or about to be. */
  get #held(): boolean {
    return ['pausing', 'stepping', 'paused'].includes(this.#state);
  }

  /** Waits while paused. True when the next iteration is to be done, false when it is not. */
  async untilMayContinue(): Promise<boolean> {
    await yieldToMessages();
    while (this.#held && this.#steps === 0) {
      if (this.#state !== 'paused') {
        this.#change('paused');
        continue; // Who is told of the pause may have resumed, stepped or stopped the loop already.
      }
      await new Promise<void>((resolve) => (this.#wake = resolve));
      this.#wake = undefined;
    }
    if (this.#steps > 0) {
      this.#steps--;
      if (this.#state === 'pausing') this.#change('stepping');
    }
    return this.#state === 'running' || this.#held;
  }

  /** The iteration under way was lost: a step that it was counted for is still to be done. */
  lost(): void {
    if (this.#state === 'stepping') this.#steps++;
  }

  /**
   * Waits so long, or until the loop is to end: for a loop that cannot compute meanwhile.
   *
   * @returns False where it is to end.
   */
  async rest(milliseconds: number): Promise<boolean> {
    const end = performance.now() + milliseconds;
    const wanted = (): boolean => this.#state === 'running' || this.#held;
    for (let left = milliseconds; left > 0 && wanted(); left = end - performance.now()) {
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, left);
        this.#wake = () => {
          clearTimeout(timer);
          resolve();
        };
      });
      this.#wake = undefined;
    }
    return wanted();
  }

  #change(state: RunState, message = ''): void {
    this.#state = state;
    this.#wake?.();
    this.#onState(state, message);
  }
}
