import { drawnConfig, type ExperimentConfig } from '../config.ts';
import type { Task } from '../tasks/task.ts';
import { type Base, drawnBase, givenBase, pretrainBase, type PretrainState } from './base.ts';
import type { Evaluator } from './evaluator.ts';
import type { ExperimentHost } from './experiment-host.ts';
import type { RunLog } from './run-log.ts';
import type { TrustedBuffers } from './trusted-buffers.ts';

/** The base that was there before the run; undefined if the run pre-trains one. */
export async function baseBefore(
  { given, shippedBase }: ExperimentHost,
  config: ExperimentConfig,
): Promise<Base | undefined> {
  if (given) return givenBase(given);
  const shipped = await shippedBase(config);
  return shipped && drawnBase(shipped);
}

/** What the base of a run is made with. */
export interface BaseTools {
  readonly host: ExperimentHost;
  readonly config: ExperimentConfig;
  readonly task: Task;
  /** The first seed of the run, which keys the draws of the base's evaluation. */
  readonly seed: number;
  readonly log: RunLog;
  readonly buffers: TrustedBuffers;
  readonly evaluator: Evaluator;
}

/** How pre-training is interrupted and survives it. */
export interface BaseKeeping {
  /** Awaited before every update. False ends pre-training early. */
  readonly mayContinue: () => Promise<boolean>;
  /** Whether to save an unfinished base now. */
  readonly due: () => boolean;
  readonly saveHalf: (state: PretrainState) => Promise<void>;
  /** Saves a base that has just been made, so that it is not made again. */
  readonly saveWhole: () => Promise<void>;
}

/** The first stage of a run: a base is found or pre-trained, and evaluated. */
export class BaseStage {
  /** The weights that every training starts from, once there are such. */
  base: Base | undefined;
  /** A base that was half made when the run was left. */
  half: PretrainState | undefined;
  /** Whether the base was found, and not pre-trained. */
  shipped = false;
  /** Updates of pre-training done, until there is a base. */
  pretrained = 0;
  readonly #tools: BaseTools;

  constructor(tools: BaseTools) {
    this.#tools = tools;
  }

  /** @throws Error before there is a base. */
  get start(): Base {
    if (!this.base) throw new Error('a training before there is a base');
    return this.base;
  }

  /**
   * Makes a base if there is none, and evaluates it.
   *
   * @returns False when stopped on the way.
   * @throws NonFiniteError at an update of pre-training whose loss is not finite.
   */
  async prepare(keeping: BaseKeeping): Promise<boolean> {
    const { log, seed, buffers } = this.#tools;
    if (log.progress.base && this.base) return true;
    log.enter(seed, 'base', 'The base model');
    if (!this.base) {
      const numbers = await this.#pretrain(keeping);
      this.half = undefined;
      if (!numbers) return false;
      this.base = drawnBase(numbers);
      this.pretrained = 0;
      await buffers.current.trainer.reset(this.base.source, seed);
      await keeping.saveWhole();
    }
    await this.#evaluate(this.base);
    return true;
  }

  #pretrain({ mayContinue, due, saveHalf }: BaseKeeping) {
    const { host, config, task } = this.#tools;
    return pretrainBase(
      host.gpu,
      drawnConfig(config, 'pre-training'),
      task,
      (update, of, loss) => host.emit({ type: 'pretraining', update, of, loss }),
      mayContinue,
      {
        from: this.half,
        due,
        save: (state) => {
          this.pretrained = state.update;
          return saveHalf(state);
        },
      },
    );
  }

  /** Evaluates again where gradients turn out to be wrong: by the variants that the run then takes. */
  async #evaluate({ source }: Base): Promise<void> {
    const { seed, log, buffers, evaluator } = this.#tools;
    let wrong: readonly string[];
    do {
      await buffers.current.trainer.reset(source, seed);
      const found = await evaluator.evaluate(buffers.current.decoder, seed);
      const before = { seed, update: 0, samples: 0 };
      log.tell({ type: 'evaluation', method: 'base', ...before, ...found, shipped: this.shipped });
      wrong = await buffers.replaceWrong(true);
      for (const text of wrong) log.warn(text);
    } while (wrong.length > 0);
  }
}
