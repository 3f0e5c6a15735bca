import type { Family } from '../../kernels/lib/variants.ts';
import { attentionBackwardKeyValueCheck } from './checks/attention-backward-key-value.ts';
import { attentionBackwardQueryCheck } from './checks/attention-backward-query.ts';
import { attentionDecodeCheck } from './checks/attention-decode.ts';
import { attentionForwardCheck } from './checks/attention-forward.ts';
import type { FamilyCheck } from './checks/case.ts';
import { matmulBackwardInputCheck } from './checks/matmul-backward-input.ts';
import { matmulBackwardWeightCheck } from './checks/matmul-backward-weight.ts';
import { matmulForwardCheck } from './checks/matmul-forward.ts';

/** Every family of kernels with its check, in the order in which checks run. */
export const familyChecks: readonly FamilyCheck[] = [
  matmulForwardCheck,
  matmulBackwardInputCheck,
  matmulBackwardWeightCheck,
  attentionForwardCheck,
  attentionBackwardQueryCheck,
  attentionBackwardKeyValueCheck,
  attentionDecodeCheck,
];

export const families: readonly Family[] = familyChecks.map(({ family }) => family);
