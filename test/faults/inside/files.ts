// Wraps `node:fs` for the process under test: counts calls below one folder, snapshots the folder
// as a kill would leave it, fails a call, or ends the process at a call.
import { createHash } from 'node:crypto';
import { createRequire, syncBuiltinESMExports } from 'node:module';
import { join, relative, resolve, sep } from 'node:path';
import { count, current, fire, realPid, slot } from './control.ts';

type Callable = (...args: unknown[]) => unknown;
type Table = Record<string, Callable>;

const fs = createRequire(import.meta.url)('node:fs') as typeof import('node:fs');
/** The original functions, for the harness itself. */
const real = { ...fs };

/** Calls that change something, and the number of their leading arguments that are paths. */
const writers: Readonly<Record<string, number>> = {
  writeFile: 1,
  appendFile: 1,
  rename: 2,
  rm: 1,
  unlink: 1,
  mkdir: 1,
  mkdtemp: 1,
  rmdir: 1,
  link: 2,
  symlink: 2,
  copyFile: 2,
  cp: 2,
  truncate: 1,
  utimes: 1,
  chmod: 1,
};
const readers: Readonly<Record<string, number>> = {
  readFile: 1,
  stat: 1,
  lstat: 1,
  readdir: 1,
  access: 1,
  realpath: 1,
  opendir: 1,
};
const handleWriters = [
  'write',
  'writeFile',
  'appendFile',
  'writev',
  'sync',
  'datasync',
  'truncate',
];
const handleReaders = ['read', 'readFile', 'readv', 'stat'];
/** Calls that need room on the disk. */
const takesRoom = /^(?:open|write|append|mkdir|copy|cp|sync|datasync|fsync|link|symlink|truncate)/;

const errors = {
  EIO: { number: -5, text: 'i/o error' },
  ENOSPC: { number: -28, text: 'no space left on device' },
  EROFS: { number: -30, text: 'read-only file system' },
  EACCES: { number: -13, text: 'permission denied' },
} as const;

function failure(code: keyof typeof errors, syscall: string, path: string, named: boolean): Error {
  const { number, text } = errors[code];
  const where = named ? ` '${path}'` : '';
  return Object.assign(new Error(`${code}: ${text}, ${syscall}${where}`), {
    errno: number,
    code,
    syscall,
    ...(named ? { path } : {}),
  });
}

const bytesOf = (data: unknown): Uint8Array | undefined => {
  if (typeof data === 'string') return new TextEncoder().encode(data);
  if (ArrayBuffer.isView(data))
    return new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
  return undefined;
};

const within = (folder: string, path: string): boolean =>
  path === folder || path.startsWith(folder + sep);

/** Every file below a folder with the digest of its bytes. The paths of folders end in a slash. */
function manifest(folder: string, states: string): Map<string, string> {
  const files = new Map<string, string>();
  const visit = (place: string): void => {
    let names: string[];
    try {
      names = real.readdirSync(place).sort();
    } catch {
      return;
    }
    if (place !== folder) files.set(`${relative(folder, place)}/`, '');
    for (const name of names) {
      const path = join(place, name);
      try {
        if (real.lstatSync(path).isDirectory()) visit(path);
        else files.set(relative(folder, path), keep(real.readFileSync(path), states));
      } catch {
        // Another thread has just removed the file.
      }
    }
  };
  visit(folder);
  return files;
}

/** Stores bytes under their digest. */
function keep(bytes: Uint8Array, states: string): string {
  const digest = createHash('sha256').update(bytes).digest('hex').slice(0, 32);
  const place = join(states, 'bytes', digest);
  if (!real.existsSync(place)) real.writeFileSync(place, bytes);
  return digest;
}

function snapshot(
  folder: string,
  states: string,
  label: string,
  half?: [string, Uint8Array],
): void {
  const files = manifest(folder, states);
  if (half) files.set(relative(folder, half[0]), keep(half[1], states));
  const exists = real.existsSync(folder);
  const number = String(count(slot.states)).padStart(6, '0');
  const state = { label, exists, files: [...files] };
  real.writeFileSync(join(states, `${number}.json`), JSON.stringify(state));
}

