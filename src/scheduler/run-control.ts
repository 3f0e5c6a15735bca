import type { RunState } from '../results.ts';

/**
 * Lets messages, such as a pause, reach a loop that otherwise waits only for the GPU. It uses no
 * timer, as hidden tabs slow timers down.
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

/** A loop has ended before it had a visitor in. */
export class RunEndedError extends Error {
  override readonly name = 'RunEndedError';
}

/** Work that is done between two iterations. */
interface Visit {
  readonly begin: () => Promise<void>;
  readonly refuse: (error: RunEndedError) => void;
}

/**
 * Pause, resume, single step and stop of a loop. The loop awaits `untilMayContinue` before each iteration. A
 * request takes effect there, so that every iteration is completed. Until then the state is
 * `pausing`, `stepping` or `stopping`; it is `paused` only while nothing is computed. A failure
 * between a stop and the end is reported. The loop's owner reports the final states `stopped`,
 * `done` and `failed`. Requests after a final state do nothing.
 *
 * Others may use what the loop uses, such as its device, where it awaits `untilMayContinue`: `visit`.
 */
export class RunControl {
  #state: RunState = 'running';
  #steps = 0;
  #wake: (() => void) | undefined;
  readonly #visits: Visit[] = [];
  readonly #onState: (state: RunState, message: string) => void;

  /**
   * @param onState Called at every change of state, with the reason if the run failed or was
   *   stopped.
   */
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

  /** Does one more iteration, then pauses. A running loop pauses after its current iteration. */
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

  /** The loop has ended because of `stop`, with its checkpoint written. */
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

  /**
   * Has work done before the next iteration, or at once while the loop is paused. An error of the work
   * is its own: the loop goes on.
   *
   * @throws RunEndedError if the loop has ended, or ends first.
   */
  visit<Result>(work: () => Promise<Result>): Promise<Result> {
    if (this.ended) return Promise.reject(new RunEndedError('the run has ended'));
    return new Promise((resolve, reject) => {
      this.#visits.push({ begin: () => work().then(resolve, reject), refuse: reject });
      this.#wake?.();
    });
  }

  /** Has all visitors in who wait now; who comes meanwhile waits for the next time. */
  async #receive(): Promise<void> {
    for (const visit of this.#visits.splice(0)) await visit.begin();
  }

  get ended(): boolean {
    return this.#state !== 'running' && this.#state !== 'stopping' && !this.#held;
  }

  /** Whether the loop is paused or about to pause. */
  get #held(): boolean {
    return ['pausing', 'stepping', 'paused'].includes(this.#state);
  }

  /** Waits while paused. Resolves to whether the loop shall do the next iteration. */
  async untilMayContinue(): Promise<boolean> {
    await yieldToMessages();
    await this.#receive();
    while (this.#held && this.#steps === 0) {
      if (this.#state !== 'paused') {
        this.#change('paused');
        continue; // Who is told of the pause may have resumed, stepped or stopped the loop already.
      }
      if (this.#visits.length > 0) {
        await this.#receive();
        continue;
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

  /** The current iteration was lost. A step that was counted for it is still to be done. */
  lost(): void {
    if (this.#state === 'stepping') this.#steps++;
  }

  /**
   * Waits for a time, or until the loop shall end, for a loop that cannot compute meanwhile.
   *
   * @returns False if the loop shall end.
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
    if (this.ended) {
      for (const { refuse } of this.#visits.splice(0))
        refuse(new RunEndedError('the run has ended'));
    }
    this.#onState(state, message);
  }
}
