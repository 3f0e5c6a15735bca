import type { ByteSource } from '../formats/byte-source.ts';
import type { RunStore } from '../scheduler/run-store.ts';

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
  stderr(text: string): Promise<void>;
  /** For results only. */
  stdout(text: string): Promise<void>;
  /** Notes what the command is about to do, for whoever has to say where it ended. */
  readonly doing?: (what: string) => Promise<void>;
  environment(name: string): string | undefined;
  readonly terminal: boolean;
  /** Calls back on Ctrl-C, which then no longer ends the command. @returns What takes it off again. */
  onInterrupt(listener: () => void): () => void;
  /** A run's folder for its worker, where a worker has no files of its own. */
  readonly runStore?: (folder: string) => RunStore;
}

let current: System | undefined;

/** The system that commands use. */
export async function system(): Promise<System> {
  current ??= (await import('./node-system.ts')).nodeSystem;
  return current;
}

/** Puts another system in its place: a page's, or a test's. */
export function useSystem(replacement: System | undefined): void {
  current = replacement;
}
