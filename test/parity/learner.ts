import { actionMeans, actionStats } from '../../kernels/action-stats.ts';
import { rowsOf, type Tensor } from '../../kernels/lib/tensor.ts';
import { policyLoss } from '../../kernels/policy-loss.ts';
import { valueLoss } from '../../kernels/value-loss.ts';
import { clearStep, type Step } from '../../src/gpu/plan.ts';
import { Activations } from '../../src/model/activations.ts';
import { LanguageHead, ValueHead } from '../../src/model/heads.ts';
import { packedSizes, packGroups, PackedBatch } from '../../src/model/packed-batch.ts';
import { trunkBackward, trunkForward } from '../../src/model/transformer.ts';
import type { Trainable } from '../../src/optim/trainable.ts';
import { sequenceWeights } from '../../src/ppo/aggregation.ts';
import type { LossAggregation } from '../../src/vocabulary/losses.ts';
import type { Scope } from './context.ts';

/** Episodes, one after another. */
export interface LearnerRollout {
  readonly prompts: readonly number[][];
  readonly responses: readonly number[][];
}

/** The loss of an actor or of a critic; arrays over actions are episode after episode. */
export type LearnerTask =
  | { readonly clip: number; readonly oldLogprobs: Float32Array; readonly advantages: Float32Array }
  | {
      readonly valueClip: number;
      readonly oldValues: Float32Array;
      readonly returns: Float32Array;
    };

/** What one pass of gradients found. */
export interface Pass {
  /** Log-probabilities, or values, of the actions of all batches in turn. */
  readonly outputs: Float32Array;
  /** Loss of each batch by itself, its weights brought to the sum 1. */
  readonly losses: readonly number[];
  /** The loss that the gradients are of: the sum over batches of weight times loss. */
  readonly loss: number;
  readonly gradients: ReadonlyMap<string, Float32Array>;
}

/** Actor or critic under its loss and optimizer. */
export class Learner {
  readonly model: Trainable;
  readonly #scope: Scope;
  readonly #rollout: LearnerRollout;
  readonly #firsts: readonly number[];
  readonly #batch: PackedBatch;
  readonly #outputs: Tensor;
  readonly #totals: Tensor;
  readonly #steps: readonly Step[];

  constructor(
    scope: Scope,
    task: LearnerTask,
    rollout: LearnerRollout,
    totals: Tensor,
    model: Trainable,
  ) {
    const { gpu } = scope;
    this.#scope = scope;
    this.#rollout = rollout;
    let next = 0;
    this.#firsts = rollout.responses.map(({ length }) => (next += length) - length);
    this.#totals = totals;
    this.model = model;
    const { network, networkGradients } = this.model;
    const sizes = packedSizes(this.#groups(rollout.responses.map(() => 1)), true);
    const batch = new PackedBatch(gpu, sizes);
    this.#batch = batch;
    const positions = Math.max(
      ...rollout.prompts.map((prompt, i) => prompt.length + (rollout.responses[i]?.length ?? 0)),
    );
    const activations = new Activations(gpu, network.config, {
      rows: sizes.rows,
      positions,
      keep: 'all',
      adapterColumns: network.adapterColumns,
    });
    const stats = scope.empty('stats', [sizes.actions, 4]);
    const backward = (): Step[] => [
      actionStats(
        {
          action_stats: stats,
          action_weights: batch.actionWeights,
          extras: this.#outputs,
          totals: this.#totals,
        },
        { actionCount: batch.actions },
      ),
      ...trunkBackward(network, networkGradients, batch, activations),
    ];
    if ('clip' in task) {
      const oldLogprobs = scope.tensor('old_logprobs', task.oldLogprobs);
      const head = new LanguageHead(gpu, batch, activations);
      const advantages = scope.tensor('advantages', task.advantages);
      this.#outputs = head.logprobs;
      this.#steps = [
        ...trunkForward(network, batch, activations),
        ...head.forwardBackward(
          network,
          networkGradients,
          (chunk) => [
            policyLoss(
              {
                logprobs: chunk.logprobs,
                action_source: chunk.source,
                action_weights: chunk.weights,
                old_logprobs: oldLogprobs,
                advantages,
                ref_logprobs: oldLogprobs,
                grad_logprobs: chunk.dlogprob,
                action_stats: rowsOf(stats, chunk.first, chunk.logprobs.shape[0] ?? 0),
              },
              { actionCount: chunk.count, clipLow: task.clip, clipHigh: task.clip },
            ),
          ],
          { temperature: 1, dentropy: 0 },
        ),
        ...backward(),
      ];
    } else {
      const head = new ValueHead(gpu, batch, activations);
      this.#outputs = head.values;
      this.#steps = [
        ...trunkForward(network, batch, activations),
        ...head.forwardBackward(network, networkGradients, [
          valueLoss(
            {
              values: head.values,
              action_source: batch.actionSource,
              action_weights: batch.actionWeights,
              old_values: scope.tensor('old_values', task.oldValues),
              returns: scope.tensor('returns', task.returns),
              grad_values: head.dvalues,
              action_stats: stats,
            },
            { actionCount: batch.actions, valueClip: task.valueClip },
          ),
        ]),
        ...backward(),
      ];
    }
  }

  /** The episodes as groups of one, those of weight undefined left out. */
  #groups(weights: readonly (number | undefined)[]) {
    return this.#rollout.prompts.flatMap((prompt, i) => {
      const weight = weights[i];
      if (weight === undefined) return [];
      return [
        {
          prompt,
          responses: [this.#rollout.responses[i] ?? []],
          firstActions: [this.#firsts[i] ?? 0],
          weights: [weight],
        },
      ];
    });
  }

  /** Gradients accumulated over micro-batches of episodes, by an aggregation rule. */
  async pass(aggregation: LossAggregation, microBatches: readonly number[][]): Promise<Pass> {
    const { gpu } = this.#scope;
    await this.#scope.run(this.model.gradients.pages.map(clearStep));
    const outputs: number[] = [];
    const losses: number[] = [];
    let loss = 0;
    for (const batch of microBatches) {
      // The rule inside each micro-batch, whatever its size, and the mean over micro-batches.
      const counts = batch.map((i) => this.#rollout.responses[i]?.length ?? 0);
      const rule = sequenceWeights(aggregation, counts, batch.length);
      const weights: (number | undefined)[] = this.#rollout.prompts.map(() => undefined);
      for (const [at, episode] of batch.entries()) {
        weights[episode] = (rule[at] ?? NaN) / microBatches.length;
      }
      this.#batch.upload(packGroups(this.#groups(weights), true));
      await this.#scope.run([clearStep(this.#totals), ...this.#steps]);
      const { weightedLoss, weight } = actionMeans(await gpu.read(this.#totals, 'f32'));
      losses.push(weightedLoss / weight);
      loss += weightedLoss;
      const held = await gpu.read(this.#outputs, 'f32');
      outputs.push(...held.subarray(0, this.#batch.actions.value));
    }
    return {
      outputs: Float32Array.from(outputs),
      losses,
      loss,
      gradients: await this.model.gradients.read(),
    };
  }

  /** Applies the gradients in place. @returns Their global norm before clipping. */
  async update(): Promise<number> {
    this.model.advance();
    await this.#scope.run(this.model.update);
    return (await this.model.optimizer.report()).gradNorm;
  }
}
