import { describeError } from '../threads/connect.ts';
import type { ExperimentConfig } from '../config.ts';
import { AdapterError, DeviceLostError, type Gpu } from '../gpu/device.ts';
import { AllocationError } from '../gpu/memory.ts';
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
import type { PromptCompletions } from '../results.ts';
import type { MethodName } from '../selection/methods.ts';
import { halvedRows } from '../rollout/batched-decoder.ts';
import { lastCheckpointText } from '../scheduler/checkpoint.ts';
import { rolloutRows } from '../scheduler/experiment-buffers.ts';
import type { ExperimentHost } from '../scheduler/experiment-host.ts';
import { Experiment } from '../scheduler/experiment.ts';
import { RunControl } from '../scheduler/run-control.ts';
import { RunLandscape } from './run-landscape.ts';
import { UnreadError } from './watched-files.ts';
import { onLastingDevice, type ReopeningPolicy } from './device-recovery.ts';

/** Number of times that pre-training, in which no row decodes, begins again for lack of memory. */
const BASE_TRIES = 2;

/** The parts of a run's host that outlive its device. */
export interface TrainingHost extends Omit<ExperimentHost, 'gpu' | 'reason'> {
  readonly openGpu: () => Promise<Gpu>;
}

/** The run, and whether it continues from a checkpoint. */
export interface TrainingPlan {
  readonly config: ExperimentConfig;
  readonly seeds: readonly number[];
  readonly resume: boolean;
  /** Whether the run begins paused. */
  readonly paused?: boolean;
  /** See `OpenOptions`. Called again whenever the run is opened. */
  readonly configHash: (resume: boolean) => Promise<string | undefined>;
}

/**
 * An experiment on one device after another. After a lost device, the run continues on the next
 * device from its last checkpoint. After a failed allocation, it continues with half the rows
 * decoded together; pre-training, in which no row decodes, is tried again. The results stay the
 * same to the bit.
 */
export class TrainingRun {
  readonly control: RunControl;
  /**
   * The adapter, once the run is open. Rejects if the run could not be opened; then nothing ran.
   */
  readonly opened: Promise<string>;
  /** Resolves when the loop has ended and its device is closed. Never rejects. */
  readonly ended: Promise<void>;
  readonly #host: TrainingHost;
  readonly #plan: TrainingPlan;
  #experiment: Experiment | undefined;
  /** Number of rows that decode together. */
  #rows: number;
  /** Whether the experiment had begun to decode, as far as is known. */
  #decodes: boolean;
  #baseTries = 0;
  #begun = false;
  /** Why the run continues from a checkpoint by itself. */
  #reason: string | undefined;
  readonly #landscape = new RunLandscape(() => this.#experiment?.lyingMatrix);

