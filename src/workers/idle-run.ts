import type { ExperimentConfig } from '../config.ts';
import type { Gpu } from '../gpu/device.ts';
import type {
  Attention,
  AttentionCall,
  GenerateCall,
  Generated,
  InspectCall,
  Inspected,
} from '../inspection/calls.ts';
import { at } from '../run-plan.ts';
import { Asking } from '../scheduler/asking.ts';
import { modelConfigOf } from '../scheduler/base.ts';
import { judging, type Verifier } from '../scheduler/evaluator.ts';
import type { GivenInputs } from '../scheduler/given-inputs.ts';
import { baseToAsk } from '../scheduler/kept-weights.ts';
import type { RunStore } from '../scheduler/run-store.ts';
import { openTask } from '../tasks/registry.ts';
import type { Task } from '../tasks/task.ts';
import { attentionUse, replaceWrongVariants } from '../variants/self-check.ts';

/** A run whose files are there and which nobody trains. */
export interface IdleParts {
  readonly config: ExperimentConfig;
  readonly seeds: readonly number[];
  readonly store: RunStore;
  readonly inputs: GivenInputs;
  /** Undefined where nobody may judge. */
  readonly verify: Verifier | undefined;
  readonly bases: readonly Uint8Array[];
  readonly openGpu: () => Promise<Gpu>;
}

/** A run that is asked while nothing is trained: one question at a time, on a device of its own. */
export class IdleRun {
  readonly adapter: string;
  readonly #gpu: Gpu;
  readonly #task: Task;
  readonly #asking: Asking;
  readonly #seed: number;
  #last: Promise<unknown> = Promise.resolve();

  private constructor(gpu: Gpu, task: Task, asking: Asking, seed: number) {
    this.adapter = gpu.name;
    this.#gpu = gpu;
    this.#task = task;
    this.#asking = asking;
    this.#seed = seed;
  }

  /**
   * Opens a device, the task and the base.
   *
   * @throws AdapterError; InspectionError if the base is not to be found; the errors of files.
   */
  static async open(parts: IdleParts): Promise<IdleRun> {
    const { config, seeds, store, inputs, verify, bases, openGpu } = parts;
    const task = await openTask(config.task, inputs.resources);
    let gpu: Gpu | undefined;
    try {
      const model = modelConfigOf(config, task, inputs.given?.directory.config);
      const seed = at(seeds, 0, 'seed');
      const { given } = inputs;
      const base = await baseToAsk(store, { config, model, seed, seeds }, { given, bases });
      gpu = await openGpu();
      const { weightStorage: storage, cacheStorage: cache } = config;
      await replaceWrongVariants(gpu, { ...attentionUse(model), training: false, storage, cache });
      const judge = verify && judging(verify, () => undefined);
      const asked = { gpu, config, model, task, seeds, store, base, verify: judge };
      return new IdleRun(gpu, task, new Asking(asked), seed);
    } catch (error) {
      await gpu?.close();
      await task.text.close();
      throw error;
    }
  }

  /** See `Asking.generate`. */
  generate(call: GenerateCall): Promise<Generated> {
    return this.#inTurn(() => this.#asking.generate(call, { seed: this.#seed }));
  }

  /** See `Asking.inspect`. */
  inspect(call: InspectCall): Promise<Inspected> {
    return this.#inTurn(() => this.#asking.inspect(call, { seed: this.#seed }));
  }

  /** See `Asking.attend`. */
  attend(call: AttentionCall): Promise<Attention> {
    return this.#inTurn(() => this.#asking.attend(call, { seed: this.#seed }));
  }

  /** Waits for the question under way, then closes the device and ends the task's workers. */
  async close(): Promise<void> {
    await this.#inTurn(async () => {
      await this.#gpu.close();
      await this.#task.text.close();
    });
  }

  #inTurn<Result>(work: () => Promise<Result>): Promise<Result> {
    const turn = this.#last.then(work);
    this.#last = turn.catch(() => undefined); // whoever asked hears of it
    return turn;
  }
}
