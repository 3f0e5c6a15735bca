import type { CompileProgress, Plan } from './plan.ts';
import type { Gpu } from './device.ts';

/** Time one submit should take, and from which the next one is halved, in milliseconds. */
const TARGET_MS = 50;
/** Submits in flight before the encoder waits for the oldest. */
const DEPTH = 3;

/**
 * Submits plans in pieces bounded by measured time, so that a long step cannot trip a driver's
 * watchdog or freeze a desktop. Where a plan is cut never changes what it computes.
 */
export class SubmitQueue {
  /** Called while a pipeline runs for the first time, when software drivers compile it. */
  onCompile: CompileProgress | undefined;
  /** Longest submit so far, first dispatches aside, in milliseconds. */
  longestMs = 0;
  readonly #gpu: Gpu;
  #inFlight: Promise<void>[] = [];
  #lastDone = 0;

  constructor(gpu: Gpu) {
    this.#gpu = gpu;
  }

  async run(plan: Plan): Promise<void> {
    await plan.ready();
    this.#gpu.check();
    plan.writeUniforms();
    const count = plan.steps.length;
    for (let from = 0; from < count;) {
      const cold = plan.coldEntry(from);
      let to = from + 1;
      if (!cold) {
        const most = Math.min(count, from + plan.stepsPerSubmit);
        while (to < most && !plan.coldEntry(to)) to++;
      }
      const steps = to - from;
      const started = performance.now();
      this.#gpu.device.queue.submit([plan.encode(from, to)]);
      if (cold) {
        cold.warm = true;
        this.onCompile?.(from, count, cold.label);
        await this.idle();
      } else {
        this.#track(plan, steps, started);
        if (this.#inFlight.length >= DEPTH) await this.#inFlight[0];
      }
      from = to;
    }
  }

  /** Resolves when everything submitted is done. */
  async idle(): Promise<void> {
    await this.#gpu.device.queue.onSubmittedWorkDone();
    this.#lastDone = performance.now();
  }

  #track(plan: Plan, steps: number, started: number): void {
    const done = this.#gpu.device.queue.onSubmittedWorkDone().then(() => {
      const now = performance.now();
      const took = now - Math.max(started, this.#lastDone);
      this.#lastDone = now;
      this.#inFlight = this.#inFlight.filter((entry) => entry !== done);
      this.longestMs = Math.max(this.longestMs, took);
      if (took > TARGET_MS) plan.stepsPerSubmit = Math.max(1, Math.floor(steps / 2));
      else if (took < TARGET_MS / 3 && steps === plan.stepsPerSubmit) plan.stepsPerSubmit *= 2;
    });
    this.#inFlight.push(done);
  }
}
