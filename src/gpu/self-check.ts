import { attentionBackwardKeyValue } from '../../kernels/attention-backward-key-value.ts';
import { attentionBackwardQuery } from '../../kernels/attention-backward-query.ts';
import { attentionDecode, canRotate } from '../../kernels/attention-decode.ts';
import { attentionForward } from '../../kernels/attention-forward.ts';
import type { Dispatch } from '../../kernels/lib/kernel.ts';
import { parallelLanes, serialLanes } from '../../kernels/lib/lanes.ts';
import type { MatmulChoices, MatmulVariant } from '../../kernels/lib/matmul-variants.ts';
import type { DType, Tensor } from '../../kernels/lib/tensor.ts';
import { matmulBackwardInput } from '../../kernels/matmul-backward-input.ts';
import { matmulBackwardWeight } from '../../kernels/matmul-backward-weight.ts';
import { matmulForward } from '../../kernels/matmul-forward.ts';
import { float32OfHalves, halvesOf } from '../formats/half.ts';
import { RandomStream } from '../random.ts';
import { AdapterError, type Gpu } from './device.ts';

/** Which kernels a program is about to use. */
export interface KernelUse {
  /** Of its model: attention is compiled for it. */
  readonly headDim: number;
  /** Whether gradients are computed too. */
  readonly training: boolean;
  /** How the matrices are stored that layers multiply by. Default f32. */
  readonly storage?: 'f32' | 'f16' | undefined;
  /** How the cache of keys and values is stored, where it decodes. */
  readonly cache?: 'f32' | 'f16' | undefined;
}

/** How right a variant is on one device. */
export interface CheckedVariant {
  readonly variant: MatmulVariant;
  /** The worst of its kernels. */
  readonly kernel: string;
  /** Its largest error, over the largest entry; NaN where it gave one. */
  readonly error: number;
}

/** Whether errors are those of rounding: sums in f32 stay below 1e-6 at these sizes. */
export const isRight = ({ error }: CheckedVariant): boolean => error <= 1e-4;

/** The variants that plans of a device take. */
export const chosenVariants = ({ preferred, fewTiles = [], measured }: MatmulChoices) => [
  ...new Set<MatmulVariant>([preferred, ...fewTiles, ...Object.values(measured)]),
];

/** What is left to try when a variant is wrong, the fastest first. `plain` takes any shape. */
const fallbacks = ['registers', 'plain'] as const satisfies readonly MatmulVariant[];

/** Kernels on inputs of their own, and what they should give. */
interface Case {
  /** Uploads what the steps overwrite. */
  readonly begin?: () => void;
  readonly steps: readonly Dispatch[];
  readonly expected: readonly {
    readonly kernel: string;
    readonly out: Tensor;
    readonly values: () => Float64Array;
  }[];
  readonly tensors: readonly Tensor[];
}

/**
 * Computes small cases of the matmuls and of attention in each variant and compares them with
 * float64. The sizes have whole blocks and cut ones of every variant. What was compiled for it is
 * what the program takes later.
 */
export async function checkVariants(
  gpu: Gpu,
  variants: Iterable<MatmulVariant>,
  use: KernelUse,
): Promise<CheckedVariant[]> {
  const cases = casesOf(gpu, use);
  const found: CheckedVariant[] = [];
  try {
    for (const variant of variants) found.push(await worstOf(gpu, variant, cases));
  } finally {
    gpu.destroy(...cases.flatMap(({ tensors }) => tensors));
  }
  return found;
}

const casesOf = (gpu: Gpu, use: KernelUse): Case[] => [
  matmulCase(gpu, use),
  attentionCase(gpu, use),
  ...(use.cache ? [decodeCase(gpu, use, use.cache)] : []),
];

const stepsOf = (cases: readonly Case[], variant: MatmulVariant): Dispatch[] => {
  const choices = { preferred: variant, measured: {} };
  return cases.flatMap((one) => one.steps.map((step) => step.adapt?.(choices) ?? step));
};

