import entryCode from '../shaders/lib/lim-entry.wgsl?raw';
import code from '../shaders/lim-score.wgsl?raw';
import rowsCode from '../shaders/lim-score/rows.wgsl?raw';
import { ShapeError } from './lib/errors.ts';
import { defineKernel, type Dispatch, linearGrid, type TensorsOf } from './lib/kernel.ts';
import { bindMatrix, type MatrixTensors } from './lib/reward-matrix.ts';
import { expectShape } from './lib/tensor.ts';

const spec = {
  params: ['prompts', 'epochs'],
  tensors: { sums: 'f32', samples: 'u32', deficits: 'f32', scores: 'f32' },
} as const;

export const limScoreKernel = defineKernel('lim-score', [entryCode, code], spec);

const rowsKernel = defineKernel('lim-score/rows', [entryCode, rowsCode], spec);

/** What the kernel writes where a prompt has no score: the lowest f32. */
export const noScore = -3.4028234663852886e38;

/** Most epochs of the curve that lim-score/rows holds as a uniform. */
const MOST_UNIFORM = 256;

/** Bytes of the buffer of `deficits`, which must allow use as a uniform. */
export const deficitBytes = (epochs: number): number => 16 * Math.max(MOST_UNIFORM, epochs);

/**
 * Threads that share four prompts: one on a CPU, on a GPU enough for coalesced reads of the rows.
 */
export function scoreLanes(kind: 'cpu' | 'gpu', epochs: number): number {
  if (kind === 'cpu' || epochs < 16) return 1;
  return epochs < 64 ? 4 : epochs < 256 ? 16 : 32;
}

/**
 * LIM scores of a chunk of the reward matrix. Math, and which prompts have no score:
 * `shaders/lim-score.wgsl`.
 *
 * @param tensors.deficits (4, K), at the beginning of a buffer of `deficitBytes`.
 * @param tuning.lanes Threads per four prompts, a power of two up to 64. With one, rows of 4 to 256
 *   epochs take `shaders/lim-score/rows.wgsl`.
 * @throws ShapeError unless all shapes follow from the matrix's shape.
 */
export function limScore(
  tensors: MatrixTensors & Pick<TensorsOf<typeof limScoreKernel>, 'deficits' | 'scores'>,
  tuning: { readonly lanes: number },
): Dispatch {
  const { prompts, epochs, sums, samples, form } = bindMatrix('lim-score', tensors);
  const { deficits, scores } = tensors;
  expectShape('lim-score', 'deficits', deficits, [4, epochs]);
  expectShape('lim-score', 'scores', scores, [prompts]);
  const flops = (): number => 8 * prompts * epochs;
  if (tuning.lanes === 1 && epochs >= 4 && epochs <= MOST_UNIFORM) {
    const held = deficits.buffer.size - deficits.offset;
    if (held < deficitBytes(epochs)) {
      throw new ShapeError(`lim-score: deficits needs ${deficitBytes(epochs)} bytes, got ${held}`);
    }
    const uniform = { ...deficits, shape: [4 * MOST_UNIFORM] };
    const grid = linearGrid(Math.ceil(prompts / 512));
    const bound = { sums, samples, deficits: uniform, scores };
    return rowsKernel.bind(bound, { prompts, epochs }, grid, { constants: form, flops });
  }
  const rows = tuning.lanes === 1 ? 64 : 256 / tuning.lanes;
  const grid = linearGrid(Math.ceil(prompts / (4 * rows)));
  return limScoreKernel.bind({ sums, samples, deficits, scores }, { prompts, epochs }, grid, {
    constants: { ...form, LANES: tuning.lanes, ROWS: rows },
    flops,
  });
}
