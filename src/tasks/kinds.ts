import { arithmeticKind } from './arithmetic.ts';
import { banditKind } from './bandit.ts';
import { datasetKind } from './dataset.ts';

/** Every kind of task. A new kind is a file of its own and a line here. */
export const taskKinds = [arithmeticKind, banditKind, datasetKind] as const;
