// A process that runs one command after another, each as `bin/limr.mjs` would. It keeps its threads
// and its device, because starting and compiling would take longer than the runs.
import { EventEmitter } from 'node:events';
import { createRequire, syncBuiltinESMExports } from 'node:module';
import { counters, order, slot, type Orders } from './control.ts';

export interface Call {
  readonly id: number;
  readonly argv: readonly string[];
  readonly orders: Orders;
}

export interface Answer {
  readonly id: number;
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
  /** How often the ordered fault has happened. */
  readonly fired: number;
  readonly events: number;
  readonly submits: number;
  readonly allocations: number;
  readonly mappings: number;
}

const threads = createRequire(import.meta.url)('node:worker_threads') as {
  Worker: typeof import('node:worker_threads').Worker;
};
const { Worker: Thread } = threads;
type Thread = InstanceType<typeof Thread>;

/** Unused threads, by their module. */
const idle = new Map<string, Thread[]>();

/** One use of a thread. The thread looks new, and `terminate` returns it to the idle threads. */
class Lease extends EventEmitter {
  readonly #thread: Thread;
  readonly #url: string;
  #over = false;

  constructor(url: string | URL, options?: ConstructorParameters<typeof Thread>[1]) {
    super();
    this.#url = String(url);
    const waiting = idle.get(this.#url)?.pop();
    this.#thread = waiting ?? new Thread(url, options);
    this.#thread.on('message', this.#message);
    this.#thread.on('error', this.#error);
    this.#thread.on('exit', this.#exit);
    if (waiting) setImmediate(() => this.emit('message', 'limr-worker-ready'));
  }

  readonly #message = (data: unknown): void => void this.emit('message', data);
  readonly #error = (error: unknown): void => {
    this.#end();
    this.emit('error', error);
  };
  readonly #exit = (code: unknown): void => {
    this.#end();
    this.emit('exit', code);
  };

  #end(): void {
    this.#over = true;
    this.#thread.off('message', this.#message);
    this.#thread.off('error', this.#error);
    this.#thread.off('exit', this.#exit);
  }

  postMessage(...args: Parameters<Thread['postMessage']>): void {
    if (!this.#over) this.#thread.postMessage(...args);
  }

  async terminate(): Promise<number> {
    if (this.#over) return 0;
    this.#end();
    const waiting = idle.get(this.#url) ?? [];
    waiting.push(this.#thread);
    idle.set(this.#url, waiting);
    return 0;
  }

  ref(): void {
    this.#thread.ref();
  }

  unref(): void {
    this.#thread.unref();
  }
}

/** Workers that can be reused. Any other thread is started as usual. */
const lendable = /\/(?:trainer|reward)\.worker\.js$/;
threads.Worker = new Proxy(Thread, {
  construct: (target, args: ConstructorParameters<typeof Thread>) =>
    lendable.test(String(args[0])) ? new Lease(...args) : new target(...args),
});
syncBuiltinESMExports();

let [stdout, stderr] = ['', ''];
const capture = (stream: NodeJS.WriteStream, take: (text: string) => void): void => {
  stream.write = (data: unknown, ...rest: unknown[]) => {
    take(typeof data === 'string' ? data : new TextDecoder().decode(data as Uint8Array));
    const done = rest.find((one) => typeof one === 'function') as (() => void) | undefined;
    if (done) queueMicrotask(done);
    return true;
  };
};
capture(process.stdout, (text) => (stdout += text));
capture(process.stderr, (text) => (stderr += text));

interface Command {
  readonly main: (argv: readonly string[]) => Promise<number>;
}
const { main } = (await import(process.argv[2] ?? '')) as Command;

/** Above the pids that any system gives to a process. */
let pid = 5_000_000;

process.on('message', (call: Call) => {
  [stdout, stderr] = ['', ''];
  // Traces of an earlier run must not look like the work of a living process, so each run gets a
  // new pid.
  order({ warm: true, pid: ++pid, ...call.orders });
  void main(call.argv).then((code) => {
    const answer: Answer = {
      id: call.id,
      code,
      stdout,
      stderr,
      fired: counters[slot.fired] ?? 0,
      events: counters[slot.events] ?? 0,
      submits: counters[slot.submits] ?? 0,
      allocations: counters[slot.allocations] ?? 0,
      mappings: counters[slot.mappings] ?? 0,
    };
    order({ warm: true });
    process.send?.(answer);
  });
});
process.send?.({ id: 0 });
