import { rowsOf, type Tensor } from '../../kernels/lib/tensor.ts';
import type { Gpu } from '../gpu/device.ts';
import type { Plan } from '../gpu/plan.ts';
import { Activations } from './activations.ts';
import { LogitChunks } from './logit-chunks.ts';
import { expectTokens, packGroups, PackedBatch } from './packed-batch.ts';
import { trunkForward } from './transformer.ts';
import type { Weights } from './weights.ts';

/** Token rows that go through the trunk together, unless one sequence is longer. */
const batchRows = 1024;

/**
 * The logits of every position of many sequences, for inspection: training and sampling never hold
 * them. Memory does not grow with the number of sequences.
 */
export class AllLogits {
  readonly #gpu: Gpu;
  readonly #rows: number;
  readonly #batch: PackedBatch;
  readonly #activations: Activations;
  readonly #trunk: Plan;
  readonly #heads: readonly {
    readonly plan: Plan;
    readonly first: number;
    readonly logits: Tensor;
  }[];

  /**
   * @param sizes.longest Tokens of the longest sequence.
   * @param sizes.total Tokens of all sequences.
   */
  constructor(
    gpu: Gpu,
    weights: Weights,
    { longest, total }: { readonly longest: number; readonly total: number },
  ) {
    const { config, embedding } = weights;
    this.#gpu = gpu;
    const rows = Math.max(longest, Math.min(total, batchRows));
    this.#rows = rows;
    this.#batch = new PackedBatch(gpu, { rows, actions: rows, sequences: rows });
    this.#activations = new Activations(gpu, config, {
      rows,
      positions: longest,
      keep: 'none',
      adapterColumns: weights.adapterColumns,
    });
    this.#trunk = gpu.plan('logits trunk', trunkForward(weights, this.#batch, this.#activations));
    const chunks = new LogitChunks(this.#activations.memory, {
      rows,
      vocabulary: config.vocabSize,
      pieceColumns: embedding.pieceColumns,
    });
    this.#heads = [...chunks.of(this.#batch.rows)].map(({ first, size, count, ...room }) => ({
      plan: gpu.plan(
        'logits head',
        embedding.project(
          rowsOf(this.#activations.hidden, first, size),
          room,
          this.#activations.pass(count),
        ),
      ),
      first,
      logits: room.logits,
    }));
  }

  /**
   * Logits f32 (T, V) of each sequence, in order. A sequence has at least one token.
   *
   * @throws RangeError on a token id out of the vocabulary.
   */
  async *of(sequences: readonly ArrayLike<number>[]): AsyncGenerator<Float32Array> {
    for (let first = 0; first < sequences.length;) {
      let rows = 0;
      let end = first;
      while (end < sequences.length && rows + (sequences[end]?.length ?? 0) <= this.#rows) {
        rows += sequences[end++]?.length ?? 0;
      }
      if (end === first) {
        throw new RangeError(`sequence ${first} is longer than the ${this.#rows} rows held`);
      }
      const batch = sequences.slice(first, end);
      yield* this.#batchLogits(batch, rows);
      first = end;
    }
  }

  async *#batchLogits(
    sequences: readonly ArrayLike<number>[],
    rows: number,
  ): AsyncGenerator<Float32Array> {
    // A response of one token takes no row, so all rows are prompt rows.
    const groups = sequences.map((prompt) => ({ prompt, responses: [[0]] }));
    expectTokens(groups, this.#activations.config.vocabSize);
    this.#batch.upload(packGroups(groups, true));
    await this.#gpu.run(this.#trunk);
    const { vocabSize: vocabulary } = this.#activations.config;
    const lengths = sequences.map((sequence) => sequence.length);
    let current = new Float32Array((lengths.shift() ?? 0) * vocabulary);
    let filled = 0;
    for (const { plan, first, logits: held } of this.#heads) {
      if (first >= rows) break;
      await this.#gpu.run(plan);
      const count = Math.min(held.shape[0] ?? 0, rows - first);
      const logits = await this.#gpu.read(rowsOf(held, 0, count), 'f32');
      for (let done = 0; done < logits.length;) {
        const part = logits.subarray(done, done + current.length - filled);
        current.set(part, filled);
        filled += part.length;
        done += part.length;
        if (filled < current.length) break;
        yield current;
        current = new Float32Array((lengths.shift() ?? 0) * vocabulary);
        filled = 0;
      }
    }
  }

  /** Frees the buffers; the weights stay. */
  destroy(): void {
    this.#trunk.destroy();
    for (const { plan } of this.#heads) plan.destroy();
    this.#batch.destroy();
    this.#activations.destroy();
  }
}
