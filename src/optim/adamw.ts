import { adamw } from '../../kernels/adamw.ts';
import { gradNorm } from '../../kernels/grad-norm.ts';
import { gradNormPartial, gradNormPartialCount } from '../../kernels/grad-norm-partial.ts';
import type { Dispatch } from '../../kernels/lib/kernel.ts';
import { parallelLanes, serialLanes } from '../../kernels/lib/lanes.ts';
import { noLimit } from '../../kernels/lib/no-limit.ts';
import { rank1, type Tensor } from '../../kernels/lib/tensor.ts';
import { Variable } from '../../kernels/lib/variable.ts';
import type { Gpu } from '../gpu/device.ts';

/** A range of a page in half precision, as matmuls read it. */
export interface HalfCopy {
  /** f16 (end - start). */
  readonly tensor: Tensor;
  /** First and end element of the range in the page; multiples of 4. */
  readonly start: number;
  readonly end: number;
}

/**
 * A flat run of parameters with its gradients and moments: all f32, all of one length, a multiple
 * of 4.
 */
export interface ParameterPage {
  readonly weights: Tensor;
  readonly gradients: Tensor;
  readonly firstMoments: Tensor;
  readonly secondMoments: Tensor;
  /** Weight decay applies to the elements before this one; a multiple of 4. */
  readonly decayEnd: number;
  /** The copy that is written with the weights; none when absent. */
  readonly halves?: HalfCopy | undefined;
}

/** Constants of AdamW. The config's optimizer has them. */
export interface AdamWHyper {
  readonly beta1: number;
  readonly beta2: number;
  readonly epsilon: number;
  /** Decoupled weight decay, per unit of learning rate. */
  readonly weightDecay: number;
  /** Global gradient norm above which gradients are scaled down; no clipping when absent. */
  readonly maxGradNorm?: number;
}

/**
 * The outcome of the last update, as the GPU wrote it. After a skipped update, the outcome of the
 * first skipped one.
 */
export interface UpdateReport {
  /** Global gradient norm before clipping. */
  readonly gradNorm: number;
  /** Factor the gradients were multiplied by, at most 1. */
  readonly clipScale: number;
  /** False when the loss or the norm was not finite: then weights and moments did not change. */
  readonly applied: boolean;
  /**
   * Updates skipped so far: the first for that reason, the later ones because the first was
   * skipped.
   */
  readonly skipped: number;
}

/** All that AdamW needs to continue, apart from the weights. */
export interface AdamWState {
  readonly updates: number;
  /** Per page. */
  readonly moments: readonly { readonly first: Float32Array; readonly second: Float32Array }[];
}

/**
 * AdamW with global-norm clipping over flat pages of parameters: one dispatch per page for the
 * squares, one for the norm, one per page for the update. An update whose loss or gradient norm is
 * not finite leaves weights and moments unchanged, and so do all later updates, until `restore` or
 * `reset`. The pages belong to the caller.
 */
export class AdamW {
  /** The dispatches of the update, for a plan after the gradients. Run them once per `advance`. */
  readonly dispatches: readonly Dispatch[];
  readonly #gpu: Gpu;
  readonly #pages: readonly ParameterPage[];
  readonly #hyper: AdamWHyper;
  readonly #partials: Tensor;
  readonly #state: Tensor<'f32'>;
  /** Bound where a page has no halves. */
  readonly #noHalves: Tensor;
  readonly #stepSize: Variable;
  readonly #rootCorrection: Variable;
  readonly #decay: Variable;
  /** As the constructor got it. */
  readonly losses: Tensor;
  #updates = 0;

