// Types of what crosses a worker boundary: plain data and transferred arrays.
import type { ExperimentConfig } from '../config.ts';
import type { AdapterChoice } from '../gpu/device.ts';
import type {
  Attention,
  AttentionCall,
  GenerateCall,
  Generated,
  InspectCall,
  Inspected,
  LastRollout,
  RolloutCall,
} from '../inspection/calls.ts';
import type { LandscapeView } from '../landscape/landscape.ts';
import type { Drawn } from '../landscape/surface.ts';
import type { TunedVariants } from '../variants/choices.ts';
import type { ExperimentEvent, PromptCompletions } from '../results.ts';
import type { MethodName } from '../selection/methods.ts';
import type { TaskConfig } from '../tasks/registry.ts';
import type { VerifyReply, VerifyRequest } from '../tasks/verification.ts';
import type { RunInputs } from '../run-folder/inputs.ts';
import type { KeptFolder } from '../run-folder/weights.ts';
import type { WorkerApi } from '../threads/worker-api.ts';
import type { FilePlace } from './given-files.ts';

export type { VerifyFailure, VerifyReply, VerifyRequest } from '../tasks/verification.ts';

/** The worker of a verifier: one task at a time, no GPU. */
export interface RewardApi extends WorkerApi {
  /** @throws ConfigError */
  load(config: TaskConfig): void | Promise<void>;
  verify(request: VerifyRequest): VerifyReply | Promise<VerifyReply>;
}

/** Where a run's files go. */
export type StorePlace =
  /** A folder, in Node and Deno. */
  | { readonly kind: 'folder'; readonly path: string }
  /** The browser's private file system; kept until the site's data is cleared. */
  | { readonly kind: 'browser'; readonly name: string }
  /** The worker's memory, readable until the worker ends. */
  | { readonly kind: 'memory' }
  /** Files that a page holds, by their paths in the run's folder: to be opened, not to be written. */
  | { readonly kind: 'held'; readonly files: ReadonlyMap<string, Blob> }
  /**
   * In a browser: a port to `StoreCalls` that Comlink serves at the other end. The port is
   * transferred.
   */
  | { readonly kind: 'port'; readonly port: MessagePort };

export interface StartRequest {
  readonly config: ExperimentConfig;
  readonly seeds: readonly number[];
  readonly store: StorePlace;
  /** Where the files come from that the config names; not needed if it names none. */
  readonly files?: FilePlace;
  /** Continues from the store's checkpoint if there is one. Default false. */
  readonly resume?: boolean;
  /** Default `auto`. */
  readonly adapter?: AdapterChoice;
  /** Tuned variants by adapter. The run uses those of the adapter that it opens. */
  readonly tuned?: TunedVariants;
  /** Number of verifier workers. Default as in `RewardPool`. */
  readonly verifiers?: number;
  /**
   * Safetensors files of trained bases, from which the run takes its base (`findBase`). Without a
   * base there it pre-trains its own.
   */
  readonly bases?: readonly Uint8Array[];
  /**
   * In a page: a port of `serveVerifierFrames`, if the user chose a verifier module for this run. A
   * run without it runs no module. The port is transferred.
   */
  readonly frames?: MessagePort;
  /**
   * Bytes of GPU buffers that the run may take, which decide how much is computed together. When
   * left out, as much is allocated as the whole rollout takes.
   */
  readonly memory?: number;
  /** Starts paused. Default false. */
  readonly paused?: boolean;
  /**
   * Whether the run's folder keeps weights of a drawn model where `experiment.keepWeights` does not
   * say. Default true.
   */
  readonly keepWeights?: boolean;
}

/** A run whose folder is there, to be asked while nothing is trained. */
export type OpenRequest = Pick<StartRequest, 'store' | 'files' | 'adapter' | 'tuned' | 'bases'>;