/** Asks for the pipelines of a check to come, before those of plans that are built after this. */
export function askForVariants(gpu: Gpu, use: KernelUse): void {
  const cases = casesOf(gpu, use);
  for (const variant of chosenVariants(gpu.matmulChoices)) {
    for (const step of stepsOf(cases, variant)) gpu.pipelines.entry(step);
  }
  gpu.destroy(...cases.flatMap(({ tensors }) => tensors));
}

async function worstOf(
  gpu: Gpu,
  variant: MatmulVariant,
  cases: readonly Case[],
): Promise<CheckedVariant> {
  const plan = gpu.plan(`self-check ${variant}`, stepsOf(cases, variant));
  let worst = { variant, kernel: '', error: 0 };
  try {
    for (const { begin } of cases) begin?.();
    await gpu.run(plan);
    for (const { kernel, out, values } of cases.flatMap(({ expected }) => expected)) {
      const got = await gpu.read(out, 'f32');
      let error = 0;
      let largest = 0;
      for (const [i, want] of values().entries()) {
        error = Math.max(error, Math.abs((got[i] ?? NaN) - want)); // NaN stays
        largest = Math.max(largest, Math.abs(want));
      }
      error /= largest;
      // The first NaN stays.
      if (error > worst.error || (Number.isNaN(error) && !Number.isNaN(worst.error))) {
        worst = { variant, kernel, error };
      }
      // The next variant adds to it, and must not find it right already.
      gpu.upload(out, new Float32Array(got.length));
    }
  } finally {
    plan.destroy();
  }
  return worst;
}

/** What is wrong with a variant. */
export const fault = ({ variant, kernel, error }: CheckedVariant): string =>
  `${kernel} in variant '${variant}' computes wrong (off by ${error.toPrecision(2)} of the largest entry)`;

/** Choices without the variants that are wrong. */
export function choicesWithout(
  { preferred, fewTiles, measured }: MatmulChoices,
  wrong: readonly MatmulVariant[],
): MatmulChoices {
  const left = [preferred, ...fallbacks].find((variant) => !wrong.includes(variant)) ?? 'plain';
  const kept = Object.entries(measured).filter(([, variant]) => !wrong.includes(variant));
  const few = fewTiles?.filter((variant) => !wrong.includes(variant));
  return { preferred: left, ...(few && { fewTiles: few }), measured: Object.fromEntries(kept) };
}

/** What was found right already: a device is asked once. */
const checked = new WeakMap<Gpu, Set<string>>();

/**
 * Checks the variants that plans of a device would take, and makes plans built from now on take others
 * in place of those that compute wrong there.
 *
 * @returns A sentence for each that was.
 * @throws AdapterError when `plain` itself is wrong: nothing this adapter computes can be trusted.
 */
export async function dropWrongVariants(gpu: Gpu, use: KernelUse): Promise<string[]> {
  const known = checked.get(gpu) ?? new Set<string>();
  checked.set(gpu, known);
  const sentences: string[] = [];
  for (;;) {
    const name = (variant: MatmulVariant) =>
      [variant, use.headDim, use.training, use.storage, use.cache].join(' ');
    const variants = chosenVariants(gpu.matmulChoices).filter(
      (variant) => !known.has(name(variant)),
    );
    if (variants.length === 0) return sentences;
    const found = await checkVariants(gpu, variants, use);
    const wrong = found.filter((one) => !isRight(one));
    for (const one of wrong) {
      const what = `${fault(one)} on ${gpu.name}`;
      if (one.variant === 'plain') throw new AdapterError(`${what}: there is no other to use`);
      sentences.push(`${what}: another is used in its place`);
    }
    for (const one of found) if (isRight(one)) known.add(name(one.variant));
    gpu.matmulChoices = choicesWithout(
      gpu.matmulChoices,
      wrong.map(({ variant }) => variant),
    );
  }
}

/** A tensor of random numbers, which `at` gives too. */
interface Input {
  readonly tensor: Tensor;
  readonly at: (row: number, column: number) => number;
}

/** Makes the tensors of a case. */
class Inputs {
  readonly tensors: Tensor[] = [];
  readonly #gpu: Gpu;
  readonly #stream = new RandomStream(1, 'selfCheck');

