import { describe, expect, test } from 'vitest';
import { configFrom, configHash, type ExperimentConfig, parseConfig } from '../../src/config.ts';
import { limrDefaults } from '../../src/limr-defaults.ts';
import { presets } from '../../src/presets.ts';
import { defaultAdapter } from '../../src/vocabulary/adapters.ts';

const task = { name: 'dataset', prompts: 'p.jsonl', maxPromptTokens: 64, maxResponseTokens: 32 };
const model = { kind: 'folder', path: 'm' };
const over = (more: object = {}): ExperimentConfig =>
  configFrom('pretrained', { task, model, ...more }, 'c.json');

describe('a config of a model from a folder', () => {
  test('starts from defaults of its own: adapters, epochs, and LIMR where nothing else is said', () => {
    const config = over();
    expect(config).toMatchObject({ preset: 'pretrained', model, adapter: defaultAdapter });
    expect(config.weightStorage).toBe('f16');
    expect(config.base).toBeUndefined();
    expect(config.ppo).toMatchObject({ estimator: 'grpo', klCoef: 0.01, minibatches: 4 });
    expect(config.ppo.actor.learningRate).toBe(1e-5);
    expect(config.lim).toEqual(limrDefaults.lim);
    expect(config.experiment).toMatchObject({
      methods: ['full'],
      budget: 'epochs',
      epochs: 4,
      readouts: [1, 2, 3, 4],
      tableReadout: 4,
    });
    expect(parseConfig(JSON.parse(JSON.stringify(config)), 'again')).toEqual(config);
  });

  test('takes the learning rates of LIMR where all parameters are trained', () => {
    const config = over({ adapter: null });
    expect(config.adapter).toBeNull();
    expect(config.weightStorage).toBeUndefined();
    expect(config.ppo.actor.learningRate).toBe(limrDefaults.ppo.actor.learningRate);
  });

  test('lets lengths and read-outs follow from those that it sets', () => {
    const lengths = (experiment: object) => {
      const { armLength, readouts, tableReadout } = over({ experiment }).experiment;
      return { armLength, readouts, tableReadout };
    };
    expect(lengths({ epochs: 2 })).toEqual({ armLength: 2, readouts: [1, 2], tableReadout: 2 });
    expect(lengths({ epochs: 2, armLength: 3, methods: ['full', 'lim'] })).toEqual({
      armLength: 3,
      readouts: [1, 2, 3],
      tableReadout: 3,
    });
    expect(lengths({ epochs: 3, readouts: [2, 9] })).toEqual({
      armLength: 3,
      readouts: [2, 9],
      tableReadout: 2,
    });
    expect(lengths({ budget: 'updates', armLength: 20 })).toEqual({
      armLength: 20,
      readouts: [20],
      tableReadout: 20,
    });
    expect(() => lengths({ budget: 'updates' })).toThrow(
      'c.json: experiment.armLength: must be given for a budget of updates',
    );
    expect(over({ rollout: { prompts: 6 } }).ppo.minibatches).toBe(3);
  });

  test.each([
    [{ model: { kind: 'folder' } }, 'model.path: is missing'],
    [{ model: { kind: 'blob' } }, 'model.kind'],
    [{ model: { kind: 'folder', hf: 'a/b' } }, 'model: a/b is a model of the hub'],
    [{ model: { kind: 'folder', path: 'hf:a/b' } }, 'model: hf:a/b is a model of the hub'],
    [{ model: { kind: 'folder', path: 'm', layers: 3 } }, 'model.layers: there is no such field'],
    [{ model: presets.quick.model }, 'the task dataset needs a pretrained model'],
    [{ base: presets.quick.base }, 'base: a model from a folder is not pre-trained'],
    [{ task: presets.quick.task }, 'the task arithmetic has a vocabulary of its own'],
    [{ adapter: { ...defaultAdapter, rank: 0 } }, 'adapter.rank: must be at least 1'],
    [{ adapter: { ...defaultAdapter, targets: [] } }, 'adapter.targets'],
    [{ adapter: { targets: ['q', 'q'] } }, "adapter.targets: 'q' is given twice"],
    [{ adapter: { targets: ['lm_head'] } }, 'adapter.targets.0'],
    [{ adapter: { dropout: 0.1 } }, 'adapter.dropout: there is no such field'],
    [{ ppo: { oldLogprobs: 'first-pass' } }, 'ppo.oldLogprobs: first-pass needs one update'],
    [
      { ppo: { oldLogprobs: 'first-pass', minibatches: 1 } },
      'ppo.oldLogprobs: first-pass comes too late for a KL penalty',
    ],
    [{ ppo: { oldLogprobs: 'never' } }, 'ppo.oldLogprobs'],
  ])('refuses %j', (more, said) => {
    expect(() => over(more)).toThrow(`c.json: ${said.startsWith('the task') ? '' : said}`);
    expect(() => over(more)).toThrow(said);
  });

  test('takes the first pass for the old log-probabilities of one whole update', () => {
    const ppo = { oldLogprobs: 'first-pass', minibatches: 1, klCoef: 0 };
    expect(over({ ppo }).ppo.oldLogprobs).toBe('first-pass');
  });

  test('drops the pre-training of a preset whose model it replaces', () => {
    const experiment = { readouts: [1], tableReadout: 1 };
    const config = configFrom('quick', { task, model, experiment }, 'c.json');
    expect(config).toMatchObject({ preset: 'quick', model });
    expect(config).not.toHaveProperty('base');
  });

  test('counts its files by their content, wherever they lie', async () => {
    const digest = 'a'.repeat(64);
    const at = (folder: string): ExperimentConfig =>
      over({ task: { ...task, prompts: `${folder}/p.jsonl` }, model: { ...model, path: folder } });
    const digests = (folder: string, prompts = digest) =>
      new Map([
        [`${folder}/p.jsonl`, prompts],
        [folder, 'b'.repeat(64)],
      ]);
    const here = await configHash(at('/x'), digests('/x'));
    expect(await configHash(at('/y'), digests('/y'))).toBe(here);
    expect(await configHash(at('/y'), digests('/y', 'c'.repeat(64)))).not.toBe(here);
    expect(await configHash(at('/x'))).not.toBe(here);
  });
});

test('configs without the newer settings keep their hashes', async () => {
  // As runs of earlier versions have them in their folders.
  expect(await configHash(configFrom('quick', undefined, 'c'))).toBe(
    'c62e8e8bb7a62fbad3266b2b5e609adc9b8322c63d205c39bba74683e3aa5660',
  );
  expect(await configHash(configFrom('standard', { ppo: { clipLow: 0.1 } }, 'c'))).toBe(
    '0dfe78b5853cb16fa5fe5d64740d05f9f3a5011f20aa995129cb7188fb87e4da',
  );
});
