import { describe, expect, test } from 'vitest';
import { iterationsFor, promptsRolledOut, turnsOf } from '../../src/rollout-order.ts';
import type { LastBatch } from '../../src/tasks/task.ts';
import { arithmeticVariants } from '../../src/tasks/arithmetic-config.ts';
import { datasetConfig } from '../support/dataset-rig.ts';

const dataset = (lastBatch: LastBatch | undefined, prompts: number) => ({
  task: datasetConfig(lastBatch === undefined ? {} : { lastBatch }),
  rollout: { prompts },
});

describe('the order of rollouts', () => {
  test("drops the last prompts of each epoch, as LIMR does with its 8,523 in 1,024's", () => {
    const config = dataset(undefined, 1024);
    expect(iterationsFor(config, 8523, 1)).toBe(8);
    expect(iterationsFor(config, 8523, 21)).toBe(168);
    expect(turnsOf(config, 8523, 7)).toEqual({ epoch: 0, first: 7168, count: 1024 });
    expect(turnsOf(config, 8523, 8)).toEqual({ epoch: 1, first: 8523, count: 1024 });
    expect(promptsRolledOut(config, 8523, 9)).toBe(9 * 1024);
  });

  test('makes a short rollout of the last prompts', () => {
    const config = dataset('short', 4);
    expect(iterationsFor(config, 10, 2)).toBe(6);
    const turns = Array.from({ length: 4 }, (_, iteration) => turnsOf(config, 10, iteration));
    expect(turns).toEqual([
      { epoch: 0, first: 0, count: 4 },
      { epoch: 0, first: 4, count: 4 },
      { epoch: 0, first: 8, count: 2 },
      { epoch: 1, first: 10, count: 4 },
    ]);
    expect([1, 2, 3, 4, 6].map((n) => promptsRolledOut(config, 10, n))).toEqual([4, 8, 10, 14, 20]);
  });

  test.each(['drop', 'short'] as const)('%s: fewer prompts than a rollout are one', (rule) => {
    const config = dataset(rule, 8);
    expect(iterationsFor(config, 3, 5)).toBe(5);
    expect(turnsOf(config, 3, 2)).toEqual({ epoch: 2, first: 6, count: 3 });
    expect(promptsRolledOut(config, 3, 2)).toBe(6);
  });

  test.each(['drop', 'short'] as const)('%s: no rollout straddles two epochs', (rule) => {
    for (let size = 1; size <= 9; size++) {
      for (let prompts = 1; prompts <= 20; prompts++) {
        const config = dataset(rule, size);
        const ofEpoch = iterationsFor(config, prompts, 1);
        for (let iteration = 0; iteration < 3 * ofEpoch; iteration++) {
          const { epoch, first, count } = turnsOf(config, prompts, iteration);
          expect(epoch).toBe(Math.floor(iteration / ofEpoch));
          expect(count).toBeGreaterThan(0);
          expect(Math.floor(first / prompts)).toBe(epoch);
          expect(Math.floor((first + count - 1) / prompts)).toBe(epoch);
        }
        const seen = promptsRolledOut(config, prompts, ofEpoch);
        const dropped = rule === 'drop' && size <= prompts ? prompts % size : 0;
        expect(seen).toBe(prompts - dropped);
      }
    }
  });

  test('of a drawn task goes on without regard to epochs', () => {
    const config = { task: arithmeticVariants.E, rollout: { prompts: 4 } };
    expect(iterationsFor(config, 10, 1)).toBe(3);
    expect(turnsOf(config, 10, 2)).toEqual({ epoch: 0, first: 8, count: 4 });
    expect(promptsRolledOut(config, 10, 3)).toBe(12);
  });
});