  constructor(host: TrainingHost, plan: TrainingPlan, policy?: ReopeningPolicy) {
    this.#host = host;
    this.#plan = plan;
    const { rowsTogether = Infinity } = host.memory ?? {};
    this.#rows = Math.min(rolloutRows(plan.config), rowsTogether);
    this.#decodes = plan.resume;
    const { emit } = host;
    this.control = new RunControl((state, message) => emit({ type: 'state', state, message }));
    if (plan.paused) this.control.pause();
    let opened: (adapter: string) => void = () => undefined;
    let refused: (error: unknown) => void = () => undefined;
    this.opened = new Promise((resolve, reject) => {
      opened = resolve;
      refused = reject;
    });
    this.ended = this.#run(opened, policy).catch((error: unknown) => {
      refused(error);
      if (error instanceof UnreadError) this.control.stopped(error.message);
      else this.control.fail(describeError(error));
    });
  }

  /** How the run uses memory, in a sentence; undefined where nothing limits it, or before it is open. */
  get layoutText(): string | undefined {
    return this.#experiment?.layoutText;
  }

  /** See `Experiment.completions`. @throws Error while no device is open. */
  completions(prompt: number, method?: MethodName): PromptCompletions {
    return this.#current.completions(prompt, method);
  }

  /** See `Experiment.generate`. @throws RunEndedError if the run ends first. */
  generate(call: GenerateCall): Promise<Generated> {
    return this.control.visit(() => this.#current.generate(call));
  }

  /** See `Experiment.inspect`. @throws RunEndedError if the run ends first. */
  inspect(call: InspectCall): Promise<Inspected> {
    return this.control.visit(() => this.#current.inspect(call));
  }

  /** See `Experiment.rollout`. @throws RunEndedError if the run ends first. */
  rollout(call: RolloutCall): Promise<LastRollout> {
    return this.control.visit(() => this.#current.rollout(call));
  }

  /** See `Experiment.attend`. @throws RunEndedError if the run ends first. */
  attend(call: AttentionCall): Promise<Attention> {
    return this.control.visit(() => this.#current.attend(call));
  }

  /** See `RunLandscape.draw`: at once, whatever the run computes meanwhile. */
  drawLandscape(view: LandscapeView, canvas?: OffscreenCanvas): Promise<Drawn> {
    return this.#landscape.draw(view, canvas);
  }

  /** @throws Error while no device is open. */
  get #current(): Experiment {
    if (!this.#experiment) throw new Error('the run waits for a device');
    return this.#experiment;
  }

  async #run(opened: (adapter: string) => void, policy?: ReopeningPolicy): Promise<void> {
    const { emit, openGpu } = this.#host;
    let reason = '';
    const work = async (gpu: Gpu) => {
      this.#experiment = await this.#open(gpu);
      opened(gpu.name);
      return { results: await this.#experiment.run(this.control) };
    };
    try {
      const end = await onLastingDevice(
        {
          open: openGpu,
          work,
          rest: async (reopening) => {
            // The experiment holds its device buffers and the base.
            this.#experiment = undefined;
            this.control.lost();
            reason = reopening.reason;
            this.#reason = reason;
            if (this.control.state !== 'stopping') emit({ type: 'recovery', ...reopening });
            return this.control.rest(reopening.seconds * 1000);
          },
          shrink: (error) => {
            this.#decodes = this.#experiment?.decodes ?? this.#decodes;
            this.#rows = this.#experiment?.rowsTogether ?? this.#rows;
            this.#experiment = undefined;
            this.control.lost();
            this.#reason = error.message;
            this.#shrink(error);
          },
        },
        policy,
      );
      if (end?.results) this.control.finish();
      else if (end) this.control.stopped();
      else this.control.stopped(`${reason}; ${await this.#kept()}`);
    } catch (error) {
      // Other errors already tell what is left of the run.
      if (
        (this.#begun || this.#plan.resume) &&
        (error instanceof DeviceLostError ||
          error instanceof AdapterError ||
          error instanceof AllocationError)
      ) {
        error.message += `; ${await this.#kept()}`;
      }
      throw error;
    }
  }

  async #open(gpu: Gpu): Promise<Experiment> {
    const { config, seeds, configHash } = this.#plan;
    const resume = this.#plan.resume || this.#begun;
    const experiment = await Experiment.open(
      {
        ...this.#host,
        gpu,
        memory: { ...this.#host.memory, rowsTogether: this.#rows },
        reason: this.#reason,
      },
      config,
      seeds,
      { resume, configHash: await configHash(resume) },
    );
    this.#begun = true;
    return experiment;
  }

  /**
   * @throws AllocationError if a single row is left, or if no row decodes and the tries are used
   *   up.
   */
  #shrink(error: AllocationError): void {
    const { emit } = this.#host;
    const tell = (text: string): void => emit({ type: 'warning', text });
    if (this.#decodes) {
      this.#rows = halvedRows(this.#rows, error, tell);
      return;
    }
    const missing = 'not enough GPU memory to pre-train the base';
    if (this.#baseTries === BASE_TRIES) {
      throw new AllocationError(`${missing}: ${error.message}`, { cause: error });
    }
    this.#baseTries++;
    tell(`${missing}: trying again, ${this.#baseTries} of ${BASE_TRIES} (${error.message})`);
  }

  #kept(): Promise<string> {
    return lastCheckpointText(this.#host.store);
  }
}