/** What an opened run can be asked. */
export interface OpenedRun {
  readonly adapter: string;
  readonly config: ExperimentConfig;
  readonly seeds: readonly number[];
  /** The weights that its folder keeps. */
  readonly weights: readonly KeptFolder[];
}

/** What a run that has started runs on. */
export interface StartedRun {
  readonly adapter: string;
  readonly host: string;
  /** The files that the config names. The folder of the run records them. */
  readonly inputs: RunInputs;
  /** Sentences for the user: how the model's files were read, and how the run uses memory. */
  readonly notes: readonly string[];
}

/** The worker that owns the device and trains. One run at a time. */
export interface TrainerApi extends WorkerApi {
  /**
   * Opens files, device, verifiers and run, and starts the run. Resolves when the run has started.
   * Meanwhile `events` tells how far the files have been read.
   *
   * @throws ConfigError, AdapterError, CheckpointError (by `name`), or the error of a file. Nothing
   *   runs then. UnreadError (by `name`) after `stop`.
   */
  start(request: StartRequest): Promise<StartedRun>;
  /**
   * Pauses when the current iteration is done. `resume`, `step` and `stop` also take effect then.
   */
  pause(): void;
  resume(): void;
  /** Runs one iteration, then pauses. */
  step(): void;
  /**
   * Ends the run after its current iteration, or at once while files are read. Resolves when the run
   * has ended: with its checkpoint written, or with the reason for a missing checkpoint in its last
   * state.
   */
  stop(): Promise<void>;
  /** Ends the run without writing another file, as its folder now belongs to someone else. */
  abandon(why: string): void;
  /**
   * The next batch of events, at most 10 batches a second. Of `progress`, `compiling` and `loading`,
   * a batch has only the newest event. A batch is empty once the run has ended and everything was read. The
   * last event tells the final state.
   */
  events(): Promise<readonly ExperimentEvent[]>;
  /**
   * The responses to a prompt of the pool that a method of the current seed was trained on.
   *
   * @param method FULL when left out.
   * @throws RangeError (by `name`) for a prompt or a method that the run does not have.
   */
  completions(prompt: number, method?: MethodName): PromptCompletions;
  /**
   * Opens a run that is not under way, finished or not, so that `generate`, `inspect` and `attend` ask what its
   * folder keeps, on a device that stays open until the next `open`, `start` or `dispose`. A run that
   * has ended in this worker needs no opening. No verifier module runs that the folder names: responses
   * then have no verdicts.
   *
   * @throws Error while a run is under way; ConfigError, AdapterError, InspectionError (by `name`), or
   *   the error of a file.
   */
  open(request: OpenRequest): Promise<OpenedRun>;
  /**
   * Draws responses of a model of the run, and gives the distribution of the next token. A run under
   * way answers between two iterations, and goes on with the same bits.
   *
   * @throws InspectionError (by `name`), whose message names what cannot be answered; AllocationError.
   */
  generate(call: GenerateCall): Promise<Generated>;
  /** Gives what policy, base and critic say of each token of responses; as `generate`. */
  inspect(call: InspectCall): Promise<Inspected>;
  /** Gives what the last update of the run under way was made from; as `generate`. */
  rollout(call: RolloutCall): Promise<LastRollout>;
  /** Gives what a layer of the policy attends to before each token of a response; as `generate`. */
  attend(call: AttentionCall): Promise<Attention>;
  /**
   * Draws FULL's reward matrix into a canvas, out of the buffers in which the run under way keeps it. A
   * picture is one submit between two of the run's and changes no bit of it.
   *
   * @param canvas Transferred with the first call, and drawn into until another one comes.
   * @throws LandscapeError (by `name`) before there are rewards, or for a view that cannot be drawn;
   *   Error if no run is under way.
   */
  drawLandscape(view: LandscapeView, canvas?: OffscreenCanvas): Promise<Drawn>;
  /** A file of the run, such as `results.json`; undefined if it does not exist yet. */
  readFile(path: string): Promise<Uint8Array | undefined>;
}
