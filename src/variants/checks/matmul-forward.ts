import { matmulForward, matmulForwardFamily } from '../../../kernels/matmul-forward.ts';
import type { FamilyCheck } from './case.ts';
import { checkedLayer, product } from './product.ts';

export const matmulForwardCheck: FamilyCheck = {
  family: matmulForwardFamily,
  isUsed: () => true,
  probes(inputs, { storage }) {
    const { rows, inner, columns } = checkedLayer(inputs.gpu);
    const x = inputs.random('x', rows, inner);
    const weight = inputs.random('weight', columns, inner, storage);
    const out = inputs.empty('y', [rows, columns]);
    return [
      {
        steps: matmulForward({ x: x.tensor, weight: weight.tensor, out }, { rows }),
        expected: [
          {
            out,
            values: () => product([rows, inner, columns], x.at, (k, n) => weight.at(n, k)),
          },
        ],
      },
    ];
  },
};
