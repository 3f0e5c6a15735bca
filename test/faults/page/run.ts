// A run in a page as the lab makes it: the trainer's worker, its files in the browser's own file system.
import { type RunClaim, StoredRuns } from '../../../src/entries/browser.ts';
import { configFrom, connectTrainer, eventsOf } from '../../../src/index.ts';
import type { CheckpointLook } from '../soak-judge.ts';

/** How a run in this page stands. */
export interface PageRun {
  name: string;
  updates: number;
  ended: 'done' | 'failed' | 'stopped' | undefined;
  message: string;
  /** Live, where they are counted. */
  buffers: number;
  bufferBytes: number;
}

const scope = globalThis as unknown as {
  faultRun: PageRun;
  limrFaults: {
    start: typeof start;
    files: typeof files;
    runs: typeof runs;
    checkpoints: typeof checkpoints;
    remove: typeof remove;
    pause?: () => Promise<void>;
  };
};

const Own = Worker;

/** Puts a worker under the orders of the script that opened the page. */
function underOrders(at: number): void {
  if (globalThis.Worker !== Own) return;
  globalThis.Worker = class extends Own {
    constructor(url: string | URL, options?: WorkerOptions) {
      const entry = String(url);
      const trainer = /trainer\.worker/.test(entry);
      const own = new URL('/test/faults/page/under-orders.ts', location.href);
      own.searchParams.set('entry', entry);
      own.searchParams.set('at', String(at));
      super(trainer ? own : url, options);
    }
  };
}

/**
 * Starts a run, or goes on with one; resolves when it is under way.
 *
 * @param killAt The file event at which the script is told to end this tab.
 */
export async function start(request: {
  readonly config: unknown;
  readonly seeds: readonly number[];
  readonly name?: string;
  readonly killAt?: number;
  readonly watch?: boolean;
}): Promise<string> {
  const run: PageRun = {
    name: request.name ?? '',
    updates: 0,
    ended: undefined,
    message: '',
    buffers: 0,
    bufferBytes: 0,
  };
  scope.faultRun = run;
  if (request.killAt !== undefined || request.watch) underOrders(request.killAt ?? 0);
  const counts = new BroadcastChannel('limr-faults');
  counts.onmessage = (event: MessageEvent<[number, number]>) => {
    [run.buffers, run.bufferBytes] = event.data;
  };
  const stored = await StoredRuns.open();
  const config = configFrom('quick', request.config, 'config');
  const claim: RunClaim =
    request.name === undefined
      ? await stored.create(config, request.seeds)
      : await stored.claim(request.name);
  run.name = claim.name;
  const trainer = await connectTrainer();
  const end = async (): Promise<void> => {
    counts.close();
    await trainer.close();
    await claim.release();
  };
  try {
    await trainer.api.start({
      config,
      seeds: request.seeds,
      store: { kind: 'browser', name: claim.name },
      resume: request.name !== undefined,
      verifiers: 1,
    });
  } catch (error) {
    await end();
    throw error;
  }
  scope.limrFaults.pause = () => trainer.api.pause();
  const watch = async (): Promise<void> => {
    let ended: PageRun['ended'];
    for await (const batch of eventsOf(trainer)) {
      for (const event of batch) {
        if (event.type === 'update') run.updates++;
        if (event.type !== 'state') continue;
        run.message = event.message ?? '';
        if (event.state === 'done' || event.state === 'failed' || event.state === 'stopped') {
          ended = event.state;
        }
      }
    }
    await end();
    run.ended = ended ?? 'failed';
  };
  void watch().catch((error: unknown) => {
    run.message = String(error);
    run.ended = 'failed';
  });
  return claim.name;
}

/** Every file of a run in base64, by path. */
export async function files(name: string): Promise<Record<string, string>> {
  const root = await navigator.storage.getDirectory();
  const folder = await (await root.getDirectoryHandle('runs')).getDirectoryHandle(name);
  const found: Record<string, string> = {};
  const visit = async (place: FileSystemDirectoryHandle, before: string): Promise<void> => {
    const entries = place as unknown as { values(): AsyncIterable<FileSystemHandle> };
    for await (const entry of entries.values()) {
      const path = before + entry.name;
      if (entry.kind === 'directory') await visit(entry as FileSystemDirectoryHandle, `${path}/`);
      else {
        const bytes = new Uint8Array(
          await (await (entry as FileSystemFileHandle).getFile()).arrayBuffer(),
        );
        let text = '';
        for (let at = 0; at < bytes.length; at += 8192) {
          text += String.fromCharCode(...bytes.subarray(at, at + 8192));
        }
        found[path] = btoa(text);
      }
    }
  };
  await visit(folder, '');
  return found;
}

/** Names of the runs that are kept, newest first. */
export async function runs(): Promise<string[]> {
  return (await (await StoredRuns.open()).list()).map(({ name }) => name);
}

/** Files and pointer of a run's checkpoints. */
export async function checkpoints(name: string): Promise<CheckpointLook> {
  const root = await navigator.storage.getDirectory();
  const files: [string, number][] = [];
  let pointer = '';
  try {
    const run = await (await root.getDirectoryHandle('runs')).getDirectoryHandle(name);
    const place = await run.getDirectoryHandle('checkpoints');
    const entries = place as unknown as { values(): AsyncIterable<FileSystemFileHandle> };
    for await (const entry of entries.values()) {
      const file = await entry.getFile();
      files.push([entry.name, file.size]);
      if (entry.name === 'latest.json') pointer = await file.text();
    }
  } catch {
    // Nothing is there yet, or a file has just been replaced.
  }
  return { files, pointer };
}

export async function remove(name: string): Promise<void> {
  await (await StoredRuns.open()).remove(name);
}

scope.limrFaults = { start, files, runs, checkpoints, remove };
