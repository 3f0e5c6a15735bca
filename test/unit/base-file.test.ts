import { afterEach, describe, expect, test, vi } from 'vitest';
import { shippedBases } from '../../src/bases/shipped.ts';
import { configFrom, drawnConfig } from '../../src/config.ts';
import { parameterLayout } from '../../src/model/parameters.ts';
import { modelConfigOf } from '../../src/scheduler/base.ts';
import { baseFile, findBase } from '../../src/scheduler/base-file.ts';
import { taskShapeOf } from '../../src/tasks/registry.ts';

const drawn = (over: object = {}) => drawnConfig(configFrom('quick', over, 'test'), 'a base');
const numbers = (value: number) => new Map([['model.norm.weight', new Float32Array([value, 2])]]);
const ofFolder = () => {
  const task = { name: 'dataset', prompts: '/p', maxPromptTokens: 8, maxResponseTokens: 8 };
  return configFrom('pretrained', { model: { kind: 'folder', path: '/m' }, task }, 'test');
};

describe('findBase', () => {
  test('finds what baseFile wrote for the same model, pre-training and corpus', () => {
    const files = [
      baseFile(drawn({ model: { layers: 3 } }), numbers(3), 'one'),
      baseFile(drawn(), numbers(4), 'two'),
    ];
    expect(findBase(files, drawn())?.numbers()).toEqual(numbers(4));
    expect(findBase(files, drawn({ model: { layers: 3 } }))?.numbers()).toEqual(numbers(3));
    // The pool and the pass over it are no part of a base.
    const other = drawn({
      ppo: { estimator: 'grpo' },
      task: { poolPrompts: 640, wrongKeys: 'consistent', difficulty: { kind: 'strata' } },
    });
    expect(findBase(files, other)?.numbers()).toEqual(numbers(4));
    expect(findBase(files, drawn({ base: { seed: 7 } }))).toBeUndefined();
  });

  test('finds none for a config that names a model', () => {
    expect(findBase([baseFile(drawn(), numbers(4), 'two')], ofFolder())).toBeUndefined();
  });
});

describe('shippedBases', () => {
  const shipped = [
    ['quick', {}],
    ['standard', {}],
    ['study', {}],
    ['quick', { base: { seed: 2 } }],
    ['standard', { base: { seed: 3 } }],
    ['standard-0.4m', {}],
    ['standard-ood', {}],
    // What a base does not depend on.
    ['standard', { task: { difficulty: { kind: 'continuous', alpha: 1, beta: 1 } } }],
  ] as const;

  test.each(shipped)('gives the base of %s %j, whole', async (preset, over) => {
    const config = drawnConfig(configFrom(preset, over, 'test'), 'a base');
    const files = await shippedBases(config);
    expect(files).toHaveLength(1);
    const found = findBase(files, config)!.numbers();
    const { stored } = parameterLayout(modelConfigOf(config, taskShapeOf(config.task)!), 'lm');
    const sizes = stored
      .flatMap(({ parts }) => parts)
      .map(({ file, shape }) => [file, shape.reduce((size, length) => size * length, 1)]);
    expect([...found].map(([name, data]) => [name, data.length]).sort()).toEqual(sizes.sort());
    for (const data of found.values()) expect(data.every(Number.isFinite)).toBe(true);
  });

  test('gives other weights for another seed of the base', async () => {
    const [[one], [two], [three]] = await Promise.all(
      [1, 2, 3].map((seed) => shippedBases(drawn({ base: { seed } }))),
    );
    expect(one).not.toEqual(two);
    expect(two).not.toEqual(three);
  });

  test.each([
    ['another seed', () => drawn({ base: { seed: 4 } })],
    ['another corpus', () => drawn({ task: { formatErrorShare: 0.1 } })],
    ['a model from a folder', ofFolder],
  ])('gives none for %s', async (_, config) => {
    expect(await shippedBases(config())).toEqual([]);
  });

  describe('of a damaged file', () => {
    afterEach(() => {
      vi.restoreAllMocks();
    });

    test('is refused by its address', async () => {
      const [whole] = await shippedBases(drawn());
      const damaged = whole.with(1000, whole[1000] ^ 1);
      vi.spyOn(process, 'getBuiltinModule').mockReturnValue({
        readFile: () => Promise.resolve(damaged),
      });
      await expect(shippedBases(drawn())).rejects.toThrow(
        /arithmetic\.safetensors: damaged or another file: its SHA-256 is [0-9a-f]{64}, not [0-9a-f]{64}$/,
      );
    });
  });
});
