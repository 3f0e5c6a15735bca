import type { FileContent, System } from '../../src/cli/system.ts';

/** A command's files and streams in memory, the same on every host. */
export class MemorySystem implements System {
  readonly files: Map<string, Uint8Array>;
  out = '';
  err = '';
  readonly terminal = false;

  constructor(files: Iterable<readonly [string, Uint8Array]>) {
    this.files = new Map(files);
  }

  info(path: string) {
    const bytes = this.files.get(path);
    if (bytes) return Promise.resolve({ kind: 'file' as const, size: bytes.length });
    const isFolder = [...this.files.keys()].some((name) => name.startsWith(`${path}/`));
    return Promise.resolve(isFolder ? { kind: 'directory' as const, size: 0 } : undefined);
  }

  resolve(path: string) {
    return Promise.resolve(new URL(path, 'file:///').pathname.slice(1));
  }

  list(path: string) {
    const inside = [...this.files.keys()].filter((name) => name.startsWith(`${path}/`));
    const names = inside.map((name) => name.slice(path.length + 1).split('/')[0]);
    return Promise.resolve([...new Set(names)].sort());
  }

  open(path: string) {
    const bytes = this.files.get(path);
    if (!bytes) return Promise.reject(new Error(`${path}: no such file`));
    return Promise.resolve({
      name: path,
      size: bytes.length,
      slice: (start: number, end: number) => Promise.resolve(bytes.slice(start, end)),
      close: () => Promise.resolve(),
    });
  }

  async write(path: string, content: FileContent) {
    const encoder = new TextEncoder();
    const given =
      typeof content === 'string' || content instanceof Uint8Array ? [content] : content;
    const bytes: number[] = [];
    for await (const piece of given as AsyncIterable<string | Uint8Array>) {
      for (const byte of typeof piece === 'string' ? encoder.encode(piece) : piece)
        bytes.push(byte);
    }
    this.files.set(path, Uint8Array.from(bytes));
  }

  remove(path: string) {
    this.files.delete(path);
    return Promise.resolve();
  }

  stderr(text: string) {
    this.err += text;
    return Promise.resolve();
  }

  stdout(text: string) {
    this.out += text;
    return Promise.resolve();
  }

  environment() {
    return undefined;
  }

  onInterrupt() {
    return () => undefined;
  }
}
