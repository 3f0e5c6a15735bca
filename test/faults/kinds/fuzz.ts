import { type ChildProcess, fork } from 'node:child_process';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { root } from '../../../scripts/process.mjs';
import { experimentOf } from '../experiment.ts';
import type { Batch, Message } from '../fuzz/child.ts';
import type { Laboratory } from '../laboratory.ts';
import { clean, type Injection, type Kind, unclean, type Verdict } from '../verdict.ts';

/** Inputs per injection, few enough to repeat a finding. */
const BATCH = 250;
/** Longest time without a message from the reader. */
const SILENCE_MS = 90_000;
/** JavaScript heap of a reader. */
const HEAP_MIB = 768;

type Targets = Extract<Message, { targets: unknown }>['targets'];

/** The process that reads. A new one starts after one has ended. */
class Reader {
  #child: ChildProcess | undefined;
  #targets: Promise<Targets> | undefined;
  readonly #run: string;

  constructor(run: string) {
    this.#run = run;
  }

  #start(): ChildProcess {
    if (this.#child) return this.#child;
    const hooks = pathToFileURL(join(root, 'scripts/ts-hooks.mjs')).href;
    const child = fork(join(import.meta.dirname, '../fuzz/child.ts'), [this.#run], {
      execArgv: ['--import', hooks, `--max-old-space-size=${HEAP_MIB}`],
      stdio: ['ignore', 'ignore', 'ignore', 'ipc'],
    });
    this.#child = child;
    this.#targets = new Promise((resolve, reject) => {
      child.once('message', (message: Message) => {
        if ('targets' in message) resolve(message.targets);
      });
      child.once('exit', () => reject(new Error('the fuzzer does not start')));
    });
    child.once('exit', () => {
      if (this.#child === child) this.#child = undefined;
    });
    return child;
  }

  targets(): Promise<Targets> {
    this.#start();
    return this.#targets ?? Promise.resolve([]);
  }

  async read(batch: Batch): Promise<Verdict[]> {
    const child = this.#start();
    await this.#targets;
    return new Promise((resolve) => {
      const faults: Verdict[] = [];
      let at = batch.from;
      let timer: NodeJS.Timeout;
      const settle = (verdicts: Verdict[]): void => {
        clearTimeout(timer);
        child.off('message', hear).off('exit', ended);
        resolve(verdicts);
      };
      const fault = (why: string): void => {
        faults.push(unclean(`${batch.target}: found`, why));
      };
      const ended = (code: number | null, signal: string | null): void => {
        fault(`input ${at} ended the process (${signal ?? `exit ${code}`})`);
        settle([clean(`${batch.target}: read or refused`, at - batch.from), ...faults]);
      };
      const hear = (message: Message): void => {
        clearTimeout(timer);
        timer = setTimeout(() => child.kill('SIGKILL'), SILENCE_MS);
        if ('fault' in message) {
          fault(
            `input ${message.at}: ${message.fault.slice(0, 1500)}\n    begins (base64): ${message.input}`,
          );
        } else if ('done' in message) {
          const good = batch.to - batch.from - faults.length;
          settle([clean(`${batch.target}: read or refused`, good), ...faults]);
        } else if ('at' in message) at = message.at;
      };
      child.on('message', hear).on('exit', ended);
      timer = setTimeout(() => child.kill('SIGKILL'), SILENCE_MS);
      child.send(batch);
    });
  }

  end(): void {
    this.#child?.kill('SIGKILL');
  }
}

const readers = new WeakMap<Laboratory, Reader>();

/** Bad inputs for every reader of files. */
export const fuzz: Kind = {
  name: 'fuzz',
  summary: 'bad inputs for every reader of files, in one process with little memory',
  whole: true,
  plan: async (laboratory, { seed, cases }) => {
    const { reference } = await experimentOf(laboratory, 'smallest');
    const reader = readers.get(laboratory) ?? new Reader(reference);
    readers.set(laboratory, reader);
    laboratory.onClose(() => reader.end());
    const targets = await reader.targets();
    const total = targets.reduce((sum, { weight }) => sum + weight, 0);
    return targets.flatMap(({ name, weight }) => {
      const count = Math.ceil((cases * weight) / total);
      return Array.from({ length: Math.ceil(count / BATCH) }, (_, i): Injection => {
        const [from, to] = [i * BATCH, Math.min(count, (i + 1) * BATCH)];
        return {
          id: `fuzz/${name}/${from}`,
          inject: () => reader.read({ target: name, from, to, seed }),
        };
      });
    });
  },
};
