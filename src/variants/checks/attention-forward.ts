import { attentionForward, attentionForwardFamily } from '../../../kernels/attention-forward.ts';
import { attentionInputs, attentionOptions, HEADS, ROWS, windowsOf } from './attention.ts';
import type { FamilyCheck } from './case.ts';

export const attentionForwardCheck: FamilyCheck = {
  family: attentionForwardFamily,
  isUsed: () => true,
  probes(inputs, use) {
    return windowsOf(use).map((window) => {
      const { spans, qkv, wanted } = attentionInputs(inputs, use, window);
      const out = inputs.empty('out', [ROWS, HEADS * use.headDim]);
      const lse = inputs.empty('lse', [ROWS, HEADS]);
      return {
        steps: [
          attentionForward({ spans, qkv: qkv.tensor, out, lse }, attentionOptions(use, window)),
        ],
        expected: [
          { out, values: () => wanted().out },
          { out: lse, values: () => wanted().lse },
        ],
      };
    });
  },
};
