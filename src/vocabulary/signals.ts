/**
 * The signal that is averaged over a prompt's samples: `accuracy`, 1 for a right answer and 0
 * otherwise, or `reward`, the reward itself.
 */
export const signals = ['accuracy', 'reward'] as const;
export type Signal = (typeof signals)[number];

/**
 * How missing entries are treated.
 *
 * - `corrected`, the default: nothing is filled and no prompt is dropped. The mean of an epoch is
 *   over the prompts present in it. A prompt's two sums run over the epochs in which it is present.
 *   A prompt that is never present has no score.
 * - `limr`: as in the released lim_selection.py. A missing entry takes the entry of the next epoch,
 *   one step only. A prompt that still misses an entry is dropped and counts in no mean.
 *
 * Without missing entries both rules agree.
 */
export const missingRules = ['corrected', 'limr'] as const;
export type MissingRule = (typeof missingRules)[number];
