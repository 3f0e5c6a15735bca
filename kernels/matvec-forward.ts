import code from '../shaders/matvec-forward.wgsl?raw';
import { ShapeError } from './lib/errors.ts';
import { defineKernel, type Dispatch } from './lib/kernel.ts';
import { laneConstants, type Lanes } from './lib/lanes.ts';
import {
  lowRankLibrary,
  type LowRankParts,
  lowRankSizes,
  partParams,
  partValues,
} from './lib/low-rank.ts';
import { expectCapacity, expectShape, rank2, type Tensor } from './lib/tensor.ts';
import { type Size, valueOf } from './lib/variable.ts';
import { matrixHeader, matrixTypes } from './lib/weight.ts';

export const matvecForwardKernel = defineKernel('matvec-forward', [lowRankLibrary, code], {
  params: ['inner', 'columns', 'has_bias', 'has_residual', 'epsilon', 'cells', ...partParams],
  tensors: {
    x: 'f32',
    norm_weight: 'f32',
    weight: matrixTypes,
    bias: 'f32',
    residual: 'f32',
    t: 'f32',
    b: 'f32',
    out: 'f32',
  },
});

/** An adapter of a matrix at the time when its first factor's product is known. */
export interface LowRankTerm {
  /** f32 (M, P R): products of the rows with the first factors. */
  readonly t: Tensor;
  /** f32 (N, R): the second factors. */
  readonly b: Tensor;
  readonly parts: LowRankParts;
}

/** Whether a layer's MLP fits: its width must be a multiple of 4. */
export const canMatvec = (intermediateSize: number): boolean => intermediateSize % 4 === 0;

/**
 * A linear layer over few rows, with the norm before it, an adapter's term and the gate after it.
 * Math and shapes: `shaders/matvec-forward.wgsl`.
 *
 * @param tensors.norm Weight of the RMSNorm that `x` goes through first.
 * @param tensors.residual Added to the result; it must not be `out` itself.
 * @param tensors.adapter Added before the gate.
 * @param options.gated Halves the columns by SwiGLU.
 * @throws ShapeError when the shapes disagree or are no multiples of 4.
 */
export function matvecForward(
  tensors: {
    readonly x: Tensor;
    readonly norm?: Tensor | undefined;
    readonly weight: Tensor;
    readonly bias?: Tensor | undefined;
    readonly residual?: Tensor | undefined;
    readonly adapter?: LowRankTerm | undefined;
    readonly out: Tensor;
  },
  options: {
    readonly rows: Size;
    readonly lanes: Lanes;
    readonly epsilon?: number;
    readonly gated?: boolean;
  },
): Dispatch {
  const { x, norm, weight, bias, residual, adapter, out } = tensors;
  const { rows, lanes, epsilon = 0, gated = false } = options;
  const expect = (role: string, tensor: Tensor | undefined, shape: readonly number[]): void => {
    if (tensor) expectShape('matvec-forward', role, tensor, shape);
  };
  const [capacity, inner] = rank2('matvec-forward', 'x', x);
  const [columns] = rank2('matvec-forward', 'weight', weight);
  if (inner % 4 !== 0 || (gated && columns % 4 !== 0)) {
    throw new ShapeError(`matvec-forward: ${inner} x ${columns} features are not 4 * n`);
  }
  const width = gated ? columns / 2 : columns;
  expect('norm', norm, [inner]);
  expect('weight', weight, [columns, inner]);
  expect('bias', bias, [columns]);
  expect('residual', residual, [capacity, width]);
  expect('out', out, [capacity, width]);
  if (adapter) {
    const { t, b, parts } = adapter;
    lowRankSizes('matvec-forward', ['b', b], ['t', t], parts);
    expect('b', b, [columns, b.shape[1] ?? 0]);
    expectCapacity('matvec-forward', 'rows', rows, t.shape[0] ?? 0);
  }
  expectCapacity('matvec-forward', 'rows', rows, capacity);
  return matvecForwardKernel.bind(
    // An absent input is bound to `x` and not read.
    {
      x,
      norm_weight: norm ?? x,
      weight,
      bias: bias ?? x,
      residual: residual ?? x,
      t: adapter?.t ?? x,
      b: adapter?.b ?? x,
      out,
    },
    {
      inner: inner / 4,
      columns,
      has_bias: bias ? 1 : 0,
      has_residual: residual ? 1 : 0,
      epsilon,
      cells: (adapter?.b.shape[1] ?? 0) / 4,
      ...partValues(adapter?.parts ?? []),
    },
    () => [Math.ceil(columns / 4 / lanes.rows), valueOf(rows)],
    {
      header: matrixHeader(weight, 'quads'),
      constants: {
        ...laneConstants(lanes),
        NORM: norm ? 1 : 0,
        GATED: gated ? 1 : 0,
        LOW_RANK: adapter ? 1 : 0,
      },
      flops: () => 2 * valueOf(rows) * (inner + (adapter?.b.shape[1] ?? 0)) * columns,
    },
  );
}
