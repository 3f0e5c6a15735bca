import type { CompileProgress, Plan } from './plan.ts';
import type { Gpu } from './device.ts';

/** Time one submit should take, and from which the next one is halved, in milliseconds. */
const TARGET_MS = 50;
/** Submits in flight before the encoder waits for the oldest. */
const DEPTH = 3;
/** On hosts that poll: predicted work in flight before the encoder waits for all of it. */
const MOST_IN_FLIGHT_MS = 150;
/** Share of the predicted time that is slept through before polling begins. */
const SLEEP_SHARE = 0.8;

interface Submitted {
  readonly plan: Plan;
  readonly steps: number;
}

/**
 * Submits plans in pieces bounded by measured time, so that a long step cannot trip a driver's
 * watchdog or freeze a desktop. Where a plan is cut never changes what it computes.
 *
 * Node's WebGPU polls in a busy loop while anything is awaited, which takes a whole core from a
 * software adapter. There the queue sleeps through most of the time that the work in flight is
 * predicted to take, from earlier runs of the same plans, and only then asks whether it is done.
 * Elsewhere it never sleeps: timers are slowed down in hidden tabs.
 */
export class SubmitQueue {
  /** Called while a pipeline runs for the first time, when software drivers compile it. */
  onCompile: CompileProgress | undefined;
  /** Longest submit so far, first dispatches aside, in milliseconds. */
  longestMs = 0;
  readonly #gpu: Gpu;
  /** Whether awaiting the device keeps this thread busy, as in Node. */
  readonly polls: boolean;
  /** How often all submitted work was waited for, on hosts that poll. */
  settles = 0;
  #inFlight: Promise<void>[] = [];
  #lastDone = 0;
  #unsettled: Submitted[] = [];
  #unsettledSince = 0;

  /** @param polls Whether awaiting the device keeps this thread busy. */
  constructor(gpu: Gpu, polls: boolean) {
    this.#gpu = gpu;
    this.polls = polls;
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
      if (cold) {
        await this.idle();
        this.#gpu.device.queue.submit([plan.encode(from, to)]);
        cold.warm = true;
        this.onCompile?.(from, count, cold.label);
        await this.idle();
      } else {
        this.#gpu.device.queue.submit([plan.encode(from, to)]);
        if (this.polls) await this.#pace(plan, steps);
        else {
          this.#track(plan, steps, started);
          if (this.#inFlight.length >= DEPTH) await this.#inFlight[0];
        }
      }
      from = to;
    }
  }

  /** Resolves when everything submitted is done. */
  async idle(): Promise<void> {
    await this.settle();
    await this.#workDone();
    this.#lastDone = performance.now();
  }

  /** Before a readback: on hosts that poll, waits for the work in flight without polling for it. */
  async settle(): Promise<void> {
    const submitted = this.#unsettled;
    if (submitted.length === 0) return;
    this.#unsettled = [];
    const since = this.#unsettledSince;
    const predicted = predictedMs(submitted);
    // Bounded, so that a prediction from a busy moment cannot put later runs to sleep.
    const asleep = Math.min(predicted * SLEEP_SHARE, MOST_IN_FLIGHT_MS);
    const left = asleep - (performance.now() - since);
    if (left >= 1) await new Promise((resolve) => setTimeout(resolve, left));
    await this.#workDone();
    this.settles++;
    const took = performance.now() - Math.max(since, this.#lastDone);
    this.#lastDone = performance.now();
    const steps = submitted.reduce((sum, entry) => sum + entry.steps, 0);
    // Once per plan, however often it ran: the factor must not compound.
    const plans = new Set(submitted.map((entry) => entry.plan));
    for (const plan of plans) {
      const known = plan.millisecondsPerStep;
      plan.millisecondsPerStep =
        known === undefined || predicted === 0 ? took / steps : known * (took / predicted);
    }
    for (const plan of plans) this.#adapt(plan);
    this.longestMs = Math.max(
      this.longestMs,
      ...submitted.map((entry) => entry.steps * (entry.plan.millisecondsPerStep ?? 0)),
    );
  }

  /**
   * Where the device goes away, Chromium rejects this and others resolve it: why is for `check` to
   * say, before the next plan runs. A rejection that nobody awaits would end the worker first.
   */
  #workDone(): Promise<undefined> {
    return this.#gpu.device.queue.onSubmittedWorkDone().catch(() => undefined);
  }

  async #pace(plan: Plan, steps: number): Promise<void> {
    if (this.#unsettled.length === 0) this.#unsettledSince = performance.now();
    this.#unsettled.push({ plan, steps });
    const known = plan.millisecondsPerStep !== undefined;
    if (!known || predictedMs(this.#unsettled) >= MOST_IN_FLIGHT_MS) await this.settle();
  }

  #adapt(plan: Plan): void {
    const wanted = Math.floor(TARGET_MS / Math.max(1e-6, plan.millisecondsPerStep ?? 0));
    plan.stepsPerSubmit = Math.max(1, Math.min(wanted, 2 * plan.stepsPerSubmit));
  }

  #track(plan: Plan, steps: number, started: number): void {
    const done = this.#workDone().then(() => {
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

const predictedMs = (submitted: readonly Submitted[]): number =>
  submitted.reduce((sum, { plan, steps }) => sum + steps * (plan.millisecondsPerStep ?? 0), 0);
