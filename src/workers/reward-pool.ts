import { transfer } from 'comlink';
import { type InputFiles, noFiles } from '../formats/input-files.ts';
import { hardwareThreads } from '../hardware-threads.ts';
import { moduleOf, modulesOf, type TaskConfig } from '../tasks/registry.ts';
import { connect, type Connection, type StartWorker } from '../threads/connect.ts';
import type { FramePort } from './module-host.ts';
import { ModuleVerifier } from './module-verifier.ts';
import type { RewardApi, VerifyFailure, VerifyReply, VerifyRequest } from './protocol.ts';

export interface RewardPoolOptions {
  /**
   * Number of verifiers in parallel. Default: one less than the machine's threads, within 1 to 4.
   */
  readonly workers?: number;
  /**
   * Time limit of a check. A check that takes longer is abandoned, rewarded -1 and named among the
   * failures. This is wall time, so it must be far above what a task's checks take: other work on
   * the machine must not change a reward. Default 30,000 (the reference gives a check 2,000).
   */
  readonly timeLimitMs?: number;
  /** The files that the task's config names. They are read while the pool opens. */
  readonly files?: InputFiles;
  /** In a page: where sandboxed frames come from, in which modules of the user run. */
  readonly frames?: FramePort | undefined;
  /** Starts another worker than `reward.worker.ts`; it must serve `RewardApi`. */
  readonly start?: StartWorker;
}

const TIME_LIMIT_MS = 30_000;

const startReward: StartWorker = (Worker) =>
  new Worker(new URL('./reward.worker.ts', import.meta.url), { type: 'module' });

/**
 * Verifiers, each in its own worker. Replies stand in the order of the request, for any number of
 * workers. Each worker gets one piece of the responses. A piece that exceeds the time limit, or
 * kills its worker, is halved and tried again on a new worker, down to the single guilty response.
 */
export class RewardPool {
  readonly #task: TaskConfig;
  readonly #timeLimitMs: number;
  readonly #start: StartWorker;
  readonly #lanes: Lane[];
  readonly #options: RewardPoolOptions;
  /** The verifiers that are modules of the user, by path. */
  readonly #modules = new Map<string, ModuleVerifier>();
  #closed = false;

  private constructor(task: TaskConfig, options: RewardPoolOptions) {
    this.#task = task;
    this.#options = options;
    this.#timeLimitMs = options.timeLimitMs ?? TIME_LIMIT_MS;
    this.#start = options.start ?? startReward;
    const workers = options.workers ?? Math.min(4, Math.max(1, hardwareThreads() - 1));
    this.#lanes = Array.from({ length: workers }, () => ({ tail: Promise.resolve() }));
  }

  /**
   * Starts all workers.
   *
   * @throws WorkerError if a worker cannot start, ConfigError (by `name`) if a task refuses its
   *   config.
   */
  static async open(task: TaskConfig, options: RewardPoolOptions = {}): Promise<RewardPool> {
    const pool = new RewardPool(task, options);
    await pool.#openModules();
    const started = await Promise.allSettled(pool.#lanes.map((lane) => pool.#worker(lane)));
    for (const result of started) {
      if (result.status === 'rejected') {
        await pool.close();
        throw result.reason;
      }
    }
    return pool;
  }

  get workers(): number {
    return this.#lanes.length;
  }

  /**
   * Verifies responses. Calls may overlap. @throws WorkerError if a worker cannot be replaced or
   * the pool is closed.
   */
  async verify(request: VerifyRequest): Promise<VerifyReply> {
    const module = this.#modules.get(moduleOf(this.#task, request.tier) ?? '');
    if (module) return module.verify(request);
    const count = request.promptOf.length;
    const reply = emptyReply(count);
    const piece = Math.ceil(count / this.#lanes.length);
    await Promise.all(
      this.#lanes.map((lane, i) => {
        const from = Math.min(count, i * piece);
        const to = Math.min(count, from + piece);
        if (from === to) return Promise.resolve();
        const turn = lane.tail.then(() => this.#judge(lane, request, from, to, reply));
        lane.tail = turn.catch(() => undefined);
        return turn;
      }),
    );
    reply.failures.sort((a, b) => a.response - b.response);
    return reply;
  }

  /** Ends the workers. Unfinished calls reject. */
  async close(): Promise<void> {
    this.#closed = true;
    for (const module of this.#modules.values()) module.close();
    await Promise.all(
      this.#lanes.map(async (lane) => {
        const connection = await lane.connection?.catch(() => undefined);
        await connection?.close(1000);
      }),
    );
  }