interface Event {
  readonly call: string;
  readonly path: string;
  readonly reads: boolean;
  /** Whether errors of the call name its path. */
  readonly named: boolean;
  /** The bytes to write. */
  readonly data?: Uint8Array | undefined;
  /** The position in the file; undefined for its end. */
  readonly position?: number | undefined;
  /** Writes the first half of the bytes, as a process that dies during the write would. */
  readonly writeHalf?: () => void;
}

/** Handles an event. @returns The function to call after the call has succeeded. */
function happen(event: Event): (() => void) | undefined {
  const order = current().files;
  if (!order || !within(order.folder, event.path)) return undefined;
  if (event.reads && !(order.reads ?? false)) return undefined;
  const number = count(slot.events);
  const label = `${number} ${event.call} ${relative(order.folder, event.path)}`;
  switch (order.mode) {
    case 'count':
      return undefined;
    case 'snapshot': {
      const { states = '' } = order;
      snapshot(order.folder, states, `before ${label}`);
      if (event.data && event.data.length > 1) {
        const old = real.existsSync(event.path) ? real.readFileSync(event.path) : Buffer.alloc(0);
        const first = event.data.subarray(0, event.data.length >> 1);
        const at = event.position ?? old.length;
        const half = Buffer.concat([old.subarray(0, at), first, old.subarray(at + first.length)]);
        snapshot(order.folder, states, `within ${label}`, [event.path, half]);
      }
      return () => snapshot(order.folder, states, `after ${label}`);
    }
    case 'fail': {
      const { at = 0, lasting = false, code = 'EIO' } = order;
      const later = lasting && number > at && takesRoom.test(event.call);
      if (number !== at && !later) return undefined;
      fire();
      event.writeHalf?.();
      throw failure(code, event.call, event.path, event.named);
    }
    case 'kill':
      if (number !== order.at) return undefined;
      event.writeHalf?.();
      process.kill(realPid, 'SIGKILL');
      // The signal may take a moment. Until then this thread must do nothing else.
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 60_000);
      return undefined;
  }
}

const pathsOf = (args: readonly unknown[], paths: number): string[] =>
  args.slice(0, paths).flatMap((arg) => {
    if (typeof arg === 'string') return [resolve(arg)];
    return arg instanceof URL ? [resolve(arg.pathname)] : [];
  });

/** The first path that the order concerns; undefined if there is none. */
function about(paths: readonly string[]): string | undefined {
  const folder = current().files?.folder;
  return folder === undefined ? undefined : paths.find((path) => within(folder, path));
}

function wrapCall(table: Table, name: string, call: string, paths: number, reads: boolean): void {
  const original = table[name];
  if (typeof original !== 'function') return;
  const sync = name.endsWith('Sync');
  const stand = function (this: unknown, ...args: unknown[]): unknown {
    const path = about(pathsOf(args, paths));
    if (path === undefined) return Reflect.apply(original, this, args);
    const data = /^(?:write|append)/.test(call) ? bytesOf(args[1]) : undefined;
    const begin = (): (() => void) | undefined =>
      happen({
        call,
        path,
        reads,
        named: true,
        data,
        ...(data
          ? { writeHalf: () => real.writeFileSync(path, data.subarray(0, data.length >> 1)) }
          : {}),
      });
    if (sync) {
      const after = begin();
      const result = Reflect.apply(original, this, args);
      after?.();
      return result;
    }
    return (async () => {
      const after = begin();
      const result = await (Reflect.apply(original, this, args) as Promise<unknown>);
      after?.();
      return result;
    })();
  };
  // Keep the properties of the function, such as `realpath.native`.
  table[name] = Object.assign(stand, original);
}

const writesBy = (flags: unknown): boolean =>
  typeof flags === 'number'
    ? (flags & (fs.constants.O_WRONLY | fs.constants.O_RDWR | fs.constants.O_CREAT)) !== 0
    : typeof flags === 'string' && /[wa+]/.test(flags);

interface Written {
  readonly data: Uint8Array;
  readonly position: number | undefined;
}

