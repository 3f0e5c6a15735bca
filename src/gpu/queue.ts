import type { QueueDevice } from './contracts.ts';
import type { Plan } from './plan.ts';

/**
 * Milliseconds that one submit should take. After a longer one, the plan's submits hold half the
 * steps.
 */
const TARGET_MS = 50;
/**
 * Operations per millisecond assumed before the first measurement, by kind of adapter. Both are a
 * slow adapter's: a submit that is too long cannot be taken back.
 */
const FIRST_RATE = { cpu: 1e6, gpu: 2e8 };
/** A submit of fewer operations says nothing about the rate: overhead decides its time. */
const LEAST_FLOPS = 1e7;
/** Submits in flight before the encoder waits for the oldest. */
const DEPTH = 3;

/**
 * Submits plans in pieces bounded by measured time, so that a long step cannot trip a driver's
 * watchdog or freeze a desktop. Two bounds hold: the plan's own steps per submit, and, since steps
 * differ, the operations that the adapter does in the target time. Cutting a plan never changes
 * what it computes.
 */
export class SubmitQueue {
  readonly #gpu: QueueDevice;
  /** Operations per millisecond, as measured. */
  #rate: number;
  #inFlight: Promise<void>[] = [];
  #lastDone = 0;

  constructor(gpu: QueueDevice) {
    this.#gpu = gpu;
    this.#rate = FIRST_RATE[gpu.kind];
  }

  async run(plan: Plan): Promise<void> {
    const { device, pipelines } = this.#gpu;
    await plan.ready();
    this.#gpu.throwIfFailed();
    plan.writeUniforms();
    const count = plan.steps.length;
    for (let from = 0; from < count;) {
      const cold = plan.coldPipeline(from);
      const { to, flops } = cold ? { to: from + 1, flops: 0 } : this.#piece(plan, from);
      const started = performance.now();
      if (cold) {
        await this.idle();
        await pipelines.runFirst(cold, async () => {
          device.queue.submit([plan.encode(from, to)]);
          await this.idle();
        });
      } else {
        device.queue.submit([plan.encode(from, to)]);
        this.#track(plan, to - from, flops, started);
        if (this.#inFlight.length >= DEPTH) await this.#inFlight[0];
      }
      from = to;
    }
  }

  /** Resolves when everything submitted is done. */
  async idle(): Promise<void> {
    await this.#workDone();
    this.#lastDone = performance.now();
  }

  /**
   * Resolves when the submitted work is done, or when the device went away: Chromium rejects then,
   * others resolve. `throwIfFailed` reports the reason before the next plan runs; a rejection that nobody
   * awaits would end the worker first.
   */
  #workDone(): Promise<undefined> {
    const { device, ask } = this.#gpu;
    return ask(() => device.queue.onSubmittedWorkDone()).catch(() => undefined);
  }

  /** The steps from `from` on that one submit may hold: where they end, and their operations. */
  #piece(plan: Plan, from: number): { to: number; flops: number } {
    const most = Math.min(plan.steps.length, from + plan.stepsPerSubmit);
    let flops = plan.flopsOf(from);
    let to = from + 1;
    for (; to < most && !plan.coldPipeline(to); to++) {
      const own = plan.flopsOf(to);
      if (flops + own > this.#rate * TARGET_MS) break;
      flops += own;
    }
    return { to, flops };
  }

  /** Averages the rate and at most doubles it: one slow or fast moment must not count for long. */
  #learnRate(flops: number, milliseconds: number): void {
    if (flops < LEAST_FLOPS) return;
    const found = flops / Math.max(milliseconds, 0.01);
    this.#rate = Math.min(2 * this.#rate, (this.#rate + found) / 2);
  }

  #track(plan: Plan, steps: number, flops: number, started: number): void {
    const done = this.#workDone().then(() => {
      const now = performance.now();
      const took = now - Math.max(started, this.#lastDone);
      this.#lastDone = now;
      this.#inFlight = this.#inFlight.filter((entry) => entry !== done);
      this.#learnRate(flops, took);
      if (took > TARGET_MS) plan.stepsPerSubmit = Math.max(1, Math.floor(steps / 2));
      else if (took < TARGET_MS / 3 && steps === plan.stepsPerSubmit) plan.stepsPerSubmit *= 2;
    });
    this.#inFlight.push(done);
  }
}
