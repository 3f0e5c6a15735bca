import {
  attentionBackwardKeyValue,
  attentionBackwardKeyValueFamily,
} from '../../../kernels/attention-backward-key-value.ts';
import {
  attentionInputs,
  attentionOptions,
  fusedColumns,
  HEADS,
  ROWS,
  windowsOf,
} from './attention.ts';
import type { FamilyCheck } from './case.ts';

export const attentionBackwardKeyValueCheck: FamilyCheck = {
  family: attentionBackwardKeyValueFamily,
  isUsed: ({ training }) => training,
  probes(inputs, use) {
    return windowsOf(use).map((window) => {
      const { spans, qkv, dout, wanted, given } = attentionInputs(inputs, use, window);
      const dqkv = inputs.empty('dqkv', [ROWS, fusedColumns(use)]);
      const tensors = {
        spans,
        qkv: qkv.tensor,
        lse: given('lse', HEADS, wanted().lse),
        delta: given('delta', HEADS, wanted().deltas),
        dout: dout.tensor,
        dqkv,
      };
      return {
        steps: [attentionBackwardKeyValue(tensors, attentionOptions(use, window))],
        expected: [{ out: dqkv, values: () => wanted().dkeyValue }],
      };
    });
  },
};