/**
 * The bytes that a call of an open file writes, and their position. `write` writes a part of its
 * buffer.
 */
function writtenBy(call: string, args: readonly unknown[]): Written | undefined {
  if (call === 'writev') {
    const [buffers, position] = args as [Uint8Array[], number | null | undefined];
    return { data: Buffer.concat(buffers), position: position ?? undefined };
  }
  const whole = bytesOf(args[0]);
  if (!whole) return undefined;
  if (call !== 'write' || typeof args[0] === 'string') return { data: whole, position: undefined };
  interface Part {
    readonly offset?: number | null;
    readonly length?: number | null;
    readonly position?: number | null;
  }
  const [, second, length, position] = args;
  const part: Part =
    typeof second === 'object' && second !== null
      ? second
      : { offset: second as number, length: length as number, position: position as number };
  const from = part.offset ?? 0;
  const to = from + (part.length ?? whole.length - from);
  return { data: whole.subarray(from, to), position: part.position ?? undefined };
}

/** Wraps the calls of an open file. */
function wrapHandle(handle: Table & { readonly fd: unknown }, path: string): void {
  for (const call of [...handleWriters, ...handleReaders]) {
    const original = handle[call];
    if (typeof original !== 'function') continue;
    handle[call] = async (...args: unknown[]): Promise<unknown> => {
      const written = /^(?:write|append)/.test(call) ? writtenBy(call, args) : undefined;
      const after = happen({
        call,
        path,
        reads: handleReaders.includes(call),
        named: false,
        ...written,
        ...(written
          ? {
              writeHalf: () => {
                const first = written.data.subarray(0, written.data.length >> 1);
                real.writeSync(Number(handle.fd), first, 0, first.length, written.position ?? null);
              },
            }
          : {}),
      });
      const result = await (Reflect.apply(original, handle, args) as Promise<unknown>);
      after?.();
      return result;
    };
  }
}

const descriptors = new Map<number, string>();

/**
 * Wraps the file calls of the process. This must run before any module takes a function of
 * `node:fs`.
 */
export function standBetween(): void {
  const promises = fs.promises as unknown as Table;
  const plain = fs as unknown as Table;
  for (const [table, suffix] of [
    [promises, ''],
    [plain, 'Sync'],
  ] as const) {
    for (const [call, paths] of Object.entries(writers)) {
      wrapCall(table, call + suffix, call, paths, false);
    }
    for (const [call, paths] of Object.entries(readers)) {
      wrapCall(table, call + suffix, call, paths, true);
    }
  }
  const open = promises['open'];
  promises['open'] = async (...args: unknown[]) => {
    const path = about(pathsOf(args, 1));
    if (path === undefined) return open(...args);
    const writes = writesBy(args[1] ?? 'r');
    const after = happen({ call: 'open', path, reads: !writes, named: true });
    const handle = await (open(...args) as Promise<Table & { readonly fd: unknown }>);
    after?.();
    wrapHandle(handle, path);
    return handle;
  };
  const openSync = plain['openSync'];
  plain['openSync'] = (...args: unknown[]) => {
    const path = about(pathsOf(args, 1));
    if (path === undefined) return openSync(...args);
    const writes = writesBy(args[1] ?? 'r');
    const after = happen({ call: 'open', path, reads: !writes, named: true });
    const descriptor = openSync(...args) as number;
    after?.();
    if (writes) descriptors.set(descriptor, path);
    return descriptor;
  };
  for (const call of ['write', 'fsync', 'fdatasync', 'ftruncate', 'futimes']) {
    const original = plain[`${call}Sync`];
    plain[`${call}Sync`] = (...args: unknown[]) => {
      const path = descriptors.get(args[0] as number);
      if (path === undefined) return original(...args);
      const data = call === 'write' ? bytesOf(args[1]) : undefined;
      const after = happen({ call, path, reads: false, named: false, data });
      const result = original(...args);
      after?.();
      return result;
    };
  }
  const closeSync = plain['closeSync'];
  plain['closeSync'] = (...args: unknown[]) => {
    descriptors.delete(args[0] as number);
    return closeSync(...args);
  };
  syncBuiltinESMExports();
}
