import * as Comlink from 'comlink';
import { nodeEndpoint, nodeThreads } from './node-threads.ts';
import type { ReadyMessage, WorkerApi } from './worker-api.ts';

const ready: ReadyMessage = 'limr-worker-ready';

/**
 * Serves `api` to the thread that started this worker, then announces it. Call once, at the end of
 * an entry file.
 */
export function exposeWorker(api: WorkerApi): void {
  const parent = nodeThreads()?.parentPort;
  if (parent) {
    Comlink.expose(api, nodeEndpoint(parent));
    parent.postMessage(ready);
    return;
  }
  const scope = globalThis as unknown as DedicatedWorkerGlobalScope;
  // Browsers keep an unhandled rejection inside the worker. On Node and Deno it ends the worker, so
  // this code does the same in browsers.
  if (typeof scope.reportError === 'function' && !('Deno' in globalThis)) {
    scope.addEventListener('unhandledrejection', (event) => scope.reportError(event.reason));
  }
  Comlink.expose(api, scope);
  scope.postMessage(ready);
}
