import { describe, expect, test } from 'vitest';
import { sequenceWeights } from '../../src/ppo/aggregation.ts';
import { lossAggregations } from '../../src/vocabulary/losses.ts';
import { policyLossReference } from '../reference/policy-loss.ts';
import { valueLossReference } from '../reference/value-loss.ts';
import fixture from '../support/ppo-fixture.json';

const { lengths } = fixture;
const clip = { clipLow: 0.2, clipHigh: 0.2 };
const policy = fixture.currentLogprobs.map(
  (logprob, i) =>
    policyLossReference(logprob, fixture.oldLogprobs[i], 0, fixture.normalizedAdvantages[i], clip)
      .loss,
);
const value = fixture.currentValues.map(
  (current, i) => valueLossReference(current, fixture.oldValues[i], fixture.returns[i], 0.2).loss,
);

/** Each sequence's weight, once for each of its actions. */
const actionWeights = (...rule: Parameters<typeof sequenceWeights>): number[] => {
  const weights = sequenceWeights(...rule);
  return rule[1].flatMap((count, i) => Array<number>(count).fill(weights[i]));
};
const weighted = (losses: readonly number[], weights: readonly number[]): number =>
  losses.reduce((sum, loss, i) => sum + loss * weights[i], 0);
const mean = (numbers: readonly number[]): number =>
  numbers.reduce((sum, x) => sum + x, 0) / numbers.length;

describe('aggregation', () => {
  test('gives every rule weights that sum to 1', () => {
    for (const rule of lossAggregations) {
      for (const size of [1, 2, 3, 5, 100]) {
        const counts = [3, 1, 7, 2, 5];
        const perAction = actionWeights(rule, counts, size);
        expect(perAction.reduce((sum, weight) => sum + weight, 0)).toBeCloseTo(1, 12);
      }
    }
  });

  test('weighs micro-batches equally however long they are, as the reference ran', () => {
    // Micro-batches (12, 5) and (9, 1): an action of the first counts 1/34, of the second 1/20.
    const weights = sequenceWeights('token-mean-microbatch', lengths, 2);
    expect([...weights]).toEqual([1 / 34, 1 / 34, 1 / 20, 1 / 20]);
    const got = actionWeights('token-mean-microbatch', lengths, 2);
    // The golden micro-batch losses, each a plain token mean; the fixture's tolerance for losses.
    expect(Math.abs(weighted(policy, got) - mean(fixture.accumulation.policy))).toBeLessThan(5e-6);
    expect(Math.abs(weighted(value, got) - mean(fixture.accumulation.value))).toBeLessThan(5e-6);
  });

  test('gives a short last micro-batch the weight of a full one', () => {
    const weights = sequenceWeights('token-mean-microbatch', [2, 2, 4], 2);
    expect([...weights]).toEqual([1 / 8, 1 / 8, 1 / 8]);
  });

  test('takes the token mean of the whole step: the packed losses', () => {
    const got = actionWeights('token-mean-step', lengths, 2);
    expect(Math.abs(weighted(policy, got) - fixture.losses.policy)).toBeLessThan(5e-6);
    expect(Math.abs(weighted(value, got) - fixture.losses.value)).toBeLessThan(5e-6);
  });

  test('takes the mean of sequence means: the padded losses', () => {
    const got = actionWeights('sequence-mean', lengths, 1);
    expect(Math.abs(weighted(policy, got) - fixture.losses.paddedPolicy)).toBeLessThan(5e-6);
    expect(Math.abs(weighted(value, got) - fixture.losses.paddedValue)).toBeLessThan(5e-6);
  });

  test('refuses sequences without actions and micro-batches without sequences', () => {
    expect(() => sequenceWeights('sequence-mean', [1, 0], 1)).toThrow('sequence 1 has no action');
    expect(() => sequenceWeights('sequence-mean', [1], 0)).toThrow('micro-batches of 0 sequences');
    expect(() => sequenceWeights('sequence-mean', [1], 1.5)).toThrow('of 1.5 sequences');
  });
});
