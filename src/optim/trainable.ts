import { noLimit } from '../../kernels/lib/no-limit.ts';
import type { Tensor } from '../../kernels/lib/tensor.ts';
import type { OptimizerConfig } from '../config.ts';
import type { Gpu } from '../gpu/device.ts';
import { clearStep, type Step } from '../gpu/plan.ts';
import { AdaptedWeights, adapterGradients, type AdapterPlan } from '../model/adapters.ts';
import type { Gradients } from '../model/linear.ts';
import type { ParameterSource } from '../model/parameter-source.ts';
import { fitsHalf, type ParameterLayout, ParameterStore } from '../model/parameters.ts';
import type { Weights } from '../model/weights.ts';
import { AdamW, type AdamWState, type HalfCopy } from './adamw.ts';
import { type LrSchedule, rateAt } from './lr-schedule.ts';

/** All that a network needs to continue its training bit for bit. */
export interface TrainableState {
  readonly parameters: ReadonlyMap<string, Float32Array>;
  readonly optimizer: AdamWState;
}

/** The base that adapters change, and which. The adapters' owner loads the base. */
export interface Adaptation {
  readonly base: Weights;
  readonly plan: AdapterPlan;
}

/**
 * What is trained of a network: all of its weights, or adapters over a frozen base. It holds them
 * with their gradients, moments and optimizer.
 */
export class Trainable {
  readonly name: string;
  /** What is trained. */
  readonly weights: ParameterStore;
  readonly gradients: ParameterStore;
  /** The network that passes compute with: `weights`, or the base seen through them. */
  readonly network: Weights;
  /** The gradients of `network`; none of what is frozen. */
  readonly networkGradients: Gradients;
  readonly optimizer: AdamW;
  readonly #config: OptimizerConfig;
  readonly #moments: readonly ParameterStore[];

  /**
   * @param losses f32 vector whose first element must be finite for an update to happen.
   * @param options.gradientPages Pages for the gradients, shared with networks that are updated at
   *   other times; own memory when left out.
   * @param options.adapts The layout is then of `adapterLayout`, for this plan.
   */
  constructor(
    gpu: Gpu,
    name: string,
    layout: ParameterLayout,
    config: OptimizerConfig,
    losses: Tensor,
    options: {
      readonly gradientPages?: readonly Tensor[] | undefined;
      readonly adapts?: Adaptation | undefined;
    } = {},
  ) {
    const { gradientPages, adapts } = options;
    this.name = name;
    this.#config = config;
    this.weights = new ParameterStore(gpu, layout, name, 'weights');
    const label = `${name} gradients`;
    this.gradients = new ParameterStore(gpu, layout, label, 'gradients', gradientPages);
    this.network = adapts
      ? new AdaptedWeights(adapts.base, this.weights, adapts.plan)
      : this.weights;
    this.networkGradients = adapts ? adapterGradients(this.gradients) : this.gradients;
    const first = new ParameterStore(gpu, layout, `${name} first moments`, 'optimizer');
    const second = new ParameterStore(gpu, layout, `${name} second moments`, 'optimizer');
    this.#moments = [first, second];
    const pages = layout.pages.map((page, i) => ({
      weights: pageOf(this.weights, i),
      gradients: pageOf(this.gradients, i),
      firstMoments: pageOf(first, i),
      secondMoments: pageOf(second, i),
      decayEnd: page.decayEnd,
      halves: halfCopyOf(this.weights, i),
    }));
    this.optimizer = new AdamW(gpu, name, pages, losses, {
      ...config,
      maxGradNorm: config.maxGradNorm > 0 ? config.maxGradNorm : noLimit,
    });
  }

  /** Steps that zero the gradients, to run before the first micro-batch of an update. */
  get clear(): Step[] {
    return this.gradients.pages.map(clearStep);
  }

  /**
   * Steps that clip and apply the gradients, to run after the last micro-batch. Call `advance`
   * first.
   */
  get update(): readonly Step[] {
    return this.optimizer.dispatches;
  }

  /**
   * Sets the learning rate of the next update from a schedule: its own when left out.
   *
   * @returns The rate.
   */
  advance(schedule: LrSchedule = this.#config): number {
    const rate = rateAt(schedule, this.optimizer.updates);
    this.optimizer.advance(rate);
    return rate;
  }

  /** Starts anew from the given weights, with moments of zero. */
  reset(parameters: ReadonlyMap<string, Float32Array>): void {
    this.weights.load(parameters);
    this.optimizer.reset();
  }

  /**
   * Does the same as `reset` from a source, one parameter after another: the host never holds them
   * all.
   */
  async resetFrom(source: ParameterSource): Promise<void> {
    await this.weights.loadFrom(source);
    this.optimizer.reset();
  }

  /**
   * Names the first parameter whose weight is not finite or too large for its f16 copy, or else the
   * first whose gradient is not finite, for the message of a failed update. Reads all of them back.
   * Undefined when all are finite.
   */
  async firstNonFinite(): Promise<string | undefined> {
    const halved = new Set(this.weights.halved);
    for (const [kind, store] of [
      ['weight', this.weights],
      ['gradient', this.gradients],
    ] as const) {
      for await (const [parameter, data] of store.parameters()) {
        if (data.some((value) => !Number.isFinite(value))) {
          return `first non-finite ${kind}: ${parameter}`;
        }
        if (kind === 'weight' && halved.has(parameter) && !data.every(fitsHalf)) {
          return `first weight too large for f16: ${parameter}`;
        }
      }
    }
    return undefined;
  }

  async save(): Promise<TrainableState> {
    return { parameters: await this.weights.read(), optimizer: await this.optimizer.save() };
  }

  restore(state: TrainableState): void {
    this.weights.load(state.parameters);
    this.optimizer.restore(state.optimizer);
  }

  destroy(): void {
    this.weights.destroy();
    this.gradients.destroy();
    for (const store of this.#moments) store.destroy();
    this.optimizer.destroy();
  }
}

function halfCopyOf({ halves, layout }: ParameterStore, index: number): HalfCopy | undefined {
  const [tensor, page] = [halves[index], layout.pages[index]];
  return tensor && page && { tensor, start: page.halvesStart, end: page.halvesEnd };
}

function pageOf(store: ParameterStore, index: number): Tensor {
  const page = store.pages[index];
  if (!page) throw new RangeError(`no page ${index}`);
  return page;
}
