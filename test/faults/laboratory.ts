import { type ChildProcess, fork, spawn } from 'node:child_process';
import {
  cpSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { transformWithOxc } from 'vite';
import { denoCommand, root } from '../../scripts/process.mjs';
import type { Orders } from './inside/control.ts';
import type { Answer, Call } from './inside/resident.ts';

export type { Orders } from './inside/control.ts';

/** How a command ended. `code` is null if a signal or the time limit ended it. */
export interface Ended {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  /** The command's own standard error, without the output of drivers. */
  readonly stderr: string;
}

export type Reply = Ended & Omit<Answer, 'id' | 'code' | 'stdout' | 'stderr'>;

/** Time limit of one command, on a busy machine. */
const COMMAND_MS = 600_000;
/** Number of commands after which the resident process is started anew. */
const MOST_CALLS = 150;

export const script = join(root, 'bin/limr.mjs');

/** Removes the lines that drivers, the loader and Deno print. */
const ownLines = (stderr: string): string =>
  stderr.replace(/^(?:Warning: |error: |limr: building |Download |\(node:).*\n/gm, '');

/** Builds the modules that run inside the process under test, in a form that Node 20 can load. */
async function inside(): Promise<string> {
  // A folder from which the modules' imports resolve.
  const folder = mkdtempSync(join(root, 'node_modules/.limr-faults-'));
  const sources = join(import.meta.dirname, 'inside');
  for (const name of readdirSync(sources)) {
    const { code } = await transformWithOxc(readFileSync(join(sources, name), 'utf8'), name, {
      target: 'es2022',
      typescript: { onlyRemoveTypeImports: true },
    });
    const module = code.replace(/(from\s+['"]\.\/[\w-]+)\.ts(['"])/g, '$1.mjs$2');
    writeFileSync(join(folder, name.replace(/\.ts$/, '.mjs')), module);
  }
  return folder;
}

/** Provides scratch folders, processes under orders, and real processes. */
export class Laboratory {
  readonly folder: string;
  readonly #inside: string;
  #resident: ChildProcess | undefined;
  #ready: Promise<void> = Promise.resolve();
  #calls = 0;
  #folders = 0;
  readonly #children = new Set<ChildProcess>();
  readonly #last = new Set<() => void>();

  private constructor(folder: string, insideFolder: string) {
    this.folder = folder;
    this.#inside = insideFolder;
  }

  static async open(): Promise<Laboratory> {
    return new Laboratory(mkdtempSync(join(tmpdir(), 'limr-faults-')), await inside());
  }

  /** An unused path in the scratch folder. */
  path(name: string): string {
    return join(this.folder, `${name}-${++this.#folders}`);
  }

  /** A copy of a folder, to be damaged. */
  copy(from: string, name = 'copy'): string {
    const to = this.path(name);
    cpSync(from, to, { recursive: true });
    return to;
  }

  discard(path: string): void {
    rmSync(path, { recursive: true, force: true });
  }

  get environment(): NodeJS.ProcessEnv {
    return {
      ...process.env,
      NO_COLOR: '1',
      DENO_NO_UPDATE_CHECK: '1',
      LIMR_CACHE: join(this.folder, 'cache'),
    };
  }

  /** Node options that put a process under the orders in `LIMR_FAULT_ORDERS`. */
  get underOrders(): string[] {
    return ['--import', pathToFileURL(join(this.#inside, 'preload.mjs')).href];
  }

  /** The path of a script that runs inside a process under orders. */
  insidePath(name: string): string {
    return join(this.#inside, `${name}.mjs`);
  }

  #start(): ChildProcess {
    this.#calls = 0;
    const command = pathToFileURL(join(root, 'dist/src/cli/main.js')).href;
    const child = fork(join(this.#inside, 'resident.mjs'), [command], {
      execArgv: this.underOrders,
      env: this.environment,
      cwd: this.folder,
      stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
      serialization: 'advanced',
    });
    this.#children.add(child);
    let noise = '';
    child.stderr?.on('data', (text: Buffer) => (noise = (noise + String(text)).slice(-4000)));
    child.once('exit', () => {
      this.#children.delete(child);
      if (this.#resident === child) this.#resident = undefined;
    });
    this.#ready = new Promise((resolve, reject) => {
      child.once('message', () => resolve());
      child.once('exit', () => reject(new Error(`the resident process does not start: ${noise}`)));
    });
    return child;
  }

  /**
   * Runs a command in the resident process. Everything is real, except that its device and its
   * threads are kept for the next command. If the command ends the process, the reply has the
   * signal or the code.
   */
  async call(argv: readonly string[], orders: Orders = {}): Promise<Reply> {
    if (this.#resident && this.#calls >= MOST_CALLS) await this.endResident();
    const child = (this.#resident ??= this.#start());
    await this.#ready;
    const id = ++this.#calls;
    return new Promise((resolve) => {
      let noise = '';
      const listen = (text: Buffer): void => void (noise += String(text));
      const none = { fired: 0, events: 0, submits: 0, allocations: 0, mappings: 0 };
      const settle = (reply: Reply): void => {
        clearTimeout(timer);
        child.off('message', answered).off('exit', exited);
        child.stderr?.off('data', listen);
        resolve(reply);
      };
      const answered = (answer: Answer): void => {
        if (answer.id !== id) return;
        settle({ ...answer, stderr: ownLines(answer.stderr), signal: null });
      };
      const exited = (code: number | null, signal: NodeJS.Signals | null): void => {
        settle({ code, signal, stdout: '', stderr: ownLines(noise), ...none });
      };
      const timer = setTimeout(() => child.kill('SIGKILL'), COMMAND_MS);
      child.on('message', answered).on('exit', exited);
      child.stderr?.on('data', listen);
      const call: Call = { id, argv, orders };
      child.send(call);
    });
  }

  async endResident(): Promise<void> {
    const child = this.#resident;
    this.#resident = undefined;
    if (!child || child.exitCode !== null) return;
    await new Promise((resolve) => {
      child.once('exit', resolve);
      child.kill('SIGKILL');
    });
  }

  /**
   * Starts a real process in its own process group.
   *
   * @param how.orders Puts the process under orders; in Deno, orders of its device alone.
   * @param how.fired A path at which an empty file appears once the ordered fault has happened.
   */
  start(
    argv: readonly string[],
    how: {
      readonly host?: 'node' | 'deno';
      readonly orders?: Orders;
      readonly fired?: string;
      readonly program?: readonly string[];
    } = {},
  ): { readonly child: ChildProcess; readonly ended: Promise<Ended> } {
    const node = [process.execPath, ...(how.orders ? this.underOrders : []), script];
    const preload = how.orders ? ['--preload', this.insidePath('deno')] : [];
    const [program = '', ...options] =
      how.program ?? (how.host === 'deno' ? [...denoCommand(), ...preload, script] : node);
    const child = spawn(program, [...options, ...argv], {
      cwd: this.folder,
      env: {
        ...this.environment,
        ...(how.orders ? { LIMR_FAULT_ORDERS: JSON.stringify(how.orders) } : {}),
        ...(how.fired === undefined ? {} : { LIMR_FAULT_FIRED: how.fired }),
      },
      stdio: ['ignore', 'pipe', 'pipe'],
      detached: true,
    });
    this.#children.add(child);
    let [stdout, stderr] = ['', ''];
    child.stdout.on('data', (text: Buffer) => (stdout += String(text)));
    child.stderr.on('data', (text: Buffer) => (stderr += String(text)));
    const timer = setTimeout(() => killGroup(child), COMMAND_MS);
    const ended = new Promise<Ended>((resolve) => {
      // Not `close`, because a browser that outlives the process would hold the pipes open.
      child.once('exit', (code, signal) => {
        clearTimeout(timer);
        this.#children.delete(child);
        setTimeout(() => resolve({ code, signal, stdout, stderr: ownLines(stderr) }), 50);
      });
    });
    return { child, ended };
  }

  /** Runs a real process to its end. */
  run(argv: readonly string[], how: Parameters<Laboratory['start']>[1] = {}): Promise<Ended> {
    return this.start(argv, how).ended;
  }

  /** Registers work for the closing of the laboratory. */
  onClose(work: () => void): void {
    this.#last.add(work);
  }

  /** Ends all started processes and removes all files. */
  async close(): Promise<void> {
    for (const work of this.#last) work();
    await this.endResident();
    for (const child of this.#children) killGroup(child);
    rmSync(this.#inside, { recursive: true, force: true });
    rmSync(this.folder, { recursive: true, force: true });
  }

  /** Makes a folder inside the scratch folder. */
  make(name: string): string {
    const path = this.path(name);
    mkdirSync(path, { recursive: true });
    return path;
  }
}

/** Ends a process and all its descendants in its group. */
export function killGroup(child: ChildProcess, signal: NodeJS.Signals = 'SIGKILL'): void {
  if (child.pid === undefined || child.exitCode !== null || child.signalCode !== null) return;
  try {
    process.kill(-child.pid, signal);
  } catch {
    // The process has ended by itself in the meantime.
  }
}
