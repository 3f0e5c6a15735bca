import type { ByteSource } from '../formats/byte-source.ts';
import type { RunStore } from '../scheduler/run-store.ts';
import type { FolderLock } from './folder-lock.ts';
import type { WantedModel } from './hub-cache.ts';
import { visibleJson, visibleText } from './visible-text.ts';

/** The kind of a path; undefined if nothing exists there. */
export interface PathInfo {
  readonly kind: 'file' | 'directory';
  readonly size: number;
}

/** The content of a file to write. Of an iterable, only a little is in memory at a time. */
export type FileContent =
  string | Uint8Array | Iterable<string> | AsyncIterable<string> | AsyncIterable<Uint8Array>;

/**
 * The machine that a command runs on, as far as commands use it. Node and Deno share one system. A
 * page that runs a command for `--host chromium` receives a system whose files are the caller's.
 */
export interface System {
  info(path: string): Promise<PathInfo | undefined>;
  /**
   * The canonical absolute path, with links resolved as far as the path exists. Paths of one file
   * resolve to the same path.
   */
  resolve(path: string): Promise<string>;
  /** Names inside a folder, sorted. */
  list(path: string): Promise<string[]>;
  /** Random access to a file's bytes; the caller closes the file. */
  open(path: string): Promise<ByteSource & { close(): Promise<void> }>;
  /**
   * Writes beside the path, then renames over it; creates folders as needed. The path holds the old
   * file or the new one, never half.
   */
  write(path: string, content: FileContent): Promise<void>;
  /** Removes a file; does nothing if there is no such file. */
  remove(path: string): Promise<void>;
  /** Output for people: progress, warnings, errors. */
  stderr(text: string, look?: Look): Promise<void>;
  /** Output of results only. */
  stdout(text: string): Promise<void>;
  /** Notes the command's next action, for a report of where the command ended. */
  readonly doing?: (what: string) => Promise<void>;
  environment(name: string): string | undefined;
  readonly terminal: boolean;
  /**
   * Calls back once on Ctrl-C, on SIGTERM or when the terminal closes; none of these then ends the
   * command. A second Ctrl-C or SIGTERM ends the command at once.
   *
   * @returns A function that removes the listener.
   */
  onInterrupt(listener: () => void): () => void;
  /** The store of a run's folder, for a worker that has no files of its own. */
  readonly runStore?: (folder: string) => RunStore;
  /** In a page: a port to sandboxed frames, for the modules that a command was told to judge by. */
  readonly verifierFrames?: () => MessagePort;
  /**
   * Makes the command the only writer of a folder.
   *
   * @throws UsageError naming the process that works in the folder.
   */
  readonly lock?: (folder: string) => Promise<FolderLock>;
  /** The folder of a model of the hub (`hf:…`), which is downloaded where no cache has it. */
  readonly hubModel?: (id: string, wanted: WantedModel) => Promise<string>;
}

/**
 * How a terminal shows a text: a `status` replaces the status before it, and `clear` removes the
 * status. Commands write no control characters themselves.
 */
export type Look = 'heading' | 'warning' | 'status' | 'clear';

/**
 * A system whose streams replace the control characters of texts: commands print names and messages
 * that come from files.
 */
class CleanSystem implements System {
  readonly #inner: System;
  readonly runStore?: (folder: string) => RunStore;
  readonly verifierFrames?: () => MessagePort;
  readonly lock?: (folder: string) => Promise<FolderLock>;
  readonly hubModel?: (id: string, wanted: WantedModel) => Promise<string>;

  constructor(inner: System) {
    this.#inner = inner;
    const { runStore, verifierFrames, lock, hubModel } = inner;
    if (runStore) this.runStore = runStore;
    if (verifierFrames) this.verifierFrames = verifierFrames;
    if (lock) this.lock = lock;
    if (hubModel) this.hubModel = hubModel;
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

  write(path: string, content: FileContent) {
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

/** Replaces the system: for a page, or for a test. */
export function useSystem(replacement: System | undefined): void {
  current = replacement && new CleanSystem(replacement);
}