  constructor(gpu: Gpu) {
    this.#gpu = gpu;
  }

  empty(name: string, rows: number, columns: number, dtype: DType = 'f32'): Tensor {
    const tensor = this.#gpu.tensor(`self-check ${name}`, [rows, columns], dtype, 'activations');
    this.tensors.push(tensor);
    return tensor;
  }

  random(name: string, rows: number, columns: number, dtype: 'f32' | 'f16' = 'f32'): Input {
    const tensor = this.empty(name, rows, columns, dtype);
    const drawn = Float32Array.from({ length: rows * columns }, () => this.#stream.normal());
    const halves = dtype === 'f16' ? halvesOf(drawn) : undefined;
    this.#gpu.upload(tensor, halves ?? drawn);
    const data = halves ? float32OfHalves(halves) : drawn;
    return { tensor, at: (row, column) => data[row * columns + column] ?? NaN };
  }
}

/** sum_k left(row, k) * right(k, column) */
function product(
  [rows, inner, columns]: readonly [number, number, number],
  left: (row: number, k: number) => number,
  right: (k: number, column: number) => number,
): Float64Array {
  return Float64Array.from({ length: rows * columns }, (_, at) => {
    let sum = 0;
    for (let k = 0; k < inner; k++) {
      sum += left(Math.floor(at / columns), k) * right(k, at % columns);
    }
    return sum;
  });
}

/** All three forms of a layer from 40 to 76 features on 70 rows, and the gradient of one to 18. */
function matmulCase(gpu: Gpu, { training, storage }: KernelUse): Case {
  const [rows, inner, columns] = [70, 40, 76];
  const inputs = new Inputs(gpu);
  const x = inputs.random('x', rows, inner);
  const weight = inputs.random('weight', columns, inner, storage);
  const dy = inputs.random('dy', rows, columns);
  const y = inputs.empty('y', rows, columns);
  const dx = inputs.empty('dx', rows, inner);
  const dw = inputs.empty('dw', columns, inner);
  const forward = {
    steps: matmulForward({ x: x.tensor, weight: weight.tensor, out: y }, { rows }),
    expected: [
      {
        kernel: 'matmul-forward',
        out: y,
        values: () => product([rows, inner, columns], x.at, (k, n) => weight.at(n, k)),
      },
    ],
    tensors: inputs.tensors,
  };
  if (!training) return forward;
  const narrow = 18; // no multiple of 4: other programs than above
  const dhead = inputs.random('dhead', rows, narrow);
  const dwhead = inputs.empty('dwhead', narrow, inner);
  return {
    steps: [
      ...forward.steps,
      ...matmulBackwardInput({ dy: dy.tensor, weight: weight.tensor, dx }, { rows }),
      ...matmulBackwardWeight({ dy: dy.tensor, x: x.tensor, dw }, { rows }),
      ...matmulBackwardWeight({ dy: dhead.tensor, x: x.tensor, dw: dwhead }, { rows }),
    ],
    expected: [
      ...forward.expected,
      {
        kernel: 'matmul-backward-input',
        out: dx,
        values: () => product([rows, columns, inner], dy.at, weight.at),
      },
      {
        kernel: 'matmul-backward-weight',
        out: dw,
        values: () => product([columns, rows, inner], (n, i) => dy.at(i, n), x.at),
      },
      {
        kernel: 'matmul-backward-weight',
        out: dwhead,
        values: () => product([narrow, rows, inner], (n, i) => dhead.at(i, n), x.at),
      },
    ],
    tensors: inputs.tensors,
  };
}

/** Rows of a prompt and of two responses to it, each [first, end). */
const PROMPT = [0, 5] as const;
const RESPONSES = [
  [5, 14],
  [14, 31],
] as const;
const ROWS = 31;
const HEADS = 2;

/** Attention of two responses to a shared prompt; two heads share keys and values. */
function attentionCase(gpu: Gpu, { headDim, training }: KernelUse): Case {
  const inputs = new Inputs(gpu);
  const qkv = inputs.random('qkv', ROWS, (HEADS + 2) * headDim);
  const dout = inputs.random('dout', ROWS, HEADS * headDim);
  const out = inputs.empty('out', ROWS, HEADS * headDim);
  const dqkv = inputs.empty('dqkv', ROWS, (HEADS + 2) * headDim);
  const lse = inputs.empty('lse', ROWS, HEADS);
  const delta = inputs.empty('delta', ROWS, HEADS);
  const spans = inputs.empty('spans', ROWS, 6, 'u32');
  gpu.upload(spans, attentionSpans());
  const scale = 1 / Math.sqrt(headDim);
  const options = { rows: ROWS, heads: HEADS, kvHeads: 1, headDim, scale };
  let found: ReturnType<typeof attention> | undefined;
  const wanted = () => (found ??= attention(qkv.at, dout.at, headDim, scale));
  const tensors = { spans, qkv: qkv.tensor, out, lse, dout: dout.tensor, delta, dqkv };
  const { tensors: owned } = inputs;
  const forward = attentionForward({ spans, qkv: qkv.tensor, out, lse }, options);
  const expected = [{ kernel: 'attention-forward', out, values: () => wanted().out }];
  if (!training) return { steps: [forward], expected, tensors: owned };
  return {
    steps: [
      forward,
      attentionBackwardQuery(tensors, options),
      attentionBackwardKeyValue(tensors, options),
    ],
    expected: [
      ...expected,
      { kernel: 'attention-backward', out: dqkv, values: () => wanted().dqkv },
    ],
    tensors: owned,
  };
}

/**
 * Each response's last row as it is decoded: its keys and values before that in a cache, its own newest
 * token given with queries and keys turned back by a quarter, which the table turns forward again.
 */
function decodeCase(gpu: Gpu, { headDim }: KernelUse, storage: 'f32' | 'f16'): Case {
  const inputs = new Inputs(gpu);
  const [first, prompt] = PROMPT;
  const [fused, cached] = [(HEADS + 2) * headDim, 2 * headDim];
  const count = RESPONSES.length;
  const columns = Math.max(...RESPONSES.map(([start, end]) => end - start));
  const keys = prompt + columns;
  const rotate = canRotate(headDim);
  const drawn = inputs.random('qkv', ROWS, fused, storage);
  const rows = (from: number, to: number): number[][] =>
    Array.from({ length: to - from }, (_, i) =>
      Array.from({ length: fused }, (_column, at) => drawn.at(from + i, at)),
    );
  const filled = (
    name: string,
    dtype: 'f32' | 'u32',
    data: readonly (readonly number[])[],
  ): Tensor => {
    const tensor = inputs.empty(name, data.length, data[0]?.length ?? 0, dtype);
    gpu.upload(
      tensor,
      dtype === 'u32' ? Uint32Array.from(data.flat()) : Float32Array.from(data.flat()),
    );
    return tensor;
  };
  const cache = inputs.empty('cache', count, columns * cached, storage);
  const entries = new Float32Array(count * columns * cached);
  for (const [i, [start, end]] of RESPONSES.entries()) {
    const tokens = rows(start, end - 1).map((row) => row.slice(HEADS * headDim));
    entries.set(tokens.flat(), i * columns * cached);
  }
  gpu.upload(cache, storage === 'f16' ? halvesOf(entries) : entries);
  const half = headDim / 2;
  const turned = RESPONSES.flatMap(([, end]) => rows(end - 1, end)).map((row) =>
    row.map((value, at) => {
      if (!rotate || at >= (HEADS + 1) * headDim) return value;
      return at % headDim < half ? (row[at + half] ?? NaN) : -(row[at - half] ?? NaN);
    }),
  );
  const newest = inputs.empty('newest', count, fused);
  const angles = Array.from({ length: headDim }, (_, d) => (d < half ? 0 : 1)); // cosines, sines
  const out = inputs.empty('out', count, HEADS * headDim);
  const scale = 1 / Math.sqrt(headDim);
  const step = attentionDecode(
    {
      episodes: filled(
        'episodes',
        'u32',
        RESPONSES.map((_, i) => [i, 0, 0, first, prompt, columns]),
      ),
      status: filled(
        'status',
        'u32',
        RESPONSES.map(([start, end]) => [end - start, 0]),
      ),
      table: filled('table', 'f32', Array<number[]>(keys).fill(angles)),
      prompt_qkv: filled('prompt_qkv', 'f32', rows(0, prompt)),
      qkv: newest,
      cache: { ...cache, shape: [count, columns, cached] },
      scores: { ...inputs.empty('scores', count, HEADS * keys), shape: [count, HEADS, keys] },
      out,
    },
    {
      rows: count,
      heads: HEADS,
      kvHeads: 1,
      headDim,
      scale,
      keys,
      rotate,
      lanes: gpu.kind === 'cpu' ? serialLanes : parallelLanes,
    },
  );
  const values = (): Float64Array => {
    const width = HEADS * headDim;
    const all = attention(drawn.at, () => 0, headDim, scale).out;
    return Float64Array.from(
      RESPONSES.flatMap(([, end]) => [...all.subarray((end - 1) * width, end * width)]),
    );
  };
  return {
    // The queries are left turned.
    begin: () => {
      gpu.upload(newest, Float32Array.from(turned.flat()));
    },
    steps: [step],
    expected: [{ kernel: 'attention-decode', out, values }],
    tensors: inputs.tensors,
  };
}

function attentionSpans(): Uint32Array {
  const [first, end] = PROMPT;
  const rows = Array.from({ length: end - first }, () => [first, end, 0, 0, end, ROWS]);
  for (const [start, stop] of RESPONSES) {
    for (let row = start; row < stop; row++) rows.push([start, stop, first, end, 0, 0]);
  }
  return Uint32Array.from(rows.flat());
}

/** The rows that a row attends to. */
function keysOf(row: number): number[] {
  const [first = 0] = RESPONSES.find(([start, stop]) => row >= start && row < stop) ?? PROMPT;
  const own = Array.from({ length: row + 1 - first }, (_, i) => first + i);
  return first === 0 ? own : [...Array.from({ length: PROMPT[1] }, (_, i) => i), ...own];
}

/** Softmax attention and its gradient in queries, keys and values, in float64. */
function attention(qkv: Input['at'], dout: Input['at'], headDim: number, scale: number) {
  const out = new Float64Array(ROWS * HEADS * headDim);
  const dqkv = new Float64Array(ROWS * (HEADS + 2) * headDim);
  const columns = Array.from({ length: headDim }, (_, d) => d);
  const sum = (terms: readonly number[]): number => terms.reduce((total, term) => total + term, 0);
  const key = (row: number, d: number): number => qkv(row, HEADS * headDim + d);
  const value = (row: number, d: number): number => qkv(row, (HEADS + 1) * headDim + d);
  const add = (row: number, column: number, term: number): void => {
    const at = row * (HEADS + 2) * headDim + column;
    dqkv[at] = (dqkv[at] ?? NaN) + term;
  };
  for (let row = 0; row < ROWS; row++) {
    for (let head = 0; head < HEADS; head++) {
      const first = head * headDim;
      const query = (d: number): number => qkv(row, first + d);
      const keys = keysOf(row);
      const weights = keys.map((j) =>
        Math.exp(scale * sum(columns.map((d) => query(d) * key(j, d)))),
      );
      const total = sum(weights);
      const shares = weights.map((weight) => weight / total);
      const mean = columns.map((d) => sum(keys.map((j, i) => (shares[i] ?? NaN) * value(j, d))));
      out.set(mean, row * HEADS * headDim + first);
      const delta = sum(mean.map((entry, d) => entry * dout(row, first + d)));
      for (const [i, j] of keys.entries()) {
        const share = shares[i] ?? NaN;
        const slope = sum(columns.map((d) => dout(row, first + d) * value(j, d))) - delta;
        for (const d of columns) {
          add(row, first + d, scale * share * slope * key(j, d));
          add(j, HEADS * headDim + d, scale * share * slope * query(d));
          add(j, (HEADS + 1) * headDim + d, share * dout(row, first + d));
        }
      }
    }
  }
  return { out, dqkv };
}
