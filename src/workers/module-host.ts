import { isRecord, jsonOf, readJson } from '../formats/json.ts';
import { WorkerError } from '../threads/connect.ts';
import { nodeThreads } from '../threads/node-threads.ts';
import harness from './module-harness.js?raw';
import processCode from './module-process.js?raw';
import denoCode from './module-process-deno.js?raw';

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
 * Starts a thread for a user's module: in Node and Bun in a process of its own, in Deno in a
 * process without permissions, in a page in a sandboxed frame.
 *
 * @param frames The page's frames, which a page needs.
 * @throws WorkerError if the host has no place for such a thread.
 */
export function startModuleHost(listener: ModuleListener, frames?: FramePort): ModuleHost {
  if ('Deno' in globalThis) return denoProcess(listener);
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
  child.on('exit', (status, signal) => onEnd(endText(status, signal)));
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

/** The part of Deno's processes that is used here. */
interface DenoProcesses {
  execPath(): string;
  readonly Command: new (
    path: string,
    options: {
      readonly args: readonly string[];
      readonly stdin: 'piped';
      readonly stdout: 'piped';
      readonly stderr: 'inherit';
    },
  ) => {
    spawn(): {
      readonly stdin: WritableStream<Uint8Array>;
      readonly stdout: ReadableStream<Uint8Array<ArrayBuffer>>;
      readonly status: Promise<{ readonly code: number; readonly signal: string | null }>;
      kill(signal: 'SIGKILL'): void;
    };
  };
}

/**
 * A process of Deno that was granted nothing. Node's interface would grant it everything: it starts
 * Deno's own program with all permissions.
 */
function denoProcess(told: ModuleListener): ModuleHost {
  const { onMessage, onEnd } = once(told);
  const { Deno: deno } = globalThis as unknown as { readonly Deno: DenoProcesses };
  const code = `data:text/javascript,${encodeURIComponent(denoCode)}`;
  const memory = `--v8-flags=--max-old-space-size=${MODULE_MEMORY_MB}`;
  const child = new deno.Command(deno.execPath(), {
    args: ['run', '--no-prompt', '--no-config', memory, code],
    ...({ stdin: 'piped', stdout: 'piped', stderr: 'inherit' } as const),
  }).spawn();
  const input = child.stdin.getWriter();
  const fail = (error: unknown): void => onEnd(String(error));
  void readLines(child.stdout, (line) => {
    // The module may print lines of its own.
    const read = readJson(line);
    const value = read.problem === undefined ? read.value : undefined;
    const died = isRecord(value) ? value.died : undefined;
    if (typeof died === 'string') onEnd(died);
    else if (value !== undefined) onMessage(value);
  }).catch(fail);
  child.status.then(({ code: status, signal }) => onEnd(endText(status, signal)), fail);
  const post = (message: object): void => {
    input.write(new TextEncoder().encode(`${jsonOf(message, 'a row')}\n`)).catch(fail);
  };
  post({ harness });
  return {
    post,
    kill(reason) {
      onEnd(reason);
      try {
        child.kill('SIGKILL');
      } catch (error) {
        // A process that has ended cannot be ended again.
        if (!(error instanceof TypeError)) throw error;
      }
    },
  };
}

async function readLines(
  stream: ReadableStream<Uint8Array<ArrayBuffer>>,
  take: (line: string) => void,
): Promise<void> {
  const reader = stream.pipeThrough(new TextDecoderStream()).getReader();
  let rest = '';
  for (;;) {
    const { value, done } = await reader.read();
    if (done) return;
    const lines = (rest + value).split('\n');
    rest = lines.pop() ?? '';
    for (const line of lines) take(line);
  }
}

const endText = (status: number | null, signal: string | null): string =>
  `its process ended with ${signal ?? `code ${status ?? 0}`}`;

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
