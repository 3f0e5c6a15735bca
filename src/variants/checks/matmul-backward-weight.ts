import {
  matmulBackwardWeight,
  matmulBackwardWeightFamily,
} from '../../../kernels/matmul-backward-weight.ts';
import type { FamilyCheck, Probe } from './case.ts';
import { checkedLayer, product } from './product.ts';

/** Outputs of a second layer. They are no multiple of 4, so kernels compile to other programs. */
const NARROW = 18;

export const matmulBackwardWeightCheck: FamilyCheck = {
  family: matmulBackwardWeightFamily,
  isUsed: ({ training }) => training,
  probes(inputs) {
    const { rows, inner, columns } = checkedLayer(inputs.gpu);
    const x = inputs.random('x', rows, inner);
    const probe = (outputs: number): Probe => {
      const dy = inputs.random('dy', rows, outputs);
      const dw = inputs.empty('dw', [outputs, inner]);
      return {
        steps: matmulBackwardWeight({ dy: dy.tensor, x: x.tensor, dw }, { rows }),
        expected: [
          { out: dw, values: () => product([outputs, rows, inner], (n, i) => dy.at(i, n), x.at) },
        ],
      };
    };
    return [probe(columns), probe(NARROW)];
  },
};
