import { cacheStore } from '../../kernels/cache-store.ts';
import { gatherRows } from '../../kernels/gather-rows.ts';
import type { Tensor } from '../../kernels/lib/tensor.ts';
import { Variable } from '../../kernels/lib/variable.ts';
import type { Gpu } from '../gpu/device.ts';
import type { Plan, Step } from '../gpu/plan.ts';
import type { Activations } from '../model/activations.ts';
import { forwardSteps, headsOf, LayerScope } from '../model/block-steps.ts';
import { finalNorm } from '../model/transformer.ts';
import type { Weights } from '../model/weights.ts';

/** What the prompts leave behind. */
export interface PrefillResult {
  /** By layer: rotated keys and values of the prompts' rows, (rows, 2 kv_heads * D). */
  readonly caches: readonly Tensor[];
  /** f32 (prompts, C): the hidden state that predicts each prompt's first token. */
  readonly lastHidden: Tensor;
}

/**
 * Computes prompts, some at a time, and keeps of them what decoding reads. A prompt's numbers do
 * not depend on the prompts computed with it.
 */
export class Prefill {
  readonly #gpu: Gpu;
  readonly #plan: Plan;
  readonly #input: Readonly<Record<'tokenIds' | 'positions' | 'spans' | 'lastRows', Tensor>>;
  readonly #most: number;
  /** Rows and prompts of a piece, and where they lie among those of all prompts. */
  readonly #rows: Variable;
  readonly #firstRow: Variable;
  readonly #prompts: Variable;
  readonly #firstPrompt: Variable;

  /**
   * @param activations As large as a piece may be; nothing else is kept there.
   * @param usualRows The number of rows that kernels are chosen for.
   */
  constructor(
    gpu: Gpu,
    weights: Weights,
    activations: Activations,
    { caches, lastHidden }: PrefillResult,
    usualRows: number,
  ) {
    this.#gpu = gpu;
    const { block, config, lanes, rows: most } = activations;
    const [prompts = 0] = lastHidden.shape;
    const [promptRows = 0] = caches[0]?.shape ?? [];
    this.#most = most;
    this.#rows = new Variable('prompt rows', 0, most, usualRows);
    this.#firstRow = new Variable('first prompt row', 0, promptRows - 1);
    this.#prompts = new Variable('prompts of a piece', 0, prompts);
    this.#firstPrompt = new Variable('first prompt', 0, prompts - 1);
    const u32 = (name: string, ...shape: number[]): Tensor =>
      gpu.tensor(name, shape, 'u32', 'rollout');
    this.#input = {
      tokenIds: u32('prompt_token_ids', most),
      positions: u32('prompt_positions', most),
      spans: u32('prompt_spans', most, 6),
      lastRows: u32('prompt_last_rows', prompts),
    };
    const { tokenIds, lastRows } = this.#input;
    const pass = activations.pass(this.#rows);
    const steps: Step[] = weights.embedding.lookup(tokenIds, activations.inputOf(0), pass);
    for (const [i, cache] of caches.entries()) {
      const layer = new LayerScope(weights, activations, i);
      for (const op of block.ops) {
        // Later ops may overwrite what attention reads.
        if (op.op === 'attention') {
          const place = { rows: this.#rows, first: this.#firstRow };
          const qkv = layer.value(op.from);
          steps.push(cacheStore({ qkv, cache }, { ...place, ...headsOf(config), lanes }));
        }
        steps.push(...forwardSteps(op, layer, pass, this.#input));
      }
    }
    steps.push(
      finalNorm(weights, activations, pass),
      gatherRows(
        { index: lastRows, x: activations.hidden, out: lastHidden },
        { count: this.#prompts, first: this.#firstPrompt },
      ),
    );
    this.#plan = gpu.plan('prefill', steps);
  }

  /** Computes prompts of token ids, none longer than a piece. Their rows lie one after another. */
  async run(prompts: readonly ArrayLike<number>[]): Promise<void> {
    const lastRows: number[] = [];
    const pieces: { firstPrompt: number; firstRow: number; rows: number }[] = [];
    let row = 0;
    for (const [i, { length }] of prompts.entries()) {
      let piece = pieces.at(-1);
      if (!piece || piece.rows + length > this.#most) {
        piece = { firstPrompt: i, firstRow: row, rows: 0 };
        pieces.push(piece);
      }
      piece.rows += length;
      row += length;
      lastRows.push(piece.rows - 1);
    }
    this.#gpu.upload(this.#input.lastRows, Uint32Array.from(lastRows));
    for (const [i, { firstPrompt, firstRow, rows }] of pieces.entries()) {
      const end = pieces[i + 1]?.firstPrompt ?? prompts.length;
      this.#upload(prompts.slice(firstPrompt, end), rows);
      this.#rows.value = rows;
      this.#firstRow.value = firstRow;
      this.#prompts.value = end - firstPrompt;
      this.#firstPrompt.value = firstPrompt;
      await this.#gpu.run(this.#plan);
    }
  }

  #upload(prompts: readonly ArrayLike<number>[], rows: number): void {
    const tokenIds = new Uint32Array(rows);
    const positions = new Uint32Array(rows);
    const spans = new Uint32Array(rows * 6);
    let first = 0;
    for (const prompt of prompts) {
      const end = first + prompt.length;
      for (let at = 0; at < prompt.length; at++) {
        tokenIds[first + at] = prompt[at] ?? 0;
        positions[first + at] = at;
        spans.set([first, end, 0, 0, 0, 0], (first + at) * 6);
      }
      first = end;
    }
    this.#gpu.upload(this.#input.tokenIds, tokenIds);
    this.#gpu.upload(this.#input.positions, positions);
    this.#gpu.upload(this.#input.spans, spans);
  }

  /** Frees its buffers, but not the activations. */
  destroy(): void {
    this.#plan.destroy();
    this.#gpu.destroy(...Object.values(this.#input));
  }
}
