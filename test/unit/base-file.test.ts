import { describe, expect, test } from 'vitest';
import { shippedBases } from '../../src/bases/shipped.ts';
import { configFrom, drawnConfig } from '../../src/config.ts';
import { baseFile, findBase } from '../../src/scheduler/base-file.ts';

const drawn = (over: object = {}) => drawnConfig(configFrom('quick', over, 'test'), 'a base');
const numbers = (value: number) => new Map([['model.norm.weight', new Float32Array([value, 2])]]);

describe('findBase', () => {
  test('finds what baseFile wrote for the same model, pre-training and corpus', () => {
    const files = [
      baseFile(drawn({ model: { layers: 3 } }), numbers(3), 'one'),
      baseFile(drawn(), numbers(4), 'two'),
    ];
    expect(findBase(files, drawn())?.numbers()).toEqual(numbers(4));
    expect(findBase(files, drawn({ model: { layers: 3 } }))?.numbers()).toEqual(numbers(3));
    // The pool and the pass over it are no part of a base.
    const other = drawn({ ppo: { estimator: 'grpo' }, task: { poolPrompts: 640 } });
    expect(findBase(files, other)?.numbers()).toEqual(numbers(4));
    expect(findBase(files, drawn({ base: { seed: 7 } }))).toBeUndefined();
  });

  test('finds none for a config that names a model', () => {
    const task = { name: 'dataset', prompts: '/p', maxPromptTokens: 8, maxResponseTokens: 8 };
    const config = configFrom(
      'pretrained',
      { model: { kind: 'folder', path: '/m' }, task },
      'test',
    );
    expect(findBase([baseFile(drawn(), numbers(4), 'two')], config)).toBeUndefined();
  });

  test('finds the base that is shipped for the presets', async () => {
    const files = await shippedBases();
    for (const preset of ['quick', 'standard', 'study']) {
      const config = configFrom(preset, undefined, 'test');
      const found = findBase(files, config)?.numbers();
      expect([preset, found?.size]).toEqual([preset, expect.any(Number)]);
    }
  });
});
