import { describe, expect, test } from 'vitest';
import { ConfigError } from '../../src/config-error.ts';
import { BanditTask, banditVerifier } from '../../src/tasks/bandit.ts';
import { banditDefaults } from '../support/bandit.ts';
import { checkTask, openTask, type TaskConfig } from '../../src/tasks/registry.ts';

describe('bandit', () => {
  test('rewards the right arm, a wrong one and no arm differently', () => {
    const task = new BanditTask(banditDefaults);
    const [{ text, key }] = task.pool(0);
    const { verify } = banditVerifier(banditDefaults);
    const other = String((Number(key) + 1) % 4);
    expect(verify(text, key, key).reward).toBe(1);
    expect(verify(text, key, other).reward).toBe(-0.5);
    expect(verify(text, key, '=').reward).toBe(-1);
  });

  test('rewards everything alike when the reward is constant', () => {
    const { verify } = banditVerifier({ ...banditDefaults, reward: 'constant' });
    expect(['0', '1', '='].map((text) => verify('a=', '0', text).reward)).toEqual([1, 1, 1]);
  });

  test('deals the arms by seed and keeps the prompts', () => {
    const task = new BanditTask({ ...banditDefaults, prompts: 26 });
    const keys = (seed: number) => task.pool(seed).map(({ key }) => key);
    expect(keys(1)).toEqual(keys(1));
    expect(keys(1)).not.toEqual(keys(2));
    expect(new Set(keys(1)).size).toBe(4);
    expect(task.pool(1).map(({ text }) => text)).toEqual(task.pool(2).map(({ text }) => text));
  });

  test('writes a corpus of whole sequences within its vocabulary', () => {
    const task = new BanditTask(banditDefaults);
    expect(task.tokenizer.size).toBe(13);
    const arms = task.corpus(0, 3, 400).map(({ tokens, promptLength }) => {
      expect(tokens.length).toBe(promptLength + task.maxResponseTokens);
      return tokens[promptLength];
    });
    // 100 of each expected, standard deviation 8.7.
    for (const arm of [0, 1, 2, 3]) {
      expect(Math.abs(arms.filter((other) => other === arm).length - 100)).toBeLessThan(44);
    }
  });
});

describe('the task registry', () => {
  test('opens a task by its name', async () => {
    expect((await openTask(banditDefaults)).name).toBe('bandit');
  });

  test('refuses an unknown name and a field out of range', async () => {
    const unknown = { ...banditDefaults, name: 'chess' } as unknown as TaskConfig;
    await expect(openTask(unknown)).rejects.toThrow(
      "task.name must be arithmetic or bandit or dataset, got 'chess'",
    );
    expect(() => checkTask(unknown, 'run.task')).toThrow(ConfigError);
    expect(() => checkTask({ ...banditDefaults, arms: 11 })).toThrow(
      'task.arms: must be at most 10, is the number 11',
    );
  });
});
