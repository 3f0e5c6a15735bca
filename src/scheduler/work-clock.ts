/** Laps that the pace is the mean of: a few read-outs long, short enough to follow the machine. */
const WINDOW = 16;

/**
 * A run's own time: it stands still while the run rests, and goes on from what was worked before a
 * resume. Laps, one for each iteration, tell the present pace.
 */
export class WorkClock {
  readonly #now: () => number;
  #startedAt: number;
  #lapFrom = 0;
  #laps: number[] = [];
  #counted = 0;

  /**
   * @param before Seconds worked before the run was opened again.
   * @param now Milliseconds of a clock that only rises.
   */
  constructor(before = 0, now: () => number = () => performance.now()) {
    this.#now = now;
    this.#startedAt = now() - before * 1000;
  }

  /** Seconds worked. */
  get seconds(): number {
    return (this.#now() - this.#startedAt) / 1000;
  }

  /** Waits for something in time that is not worked, such as a pause. */
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
    // The first one compiles the kernels: it says nothing about those to come.
    if (this.#counted++ === 1) this.#laps = [];
    this.#laps.push(this.seconds - this.#lapFrom);
    if (this.#laps.length > WINDOW) this.#laps.shift();
  }

  /** Seconds of a lap, as the last ones went; 0 before the first has ended. */
  get pace(): number {
    if (this.#laps.length === 0) return 0;
    return this.#laps.reduce((sum, lap) => sum + lap, 0) / this.#laps.length;
  }
}
