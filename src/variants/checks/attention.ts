import type { Tensor } from '../../../kernels/lib/tensor.ts';
import type { Input, Inputs, KernelUse } from './case.ts';

/** Rows of a prompt and of two responses to it, each [first, end). */
export const PROMPT = [0, 5] as const;
export const RESPONSES = [
  [5, 14],
  [14, 31],
] as const;
export const ROWS = 31;
/** Two heads share keys and values. */
export const HEADS = 2;

/** Windows to check: of full layers, and of sliding ones one that hides keys of prompt and response. */
export const windowsOf = ({ sliding = false }: KernelUse): (number | undefined)[] =>
  sliding ? [undefined, 7] : [undefined];

/** Columns of fused queries, keys and values. */
export const fusedColumns = ({ headDim }: KernelUse): number => (HEADS + 2) * headDim;

export const attentionOptions = ({ headDim }: KernelUse, window?: number) => ({
  rows: ROWS,
  heads: HEADS,
  kvHeads: 1,
  headDim,
  scale: 1 / Math.sqrt(headDim),
  window,
});

/** The inputs that every kernel of packed attention reads, and the expected results in float64. */
export function attentionInputs(inputs: Inputs, use: KernelUse, window?: number) {
  const { headDim } = use;
  const qkv = inputs.random('qkv', ROWS, fusedColumns(use));
  const dout = inputs.random('dout', ROWS, HEADS * headDim);
  let found: ReturnType<typeof attention> | undefined;
  const wanted = () => (found ??= attention(qkv.at, dout.at, headDim, window));
  const given = (name: string, columns: number, values: Float64Array): Tensor<'f32'> => {
    const tensor = inputs.empty(name, [ROWS, columns]);
    inputs.gpu.upload(tensor, Float32Array.from(values));
    return tensor;
  };
  return { spans: inputs.filled('spans', 'u32', attentionSpans()), qkv, dout, wanted, given };
}

function attentionSpans(): number[][] {
  const [first, end] = PROMPT;
  const rows = Array.from({ length: end - first }, () => [first, end, 0, 0, end, ROWS]);
  for (const [start, stop] of RESPONSES) {
    for (let row = start; row < stop; row++) rows.push([start, stop, first, end, 0, 0]);
  }
  return rows;
}

/** The rows that a row attends to. */
function keysOf(row: number): number[] {
  const [first = 0] = RESPONSES.find(([start, stop]) => row >= start && row < stop) ?? PROMPT;
  const own = Array.from({ length: row + 1 - first }, (_, i) => first + i);
  return first === 0 ? own : [...Array.from({ length: PROMPT[1] }, (_, i) => i), ...own];
}

/** Softmax attention and its gradients for queries, keys and values, in float64. */
export function attention(qkv: Input['at'], dout: Input['at'], headDim: number, window = Infinity) {
  const scale = 1 / Math.sqrt(headDim);
  const fused = (HEADS + 2) * headDim;
  const out = new Float64Array(ROWS * HEADS * headDim);
  const lse = new Float64Array(ROWS * HEADS);
  const deltas = new Float64Array(ROWS * HEADS);
  const dquery = new Float64Array(ROWS * fused);
  const dkeyValue = new Float64Array(ROWS * fused);
  const columns = Array.from({ length: headDim }, (_, d) => d);
  const sum = (terms: readonly number[]): number => terms.reduce((total, term) => total + term, 0);
  const key = (row: number, d: number): number => qkv(row, HEADS * headDim + d);
  const value = (row: number, d: number): number => qkv(row, (HEADS + 1) * headDim + d);
  const add = (to: Float64Array, row: number, column: number, term: number): void => {
    const at = row * fused + column;
    to[at] = (to[at] ?? NaN) + term;
  };
  for (let row = 0; row < ROWS; row++) {
    for (let head = 0; head < HEADS; head++) {
      const first = head * headDim;
      const query = (d: number): number => qkv(row, first + d);
      const keys = keysOf(row).slice(-window);
      const weights = keys.map((j) =>
        Math.exp(scale * sum(columns.map((d) => query(d) * key(j, d)))),
      );
      const total = sum(weights);
      const shares = weights.map((weight) => weight / total);
      const mean = columns.map((d) => sum(keys.map((j, i) => (shares[i] ?? NaN) * value(j, d))));
      const delta = sum(mean.map((entry, d) => entry * dout(row, first + d)));
      out.set(mean, row * HEADS * headDim + first);
      lse[row * HEADS + head] = Math.log(total);
      deltas[row * HEADS + head] = delta;
      for (const [i, j] of keys.entries()) {
        const share = shares[i] ?? NaN;
        const slope = sum(columns.map((d) => dout(row, first + d) * value(j, d))) - delta;
        for (const d of columns) {
          add(dquery, row, first + d, scale * share * slope * key(j, d));
          add(dkeyValue, j, HEADS * headDim + d, scale * share * slope * query(d));
          add(dkeyValue, j, (HEADS + 1) * headDim + d, share * dout(row, first + d));
        }
      }
    }
  }
  return { out, lse, deltas, dquery, dkeyValue };
}
