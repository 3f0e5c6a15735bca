import {
  matmulBackwardInput,
  matmulBackwardInputFamily,
} from '../../../kernels/matmul-backward-input.ts';
import type { FamilyCheck } from './case.ts';
import { checkedLayer, product } from './product.ts';

export const matmulBackwardInputCheck: FamilyCheck = {
  family: matmulBackwardInputFamily,
  isUsed: ({ training }) => training,
  probes(inputs, { storage }) {
    const { rows, inner, columns } = checkedLayer(inputs.gpu);
    const dy = inputs.random('dy', rows, columns);
    const weight = inputs.random('weight', columns, inner, storage);
    const dx = inputs.empty('dx', [rows, inner]);
    return [
      {
        steps: matmulBackwardInput({ dy: dy.tensor, weight: weight.tensor, dx }, { rows }),
        expected: [{ out: dx, values: () => product([rows, columns, inner], dy.at, weight.at) }],
      },
    ];
  },
};
