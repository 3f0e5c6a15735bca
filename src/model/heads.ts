import { gatherRowsBackward } from '../../kernels/gather-rows-backward.ts';
import { gatherRows } from '../../kernels/gather-rows.ts';
import { logitsBackward } from '../../kernels/logits-backward.ts';
import { tokenLogprob } from '../../kernels/token-logprob.ts';
import { reshape, rowsOf, type Tensor } from '../../kernels/lib/tensor.ts';
import type { Size } from '../../kernels/lib/variable.ts';
import type { Gpu } from '../gpu/device.ts';
import type { Step } from '../gpu/plan.ts';
import type { Activations } from './activations.ts';
import type { LogitRoom } from './embedding.ts';
import type { Gradients } from './linear.ts';
import { LogitChunks } from './logit-chunks.ts';
import type { PackedBatch } from './packed-batch.ts';
import type { Weights } from './weights.ts';

/** Consecutive actions that go through the head together. */
export interface HeadChunk {
  readonly first: number;
  readonly count: Size;
  /** f32 (chunk): log-probability at the head's temperature, and entropy of the distribution. */
  readonly logprobs: Tensor;
  readonly entropy: Tensor;
  /** f32 (chunk): the loss writes its gradient with respect to `logprobs` here. */
  readonly dlogprob: Tensor;
  /** Slices of the batch: u32 source index, f32 weight of each action. */
  readonly source: Tensor;
  readonly weights: Tensor;
}

/** What computes the logits of consecutive actions, from action `first` on. */
export interface LogitSteps {
  readonly first: number;
  /** f32 (chunk, V), undivided by the temperature. */
  readonly logits: Tensor;
  readonly steps: readonly Step[];
}

/** The chunk's loss: reads `logprobs`, writes `dlogprob`. */
export type ChunkLoss = (chunk: HeadChunk) => Step[];

/**
 * The language-model head over the actions of a batch: log-probabilities from logits, and their
 * gradients. It holds one chunk of logits and no probabilities. All models of one shape share its
 * buffers, as they share `Activations`.
 */
export class LanguageHead {
  readonly batch: PackedBatch;
  readonly activations: Activations;
  /** f32 (A). */
  readonly logprobs: Tensor;
  readonly entropy: Tensor;
  /** f32 (A, C): hidden states of the actions' rows; in the backward pass, their gradients. */
  readonly gathered: Tensor;
  readonly #lse: Tensor;
  readonly #dlogprob: Tensor;
  readonly #chunks: LogitChunks;
  readonly #gpu: Gpu;
  readonly #owned: Tensor[] = [];

