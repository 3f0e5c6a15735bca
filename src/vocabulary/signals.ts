/** What is averaged over a prompt's samples: 1 for a right answer and else 0, or the reward itself. */
export const signals = ['accuracy', 'reward'] as const;
export type Signal = (typeof signals)[number];

/**
 * What missing entries mean.
 *
 * - `corrected`, the default: nothing is filled and nobody is dropped. An epoch's mean is over the
 *   prompts present in it; a prompt's two sums run over the epochs in which it is present. A prompt
 *   that is nowhere present has no score.
 * - `limr`: as the released lim_selection.py. A missing entry takes the next epoch's, one step only;
 *   a prompt with an entry still missing is dropped and counts in no mean.
 *
 * Without missing entries the two agree.
 */
export const missingRules = ['corrected', 'limr'] as const;
export type MissingRule = (typeof missingRules)[number];
