import { describe, expect, test, vi } from 'vitest';
import { choose, describePlan } from '../../demo/link.ts';
import { configFrom, parseConfig, type ExperimentConfig } from '../../src/config.ts';
import { presets } from '../../src/presets.ts';
import { estimate } from '../../src/scheduler/estimate.ts';
import { describeTask, openTask, openVerifier, type TaskConfig } from '../../src/tasks/registry.ts';
import { noResources } from '../../src/tasks/task.ts';
import { sumsKind, type SumsConfig } from '../support/third-task.ts';

vi.mock('../../src/tasks/kinds.ts', async (original) => {
  const { taskKinds } = await original<typeof import('../../src/tasks/kinds.ts')>();
  const { sumsKind } = await import('../support/third-task.ts');
  return { taskKinds: [...taskKinds, sumsKind] };
});

const sums = { name: 'sums', poolPrompts: 32, heldOut: 4, sizes: 'told' } as const;
const asTask = (config: SumsConfig): TaskConfig => config as unknown as TaskConfig;
const over = (task: object) => configFrom('quick', { task }, 'my.json');

describe('a task that no other file names', () => {
  test('is a task of a config, with its own fields and ranges', () => {
    expect(over(sums).task).toEqual(sums);
    expect(() => over({ ...sums, poolPrompts: 51 })).toThrow(
      'my.json: task.poolPrompts: must be at most 50, is the number 51',
    );
    expect(() => over({ ...sums, arms: 4 })).toThrow(
      "my.json: task.arms: there is no such field where task.name is 'sums'",
    );
    expect(() => over({ name: 'chess' })).toThrow(
      "task.name: must be 'arithmetic', 'bandit', 'dataset' or 'sums'",
    );
  });

  test('has the sizes of its pool held against the rollouts', () => {
    const config: ExperimentConfig = {
      ...presets.quick,
      task: asTask({ ...sums, poolPrompts: 40 }),
    };
    expect(() => parseConfig(config, 'test')).toThrow(
      'rollout.prompts: must divide the 40 prompts',
    );
  });

  test('is estimated by its config, or once it is opened', async () => {
    const told = estimate(over(sums));
    expect(told.peak).toBeGreaterThan(0);
    const config = over({ ...sums, sizes: 'opened' });
    expect(() => estimate(config)).toThrow('task: sums has no size before it is opened');
    const task = await openTask(config.task);
    try {
      expect(estimate(config, undefined, { task })).toEqual(told);
    } finally {
      await task.text.close();
    }
  });

  test('is described by itself', () => {
    const { promptText, answerOf } = describeTask(asTask(sums));
    expect(promptText('1+2=')).toBe('1+2 = ?');
    expect(answerOf('12;')).toBe('12');
  });

  test('is judged by its own verifier', async () => {
    const verifier = await openVerifier(asTask(sums));
    const end = { finished: true };
    expect(await verifier.verify('1+2=', '3', '3;', end)).toMatchObject({ reward: 1 });
    expect(await verifier.verify('1+2=', '3', '4;', end)).toMatchObject({ reward: -0.5 });
  });

  test('is planned from the address of the page', () => {
    const wish = { preset: 'quick', seeds: '', overrides: JSON.stringify({ task: sums }) };
    expect(describePlan(choose(wish))).toContain('PPO on 32 sums prompts');
    const opened = JSON.stringify({ task: { ...sums, sizes: 'opened' } });
    expect(() => choose({ ...wish, overrides: opened })).toThrow('sums has no size before');
  });

  test('reads and writes text through a tokenizer in its worker', async () => {
    const task = await sumsKind.open(sums, noResources);
    try {
      const texts = task.pool(1).map((prompt) => prompt.text);
      const rows = await task.text.encode(texts);
      expect(rows[1]).toEqual(Uint32Array.of(0, 10, 1, 11));
      expect(await task.text.decode(rows)).toEqual(texts);
    } finally {
      await task.text.close();
    }
  });
});