  /**
   * @param options.pieceColumns As the weights' embedding tells; the most of all weights whose head
   *   runs here. 0 when left out.
   * @param options.logitBytes Bytes of logits held at once, for tests of chunking.
   */
  constructor(
    gpu: Gpu,
    batch: PackedBatch,
    activations: Activations,
    options: { readonly pieceColumns?: number; readonly logitBytes?: number | undefined } = {},
  ) {
    const { actions } = batch.capacity;
    const { hiddenSize: width, vocabSize: vocabulary } = activations.config;
    this.#gpu = gpu;
    this.batch = batch;
    this.activations = activations;
    const make = (name: string, ...shape: number[]): Tensor => {
      const tensor = gpu.tensor(name, shape, 'f32', 'activations');
      this.#owned.push(tensor);
      return tensor;
    };
    this.#chunks = new LogitChunks(activations.memory, {
      rows: actions,
      vocabulary,
      pieceColumns: options.pieceColumns,
      bytes: options.logitBytes,
    });
    this.logprobs = make('logprobs', actions);
    this.entropy = make('entropy', actions);
    this.#lse = make('lse', actions);
    this.#dlogprob = make('d_logprob', actions);
    this.gathered = activations.memory.tensor('gathered', [actions, width]);
  }

  /** Frees the head's own buffers. The largest ones belong to the activations' memory. */
  destroy(): void {
    this.#gpu.destroy(...this.#owned);
  }

  #gather(): Step {
    const { batch, activations } = this;
    return gatherRows(
      { index: batch.actionRows, x: activations.hidden, out: this.gathered },
      { count: batch.actions, lanes: activations.lanes },
    );
  }

  *#sliced(): Generator<
    HeadChunk & { room: LogitRoom; gathered: Tensor; targets: Tensor; lse: Tensor }
  > {
    const { actions } = this.batch;
    for (const { first, size, count, logits, piece } of this.#chunks.of(actions)) {
      const slice = (tensor: Tensor): Tensor => rowsOf(tensor, first, size);
      yield {
        first,
        count,
        logprobs: slice(this.logprobs),
        entropy: slice(this.entropy),
        dlogprob: slice(this.#dlogprob),
        source: slice(this.batch.actionSource),
        weights: slice(this.batch.actionWeights),
        room: { logits, piece },
        gathered: slice(this.gathered),
        targets: slice(this.batch.actionTargets),
        lse: slice(this.#lse),
      };
    }
  }

  /** Steps from `activations.hidden` to `logprobs` and `entropy` of every action. */
  forward(weights: Weights, temperature: Size): Step[] {
    return this.forwardByChunk(weights, temperature).flatMap(({ steps }) => steps);
  }

  /**
   * The steps of `forward`, chunk by chunk, for whoever looks at the logits: the next chunk's lie in
   * the same place.
   */
  forwardByChunk(weights: Weights, temperature: Size): readonly LogitSteps[] {
    const { activations } = this;
    const { lanes } = activations;
    return [...this.#sliced()].map((chunk, i) => {
      const { first, count, room, gathered: x, targets, logprobs, lse, entropy } = chunk;
      const { logits } = room;
      return {
        first,
        logits,
        steps: [
          ...(i === 0 ? [this.#gather()] : []),
          ...weights.embedding.project(x, room, activations.pass(count)),
          tokenLogprob({ logits, targets, logprobs, lse, entropy }, { count, temperature, lanes }),
        ],
      };
    });
  }

  /**
   * Steps from `activations.hidden` through a loss to the gradient of the head's weights (added to
   * `gradients`) and of `activations.hidden` (in its place).
   *
   * @param options.dentropy Coefficient of the mean entropy in the minimised loss; 0 for none.
   */
  forwardBackward(
    weights: Weights,
    gradients: Gradients,
    loss: ChunkLoss,
    options: { readonly temperature: Size; readonly dentropy: Size },
  ): Step[] {
    const { batch, activations } = this;
    const { lanes } = activations;
    const steps: Step[] = [this.#gather()];
    for (const chunk of this.#sliced()) {
      const { count, room, gathered: x, targets, logprobs, lse, entropy, dlogprob } = chunk;
      const { logits } = room;
      steps.push(
        ...weights.embedding.project(x, room, activations.pass(count)),
        tokenLogprob(
          { logits, targets, logprobs, lse, entropy },
          { count, temperature: options.temperature, lanes },
        ),
        ...loss(chunk),
        logitsBackward(
          { targets, lse, entropy, dlogprob, weights: chunk.weights, logits },
          { count, temperature: options.temperature, dentropy: options.dentropy, lanes },
        ),
        ...weights.embedding.projectBackward(
          room,
          x,
          x,
          activations.backwardPass(count, gradients),
        ),
      );
    }
    steps.push(
      gatherRowsBackward(
        {
          starts: batch.rowActionStarts,
          order: batch.rowActions,
          dout: this.gathered,
          dx: activations.hidden,
        },
        { rows: batch.rows, lanes: activations.lanes },
      ),
    );
    return steps;
  }
}

/** The critic's head: one value for the state before each action. */
export class ValueHead {
  readonly batch: PackedBatch;
  readonly activations: Activations;
  /** f32 (A). */
  readonly values: Tensor;
  /** f32 (A): the loss writes its gradient here. */
  readonly dvalues: Tensor;
  readonly #gathered: Tensor;
  readonly #gpu: Gpu;
  readonly #owned: readonly Tensor[];

  /**
   * @param gathered f32 (A, C): `gathered` of a language head that runs at other times; an own
   *   tensor when left out.
   */
  constructor(gpu: Gpu, batch: PackedBatch, activations: Activations, gathered?: Tensor) {
    const { actions } = batch.capacity;
    const { hiddenSize: width } = activations.config;
    this.#gpu = gpu;
    this.batch = batch;
    this.activations = activations;
    const make = (name: string, ...shape: number[]): Tensor =>
      gpu.tensor(name, shape, 'f32', 'activations');
    this.values = make('values', actions);
    this.dvalues = make('d_values', actions);
    this.#gathered = gathered ?? activations.memory.tensor('gathered', [actions, width]);
    this.#owned = [this.values, this.dvalues];
  }

  /** Frees its buffers. */
  destroy(): void {
    this.#gpu.destroy(...this.#owned);
  }

  /** Steps from `activations.hidden` to `values`. */
  forward(weights: Weights): Step[] {
    const { batch, activations } = this;
    const [actions = 0] = this.values.shape;
    return [
      gatherRows(
        { index: batch.actionRows, x: activations.hidden, out: this.#gathered },
        { count: batch.actions, lanes: activations.lanes },
      ),
      ...weights
        .linear('score')
        .forward(
          this.#gathered,
          reshape(this.values, [actions, 1]),
          activations.pass(batch.actions),
        ),
    ];
  }

  /**
   * Steps of `forward`, then of a loss that writes `dvalues`, then to the gradients of head weights
   * and hidden states.
   */
  forwardBackward(weights: Weights, gradients: Gradients, loss: readonly Step[]): Step[] {
    const { batch, activations } = this;
    const [actions = 0] = this.values.shape;
    const dy = reshape(this.dvalues, [actions, 1]);
    return [
      ...this.forward(weights),
      ...loss,
      ...weights
        .linear('score')
        .backward(
          dy,
          this.#gathered,
          this.#gathered,
          activations.backwardPass(batch.actions, gradients),
        ),
      gatherRowsBackward(
        {
          starts: batch.rowActionStarts,
          order: batch.rowActions,
          dout: this.#gathered,
          dx: activations.hidden,
        },
        { rows: batch.rows, lanes: activations.lanes },
      ),
    ];
  }
}