  /** @throws ConfigError if a module cannot be loaded. */
  async #openModules(): Promise<void> {
    const paths = modulesOf(this.#task);
    if (paths.length === 0) return;
    const { files = noFiles } = this.#options;
    try {
      for (const path of paths) {
        const module = await ModuleVerifier.open(path, {
          files,
          threads: this.workers,
          timeLimitMs: this.#timeLimitMs,
          frames: this.#options.frames,
        });
        this.#modules.set(path, module);
      }
    } catch (error) {
      for (const module of this.#modules.values()) module.close();
      throw error;
    }
  }

  #worker(lane: Lane): Promise<Connection<RewardApi>> {
    lane.connection ??= this.#open();
    return lane.connection;
  }

  async #open(): Promise<Connection<RewardApi>> {
    const connection = await connect<RewardApi>('reward', this.#start);
    try {
      await connection.api.load(this.#task);
    } catch (error) {
      await connection.close(1000);
      throw error;
    }
    return connection;
  }

  async #judge(
    lane: Lane,
    request: VerifyRequest,
    from: number,
    to: number,
    reply: ReturnType<typeof emptyReply>,
  ): Promise<void> {
    const connection = await this.#worker(lane);
    const part = slice(request, from, to);
    const late = `a check ran longer than ${this.#timeLimitMs} ms`;
    const timer = setTimeout(() => void connection.kill(late), this.#timeLimitMs);
    let verdicts: VerifyReply;
    try {
      const buffers = [part.promptOf.buffer, part.finished.buffer];
      verdicts = await connection.api.verify(transfer(part, buffers));
    } catch (error) {
      if (this.#closed || (error as Error).name !== 'WorkerError') throw error;
      delete lane.connection;
      if (to - from === 1) {
        reply.rewards[from] = -1;
        reply.failures.push({ response: from, reason: (error as Error).message });
        return;
      }
      const middle = from + Math.ceil((to - from) / 2);
      await this.#judge(lane, request, from, middle, reply);
      await this.#judge(lane, request, middle, to, reply);
      return;
    } finally {
      clearTimeout(timer);
    }
    reply.rewards.set(verdicts.rewards, from);
    reply.correct.set(verdicts.correct, from);
    reply.formatted.set(verdicts.formatted, from);
    verdicts.extracted.forEach((answer, i) => (reply.extracted[from + i] = answer));
    for (const { response, reason } of verdicts.failures) {
      reply.failures.push({ response: from + response, reason });
    }
  }
}

/** One worker at a time, and the queue of its calls. */
interface Lane {
  connection?: Promise<Connection<RewardApi>>;
  tail: Promise<void>;
}

const emptyReply = (count: number) => ({
  rewards: new Float32Array(count),
  correct: new Uint8Array(count),
  formatted: new Uint8Array(count),
  extracted: new Array<string | null>(count).fill(null),
  failures: [] as VerifyFailure[],
});

function slice(request: VerifyRequest, from: number, to: number): VerifyRequest {
  const { promptOf, responses, finished } = request;
  return {
    ...request,
    promptOf: promptOf.slice(from, to),
    responses: responses.slice(from, to),
    finished: finished.slice(from, to),
  };
}
