import * as Comlink from 'comlink';
import { nodeEndpoint, nodeThreads } from './node-threads.ts';
import type { ReadyMessage, WorkerApi } from './worker-api.ts';

const ready: ReadyMessage = 'limr-worker-ready';

/**
 * Milliseconds that a browser's worker waits after it has terminated a worker of its own: no event
 * reports the end. If a worker is terminated while its own worker is ending, Chromium never ends
 * the outer worker, and its thread and memory stay until the tab closes.
 */
const CHILD_END_MS = 250;

/** A worker could not start, died during a call, or was called after its end. */
export class WorkerError extends Error {
  override readonly name = 'WorkerError';
}

/** An API as seen from the other side of a worker boundary: the same calls, returning promises. */
export type Called<Api> = {
  readonly [Name in keyof Api]: Api[Name] extends (...args: infer Args) => infer Result
    ? (...args: Args) => Promise<Awaited<Result>>
    : never;
};

/** The part of the host's worker class that is used here. Only Node heeds the limits. */
export type WorkerClass = new (
  url: URL,
  options: {
    type: 'module';
    resourceLimits?: { readonly maxOldGenerationSizeMb: number };
  },
) => object;

/**
 * Makes the worker with the given class. Bundlers look for the exact text
 * `new Worker(new URL('./entry.ts', import.meta.url), { type: 'module' })`.
 */
export type StartWorker = (Worker: WorkerClass) => object;

/** A running worker. The worker keeps a Node process alive until it is closed. */
export interface Connection<Api extends WorkerApi> {
  /**
   * The worker's calls. A call rejects with the error that it threw (a plain `Error` that kept its
   * `name`), or with a `WorkerError` when the worker dies or is closed first. Arrays wrapped in
   * Comlink's `transfer` are transferred.
   */
  readonly api: Called<Api>;
  /**
   * Resolves when the worker has ended: with the reason of its death, or undefined after `close`.
   */
  readonly ended: Promise<WorkerError | undefined>;
  /**
   * Asks the worker to dispose of its resources, then ends it; ends it in any case after `graceMs`.
   */
  close(graceMs?: number): Promise<void>;
  /**
   * Ends the worker at once, even a busy one. Not for a worker with GPU work under way (see
   * `dispose`). Deno cannot interrupt a busy loop: there the thread runs on, without effect, until
   * the process exits.
   */
  kill(reason: string): Promise<void>;
}

/** A worker with the same interface on every host. */
interface Thread {
  readonly endpoint: Comlink.Endpoint;
  terminate(): Promise<void>;
}

function startThread(
  start: StartWorker,
  onMessage: (data: unknown) => void,
  onDeath: (reason: string) => void,
): Thread {
  const threads = nodeThreads();
  if (threads) {
    const worker = start(threads.Worker) as InstanceType<typeof threads.Worker>;
    worker.on('message', onMessage);
    worker.on('error', (error: unknown) => onDeath(describeError(error)));
    worker.on('messageerror', (error) => onDeath(describeError(error)));
    worker.on('exit', (code) => onDeath(`it exited with code ${code}`));
    return {
      endpoint: nodeEndpoint(worker),
      terminate: async () => {
        await worker.terminate();
      },
    };
  }
  const worker = start(Worker) as Worker;
  worker.addEventListener('message', (event: MessageEvent<unknown>) => onMessage(event.data));
  worker.addEventListener('error', (event) => {
    // Deno ends the process after an error event whose default was not prevented.
    event.preventDefault();
    onDeath(event.message || 'its module could not be loaded');
  });
  worker.addEventListener('messageerror', () => onDeath('a message of it could not be read'));
  return {
    endpoint: worker,
    terminate: async () => {
      worker.terminate();
      if (inBrowserWorker()) await new Promise((resolve) => setTimeout(resolve, CHILD_END_MS));
    },
  };
}

const inBrowserWorker = (): boolean => 'WorkerGlobalScope' in globalThis && !('Deno' in globalThis);

/** An error as text: its name and message. */
export const describeError = (error: unknown): string =>
  error instanceof Error ? `${error.name}: ${error.message}` : String(error);

/**
 * Starts a worker and waits until it serves calls. Works alike in a browser, in Node and in Deno.
 *
 * @param name Name of the worker in errors.
 * @throws WorkerError when the worker dies first.
 */
export async function connect<Api extends WorkerApi>(
  name: string,
  start: StartWorker,
): Promise<Connection<Api>> {
  // A call to a dead worker never settles by itself, so its `reject` waits here. (Racing each call
  // against one long-lived promise would work, but leak a reaction for every call.)
  const waiting = new Set<(error: WorkerError) => void>();
  let end: WorkerError | undefined;
  let settleEnded: (error: WorkerError | undefined) => void;
  const ended = new Promise<WorkerError | undefined>((resolve) => (settleEnded = resolve));

  const finish = (error: WorkerError, closed: boolean) => {
    if (end) return;
    end = error;
    for (const reject of waiting) reject(error);
    waiting.clear();
    settleEnded(closed ? undefined : error);
  };
  const race = <T>(call: () => Promise<T>): Promise<T> =>
    new Promise((resolve, reject) => {
      if (end) {
        reject(end);
        return;
      }
      waiting.add(reject);
      call()
        .then(resolve, reject)
        .finally(() => waiting.delete(reject));
    });

  let announce: () => void;
  const announced = new Promise<void>((resolve) => (announce = resolve));
  const thread = startThread(
    start,
    (data) => {
      if (data === ready) announce();
    },
    (reason) => {
      finish(new WorkerError(`${name} worker: ${reason}`), false);
      void thread.terminate();
    },
  );
  await race(() => announced);

  const remote = Comlink.wrap(thread.endpoint) as unknown as Record<
    string,
    (...args: unknown[]) => Promise<unknown>
  >;
  const api = new Proxy(Object.create(null) as Called<Api>, {
    get: (_, method) => {
      // Otherwise `then` would look like a call, and every `await api` would make it.
      if (typeof method === 'symbol' || method === 'then') return undefined;
      return (...args: unknown[]) => race(async () => remote[method]?.(...args));
    },
  });
  const kill = async (reason: string, closed = false) => {
    finish(new WorkerError(`${name} worker: ${reason}`), closed);
    await thread.terminate();
  };
  return {
    api,
    ended,
    kill: (reason) => kill(reason),
    close: async (graceMs = 10_000) => {
      let timer: ReturnType<typeof setTimeout> | undefined;
      const grace = new Promise<void>((resolve) => (timer = setTimeout(resolve, graceMs)));
      const disposed = race(async () => remote['dispose']?.());
      // The worker ends now, whatever its answer.
      await Promise.race([disposed.then(undefined, () => undefined), grace]);
      clearTimeout(timer);
      await kill('it was closed', true);
    },
  };
}
