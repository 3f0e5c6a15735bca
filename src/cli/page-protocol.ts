import type { StoreCalls } from '../workers/remote-store.ts';
import type { Look, PathInfo } from './system.ts';

/** What the page is told before its command begins. */
export interface PageSettings {
  readonly environment: Readonly<Record<string, string>>;
  readonly terminal: boolean;
}

/** What the Node side calls in the page, as `limrPage`. */
export interface PageApi {
  /** @returns The command's exit code. */
  run(argv: readonly string[], settings: PageSettings): Promise<number>;
  interrupt(): void;
  /** Whether the browser offers an adapter that is not software. */
  hasGpu(): Promise<boolean>;
}

/**
 * What the page calls on the Node side, as `limrSystem(name, ...args)`. Bytes cross as base64: the
 * way there is JSON. Handles are numbers the Node side gives out.
 */
export interface SystemCalls {
  readonly info: (path: string) => Promise<PathInfo | undefined>;
  readonly resolve: (path: string) => Promise<string>;
  readonly list: (path: string) => Promise<string[]>;
  readonly remove: (path: string) => Promise<void>;
  readonly open: (path: string) => Promise<{ readonly handle: number; readonly size: number }>;
  readonly read: (handle: number, start: number, end: number) => Promise<string>;
  readonly close: (handle: number) => Promise<void>;
  /** Begins a file that takes its place at `commit`, and is forgotten at `abort`. */
  readonly create: (path: string) => Promise<number>;
  readonly append: (handle: number, bytes: string) => Promise<void>;
  readonly commit: (handle: number) => Promise<void>;
  readonly abort: (handle: number) => Promise<void>;
  /** A call on the store of a run's folder. */
  readonly store: (
    folder: string,
    name: keyof StoreCalls,
    args: readonly unknown[],
  ) => Promise<unknown>;
  readonly lock: (folder: string) => Promise<void>;
  readonly unlock: (folder: string) => Promise<void>;
  readonly stderr: (text: string, look?: Look) => Promise<void>;
  readonly stdout: (text: string) => Promise<void>;
  /** Whether the command wants to hear of Ctrl-C, or be ended by it. */
  readonly interruptible: (wanted: boolean) => Promise<void>;
}

/** What a call came to. Errors keep what decides exit codes: their name. */
export type CallReply =
  | { readonly value: unknown }
  | { readonly error: { readonly name: string; readonly message: string } };
