import type { ByteSource } from '../formats/byte-source.ts';
import type { RunStore } from '../scheduler/run-store.ts';
import type { FolderLock } from './folder-lock.ts';
import { visibleJson, visibleText } from './visible-text.ts';

/** What a path holds; undefined where there is nothing. */
export interface PathInfo {
  readonly kind: 'file' | 'directory';
  readonly size: number;
}

/**
 * The machine a command runs on, as far as commands touch it. Node and Deno share one, and a page
 * that runs a command for `--host chromium` is handed one whose files are the caller's.
 */
export interface System {
  info(path: string): Promise<PathInfo | undefined>;
  /** The one absolute path of a place, through links as far as it exists: equal for the same file. */
  resolve(path: string): Promise<string>;
  /** Names inside a folder, sorted. */
  list(path: string): Promise<string[]>;
  /** Random access to a file's bytes; the caller closes it. */
  open(path: string): Promise<ByteSource & { close(): Promise<void> }>;
  /** Writes beside the path and renames over it, making folders as needed: old or new, never half. */
  write(path: string, content: string | Uint8Array | Iterable<string>): Promise<void>;
  /** Where there is no such file, nothing is to be done. */
  remove(path: string): Promise<void>;
  /** For human eyes: progress, warnings, errors. */
  stderr(text: string, look?: Look): Promise<void>;
  /** For results only. */
  stdout(text: string): Promise<void>;
  environment(name: string): string | undefined;
  readonly terminal: boolean;
  /**
   * Calls back once, on Ctrl-C, SIGTERM or when the terminal is closed, none of which then ends the
   * command. A second Ctrl-C or SIGTERM ends it at once.
   *
   * @returns What takes it off again.
   */
  onInterrupt(listener: () => void): () => void;
  /** A run's folder for its worker, where a worker has no files of its own. */
  readonly runStore?: (folder: string) => RunStore;
  /** Makes the command the one that writes to a folder. @throws UsageError naming who works there. */
  readonly lock?: (folder: string) => Promise<FolderLock>;
}

/**
 * How a text stands on a terminal: `status` takes the place of the status before it, which `clear`
 * takes away. Commands write no control characters of their own.
 */
export type Look = 'heading' | 'warning' | 'status' | 'clear';

/**
 * A system whose streams let no control character through that came with a text: what commands print
 * holds names and messages out of files.
 */
class CleanSystem implements System {
  readonly #inner: System;
  readonly runStore?: (folder: string) => RunStore;
  readonly lock?: (folder: string) => Promise<FolderLock>;

  constructor(inner: System) {
    this.#inner = inner;
    const { runStore, lock } = inner;
    if (runStore) this.runStore = runStore;
    if (lock) this.lock = lock;
  }

  info(path: string) {
    return this.#inner.info(path);
  }

  resolve(path: string) {
    return this.#inner.resolve(path);
  }

  list(path: string) {
    return this.#inner.list(path);
  }

  open(path: string) {
    return this.#inner.open(path);
  }

  write(path: string, content: string | Uint8Array | Iterable<string>) {
    return this.#inner.write(path, content);
  }

  remove(path: string) {
    return this.#inner.remove(path);
  }

  stderr(text: string, look?: Look) {
    return this.#inner.stderr(visibleText(text), look);
  }

  stdout(text: string) {
    return this.#inner.stdout(visibleJson(text));
  }

  environment(name: string) {
    return this.#inner.environment(name);
  }

  get terminal() {
    return this.#inner.terminal;
  }

  onInterrupt(listener: () => void) {
    return this.#inner.onInterrupt(listener);
  }
}

let current: System | undefined;

/** The system that commands use. */
export async function system(): Promise<System> {
  current ??= new CleanSystem((await import('./node-system.ts')).nodeSystem);
  return current;
}

/** Puts another system in its place: a page's, or a test's. */
export function useSystem(replacement: System | undefined): void {
  current = replacement && new CleanSystem(replacement);
}
