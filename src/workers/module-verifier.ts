import { ConfigError } from '../config-error.ts';
import { readText } from '../formats/byte-source.ts';
import type { InputFiles } from '../formats/input-files.ts';
import { isRecord, shorten } from '../formats/json.ts';
import { hardwareThreads } from '../hardware-threads.ts';
import type { Verdict } from '../tasks/task.ts';
import {
  packVerdicts,
  VerifierError,
  type VerifyFailure,
  type VerifyReply,
  type VerifyRequest,
} from '../tasks/verification.ts';
import { nodeThreads } from '../threads/node-threads.ts';
import {
  type FramePort,
  MODULE_MEMORY_MB,
  type ModuleHost,
  startModuleHost,
} from './module-host.ts';

/** One response, as a module receives it. */
export interface ModuleItem {
  /** A text, or a list of messages, as the row has it. */
  readonly prompt: unknown;
  readonly answer: unknown;
  readonly response: string;
  readonly finished: boolean;
}

export interface ModuleVerifierOptions {
  /** Where the module's text comes from, on hosts that do not load it from the disk. */
  readonly files: InputFiles;
  /** Threads that judge at the same time. Default: one less than the machine's, within 1 to 4. */
  readonly threads?: number;
  /** Wall time of one response. Default 30,000. */
  readonly timeLimitMs?: number;
  /** In a page: where sandboxed frames come from. */
  readonly frames?: FramePort | undefined;
}

const TIME_LIMIT_MS = 30_000;
/** Largest module that is sent as text, in bytes. */
const LARGEST_MODULE = 1 << 22;

/** What a user is told before a module runs. */
export function moduleNotice(path: string, timeLimitMs = TIME_LIMIT_MS): string {
  const seconds = `${timeLimitMs / 1000} s a response`;
  const memory = 'Bun' in globalThis ? '' : `, ${MODULE_MEMORY_MB} MiB`;
  if ('Deno' in globalThis) {
    return `${path} runs in processes of its own without any permission; limits: ${seconds}${memory}`;
  }
  return nodeThreads()
    ? `${path} runs as your own code, in processes of its own with your rights; ` +
        `limits: ${seconds}${memory}`
    : `${path} runs in a sandboxed frame without network; limit: ${seconds}`;
}

/**
 * A user's verifier: the default function of a module, called as `(prompt, answer, response,
 * { finished })`. It returns `{ reward, correct, formatted, extracted }`, or a promise of it. A
 * response at which it throws, runs out of time or kills its thread gets -1, and is told. A wrong
 * return ends the work: the module does not do what it is for.
 */
export class ModuleVerifier {
  readonly #path: string;
  readonly #url: string;
  readonly #timeLimitMs: number;
  readonly #frames: FramePort | undefined;
  readonly #lanes: Lane[];
  #closed = false;

  private constructor(path: string, url: string, options: ModuleVerifierOptions) {
    this.#path = path;
    this.#url = url;
    this.#timeLimitMs = options.timeLimitMs ?? TIME_LIMIT_MS;
    this.#frames = options.frames;
    const threads = options.threads ?? Math.min(4, Math.max(1, hardwareThreads() - 1));
    this.#lanes = Array.from({ length: threads }, () => ({ tail: Promise.resolve() }));
  }

  /**
   * Loads the module once, to see whether it can be.
   *
   * @throws ConfigError naming the module, if it is missing, fails, or has no default function.
   */
  static async open(path: string, options: ModuleVerifierOptions): Promise<ModuleVerifier> {
    const url = await moduleUrl(path, options.files);
    const verifier = new ModuleVerifier(path, url, options);
    const [first] = verifier.#lanes;
    try {
      if (first) await verifier.#thread(first);
      return verifier;
    } catch (error) {
      verifier.close();
      const why = error instanceof Error ? error.message : String(error);
      throw new ConfigError(`verifier ${path}: ${why}`);
    }
  }

