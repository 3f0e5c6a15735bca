import {
  attentionBackwardKeyValue,
  attentionBackwardKeyValueFamily,
} from '../../../kernels/attention-backward-key-value.ts';
import { attentionInputs, attentionOptions, fusedColumns, HEADS, ROWS } from './attention.ts';
import type { FamilyCheck } from './case.ts';

export const attentionBackwardKeyValueCheck: FamilyCheck = {
  family: attentionBackwardKeyValueFamily,
  isUsed: ({ training }) => training,
  probes(inputs, use) {
    const { spans, qkv, dout, wanted, given } = attentionInputs(inputs, use);
    const dqkv = inputs.empty('dqkv', [ROWS, fusedColumns(use)]);
    const tensors = {
      spans,
      qkv: qkv.tensor,
      lse: given('lse', HEADS, wanted().lse),
      delta: given('delta', HEADS, wanted().deltas),
      dout: dout.tensor,
      dqkv,
    };
    return [
      {
        steps: [attentionBackwardKeyValue(tensors, attentionOptions(use))],
        expected: [{ out: dqkv, values: () => wanted().dkeyValue }],
      },
    ];
  },
};
