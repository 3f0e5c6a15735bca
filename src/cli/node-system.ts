import { mkdir, open, readdir, realpath, rename, rm, stat } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import type { FileContent, System } from './system.ts';

/** Strings joined into writes of about this many characters. */
const BATCH = 1 << 20;

const print = (stream: NodeJS.WriteStream, text: string): Promise<void> =>
  new Promise((resolve, reject) => {
    stream.write(text, (error) => {
      if (error) reject(error);
      else resolve();
    });
  });

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
  for await (const piece of content) {
    batch += piece;
    if (batch.length < BATCH) continue;
    yield encoder.encode(batch);
    batch = '';
  }
  if (batch !== '') yield encoder.encode(batch);
}

/** A file on its way: nothing shows at its path before `commit`. */
export interface FreshFile {
  append(bytes: Uint8Array): Promise<void>;
  commit(): Promise<void>;
  abort(): Promise<void>;
}

/** Begins a file beside the path that it is to take, making folders as needed. */
export async function createFile(path: string): Promise<FreshFile> {
  await mkdir(dirname(path), { recursive: true });
  const partial = `${path}.${process.pid}.partial`;
  const file = await open(partial, 'w');
  const abort = async (): Promise<void> => {
    await file.close();
    await rm(partial, { force: true });
  };
  return {
    append: (bytes) => file.writeFile(bytes),
    async commit() {
      try {
        await file.sync();
        await file.close();
        await rename(partial, path);
      } catch (error) {
        await abort();
        throw error;
      }
    },
    abort,
  };
}

/** Whether an error says that there is no such file or folder. */
const isAbsence = (error: unknown): boolean =>
  ['ENOENT', 'ENOTDIR'].includes((error as NodeJS.ErrnoException).code ?? '');

/** Files and streams of Node, and of Deno through its `node:` modules. */
export const nodeSystem: System = {
  async info(path) {
    try {
      const found = await stat(path);
      return { kind: found.isDirectory() ? 'directory' : 'file', size: found.size };
    } catch (error) {
      if (isAbsence(error)) return undefined;
      throw error;
    }
  },
  async resolve(path) {
    const missing: string[] = [];
    for (let place = resolve(path); ; place = dirname(place)) {
      try {
        return join(await realpath(place), ...missing);
      } catch (error) {
        if (!isAbsence(error) || place === dirname(place)) throw error;
        missing.unshift(basename(place));
      }
    }
  },
  async list(path) {
    return (await readdir(path)).sort();
  },
  async open(path) {
    const file = await open(path, 'r');
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
  stderr: (text) => print(process.stderr, text),
  stdout: (text) => print(process.stdout, text),
  environment: (name) => process.env[name],
  get terminal() {
    return process.stderr.isTTY;
  },
  onInterrupt(listener) {
    process.on('SIGINT', listener);
    process.on('SIGTERM', listener);
    return () => {
      process.off('SIGINT', listener);
      process.off('SIGTERM', listener);
    };
  },
};