  /** Judges responses; verdicts stand in their order. @throws VerifierError for a wrong return. */
  async verify(request: VerifyRequest): Promise<VerifyReply> {
    const { prompts, keys, rows, promptOf, responses, finished } = request;
    const failures: VerifyFailure[] = [];
    const failed: Verdict = { reward: -1, correct: false, formatted: false, extracted: null };
    const verdicts = await Promise.all(
      responses.map(async (response, i) => {
        const place = promptOf[i] ?? 0;
        const row = rows?.[place];
        const judged = await this.judge({
          prompt: row ? row.prompt : prompts[place],
          answer: row ? row.answer : keys[place],
          response,
          finished: finished[i] === 1,
        });
        if (!('failed' in judged)) return judged;
        failures.push({ response: i, reason: judged.failed });
        return failed;
      }),
    );
    failures.sort((a, b) => a.response - b.response);
    const extracted = verdicts.map((verdict) => verdict.extracted);
    return { ...packVerdicts(verdicts), extracted, failures };
  }

  /** Judges one response; calls may overlap. @throws VerifierError for a wrong return. */
  judge(item: ModuleItem): Promise<Verdict | { readonly failed: string }> {
    const lane = this.#lanes.reduce((least, one) => (waiting(one) < waiting(least) ? one : least));
    lane.waiting = waiting(lane) + 1;
    const turn = lane.tail.then(() => this.#judge(lane, item));
    lane.tail = turn.then(
      () => undefined,
      () => undefined,
    );
    return turn.finally(() => (lane.waiting = waiting(lane) - 1));
  }

  /** Ends the threads. Calls under way fail. */
  close(): void {
    this.#closed = true;
    for (const { thread } of this.#lanes) {
      void thread?.then(
        ({ host }) => host.kill('it was closed'),
        () => undefined,
      );
    }
  }

  async #judge(lane: Lane, item: ModuleItem): Promise<Verdict | { readonly failed: string }> {
    const thread = await this.#thread(lane);
    const reply = await thread.call({ item }, this.#timeLimitMs);
    if (reply.failed !== undefined) {
      if (this.#closed) throw new VerifierError(`${this.#path}: ${reply.failed}`);
      return { failed: reply.failed };
    }
    return this.#verdictOf(reply, item);
  }

  #thread(lane: Lane): Promise<ModuleThread> {
    lane.thread ??= this.#start(lane);
    return lane.thread;
  }

  async #start(lane: Lane): Promise<ModuleThread> {
    const loadLimit = Math.max(this.#timeLimitMs, TIME_LIMIT_MS);
    const thread = new ModuleThread(
      () => delete lane.thread,
      (listener) => startModuleHost(listener, this.#frames),
    );
    const { failed } = await thread.call({ load: this.#url }, loadLimit);
    if (failed === undefined) return thread;
    thread.host.kill(failed);
    throw new VerifierError(`it cannot be loaded: ${failed}`);
  }

  #verdictOf(reply: Reply, { prompt }: ModuleItem): Verdict {
    const refuse = (what: string): never => {
      const text = typeof prompt === 'string' ? prompt : (JSON.stringify(prompt) ?? '');
      throw new VerifierError(
        `${this.#path}: must return { reward, correct, formatted, extracted }: ${what}, for a response to the ` +
          `prompt ${JSON.stringify(shorten(text))}`,
      );
    };
    if (reply.verdict !== undefined) return refuse(`it returned ${kindText(reply.verdict)}`);
    const is = (field: 'reward' | 'correct' | 'formatted' | 'extracted', wanted: string): never =>
      refuse(`${field} must be ${wanted}, is ${kindText(reply[field])}`);
    const [reward, correct, formatted, extracted] = (
      ['reward', 'correct', 'formatted', 'extracted'] as const
    ).map((field) => reply[field]?.value);
    if (typeof reward !== 'number' || !Number.isFinite(Math.fround(reward))) {
      return is('reward', 'a finite number in float32');
    }
    if (typeof correct !== 'boolean') return is('correct', 'true or false');
    if (typeof formatted !== 'boolean') return is('formatted', 'true or false');
    if (extracted !== null && typeof extracted !== 'string') {
      return is('extracted', 'a text or null');
    }
    return { reward, correct, formatted, extracted };
  }
}

interface Lane {
  thread?: Promise<ModuleThread>;
  tail: Promise<void>;
  waiting?: number;
}

const waiting = (lane: Lane): number => lane.waiting ?? 0;

/** A value of a verdict: itself, or what it is where it cannot be sent. */
interface Sent {
  readonly value?: unknown;
  readonly is?: unknown;
}

interface Reply {
  readonly failed?: string;
  /** A whole return that is no object. */
  readonly verdict?: Sent;
  readonly reward?: Sent;
  readonly correct?: Sent;
  readonly formatted?: Sent;
  readonly extracted?: Sent;
}

const kindText = ({ value, is }: Sent = {}): string =>
  typeof is === 'string'
    ? shorten(is)
    : value === undefined
      ? 'missing'
      : shorten(JSON.stringify(value) ?? String(value));

/** One thread of a module: a call at a time. */
class ModuleThread {
  readonly host: ModuleHost;
  #calls = 0;
  #settle: ((reply: Reply) => void) | undefined;
  #awaited = 0;
  #end: string | undefined;

  constructor(
    onEnd: () => void,
    start: (listener: {
      readonly onMessage: (message: unknown) => void;
      readonly onEnd: (reason: string) => void;
    }) => ModuleHost,
  ) {
    this.host = start({
      onMessage: (message) => {
        const reply = replyOf(message);
        // A module can post messages of its own: only an answer to the call counts.
        if (reply?.id === this.#awaited) this.#finish(reply);
      },
      onEnd: (reason) => {
        this.#end = reason;
        onEnd();
        this.#finish({ failed: reason });
      },
    });
  }

  call(message: object, timeLimitMs: number): Promise<Reply> {
    if (this.#end !== undefined) return Promise.resolve({ failed: this.#end });
    const id = ++this.#calls;
    return new Promise((resolve) => {
      const late = `it ran longer than ${timeLimitMs} ms`;
      const timer = setTimeout(() => this.host.kill(late), timeLimitMs);
      this.#awaited = id;
      this.#settle = (reply) => {
        clearTimeout(timer);
        resolve(reply);
      };
      this.host.post({ id, ...message });
    });
  }

  #finish(reply: Reply): void {
    const settle = this.#settle;
    this.#settle = undefined;
    settle?.(reply);
  }
}

/** The reply in a message, whose sender is not trusted. */
function replyOf(message: unknown): (Reply & { readonly id: number }) | undefined {
  if (!isRecord(message) || typeof message.id !== 'number') return undefined;
  const { id, failed } = message;
  if (failed !== undefined) return { id, failed: shorten(String(failed)) };
  const sent = (name: string): Sent | undefined => {
    const found = message[name];
    return isRecord(found) ? found : undefined;
  };
  const verdict = sent('verdict');
  return {
    id,
    ...(verdict ? { verdict } : {}),
    reward: sent('reward') ?? {},
    correct: sent('correct') ?? {},
    formatted: sent('formatted') ?? {},
    extracted: sent('extracted') ?? {},
  };
}

/** The address from which a thread imports a module: of the disk in Node, else of its text. */
async function moduleUrl(path: string, files: InputFiles): Promise<string> {
  if (!('Deno' in globalThis) && nodeThreads()) {
    const { resolve } = process.getBuiltinModule('node:path');
    const { pathToFileURL } = process.getBuiltinModule('node:url');
    const { existsSync } = process.getBuiltinModule('node:fs');
    if (!existsSync(path)) throw new ConfigError(`verifier ${path}: no such file`);
    return pathToFileURL(resolve(path)).href;
  }
  const source = await files.open(path);
  if (!source) throw new ConfigError(`verifier ${path}: no such file`);
  return `data:text/javascript,${encodeURIComponent(await readText(source, LARGEST_MODULE))}`;
}
