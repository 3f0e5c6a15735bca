import { actionMeans } from '../../kernels/action-stats.ts';
import type { Tensor } from '../../kernels/lib/tensor.ts';
import type { OptimizerConfig } from '../config.ts';
import type { Gpu } from '../gpu/device.ts';
import { bindingElements } from '../gpu/memory.ts';
import { clearStep, type Plan } from '../gpu/plan.ts';
import { adapterLayout, type AdapterPlan } from '../model/adapters.ts';
import type { ModelConfig } from '../model/config.ts';
import { NextTokenLoss } from '../model/next-token-loss.ts';
import {
  expectTokens,
  packGroups,
  type PackedSizes,
  type PromptGroup,
} from '../model/packed-batch.ts';
import { type FrozenStorage, FrozenStore } from '../model/frozen-store.ts';
import { parameterLayout, trainedStorage } from '../model/parameters.ts';
import { Trainable } from '../optim/trainable.ts';

/** A loss or gradient is not finite. The message names the update and the first tensor at fault. */
export class NonFiniteError extends Error {
  override readonly name = 'NonFiniteError';
}

/** Most batches kept between two readings of the loss. */
const MOST_UNSEEN = 100;

/**
 * Next-token training of a model on prompts with given responses: pre-training of the small bases,
 * and supervised fine-tuning. The loss is the mean over the response tokens of a batch.
 */
export class SupervisedTrainer {
  /** What is trained: the model, or its adapters. */
  readonly model: Trainable;
  /** The frozen base under adapters. */
  readonly base: FrozenStore | undefined;
  readonly #gpu: Gpu;
  readonly #loss: NextTokenLoss;
  readonly #totals: Tensor;
  readonly #step: Plan;
  /** Whether the last batch has weights of its own, which add up to 1. */
  #weighted = false;
  /** Batches since the last reading of the loss, kept to find the one at fault. */
  #unseen: (readonly PromptGroup[])[] = [];

  /**
   * @param shape.adapter Adapters to train over a frozen base, which then has to be loaded: `base`.
   *   Left out: all weights are trained.
   * @param shape.capacity Largest batch: rows, actions, sequences.
   * @param shape.positions Longest sequence in tokens.
   * @param shape.checkpointing Keeps only the layers' inputs, as `gradientCheckpointing` of a
   *   config.
   */
  constructor(
    gpu: Gpu,
    config: ModelConfig,
    optimizer: OptimizerConfig,
    shape: {
      readonly capacity: PackedSizes;
      readonly positions: number;
      readonly checkpointing?: boolean;
      /** Of matrices that layers multiply by; int8 and int4 of a base under adapters alone. */
      readonly weightStorage?: FrozenStorage;
      readonly adapter?: AdapterPlan | undefined;
    },
  ) {
    this.#gpu = gpu;
    const { capacity, positions } = shape;
    const pageLimit = bindingElements(gpu.limits);
    const { weightStorage: storage } = shape;
    const plan = shape.adapter;
    this.base = plan && new FrozenStore(gpu, config, 'lm', 'base', { storage });
    const layout = plan
      ? adapterLayout(config, plan, { head: 'lm', pageLimit })
      : parameterLayout(config, 'lm', pageLimit, trainedStorage(storage));
    const adapts = plan && this.base && { base: this.base, plan };
    this.#totals = gpu.tensor('supervised totals', [8], 'f32', 'activations');
    this.model = new Trainable(gpu, 'model', layout, optimizer, this.#totals, { adapts });
    const { network, networkGradients } = this.model;
    this.#loss = new NextTokenLoss(gpu, network, {
      capacity,
      positions,
      checkpointing: shape.checkpointing,
    });
    this.#step = gpu.plan('supervised step', [
      ...this.model.clear,
      clearStep(this.#totals),
      ...this.#loss.forwardBackward(network, networkGradients, this.#totals),
      ...this.model.update,
    ]);
  }

  /** Floating-point operations of a step over the last batch: matmuls and optimizer. */
  get flops(): number {
    return this.#step.flops;
  }

  /**
   * One optimizer update. Submits work and does not wait for it.
   *
   * @param groups Their weights, if they have any, add up to 1 over the batch.
   * @returns The learning rate.
   * @throws RangeError on a token id out of the vocabulary or a batch past the trainer's capacity,
   *   before anything is submitted; the trainer is then as before.
   */
  async step(groups: readonly PromptGroup[]): Promise<number> {
    expectTokens(groups, this.model.weights.layout.config.vocabSize);
    this.#loss.batch.upload(packGroups(groups, true));
    this.#weighted = groups.some(({ weights }) => weights !== undefined);
    this.#unseen.push(groups);
    if (this.#unseen.length > MOST_UNSEEN) this.#unseen.shift();
    const rate = this.model.advance();
    await this.#gpu.run(this.#step);
    return rate;
  }

  /**
   * Loss of the last step: mean negative log-likelihood per response token, in nats; of a batch
   * with weights, the weighted mean.
   *
   * @throws NonFiniteError when a step since the last reading was not finite. The model has not
   *   changed from that step on.
   */
  async loss(): Promise<number> {
    const means = actionMeans(await this.#gpu.read(this.#totals, 'f32'));
    const report = await this.model.optimizer.report();
    const unseen = this.#unseen;
    this.#unseen = [];
    if (report.applied) return this.#weighted ? means.weightedLoss : means.loss;
    const first = unseen[unseen.length - report.skipped];
    if (first) {
      // Computes its gradients again: the weights have not changed since.
      this.#loss.batch.upload(packGroups(first, true));
      await this.#gpu.run(this.#step);
    }
    const { loss } = actionMeans(await this.#gpu.read(this.#totals, 'f32'));
    const update = this.model.optimizer.updates - report.skipped + 1;
    throw new NonFiniteError(
      `supervised update ${update}: ` +
        (Number.isFinite(loss)
          ? `the gradient norm is ${report.gradNorm}`
          : `the loss is ${loss}`) +
        `; ${(await this.model.firstNonFinite()) ?? 'all weights and gradients are finite'}`,
    );
  }

  /** Frees all buffers. */
  destroy(): void {
    this.#step.destroy();
    this.model.destroy();
    this.base?.destroy();
    this.#loss.destroy();
    this.#gpu.destroy(this.#totals);
  }
}
