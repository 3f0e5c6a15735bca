import * as Comlink from 'comlink';
import { nodeEndpoint, nodeThreads } from './node-threads.ts';
import type { ReadyMessage, WorkerApi } from './worker-api.ts';

const ready: ReadyMessage = 'limr-worker-ready';

/**
 * Rest of a browser's worker after it has terminated one of its own, whose end no event tells.
 * Chromium never ends a worker that is terminated while one of its own is ending: thread and memory
 * stay for as long as the tab does.
 */
const CHILD_END_MS = 250;

/** A worker that could not start, died with calls under way, or was called after its end. */
export class WorkerError extends Error {
  override readonly name = 'WorkerError';
}

/** An API as it is seen from the other side of a worker boundary: the same calls, as promises. */
export type Called<Api> = {
  readonly [Name in keyof Api]: Api[Name] extends (...args: infer Args) => infer Result
    ? (...args: Args) => Promise<Awaited<Result>>
    : never;
};

/** The host's worker class, as far as it is used here. Only Node heeds the limits. */
export type WorkerClass = new (
  url: URL,
  options: {
    type: 'module';
    resourceLimits?: { readonly maxOldGenerationSizeMb: number };
  },
) => object;

/**
 * Makes the worker with the class it is given. Bundlers look for the text
 * `new Worker(new URL('./entry.ts', import.meta.url), { type: 'module' })`: write it so.
 */
export type StartWorker = (Worker: WorkerClass) => object;

/** A running worker. It keeps a Node process alive until it is closed. */
export interface Connection<Api extends WorkerApi> {
  /**
   * The worker's calls. They reject with what the call threw (a plain `Error` that kept its `name`),
   * or with a `WorkerError` when the worker dies or is closed first. Arrays go over by transfer
   * when wrapped in Comlink's `transfer`.
   */
  readonly api: Called<Api>;
  /** Settles when the worker has ended: with why it died, or undefined when it was closed. */
  readonly ended: Promise<WorkerError | undefined>;
  /** Asks the worker to let go of what it holds, then ends it; after `graceMs` without asking on. */
  close(graceMs?: number): Promise<void>;
  /**
   * Ends the worker now, whatever it does. Not for one with GPU work under way (see `dispose`). Deno
   * cannot interrupt a busy loop: there the thread runs on, unheard, until the process exits.
   */
  kill(reason: string): Promise<void>;
}

/** One host worker with its differences smoothed over. */
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
    // Deno ends the process over an error event that nobody has stopped.
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

/** An error's name and message. */
export const describeError = (error: unknown): string =>
  error instanceof Error ? `${error.name}: ${error.message}` : String(error);

/**
 * Starts a worker and waits until it serves calls. The same in a browser, in Node and in Deno.
 *
 * @param name What errors call it.
 * @throws WorkerError when the worker dies first.
 */
export async function connect<Api extends WorkerApi>(
  name: string,
  start: StartWorker,
): Promise<Connection<Api>> {
  // A call to a dead worker never settles by itself: its promise waits here to be rejected. (Racing
  // against one long-lived promise would do, and leak a reaction for every call.)
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
      // `then` too would look like a call, and every `await api` would make it.
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
      // Whatever it answers, it ends now.
      await Promise.race([disposed.then(undefined, () => undefined), grace]);
      clearTimeout(timer);
      await kill('it was closed', true);
    },
  };
}
