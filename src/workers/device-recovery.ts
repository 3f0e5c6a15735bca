import { AdapterError, DeviceLostError, type Gpu } from '../gpu/device.ts';
import { AllocationError } from '../gpu/memory.ts';
import type { Reopening } from '../results.ts';

const HOUR_MS = 3_600_000;
/** Limit on reopened devices within an hour. */
const MOST = 5;
/**
 * Longest time between an error and the report of the lost device that caused it. Work that fails
 * on a present device is reported this much later.
 */
const GRACE_MS = 200;

/** When to open a device again: 1 s after the first loss, then after twice as long each time. */
export class ReopeningPolicy {
  readonly #now: () => number;
  #times: readonly number[] = [];

  /** @param now A monotonic clock in milliseconds. */
  constructor(now: () => number = () => performance.now()) {
    this.#now = now;
  }

  /** Counts a loss. @returns Undefined if there were too many losses within an hour. */
  next(reason: string): Reopening | undefined {
    const now = this.#now();
    const recent = this.#times.filter((time) => now - time < HOUR_MS);
    if (recent.length >= MOST) return undefined;
    this.#times = [...recent, now];
    return { reason, seconds: 2 ** recent.length, attempt: recent.length + 1, most: MOST };
  }
}

/** One line about a reopening, for observers. */
export const reopeningText = ({ reason, seconds, attempt, most }: Reopening): string =>
  `${reason}; opening a device again in ${seconds} s (${attempt} of ${most} within an hour)`;

/** Work that can continue from where it was last saved. */
export interface LastingWork<Result> {
  readonly open: () => Promise<Gpu>;
  /** Begins or continues the work. The device is closed in any case afterwards. */
  readonly work: (gpu: Gpu) => Promise<Result>;
  /** Reports a loss and waits. @returns False if the work shall end instead. */
  readonly rest: (reopening: Reopening) => Promise<boolean>;
  /** Makes the work use less memory from now on. @throws AllocationError if that is impossible. */
  readonly shrink?: (error: AllocationError) => void;
}

type Outcome<Result> =
  | { readonly result: Result }
  | { readonly gone: DeviceLostError | AdapterError }
  | { readonly shrunk: true };

/**
 * Does work on a device, and continues on another device after a loss or a failed allocation.
 *
 * @returns The result of the work; undefined if `rest` ended it.
 * @throws What the work or the first `open` throws; DeviceLostError if devices are lost too often;
 *   AdapterError if no other device is available.
 */
export async function onLastingDevice<Result>(
  lasting: LastingWork<Result>,
  policy = new ReopeningPolicy(),
): Promise<Result | undefined> {
  for (let first = true; ; first = false) {
    const outcome = await once(lasting, first);
    if ('result' in outcome) return outcome.result;
    if ('shrunk' in outcome) continue;
    const { gone } = outcome;
    const reopening = policy.next(gone.message);
    if (!reopening) {
      gone.message += `; after ${MOST} times within an hour no device is opened again`;
      throw gone;
    }
    if (!(await lasting.rest(reopening))) return undefined;
  }
}

async function once<Result>(
  { open, work, shrink }: LastingWork<Result>,
  first: boolean,
): Promise<Outcome<Result>> {
  let gpu: Gpu;
  try {
    gpu = await open();
  } catch (error) {
    if (first) throw error;
    return { gone: new AdapterError(`no device: ${messageOf(error)}`, { cause: error }) };
  }
  try {
    return { result: await work(gpu) };
  } catch (error) {
    const gone = await lossOf(gpu, error);
    if (gone) return { gone };
    if (!shrink || !(error instanceof AllocationError)) throw error;
    shrink(error);
    return { shrunk: true };
  } finally {
    await gpu.close();
  }
}

/** The loss that caused an error; undefined if the device is still there. */
async function lossOf(gpu: Gpu, error: unknown): Promise<DeviceLostError | undefined> {
  if (!(error instanceof DeviceLostError)) {
    let timer: ReturnType<typeof setTimeout> | undefined;
    const grace = new Promise<void>((resolve) => (timer = setTimeout(resolve, GRACE_MS)));
    await Promise.race([gpu.device.lost, grace]);
    clearTimeout(timer);
  }
  try {
    gpu.throwIfFailed();
  } catch (found) {
    if (!(found instanceof DeviceLostError)) return undefined;
    return new DeviceLostError(`device lost: ${found.message}`, { cause: error });
  }
  return undefined;
}

const messageOf = (error: unknown): string =>
  error instanceof Error ? error.message : String(error);
