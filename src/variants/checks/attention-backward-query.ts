import {
  attentionBackwardQuery,
  attentionBackwardQueryFamily,
} from '../../../kernels/attention-backward-query.ts';
import {
  attentionInputs,
  attentionOptions,
  fusedColumns,
  HEADS,
  ROWS,
  windowsOf,
} from './attention.ts';
import type { FamilyCheck } from './case.ts';

export const attentionBackwardQueryCheck: FamilyCheck = {
  family: attentionBackwardQueryFamily,
  isUsed: ({ training }) => training,
  probes(inputs, use) {
    return windowsOf(use).map((window) => {
      const { spans, qkv, dout, wanted, given } = attentionInputs(inputs, use, window);
      const delta = inputs.empty('delta', [ROWS, HEADS]);
      const dqkv = inputs.empty('dqkv', [ROWS, fusedColumns(use)]);
      const tensors = {
        spans,
        qkv: qkv.tensor,
        out: given('out', HEADS * use.headDim, wanted().out),
        lse: given('lse', HEADS, wanted().lse),
        dout: dout.tensor,
        delta,
        dqkv,
      };
      return {
        steps: [attentionBackwardQuery(tensors, attentionOptions(use, window))],
        expected: [
          { out: delta, values: () => wanted().deltas },
          { out: dqkv, values: () => wanted().dquery },
        ],
      };
    });
  },
};
