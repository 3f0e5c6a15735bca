import type { CompileProgress, Plan } from './plan.ts';
import type { Gpu } from './device.ts';

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
/** On hosts that poll: predicted work in flight before the encoder waits for all of it. */
const MOST_IN_FLIGHT_MS = 150;
/** On hosts that poll: submits after which it looks all the same, should a prediction be too low. */
const MOST_UNSETTLED = 16;
/** Share of the predicted time that is slept through before polling begins. */
const SLEEP_SHARE = 0.8;
/** Waiting this long after the sleep tells when work was done; less, only that it was by then. */
const LEAST_WAIT_MS = 1;

interface Submitted {
  readonly plan: Plan;
  readonly steps: number;
  readonly flops: number;
  /** Milliseconds that it is predicted to take; 0 where nothing is known. */
  readonly predicted: number;
  /** Whether that is by earlier runs of the plan. */
  readonly known: boolean;
}

/**
 * Submits plans in pieces bounded by measured time, so that a long step cannot trip a driver's
 * watchdog or freeze a desktop: by the plan's own mean time of a step, and, since a plan's steps
 * differ, by the operations that the adapter does in that time. Where a plan is cut never changes
 * what it computes.
 *
 * Node's WebGPU polls in a busy loop while anything is awaited, which takes a whole core from a
 * software adapter. There the queue sleeps through most of the time that the work in flight is
 * predicted to take, from earlier runs of the same plans, else from its operations, and only then asks
 * whether it is done. Elsewhere it never sleeps: timers are slowed down in hidden tabs.
 */
export class SubmitQueue {
  /**
   * Called when a pipeline is compiled: on a GPU when it is made, on a software adapter once it has
   * run for the first time, for its driver compiles only then.
   */
  onCompile: CompileProgress | undefined;
  readonly #gpu: Gpu;
  /** Whether awaiting the device keeps this thread busy, as in Node. */
  readonly polls: boolean;
  /** How often all submitted work was waited for, on hosts that poll. */
  settles = 0;
  /** Operations a millisecond, as measured. */
  #rate: number;
  #rateMeasured = false;
  #inFlight: Promise<void>[] = [];
  #lastDone = 0;
  #unsettled: Submitted[] = [];
  #unsettledSince = 0;

  /** @param polls Whether awaiting the device keeps this thread busy. */
  constructor(gpu: Gpu, polls: boolean) {
    this.#gpu = gpu;
    this.polls = polls;
    this.#rate = FIRST_RATE[gpu.kind];
  }

  async run(plan: Plan): Promise<void> {
    const early = this.#gpu.kind === 'gpu';
    await plan.ready(early ? this.onCompile : undefined);
    this.#gpu.check();
    plan.writeUniforms();
    const count = plan.steps.length;
    for (let from = 0; from < count;) {
      const cold = plan.coldEntry(from);
      const { to, flops } = cold ? { to: from + 1, flops: 0 } : this.#piece(plan, from);
      const submitted = this.#predict(plan, to - from, flops);
      const started = performance.now();
      if (cold) {
        await this.idle();
        this.#gpu.device.queue.submit([plan.encode(from, to)]);
        cold.warm = true;
        if (!early) this.onCompile?.(from, count, cold.label);
        await this.idle();
      } else {
        this.#gpu.device.queue.submit([plan.encode(from, to)]);
        if (this.polls) await this.#pace(submitted);
        else {
          this.#track(submitted, started);
          if (this.#inFlight.length >= DEPTH) await this.#inFlight[0];
        }
      }
      from = to;
    }
    plan.hasRun = true;
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
    const awake = performance.now();
    await this.#workDone();
    this.settles++;
    const now = performance.now();
    const early = left >= 1 && now - awake < LEAST_WAIT_MS;
    const took = now - Math.max(since, this.#lastDone);
    this.#lastDone = now;
    const steps = submitted.reduce((sum, entry) => sum + entry.steps, 0);
    // Once per plan, however often it ran: the factor must not compound.
    const plans = new Map(submitted.map(({ plan, known }) => [plan, known]));
    for (const [plan, known] of plans) {
      plan.millisecondsPerStep = known
        ? (plan.millisecondsPerStep ?? 0) * (took / predicted)
        : took / steps;
    }
    for (const plan of plans.keys()) this.#adapt(plan);
    const flops = submitted.reduce((sum, entry) => sum + entry.flops, 0);
    // Done in a sleep that was by the rate alone: at most so long, and the rate must not stay too low.
    const byRate = submitted.every(({ known }) => !known);
    this.#learnRate(flops, early && byRate ? took / 2 : took);
  }

  /** By earlier runs, else by operations: what follows in a first run may differ from what came. */
  #predict(plan: Plan, steps: number, flops: number): Submitted {
    const each = plan.hasRun ? plan.millisecondsPerStep : undefined;
    if (each !== undefined) return { plan, steps, flops, predicted: steps * each, known: true };
    const predicted = this.#rateMeasured ? flops / this.#rate : 0;
    return { plan, steps, flops, predicted, known: false };
  }

  /**
   * Where the device goes away, Chromium rejects this and others resolve it: why is for `check` to
   * say, before the next plan runs. A rejection that nobody awaits would end the worker first.
   */
  #workDone(): Promise<undefined> {
    return this.#gpu.device.queue.onSubmittedWorkDone().catch(() => undefined);
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

  async #pace(submitted: Submitted): Promise<void> {
    if (this.#unsettled.length === 0) this.#unsettledSince = performance.now();
    this.#unsettled.push(submitted);
    if (
      submitted.predicted === 0 ||
      this.#unsettled.length >= MOST_UNSETTLED ||
      predictedMs(this.#unsettled) >= MOST_IN_FLIGHT_MS
    ) {
      await this.settle();
    }
  }

  #adapt(plan: Plan): void {
    const wanted = Math.floor(TARGET_MS / Math.max(1e-6, plan.millisecondsPerStep ?? 0));
    plan.stepsPerSubmit = Math.max(1, Math.min(wanted, 2 * plan.stepsPerSubmit));
  }

  /** A moment in which the machine was busy elsewhere must not count for long, nor a fast one. */
  #learnRate(flops: number, milliseconds: number): void {
    if (flops < LEAST_FLOPS) return;
    const found = flops / Math.max(milliseconds, 0.01);
    this.#rate = Math.min(2 * this.#rate, (this.#rate + found) / 2);
    this.#rateMeasured = true;
  }

  #track({ plan, steps, flops }: Submitted, started: number): void {
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

const predictedMs = (submitted: readonly Submitted[]): number =>
  submitted.reduce((sum, entry) => sum + entry.predicted, 0);
