/**
 * Number of laps in the mean pace: a few read-outs long, but short enough to follow the machine.
 */
const WINDOW = 16;

/**
 * A run's working time. The clock stops while the run rests, and continues after a resume. A lap is
 * one iteration; the last laps give the current pace.
 */
export class WorkClock {
  readonly #now: () => number;
  #startedAt: number;
  #lapFrom = 0;
  #laps: number[] = [];
  #counted = 0;

  /**
   * @param before Seconds worked before the run was opened again.
   * @param now A monotonic clock in milliseconds.
   */
  constructor(before = 0, now: () => number = () => performance.now()) {
    this.#now = now;
    this.#startedAt = now() - before * 1000;
  }

  /** Seconds worked. */
  get seconds(): number {
    return (this.#now() - this.#startedAt) / 1000;
  }

  /** Waits, for example during a pause, without counting the time as work. */
  async rest<T>(wait: () => Promise<T>): Promise<T> {
    const from = this.#now();
    try {
      return await wait();
    } finally {
      this.#startedAt += this.#now() - from;
    }
  }

  startLap(): void {
    this.#lapFrom = this.seconds;
  }

  endLap(): void {
    // The first lap compiles the kernels, so it does not predict later laps.
    if (this.#counted++ === 1) this.#laps = [];
    this.#laps.push(this.seconds - this.#lapFrom);
    if (this.#laps.length > WINDOW) this.#laps.shift();
  }

  /** Mean seconds of the last laps; 0 before the first lap has ended. */
  get pace(): number {
    if (this.#laps.length === 0) return 0;
    return this.#laps.reduce((sum, lap) => sum + lap, 0) / this.#laps.length;
  }
}
