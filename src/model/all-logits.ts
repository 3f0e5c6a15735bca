import { matmulForward } from '../../kernels/matmul-forward.ts';
import { rowsOf, type Tensor } from '../../kernels/lib/tensor.ts';
import { Variable } from '../../kernels/lib/variable.ts';
import type { Gpu } from '../gpu/device.ts';
import type { Plan } from '../gpu/plan.ts';
import { projection } from './heads.ts';
import { expectTokens, packGroups, PackedBatch } from './packed-batch.ts';
import type { ParameterStore } from './parameters.ts';
import { Activations, trunkForward } from './transformer.ts';

/** Token rows that go through the trunk together, unless one sequence is longer. */
const batchRows = 1024;
/** Most bytes of logits on the device at once. */
const logitBytes = 32 * 2 ** 20;

/**
 * The logits of every position of many sequences, for looking at: training and sampling never hold
 * them. Memory does not grow with the number of sequences.
 */
export class AllLogits {
  readonly #gpu: Gpu;
  readonly #rows: number;
  readonly #batch: PackedBatch;
  readonly #activations: Activations;
  readonly #logits: Tensor;
  readonly #chunk: number;
  readonly #chunkRows: Variable;
  readonly #trunk: Plan;
  readonly #heads: readonly Plan[];

  /**
   * @param sizes.longest Tokens of the longest sequence.
   * @param sizes.total Tokens of all sequences.
   */
  constructor(
    gpu: Gpu,
    weights: ParameterStore,
    { longest, total }: { readonly longest: number; readonly total: number },
  ) {
    const { config } = weights.layout;
    this.#gpu = gpu;
    const rows = Math.max(longest, Math.min(total, batchRows));
    this.#rows = rows;
    this.#batch = new PackedBatch(gpu, { rows, actions: rows, sequences: rows });
    this.#activations = new Activations(gpu, config, { rows, positions: longest, keep: 'none' });
    const most = Math.max(64, Math.floor(logitBytes / 4 / config.vocabSize / 64) * 64);
    this.#chunk = Math.min(rows, most);
    this.#chunkRows = new Variable('logit rows', 0, this.#chunk);
    const shape = [this.#chunk, config.vocabSize];
    this.#logits = gpu.tensor('logits', shape, 'f32', 'activations');
    this.#trunk = gpu.plan('logits trunk', trunkForward(weights, this.#batch, this.#activations));
    const heads: Plan[] = [];
    for (let first = 0; first < rows; first += this.#chunk) {
      const count = Math.min(this.#chunk, rows - first);
      heads.push(
        gpu.plan(
          'logits head',
          matmulForward(
            {
              x: rowsOf(this.#activations.hidden, first, count),
              weight: projection(weights),
              out: rowsOf(this.#logits, 0, count),
            },
            { rows: this.#chunkRows, mostWork: gpu.mostWork },
          ),
        ),
      );
    }
    this.#heads = heads;
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
    // A response of one token takes no row, so the prompts are all there is.
    const groups = sequences.map((prompt) => ({ prompt, responses: [[0]] }));
    expectTokens(groups, this.#activations.config.vocabSize);
    this.#batch.upload(packGroups(groups, true));
    await this.#gpu.run(this.#trunk);
    const [, vocabulary = 0] = this.#logits.shape;
    const lengths = sequences.map((sequence) => sequence.length);
    let current = new Float32Array((lengths.shift() ?? 0) * vocabulary);
    let filled = 0;
    for (let first = 0; first < rows; first += this.#chunk) {
      const count = Math.min(this.#chunk, rows - first);
      this.#chunkRows.value = count;
      const plan = this.#heads[first / this.#chunk];
      if (!plan) throw new RangeError(`no head for row ${first}`);
      await this.#gpu.run(plan);
      const logits = await this.#gpu.read(rowsOf(this.#logits, 0, count), 'f32');
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
    for (const plan of this.#heads) plan.destroy();
    this.#batch.destroy();
    this.#activations.destroy();
    this.#gpu.destroy(this.#logits);
  }
}
