import type { QueueDevice } from './contracts.ts';
import type { Plan } from './plan.ts';

/** Time one submit should take, and from which the next one is halved, in milliseconds. */
const TARGET_MS = 50;
/**
 * Operations a millisecond before anything was measured, by kind of adapter: a slow one's, for what
 * is too long cannot be taken back.
 */
const FIRST_RATE = { cpu: 1e6, gpu: 2e8 };
/** Operations below which a submit says nothing about the rate: its overhead does. */
const LEAST_FLOPS = 1e7;
/** Submits in flight before the encoder waits for the oldest. */
const DEPTH = 3;

/**
 * Submits plans in pieces bounded by measured time, so that a long step cannot trip a driver's
 * watchdog or freeze a desktop: by the plan's own mean time of a step, and, since a plan's steps
 * differ, by the operations that the adapter does in that time. Where a plan is cut never changes
 * what it computes.
 */
export class SubmitQueue {
  readonly #gpu: QueueDevice;
  /** Operations a millisecond, as measured. */
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
    this.#gpu.check();
    plan.writeUniforms();
    const count = plan.steps.length;
    for (let from = 0; from < count;) {
      const cold = plan.coldEntry(from);
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
   * Where the device goes away, Chromium rejects this and others resolve it: why is for `check` to
   * say, before the next plan runs. A rejection that nobody awaits would end the worker first.
   */
  #workDone(): Promise<undefined> {
    const { device, ask } = this.#gpu;
    return ask(() => device.queue.onSubmittedWorkDone()).catch(() => undefined);
  }

  /** From a step to the end of what one submit may hold. */
  #piece(plan: Plan, from: number): { to: number; flops: number } {
    const most = Math.min(plan.steps.length, from + plan.stepsPerSubmit);
    let flops = plan.flopsOf(from);
    let to = from + 1;
    for (; to < most && !plan.coldEntry(to); to++) {
      const own = plan.flopsOf(to);
      if (flops + own > this.#rate * TARGET_MS) break;
      flops += own;
    }
    return { to, flops };
  }

  /** A moment in which the machine was busy elsewhere must not count for long, nor a fast one. */
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
