// What crosses a worker boundary: plain data and transferred arrays.
import type { ExperimentConfig } from '../config.ts';
import type { AdapterChoice } from '../gpu/device.ts';
import type { TunedVariants } from '../variants/choices.ts';
import type { ExperimentEvent, PromptCompletions } from '../results.ts';
import type { TaskConfig } from '../tasks/registry.ts';
import type { VerifyReply, VerifyRequest } from '../tasks/verification.ts';
import type { WorkerApi } from '../threads/worker-api.ts';

export type { VerifyFailure, VerifyReply, VerifyRequest } from '../tasks/verification.ts';

/** A verifier's worker: one task at a time, no GPU. */
export interface RewardApi extends WorkerApi {
  /** @throws ConfigError */
  load(config: TaskConfig): void | Promise<void>;
  verify(request: VerifyRequest): VerifyReply | Promise<VerifyReply>;
}

/** Where a run's files go. */
export type StorePlace =
  /** Node and Deno. */
  | { readonly kind: 'folder'; readonly path: string }
  /** The browser's private file system; kept until the site's data is cleared. */
  | { readonly kind: 'browser'; readonly name: string }
  /** Gone with the worker; can be read until then. */
  | { readonly kind: 'memory' }
  /** In a browser: `StoreCalls` that Comlink serves at the other end, which goes over by transfer. */
  | { readonly kind: 'port'; readonly port: MessagePort };

export interface StartRequest {
  readonly config: ExperimentConfig;
  readonly seeds: readonly number[];
  readonly store: StorePlace;
  /** Goes on from the store's checkpoint where there is one. Default false. */
  readonly resume?: boolean;
  /** Default `auto`. */
  readonly adapter?: AdapterChoice;
  /** What was measured on adapters before; that of the adapter opened is used. */
  readonly tuned?: TunedVariants;
  /** Workers that verify. Default as `RewardPool`'s. */
  readonly verifiers?: number;
  /**
   * Safetensors files of bases trained before. The one whose metadata `identity` is the config's
   * `baseIdentity` is used; without one the run pre-trains its own.
   */
  readonly bases?: readonly Uint8Array[];
  /** Starts paused. Default false. */
  readonly paused?: boolean;
}

/** The worker that owns the device and trains. One run at a time. */
export interface TrainerApi extends WorkerApi {
  /**
   * Opens device, verifiers and run, and lets it go; resolves then, with what it runs on.
   *
   * @throws ConfigError, AdapterError, CheckpointError (by `name`); nothing runs then.
   */
  start(request: StartRequest): Promise<{ readonly adapter: string; readonly host: string }>;
  /** Takes effect when the iteration under way is done; so do the others. */
  pause(): void;
  resume(): void;
  /** One iteration, then paused. */
  step(): void;
  /**
   * Ends the run after its iteration; resolves when it has ended: its checkpoint written, or the
   * reason why not told as its last state.
   */
  stop(): Promise<void>;
  /** Ends the run without another file: its folder is somebody else's. */
  abandon(why: string): void;
  /**
   * The next batch of events, at most 10 a second; of `progress` and `compiling` only the newest.
   * Empty once the run has ended and all was read. The last one tells the final state.
   */
  events(): Promise<readonly ExperimentEvent[]>;
  /** What the FULL pass of the current seed sampled for a prompt of the pool. */
  completions(prompt: number): PromptCompletions;
  /** A file of the run, such as `results.json`; undefined where there is none yet. */
  readFile(path: string): Promise<Uint8Array | undefined>;
}
