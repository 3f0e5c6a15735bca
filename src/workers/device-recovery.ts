import { AdapterError, DeviceLostError, type Gpu } from '../gpu/device.ts';
import { AllocationError } from '../gpu/memory.ts';
import type { Reopening } from '../results.ts';

const HOUR_MS = 3_600_000;
/** Devices that are opened again within an hour. */
const MOST = 5;
/**
 * Longest that an error is told before the loss that it came from: work that fails on a device which is
 * there is said to have failed so much later.
 */
const GRACE_MS = 200;

/** How often, and after how long, a device is opened again: 1 s after the first loss, then twice as long. */
export class ReopeningPolicy {
  readonly #now: () => number;
  #times: readonly number[] = [];

  /** @param now A clock in milliseconds that is never set back. */
  constructor(now: () => number = () => performance.now()) {
    this.#now = now;
  }

  /** Counts a loss. @returns Undefined where that was one too many within an hour. */
  next(reason: string): Reopening | undefined {
    const now = this.#now();
    const recent = this.#times.filter((time) => now - time < HOUR_MS);
    if (recent.length >= MOST) return undefined;
    this.#times = [...recent, now];
    return { reason, seconds: 2 ** recent.length, attempt: recent.length + 1, most: MOST };
  }
}

/** One line for whoever watches. */
export const reopeningText = ({ reason, seconds, attempt, most }: Reopening): string =>
  `${reason}; opening a device again in ${seconds} s (${attempt} of ${most} within an hour)`;

/** Work that can begin again where it was last kept. */
export interface LastingWork<Result> {
  readonly open: () => Promise<Gpu>;
  /** Begins, or goes on. The device is closed however it ends. */
  readonly work: (gpu: Gpu) => Promise<Result>;
  /** Tells of a loss and lets the time pass. @returns False where the work is to end instead. */
  readonly rest: (reopening: Reopening) => Promise<boolean>;
  /** Has the work take less memory from now on. @throws AllocationError where that cannot be. */
  readonly shrink?: (error: AllocationError) => void;
}

type Outcome<Result> =
  | { readonly result: Result }
  | { readonly gone: DeviceLostError | AdapterError }
  | { readonly shrunk: true };

/**
 * Does work on a device, and on another one where that goes away or is out of memory.
 *
 * @returns What the work came to; undefined where `rest` ended it.
 * @throws What the work or the first `open` throws; DeviceLostError where devices are lost too often,
 *   AdapterError where none is to be had in their place.
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

/** The loss that an error came from; undefined where the device is there. */
async function lossOf(gpu: Gpu, error: unknown): Promise<DeviceLostError | undefined> {
  if (!(error instanceof DeviceLostError)) {
    let timer: ReturnType<typeof setTimeout> | undefined;
    const grace = new Promise<void>((resolve) => (timer = setTimeout(resolve, GRACE_MS)));
    await Promise.race([gpu.device.lost, grace]);
    clearTimeout(timer);
  }
  try {
    gpu.check();
  } catch (found) {
    if (!(found instanceof DeviceLostError)) return undefined;
    return new DeviceLostError(`device lost: ${found.message}`, { cause: error });
  }
  return undefined;
}

const messageOf = (error: unknown): string =>
  error instanceof Error ? error.message : String(error);
