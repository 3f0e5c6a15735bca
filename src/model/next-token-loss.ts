import { actionStats } from '../../kernels/action-stats.ts';
import { rowsOf, type Tensor } from '../../kernels/lib/tensor.ts';
import { nllLoss } from '../../kernels/nll-loss.ts';
import type { Gpu } from '../gpu/device.ts';
import type { Step } from '../gpu/plan.ts';
import { LanguageHead } from './heads.ts';
import type { Gradients } from './linear.ts';
import { expectTokens, packGroups, PackedBatch, type PackedSizes } from './packed-batch.ts';
import { Activations, keepForTraining } from './activations.ts';
import { trunkBackward, trunkForward } from './transformer.ts';
import type { Weights } from './weights.ts';

/** A sequence to learn, or to measure. */
export interface LearnedSequence {
  readonly ids: ArrayLike<number>;
  /**
   * Entry i is the loss's weight for predicting token i + 1 after token i; one entry fewer than
   * `ids`.
   */
  readonly weights: ArrayLike<number>;
}

/** Rows, actions and sequences of a batch of sequences: one action for each token but the first. */
export function learnedSizes(sequences: readonly LearnedSequence[]): PackedSizes {
  const rows = sequences.reduce((sum, { ids }) => sum + Math.max(0, ids.length - 1), 0);
  return { rows, actions: rows, sequences: sequences.length };
}

/**
 * Turns a padded batch into sequences whose loss is the mean next-token loss of the batch. Masked
 * tokens are left out. A token counts if its neighbour before it is not masked. Rows without a
 * counted token are left out.
 */
export function nextTokenSequences(
  ids: readonly (readonly number[])[],
  mask: readonly (readonly number[])[],
): LearnedSequence[] {
  const rows = ids.map((row, b) => {
    const places = row.flatMap((_, t) => (mask[b]?.[t] === 1 ? [t] : []));
    return {
      ids: places.map((t) => row[t] ?? 0),
      weights: places.slice(1).map((t, i) => Number(t - (places[i] ?? 0) === 1)),
    };
  });
  const counted = rows.reduce((sum, row) => sum + row.weights.filter((one) => one === 1).length, 0);
  return rows
    .filter(({ weights }) => weights.includes(1))
    .map((row) => ({ ids: row.ids, weights: row.weights.map((one) => one / counted) }));
}

/**
 * Cuts sequences, in order, into batches of at most `rows` tokens. A longer sequence gets a batch
 * of its own.
 */
export function batchesOf(
  sequences: readonly LearnedSequence[],
  rows: number,
): LearnedSequence[][] {
  const batches: LearnedSequence[][] = [];
  let used = Infinity;
  for (const sequence of sequences) {
    const { length } = sequence.ids;
    if (used + length > rows) {
      batches.push([]);
      used = 0;
    }
    batches.at(-1)?.push(sequence);
    used += length;
  }
  return batches;
}

/**
 * The weighted cross-entropy of next tokens, -sum(weight * log-probability), and its gradient: for
 * inspection, and for `SupervisedTrainer` to minimise.
 */
export class NextTokenLoss {
  readonly batch: PackedBatch;
  readonly activations: Activations;
  readonly head: LanguageHead;
  readonly #stats: Tensor;
  readonly #gpu: Gpu;

  /**
   * @param options.positions Tokens of the longest sequence.
   * @param options.checkpointing Keeps only the layers' inputs; off when left out.
   */
  constructor(
    gpu: Gpu,
    weights: Weights,
    options: {
      readonly capacity: PackedSizes;
      readonly positions: number;
      readonly checkpointing?: boolean | undefined;
    },
  ) {
    const { capacity, positions } = options;
    this.#gpu = gpu;
    this.batch = new PackedBatch(gpu, capacity);
    this.activations = new Activations(gpu, weights.config, {
      rows: capacity.rows,
      positions,
      keep: keepForTraining(options.checkpointing),
      adapterColumns: weights.adapterColumns,
    });
    this.head = new LanguageHead(gpu, this.batch, this.activations, {
      pieceColumns: weights.embedding.pieceColumns,
    });
    this.#stats = gpu.tensor('action stats', [capacity.actions, 4], 'f32', 'activations');
  }

  /**
   * Uploads a batch. Each sequence has at least two tokens.
   *
   * @throws RangeError on a token id out of the vocabulary.
   */
  upload(sequences: readonly LearnedSequence[]): void {
    const groups = sequences.map(({ ids }) => {
      const all = Array.from(ids);
      return { prompt: all.slice(0, 1), responses: [all.slice(1)] };
    });
    expectTokens(groups, this.activations.config.vocabSize);
    const weights = Float32Array.from(
      sequences.flatMap((sequence) => Array.from(sequence.weights)),
    );
    this.batch.upload({ ...packGroups(groups, true), actionWeights: weights });
  }

  /**
   * Steps to `head.logprobs`: log-probabilities of all tokens but the first, sequence by sequence.
   */
  forward(weights: Weights): Step[] {
    return [
      ...trunkForward(weights, this.batch, this.activations),
      ...this.head.forward(weights, 1),
    ];
  }

  /**
   * Steps of the loss and of its gradient, which is added to `gradients`.
   *
   * @param totals f32 (8): `action-stats` adds up the losses here. Left out: the losses are not
   *   added up.
   */
  forwardBackward(weights: Weights, gradients: Gradients, totals?: Tensor): Step[] {
    const { batch, activations, head } = this;
    return [
      ...trunkForward(weights, batch, activations),
      ...head.forwardBackward(
        weights,
        gradients,
        (chunk) => [
          nllLoss(
            {
              logprobs: chunk.logprobs,
              action_weights: chunk.weights,
              grad_logprobs: chunk.dlogprob,
              action_stats: rowsOf(this.#stats, chunk.first, chunk.logprobs.shape[0] ?? 0),
            },
            { actionCount: chunk.count },
          ),
        ],
        { temperature: 1, dentropy: 0 },
      ),
      ...(totals
        ? [
            actionStats(
              {
                action_stats: this.#stats,
                action_weights: batch.actionWeights,
                extras: head.entropy,
                totals,
              },
              { actionCount: batch.actions, lanes: activations.lanes },
            ),
          ]
        : []),
      ...trunkBackward(weights, gradients, batch, activations),
    ];
  }

  /** Log-probabilities of the uploaded batch, after its steps have run. */
  async logprobs(): Promise<Float32Array> {
    const read = await this.#gpu.read(this.head.logprobs, 'f32');
    return read.subarray(0, this.batch.actions.value);
  }
  /** Frees its buffers. */
  destroy(): void {
    this.batch.destroy();
    this.head.destroy();
    this.activations.destroy();
    this.#gpu.destroy(this.#stats);
  }
}
