import type { Endpoint } from 'comlink';

type Threads = typeof import('node:worker_threads');

/** Node's `worker_threads`; undefined in a browser and in Deno, which have `Worker` themselves. */
export function nodeThreads(): Threads | undefined {
  // No import, because bundlers for browsers would have to resolve it.
  const host = globalThis as { readonly process?: Partial<NodeJS.Process>; readonly Deno?: object };
  if (host.Deno !== undefined) return undefined;
  return host.process?.getBuiltinModule?.('node:worker_threads');
}

/** The common part of Node's workers, parent ports and message ports. */
export interface NodePort {
  postMessage(message: unknown, transfer?: never): void;
  on(event: 'message', listener: (data: unknown) => void): unknown;
  off(event: 'message', listener: (data: unknown) => void): unknown;
}

/** An endpoint for Comlink over Node's events. */
export function nodeEndpoint(port: NodePort): Endpoint {
  const listeners = new Map<EventListenerOrEventListenerObject, (data: unknown) => void>();
  return {
    postMessage: (message: unknown, transfer?: Transferable[]) =>
      port.postMessage(message, transfer as never),
    addEventListener: (_type: string, listener: EventListenerOrEventListenerObject) => {
      const wrapped = (data: unknown) => {
        const event = { data } as MessageEvent;
        if ('handleEvent' in listener) listener.handleEvent(event);
        else listener(event);
      };
      listeners.set(listener, wrapped);
      port.on('message', wrapped);
    },
    removeEventListener: (_type: string, listener: EventListenerOrEventListenerObject) => {
      const wrapped = listeners.get(listener);
      if (wrapped) port.off('message', wrapped);
      listeners.delete(listener);
    },
  };
}
