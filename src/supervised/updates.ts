import { actionMeans } from '../../kernels/action-stats.ts';
import type { Gpu } from '../gpu/device.ts';
import { clearStep, type Plan } from '../gpu/plan.ts';
import { NextTokenLoss } from '../model/next-token-loss.ts';
import { packGroups, type PromptGroup } from '../model/packed-batch.ts';
import type { LrSchedule } from '../optim/lr-schedule.ts';
import type { Trainable } from '../optim/trainable.ts';
import { NonFiniteError } from './trainer.ts';

/** A row to learn, as token ids; see `LearningRow`. */
export interface TaughtRow {
  readonly prompt: ArrayLike<number>;
  readonly response: ArrayLike<number>;
  /** Whether each token of the response counts in the loss; all do when left out. */
  readonly counted?: readonly boolean[];
}

/** What an update came to. */
export interface TaughtUpdate {
  /** Mean negative log-likelihood of the tokens that count, in nats, before the update. */
  readonly loss: number;
  /** Norm of the gradient before it is clipped. */
  readonly gradNorm: number;
  readonly learningRate: number;
  /** Tokens of its rows. */
  readonly tokens: number;
}

/**
 * Supervised updates of what another trainer holds: the same weights, gradients and moments. Rows of an
 * update are computed a few at a time, so that memory follows the longest row and not their number.
 */
export class SupervisedUpdates {
  readonly #gpu: Gpu;
  readonly #model: Trainable;
  readonly #longest: number;
  readonly #loss: NextTokenLoss;
  readonly #plans: Readonly<Record<'begin' | 'pass' | 'end', Plan>>;

  /**
   * @param model Its optimizer is the other trainer's but for the rate.
   * @param shape.longest Most tokens of a row; as many are computed together.
   * @param shape.checkpointing As `gradientCheckpointing` of a config.
   */
  constructor(
    gpu: Gpu,
    model: Trainable,
    { longest, checkpointing }: { readonly longest: number; readonly checkpointing: boolean },
  ) {
    this.#gpu = gpu;
    this.#model = model;
    this.#longest = longest;
    const { network, networkGradients } = model;
    const { losses } = model.optimizer;
    this.#loss = new NextTokenLoss(gpu, network, {
      // A row has two tokens at least, and of its last token nothing is computed.
      capacity: {
        rows: longest,
        actions: longest,
        sequences: Math.max(1, Math.floor(longest / 2)),
      },
      positions: longest,
      checkpointing,
    });
    this.#plans = {
      begin: gpu.plan('taught begin', [...model.clear, clearStep(losses)]),
      pass: gpu.plan('taught pass', this.#loss.forwardBackward(network, networkGradients, losses)),
      end: gpu.plan('taught end', model.update),
    };
  }

  /**
   * One optimizer update, whose loss is the mean over all tokens that count.
   *
   * @throws RangeError for a row that is longer than the longest.
   * @throws NonFiniteError when the loss or the gradient is not finite; the weights are then as before.
   */
  async update(rows: readonly TaughtRow[], schedule: LrSchedule): Promise<TaughtUpdate> {
    const batches = this.#batches(rows);
    const counted = rows.reduce((sum, row) => sum + countedIn(row), 0);
    const learningRate = this.#model.advance(schedule);
    await this.#gpu.run(this.#plans.begin);
    for (const together of batches) {
      const groups = together.map((row) => groupOf(row, counted));
      this.#loss.batch.upload(packGroups(groups, true));
      await this.#gpu.run(this.#plans.pass);
    }
    await this.#gpu.run(this.#plans.end);
    const { optimizer } = this.#model;
    const { weightedLoss: loss } = actionMeans(await this.#gpu.read(optimizer.losses, 'f32'));
    const { applied, gradNorm } = await optimizer.report();
    if (!applied) {
      throw new NonFiniteError(
        `supervised update ${optimizer.updates}: ` +
          (Number.isFinite(loss) ? `the gradient norm is ${gradNorm}` : `the loss is ${loss}`) +
          `; ${(await this.#model.firstNonFinite()) ?? 'all weights and gradients are finite'}`,
      );
    }
    const tokens = rows.reduce((sum, row) => sum + lengthOf(row), 0);
    return { loss, gradNorm, learningRate, tokens };
  }

  /** Rows in their order, as many together as fit. */
  #batches(rows: readonly TaughtRow[]): TaughtRow[][] {
    const batches: TaughtRow[][] = [];
    let used = Infinity;
    for (const row of rows) {
      const length = lengthOf(row);
      if (length > this.#longest) {
        throw new RangeError(`a row of ${length} tokens, the longest has ${this.#longest}`);
      }
      if (used + length > this.#longest) {
        batches.push([]);
        used = 0;
      }
      batches.at(-1)?.push(row);
      used += length;
    }
    return batches;
  }
}

const lengthOf = ({ prompt, response }: TaughtRow): number => prompt.length + response.length;

const countedIn = ({ response, counted }: TaughtRow): number =>
  counted ? counted.filter(Boolean).length : response.length;

/** A row with the weight of each of its tokens in an update of `total` tokens that count. */
const groupOf = ({ prompt, response, counted }: TaughtRow, total: number): PromptGroup => ({
  prompt,
  responses: [response],
  weights: [counted ? counted.map((one) => Number(one) / total) : 1 / total],
});
