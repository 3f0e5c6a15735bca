import type { MatmulShape } from '../../kernels/lib/matmul-shape.ts';
import {
  matmulBackwardInput,
  matmulBackwardInputFamily,
} from '../../kernels/matmul-backward-input.ts';
import {
  matmulBackwardWeight,
  matmulBackwardWeightFamily,
} from '../../kernels/matmul-backward-weight.ts';
import { matmulForward, matmulForwardFamily } from '../../kernels/matmul-forward.ts';
import type { MatrixType } from '../../kernels/lib/weight.ts';
import type { Gpu } from '../gpu/device.ts';
import type { TuningCase } from './tuning.ts';

export type MatmulCase = TuningCase<MatmulShape>;

/** The tensors of one layer. A product reads two of them and writes the third. */
function layer(gpu: Gpu, [rows, inner, columns]: MatmulShape, storage: MatrixType) {
  const tensor = <Type extends MatrixType>(name: string, shape: readonly number[], dtype: Type) =>
    gpu.tensor(`tuning ${name}`, shape, dtype, 'activations');
  const x = tensor('x', [rows, inner], 'f32');
  const y = tensor('y', [rows, columns], 'f32');
  const weight = tensor('weight', [columns, inner], storage);
  return { rows, x, y, weight, tensors: [x, y, weight] };
}

const flopsOf = ([rows, inner, columns]: MatmulShape): number => 2 * rows * inner * columns;

const stored = ([rows, inner, columns]: MatmulShape, storage: MatrixType): MatmulShape =>
  storage === 'f32' ? [rows, inner, columns] : [rows, inner, columns, storage];

/** @param storage MatrixType of the weight. */
export const forwardCase = (shape: MatmulShape, storage: MatrixType = 'f32'): MatmulCase => ({
  family: matmulForwardFamily,
  shape: stored(shape, storage),
  storage,
  flops: flopsOf(shape),
  build: (gpu) => {
    const { rows, x, y, weight, tensors } = layer(gpu, shape, storage);
    return { steps: matmulForward({ x, weight, out: y }, { rows }), tensors };
  },
});

/** @param storage MatrixType of the weight. */
export const backwardInputCase = (shape: MatmulShape, storage: MatrixType = 'f32'): MatmulCase => ({
  family: matmulBackwardInputFamily,
  shape: stored(shape, storage),
  storage,
  flops: flopsOf(shape),
  build: (gpu) => {
    const { rows, x, y, weight, tensors } = layer(gpu, shape, storage);
    return { steps: matmulBackwardInput({ dy: y, weight, dx: x }, { rows }), tensors };
  },
});

export const backwardWeightCase = (shape: MatmulShape): MatmulCase => ({
  family: matmulBackwardWeightFamily,
  shape,
  flops: flopsOf(shape),
  build: (gpu) => {
    const { rows, x, y, weight, tensors } = layer(gpu, shape, 'f32');
    return { steps: matmulBackwardWeight({ dy: y, x, dw: weight }, { rows }), tensors };
  },
});
