/** A row of reward.json on which our equality of answers and the wrapped check of the file differ. */
export interface RewardDifference {
  readonly row: number;
  readonly gold: string;
  readonly answer: string;
  /** Why ours is right. */
  readonly why: string;
}

const spaces = 'spaces round an answer, or one more before its unit, change nothing';
const bareUnit = 'a unit is the same with and without \\text';
const allText = 'a number and its unit in one \\text are that number and that unit';

/**
 * All rows of the golden file whose verdict `reward_if_both_dollar_wrapped` is not ours; the parity
 * suite fails for any other, and for one of these that agrees. We say that each of them is right.
 */
export const rewardDifferences: readonly RewardDifference[] = [
  {
    row: 347,
    gold: '[3, 4) \\cup \\left(4, \\frac{64}{11}\\right]',
    answer: '\\left[3, 4\\right) \\cup \\left\\left(4, \\frac{64}{11}\\right\\right]',
    why: 'a \\left too many changes the looks of a bracket alone',
  },
  { row: 397, gold: '250\\text{ inches}', answer: ' 250\\text{ inches} ', why: spaces },
  { row: 401, gold: '250\\text{ inches}', answer: '250 inches', why: bareUnit },
  { row: 402, gold: '250\\text{ inches}', answer: '\\text{250 inches}', why: allText },
  { row: 404, gold: '12\\text{ square units}', answer: ' 12\\text{ square units} ', why: spaces },
  { row: 408, gold: '12\\text{ square units}', answer: '12 square units', why: bareUnit },
  { row: 409, gold: '12\\text{ square units}', answer: '\\text{12 square units}', why: allText },
  { row: 411, gold: '0.25\\,\\text{ cm}', answer: ' 0.25\\, \\text{ cm} ', why: spaces },
  { row: 415, gold: '0.25\\,\\text{ cm}', answer: '0.25\\, cm', why: bareUnit },
  {
    row: 422,
    gold: '\\text{(C)}',
    answer: '\\,\\text{(C)}',
    why: 'a thin space before a letter changes nothing',
  },
  {
    row: 427,
    gold: '4\\!:\\!51\\!:\\!06 \\text{ p.m.}',
    answer: ' 4\\!:\\!51\\!:\\!06 \\text{ p.m.} ',
    why: spaces,
  },
];
