import type { StoreCalls } from '../workers/remote-store.ts';
import type { WantedModel } from './hub-cache.ts';
import type { Look, PathInfo } from './system.ts';

/** Settings that the page receives before its command begins. */
export interface PageSettings {
  readonly environment: Readonly<Record<string, string>>;
  readonly terminal: boolean;
}

/** Bytes of a page's JavaScript heap, if the browser reports them. */
export interface PageHeap {
  readonly used: number;
  readonly limit: number;
}

/** The calls from the Node side into the page, as `limrPage`. */
export interface PageApi {
  /** @returns The command's exit code. */
  run(argv: readonly string[], settings: PageSettings): Promise<number>;
  interrupt(): void;
  /** Whether the browser offers an adapter that is not software. */
  hasGpu(): Promise<boolean>;
}

/**
 * The calls from the page to the Node side, as `limrSystem(name, ...args)`. Bytes cross as base64,
 * because the channel carries JSON. Handles are numbers that the Node side gives out.
 */
export interface SystemCalls {
  readonly info: (path: string) => Promise<PathInfo | undefined>;
  readonly resolve: (path: string) => Promise<string>;
  readonly list: (path: string) => Promise<string[]>;
  readonly remove: (path: string) => Promise<void>;
  readonly open: (path: string) => Promise<{ readonly handle: number; readonly size: number }>;
  readonly read: (handle: number, start: number, end: number) => Promise<string>;
  readonly close: (handle: number) => Promise<void>;
  /** Begins a file that replaces its path at `commit`, and is discarded at `abort`. */
  readonly create: (path: string) => Promise<number>;
  readonly append: (handle: number, bytes: string) => Promise<void>;
  readonly commit: (handle: number) => Promise<void>;
  readonly abort: (handle: number) => Promise<void>;
  /** Calls the store of a run's folder. */
  readonly store: (
    folder: string,
    name: keyof StoreCalls,
    args: readonly unknown[],
  ) => Promise<unknown>;
  readonly hubModel: (id: string, wanted: WantedModel) => Promise<string>;
  readonly lock: (folder: string) => Promise<void>;
  readonly unlock: (folder: string) => Promise<void>;
  readonly stderr: (text: string, look?: Look) => Promise<void>;
  /** Reports the command's next action, and the page's memory before it. */
  readonly doing: (what: string, heap: PageHeap | undefined) => Promise<void>;
  readonly stdout: (text: string) => Promise<void>;
  /** Sets whether Ctrl-C goes to the command's listener or ends the command. */
  readonly interruptible: (wanted: boolean) => Promise<void>;
}

/** The outcome of a call. Errors keep their name, which decides the exit code. */
export type CallReply =
  | { readonly value: unknown }
  | { readonly error: { readonly name: string; readonly message: string } };
