import {
  attentionDecode,
  attentionDecodeFamily,
  canRotate,
} from '../../../kernels/attention-decode.ts';
import { parallelLanes, serialLanes } from '../../../kernels/lib/lanes.ts';
import type { Tensor } from '../../../kernels/lib/tensor.ts';
import { halvesOf } from '../../formats/half.ts';
import {
  attention,
  attentionOptions,
  fusedColumns,
  HEADS,
  PROMPT,
  RESPONSES,
  ROWS,
  windowsOf,
} from './attention.ts';
import type { FamilyCheck, Inputs, KernelUse, Probe } from './case.ts';

/**
 * Checks the last row of each response, as a decode computes it. Caches hold the keys and values of
 * the prompt and of the response's earlier tokens. The newest token's queries and keys are given turned back by a quarter
 * turn, and the table turns them forward again.
 */
export const attentionDecodeCheck: FamilyCheck = {
  family: attentionDecodeFamily,
  isUsed: ({ cache }) => cache !== undefined,
  probes: (inputs, use) => windowsOf(use).map((window) => probe(inputs, use, window)),
};

function probe(inputs: Inputs, use: KernelUse, window: number | undefined): Probe {
  const { gpu } = inputs;
  const { headDim, cache: storage = 'f32' } = use;
  const [first, prompt] = PROMPT;
  const [fused, cached] = [fusedColumns(use), 2 * headDim];
  const count = RESPONSES.length;
  const columns = Math.max(...RESPONSES.map(([start, end]) => end - start));
  const keys = prompt + columns;
  const rotate = canRotate(headDim);
  const drawn = inputs.random('qkv', ROWS, fused, storage);
  const rows = (from: number, to: number): number[][] =>
    Array.from({ length: to - from }, (_, i) =>
      Array.from({ length: fused }, (_column, at) => drawn.at(from + i, at)),
    );
  const kept = (name: string, shape: number[], numbers: Float32Array): Tensor => {
    const tensor = inputs.empty(name, shape, storage);
    gpu.upload(tensor, storage === 'f16' ? halvesOf(numbers) : numbers);
    return tensor;
  };
  const cachedRows = (from: number, to: number): number[] =>
    rows(from, to).flatMap((row) => row.slice(HEADS * headDim));
  const prompts = kept('prompts', [prompt, cached], Float32Array.from(cachedRows(0, prompt)));
  const entries = new Float32Array(count * columns * cached);
  for (const [i, [start, end]] of RESPONSES.entries()) {
    entries.set(cachedRows(start, end - 1), i * columns * cached);
  }
  const cache = kept('cache', [count, columns, cached], entries);
  const half = headDim / 2;
  const turned = RESPONSES.flatMap(([, end]) => rows(end - 1, end)).map((row) =>
    row.map((value, at) => {
      if (!rotate || at >= (HEADS + 1) * headDim) return value;
      return at % headDim < half ? (row[at + half] ?? NaN) : -(row[at - half] ?? NaN);
    }),
  );
  const newest = inputs.empty('newest', [count, fused]);
  const angles = Array.from({ length: headDim }, (_, d) => (d < half ? 0 : 1)); // cosines, sines
  const episodes = RESPONSES.map((_, i) => [i, 0, 0, first, prompt, columns]);
  const status = RESPONSES.map(([start, end]) => [end - start, 0]);
  const out = inputs.empty('out', [count, HEADS * headDim]);
  const step = attentionDecode(
    {
      episodes: inputs.filled('episodes', 'u32', episodes),
      status: inputs.filled('status', 'u32', status),
      table: inputs.filled('table', 'f32', Array<number[]>(keys).fill(angles)),
      prompts,
      qkv: newest,
      cache,
      scores: inputs.empty('scores', [count, HEADS, keys]),
      out,
    },
    {
      ...attentionOptions(use, window),
      rows: count,
      keys,
      rotate,
      lanes: gpu.kind === 'cpu' ? serialLanes : parallelLanes,
    },
  );
  const values = (): Float64Array => {
    const width = HEADS * headDim;
    const all = attention(drawn.at, () => 0, headDim, window).out;
    return Float64Array.from(
      RESPONSES.flatMap(([, end]) => [...all.subarray((end - 1) * width, end * width)]),
    );
  };
  return {
    // The kernel leaves the queries turned.
    begin: () => {
      gpu.upload(newest, Float32Array.from(turned.flat()));
    },
    steps: [step],
    expected: [{ out, values }],
  };
}
