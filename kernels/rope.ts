import code from '../shaders/rope.wgsl?raw';
import { ShapeError } from './lib/errors.ts';
import { defineKernel, linearGrid, type Dispatch, type TensorsOf } from './lib/kernel.ts';
import {
  cellHeader,
  cellSize,
  fewerLanes,
  laneConstants,
  serialLanes,
  type Lanes,
} from './lib/lanes.ts';
import { expectCapacity, expectShape, rank2 } from './lib/tensor.ts';
import { type Size, valueOf } from './lib/variable.ts';

export const ropeKernel = defineKernel('rope', code, {
  params: ['rows', 'heads', 'half_dim', 'stride', 'direction'],
  tensors: { positions: 'u32', table: 'f32', qkv: 'f32' },
});

/**
 * Rotates the leading heads of fused query-key-value rows in place. Math: `shaders/rope.wgsl`.
 *
 * @param options.heads Query and key heads together; the values after them stay.
 * @param options.direction 1 forward, -1 for gradients.
 * @throws ShapeError when the heads do not fit a row or the head dimension is odd.
 */
export function rope(
  tensors: TensorsOf<typeof ropeKernel>,
  options: {
    readonly rows: Size;
    readonly heads: number;
    readonly direction: 1 | -1;
    readonly lanes?: Lanes;
  },
): Dispatch {
  const [capacity, stride] = rank2('rope', 'qkv', tensors.qkv);
  const [, headDim] = rank2('rope', 'table', tensors.table);
  expectShape('rope', 'positions', tensors.positions, [capacity]);
  expectCapacity('rope', 'rows', options.rows, capacity);
  if (headDim % 2 !== 0 || options.heads * headDim > stride) {
    throw new ShapeError(`rope: ${options.heads} heads of ${headDim} do not fit rows of ${stride}`);
  }
  const { rows, heads, direction } = options;
  // Cells of four must fill the row too: values of another size may follow the heads.
  const common = stride % 4 === 0 ? headDim / 2 : 1;
  const cell = cellSize(common);
  const half = headDim / 2 / cell;
  const lanes = fewerLanes(options.lanes ?? serialLanes, half);
  return ropeKernel.bind(
    tensors,
    { rows, heads, half_dim: half, stride: stride / cell, direction },
    () => linearGrid(Math.ceil(valueOf(rows) / lanes.rows)),
    { constants: laneConstants(lanes), header: cellHeader(common) },
  );
}

/**
 * Radians per position of the headDim / 2 pairs of a head: theta^(-2 i / headDim), in float64.
 *
 * @param theta Base of the wavelengths, 10,000 in the paper.
 */
export const ropeFrequencies = (headDim: number, theta: number): Float64Array =>
  Float64Array.from({ length: headDim / 2 }, (_, i) => theta ** ((-2 * i) / headDim));

/**
 * The cosines and sines that `rope` reads: f32 (positions, 2 pairs), made in float64.
 *
 * @param frequencies Radians per position of each pair of a head.
 * @param scale Factor on all cosines and sines.
 */
export function ropeTable(
  positions: number,
  frequencies: Float64Array,
  scale = 1,
): Float32Array<ArrayBuffer> {
  const half = frequencies.length;
  const table = new Float32Array(positions * 2 * half);
  for (let position = 0; position < positions; position++) {
    const first = position * 2 * half;
    for (let i = 0; i < half; i++) {
      const angle = position * (frequencies[i] ?? NaN);
      table[first + i] = scale * Math.cos(angle);
      table[first + half + i] = scale * Math.sin(angle);
    }
  }
  return table;
}
