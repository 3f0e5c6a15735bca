import { WorkerError } from '../threads/connect.ts';
import { nodeThreads } from '../threads/node-threads.ts';
import harness from './module-harness.js?raw';
import processCode from './module-process.js?raw';

/** A thread that runs one user's module, away from the program's own. Messages are plain data. */
export interface ModuleHost {
  post(message: object): void;
  /** Ends the thread at once, even a busy one. `onEnd` is then called. */
  kill(reason: string): void;
}

/** What a host tells. After `onEnd` it tells nothing more. */
export interface ModuleListener {
  readonly onMessage: (message: unknown) => void;
  readonly onEnd: (reason: string) => void;
}

/** Memory of a module in Node, in MiB. */
export const MODULE_MEMORY_MB = 1024;

/**
 * Asks the page for sandboxed frames. A message `{ code }` with a port opens a frame that runs the
 * code; the port then leads to it. Any message through `close` ends the frame.
 */
export type FramePort = MessagePort;

/**
 * Starts a thread for a user's module: in Node and Bun in a process of its own, in Deno in a worker
 * without permissions, in a page in a sandboxed frame.
 *
 * @param frames The page's frames, which a page needs.
 * @throws WorkerError if the host has no place for such a thread.
 */
export function startModuleHost(listener: ModuleListener, frames?: FramePort): ModuleHost {
  if ('Deno' in globalThis) return denoWorker(listener);
  if (nodeThreads()) return nodeProcess(listener);
  if (frames) return frame(listener, frames);
  throw new WorkerError('a module of yours runs only where this page was allowed to run it');
}

/** Calls each function of a listener in turn, and nothing after the end. */
function once({ onMessage, onEnd }: ModuleListener): ModuleListener {
  let ended = false;
  return {
    onMessage: (message) => {
      if (!ended) onMessage(message);
    },
    onEnd: (reason) => {
      if (ended) return;
      ended = true;
      onEnd(reason);
    },
  };
}

function nodeProcess(told: ModuleListener): ModuleHost {
  const { onMessage, onEnd } = once(told);
  const { spawn } = process.getBuiltinModule('node:child_process');
  // The options of this process, such as loaders, are not those of the user's code.
  const { NODE_OPTIONS: _options, ...env } = process.env;
  const child = spawn(process.execPath, ['--input-type=module', '--eval', processCode], {
    // What the module prints must not end up among results.
    stdio: ['ignore', 2, 2, 'ipc'],
    serialization: 'advanced',
    env,
  });
  child.on('message', (message) => {
    const died = (message as { readonly died?: unknown }).died;
    if (typeof died === 'string') onEnd(died);
    else onMessage(message);
  });
  child.on('error', (error) => onEnd(error.message));
  child.on('exit', (code, signal) =>
    onEnd(`its process ended with ${signal ?? `code ${code ?? 0}`}`),
  );
  const post = (message: object): void => {
    child.send(message, (error) => {
      if (error) onEnd(error.message);
    });
  };
  post({ harness, memoryMb: MODULE_MEMORY_MB });
  return {
    post,
    kill(reason) {
      child.kill('SIGKILL');
      onEnd(reason);
    },
  };
}

function denoWorker(told: ModuleListener): ModuleHost {
  const { onMessage, onEnd } = once(told);
  const url = `data:text/javascript,${encodeURIComponent(harness)}`;
  const options = { type: 'module', deno: { permissions: 'none' } } as const;
  const worker = new Worker(/* @vite-ignore */ url, options);
  worker.addEventListener('message', ({ data }) => onMessage(data));
  worker.addEventListener('error', (event) => {
    // Deno ends the process after an error event whose default was not prevented.
    event.preventDefault();
    onEnd(event.message || 'its thread died');
  });
  return {
    post: (message) => worker.postMessage(message),
    kill(reason) {
      worker.terminate();
      onEnd(reason);
    },
  };
}

function frame(told: ModuleListener, frames: FramePort): ModuleHost {
  const { onMessage, onEnd } = once(told);
  const { port1, port2 } = new MessageChannel();
  const { port1: close, port2: closed } = new MessageChannel();
  port1.addEventListener('message', ({ data }: MessageEvent<unknown>) => {
    const died = (data as { readonly died?: unknown } | null)?.died;
    if (typeof died === 'string') onEnd(died);
    else onMessage(data);
  });
  port1.start();
  frames.postMessage({ code: harness }, [port2, closed]);
  return {
    post: (message) => port1.postMessage(message),
    kill(reason) {
      close.postMessage('close');
      port1.close();
      close.close();
      onEnd(reason);
    },
  };
}
