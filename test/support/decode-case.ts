import { RandomStream } from '../../src/random.ts';
import { seeded } from './gpu.ts';

export interface DecodeShape {
  readonly heads: number;
  readonly kvHeads: number;
  readonly headDim: number;
  /** Number of slots in a row's cache. */
  readonly columns: number;
  readonly promptRows: number;
}

export interface DecodeRow {
  readonly start: number;
  readonly prompt: number;
  readonly length: number;
  readonly finished?: boolean;
}

/** Random rows: a prompt anywhere among the packed prompts, a response of up to the whole cache. */
export function decodeRows(shape: DecodeShape, count: number): DecodeRow[] {
  const stream = new RandomStream(count, 'test');
  return Array.from({ length: count }, () => {
    const prompt = 1 + stream.below(shape.promptRows);
    const start = stream.below(shape.promptRows - prompt + 1);
    return { start, prompt, length: 1 + stream.below(shape.columns) };
  });
}

/** All inputs of the two decode-attention kernels, from seeded numbers. */
export function decodeCase(shape: DecodeShape, rows: readonly DecodeRow[]) {
  const { heads, kvHeads, headDim, columns, promptRows } = shape;
  const fused = (heads + 2 * kvHeads) * headDim;
  return {
    ...shape,
    fused,
    cached: 2 * kvHeads * headDim,
    keys: promptRows + columns,
    episodes: rows.flatMap(({ start, prompt }, i) => [5, i, 0, start, prompt, columns]),
    status: rows.flatMap(({ length, finished = false }) => [length, finished ? 2 : 0]),
    qkv: seeded(rows.length * fused, 1),
    prompts: seeded(promptRows * 2 * kvHeads * headDim, 2),
    cache: seeded(rows.length * columns * 2 * kvHeads * headDim, 3),
  };
}

export type DecodeCase = ReturnType<typeof decodeCase>;
