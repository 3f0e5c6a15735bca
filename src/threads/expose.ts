import * as Comlink from 'comlink';
import { nodeEndpoint, nodeThreads } from './node-threads.ts';
import type { ReadyMessage, WorkerApi } from './worker-api.ts';

const ready: ReadyMessage = 'limr-worker-ready';

/** Serves `api` to whoever started this worker, and tells it so. Once, at the end of an entry file. */
export function exposeWorker(api: WorkerApi): void {
  const parent = nodeThreads()?.parentPort;
  if (parent) {
    Comlink.expose(api, nodeEndpoint(parent));
    parent.postMessage(ready);
    return;
  }
  const scope = globalThis as unknown as DedicatedWorkerGlobalScope;
  // Browsers keep a rejection nobody handles to the worker; on Node and Deno it ends it, so here too.
  if (typeof scope.reportError === 'function' && !('Deno' in globalThis)) {
    scope.addEventListener('unhandledrejection', (event) => scope.reportError(event.reason));
  }
  Comlink.expose(api, scope);
  scope.postMessage(ready);
}