  /**
   * @param losses f32 vector whose first element is the loss. An update is skipped unless the loss
   *   is finite.
   * @throws ShapeError when a page's tensors disagree.
   */
  constructor(
    gpu: Gpu,
    name: string,
    pages: readonly ParameterPage[],
    losses: Tensor,
    hyper: AdamWHyper,
  ) {
    this.#gpu = gpu;
    this.#pages = pages;
    this.#hyper = hyper;
    this.losses = losses;
    this.#stepSize = new Variable(`${name} step size`, 0);
    this.#rootCorrection = new Variable(`${name} root correction`, 1);
    this.#decay = new Variable(`${name} decay`, 0);
    const counts = pages.map((page) => gradNormPartialCount(rank1(name, 'weights', page.weights)));
    const total = counts.reduce((sum, count) => sum + count, 0);
    this.#partials = gpu.tensor(`${name} norm partials`, [total], 'f32', 'optimizer');
    this.#state = gpu.tensor(`${name} norm state`, [4], 'f32', 'optimizer');
    this.#noHalves = gpu.tensor(`${name} no halves`, [2], 'f16', 'optimizer');
    let firstPartial = 0;
    const squares = pages.map(({ gradients }, i) => {
      const dispatch = gradNormPartial({ gradients, partials: this.#partials }, { firstPartial });
      firstPartial += counts[i] ?? 0;
      return dispatch;
    });
    const norm = gradNorm(
      { partials: this.#partials, losses, state: this.#state },
      {
        lossCount: 1,
        maxNorm: hyper.maxGradNorm ?? noLimit,
        lanes: gpu.kind === 'cpu' ? serialLanes : parallelLanes,
      },
    );
    const updates = pages.map((page) =>
      adamw(
        {
          gradients: page.gradients,
          state: this.#state,
          weights: page.weights,
          first_moments: page.firstMoments,
          second_moments: page.secondMoments,
          halves: page.halves?.tensor ?? this.#noHalves,
        },
        {
          decayEnd: page.decayEnd,
          halvesStart: page.halves?.start ?? 0,
          halvesEnd: page.halves?.end ?? 0,
          stepSize: this.#stepSize,
          rootCorrection: this.#rootCorrection,
          decay: this.#decay,
          beta1: hyper.beta1,
          beta2: hyper.beta2,
          epsilon: hyper.epsilon,
        },
      ),
    );
    this.dispatches = [...squares, norm, ...updates];
  }

  /** Updates begun so far, skipped ones included. */
  get updates(): number {
    return this.#updates;
  }

  /** Sets the learning rate and bias corrections of the next run of the dispatches. */
  advance(learningRate: number): void {
    this.#updates++;
    const { beta1, beta2, weightDecay } = this.#hyper;
    this.#stepSize.value = learningRate / (1 - beta1 ** this.#updates);
    this.#rootCorrection.value = Math.sqrt(1 - beta2 ** this.#updates);
    this.#decay.value = learningRate * weightDecay;
  }

  /**
   * The tensor that `report` reads: norm, scale, 1 if applied, skipped. For a late or batched
   * readback.
   */
  get state(): Tensor<'f32'> {
    return this.#state;
  }

  /** The outcome of the last update. Waits for the GPU: not for use inside a step. */
  async report(): Promise<UpdateReport> {
    return updateReport(await this.#gpu.read(this.#state, 'f32'));
  }

  /** Reads back the state that a checkpoint keeps. */
  async save(): Promise<AdamWState> {
    const moments = [];
    for (const { firstMoments, secondMoments } of this.#pages) {
      const first = await this.#gpu.read(firstMoments, 'f32');
      moments.push({ first, second: await this.#gpu.read(secondMoments, 'f32') });
    }
    return { updates: this.#updates, moments };
  }

  /** Starts anew: no updates, moments of zero. */
  reset(): void {
    this.#updates = 0;
    const moments = this.#pages.flatMap((page) => [page.firstMoments, page.secondMoments]);
    this.#gpu.clear(this.#state, ...moments);
  }

  /**
   * Continues from a saved state.
   *
   * @throws RangeError when the state's pages differ in size from this optimizer's.
   */
  restore(state: AdamWState): void {
    const sizes = this.#pages.map((page) => page.weights.shape[0] ?? 0);
    const given = state.moments.map(({ first, second }) =>
      first.length === second.length ? first.length : -1,
    );
    if (sizes.join() !== given.join()) {
      throw new RangeError(
        `adamw: the state holds pages of (${given.join(', ')}), wanted (${sizes.join(', ')})`,
      );
    }
    this.#updates = state.updates;
    this.#gpu.clear(this.#state);
    for (const [i, { firstMoments, secondMoments }] of this.#pages.entries()) {
      const saved = state.moments[i];
      if (!saved) continue;
      this.#gpu.upload(firstMoments, saved.first);
      this.#gpu.upload(secondMoments, saved.second);
    }
  }

  /** Frees the optimizer's scratch. The pages belong to the caller. */
  destroy(): void {
    this.#gpu.destroy(this.#partials, this.#state, this.#noHalves);
  }
}

/** The report in the four numbers of a state buffer (`shaders/grad-norm.wgsl`). */
export function updateReport(state: ArrayLike<number>): UpdateReport {
  const [gradNorm = 0, clipScale = 0, applied = 0, skipped = 0] = Array.from(state);
  return { gradNorm, clipScale, applied: applied !== 0, skipped };
}
