import { mkdir, open, readdir, realpath, rename, rm, stat } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import { isatty } from 'node:tty';
import colors from 'picocolors';
import { errorCode, fileError, isAbsence, makeFolder } from '../file-error.ts';
import { lockFolder } from './folder-lock.ts';
import type { FileContent, Look, System } from './system.ts';

/** Strings are joined into writes of about this many characters. */
const BATCH = 1 << 20;

const print = (stream: NodeJS.WriteStream, text: string): Promise<void> =>
  new Promise((resolve, reject) => {
    stream.write(text, (error) => {
      if (error) reject(error);
      else resolve();
    });
  });

/** Colours if the terminal has them, and the line that a new status overwrites. */
const dressed: Readonly<Record<Look, (text: string) => string>> = {
  heading: (text) => colors.bold(text),
  warning: (text) => colors.yellow(text),
  status: (text) => `\r\u001b[2K${text}`,
  clear: () => '\r\u001b[2K',
};

async function* bytesOf(content: FileContent): AsyncGenerator<Uint8Array> {
  if (content instanceof Uint8Array) {
    yield content;
    return;
  }
  const encoder = new TextEncoder();
  if (typeof content === 'string') {
    yield encoder.encode(content);
    return;
  }
  let batch = '';
  for await (const piece of content as AsyncIterable<string | Uint8Array>) {
    if (typeof piece !== 'string') {
      yield piece;
      continue;
    }
    batch += piece;
    if (batch.length < BATCH) continue;
    yield encoder.encode(batch);
    batch = '';
  }
  if (batch !== '') yield encoder.encode(batch);
}

/** A file that is being written: its path does not exist before `commit`. */
export interface FreshFile {
  append(bytes: Uint8Array): Promise<void>;
  commit(): Promise<void>;
  abort(): Promise<void>;
}

/** Whether no process with this number exists; false if that cannot be known. */
function isGone(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return false;
  } catch (error) {
    return errorCode(error) === 'ESRCH';
  }
}

/** Removes partial copies of a file that killed commands left. */
async function clearLeftOvers(path: string): Promise<void> {
  const name = basename(path);
  for (const other of await readdir(dirname(path))) {
    const pid = other.startsWith(`${name}.`)
      ? /^\.(\d+)\.partial$/.exec(other.slice(name.length))?.[1]
      : undefined;
    if (pid !== undefined && isGone(Number(pid)))
      await rm(join(dirname(path), other), { force: true });
  }
}

/** Begins a file beside its final path; creates folders as needed. */
export async function createFile(path: string): Promise<FreshFile> {
  const partial = `${path}.${process.pid}.partial`;
  /** Makes a failed call's error name the requested file instead of the partial one. */
  const named = async <T>(call: () => Promise<T>): Promise<T> => {
    try {
      return await call();
    } catch (error) {
      throw fileError(error, path, 'written');
    }
  };
  const file = await named(async () => {
    await makeFolder({ mkdir, stat }, dirname(path), dirname);
    await clearLeftOvers(path);
    return open(partial, 'w');
  });
  const abort = async (): Promise<void> => {
    // The earlier error is the one to report.
    await file.close().catch(() => undefined);
    await rm(partial, { force: true }).catch(() => undefined);
  };
  return {
    append: (bytes) => named(() => file.writeFile(bytes)),
    async commit() {
      try {
        await named(async () => {
          await file.sync();
          await file.close();
          await rename(partial, path);
        });
      } catch (error) {
        await abort();
        throw error;
      }
    },
    abort,
  };
}

/** The first signal ends a command without a listener; the second ends any command. */
const deadlySignals = ['SIGINT', 'SIGTERM'] as const;

/**
 * Ends the process by SIGHUP when a terminal is gone. Node restores every terminal's settings at
 * exit, and aborts when a terminal no longer exists.
 *
 * @param terminals File descriptors that were terminals.
 */
function endWithoutTerminal(terminals: readonly number[]): void {
  if (terminals.every((fd) => isatty(fd))) return;
  process.removeAllListeners('SIGHUP');
  process.kill(process.pid, 'SIGHUP');
}

let listening = false;

/**
 * Keeps an error of stderr from ending the process: Node throws a stream's error when the stream
 * has no listener, even if the writer received the error.
 */
function listenToStderr(): void {
  if (!listening) process.stderr.on('error', () => undefined);
  listening = true;
}

/** Whether an error means that the file or folder does not exist. */
/** Files and streams of Node, and of Deno through its `node:` modules. */
export const nodeSystem: System = {
  async info(path) {
    try {
      const found = await stat(path);
      return { kind: found.isDirectory() ? 'directory' : 'file', size: found.size };
    } catch (error) {
      if (isAbsence(error)) return undefined;
      throw fileError(error, path, 'read');
    }
  },
  async resolve(path) {
    const missing: string[] = [];
    for (let place = resolve(path); ; place = dirname(place)) {
      try {
        return join(await realpath(place), ...missing);
      } catch (error) {
        if (!isAbsence(error) || place === dirname(place)) throw fileError(error, path, 'read');
        missing.unshift(basename(place));
      }
    }
  },
  async list(path) {
    try {
      return (await readdir(path)).sort();
    } catch (error) {
      throw fileError(error, path, 'read');
    }
  },
  async open(path) {
    const file = await open(path, 'r').catch((error: unknown) => {
      throw fileError(error, path, 'read');
    });
    const { size } = await file.stat();
    return {
      name: path,
      size,
      async slice(start, end) {
        const bytes = new Uint8Array(Math.max(0, Math.min(end, size) - start));
        for (let done = 0; done < bytes.length;) {
          const { bytesRead } = await file.read(bytes, done, bytes.length - done, start + done);
          if (bytesRead === 0) throw new Error(`${path}: became shorter while it was read`);
          done += bytesRead;
        }
        return bytes;
      },
      close: () => file.close(),
    };
  },
  async write(path, content) {
    let file: FreshFile | undefined;
    try {
      for await (const bytes of bytesOf(content)) {
        file ??= await createFile(path);
        await file.append(bytes);
      }
    } catch (error) {
      await file?.abort();
      throw error;
    }
    file ??= await createFile(path);
    await file.commit();
  },
  remove: (path) => rm(path, { force: true }),
  async stderr(text, look) {
    listenToStderr();
    // Output to other places must go on after a terminal was closed.
    await print(process.stderr, look ? dressed[look](text) : text).catch(() => undefined);
  },
  stdout: (text) => print(process.stdout, text),
  environment: (name) => process.env[name],
  get terminal() {
    return process.stderr.isTTY;
  },
  onInterrupt(listener) {
    let heard = false;
    const terminals = [0, 1, 2].filter((fd) => isatty(fd));
    const hear = (signal: NodeJS.Signals): void => {
      if (signal === 'SIGHUP') process.once('exit', () => endWithoutTerminal(terminals));
      if (heard) return;
      heard = true;
      for (const name of deadlySignals) process.off(name, hear);
      listener();
    };
    // A terminal that closes may send SIGHUP more than once, and so may its shell.
    const names = [...deadlySignals, 'SIGHUP'] as const;
    for (const name of names) process.on(name, hear);
    return () => {
      for (const name of names) process.off(name, hear);
    };
  },
  lock: lockFolder,
  hubModel: async (id, wanted) => (await import('./hub-cache.ts')).hubFolder(id, wanted),
};
