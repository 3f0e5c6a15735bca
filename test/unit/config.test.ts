import { describe, expect, test } from 'vitest';
import {
  configFrom,
  configHash,
  limrDefaults,
  overridesOf,
  parseConfig,
  presets,
} from '../../src/config.ts';

const quick = presets['quick'];

/** The quick preset with one field, by dotted path, set to a value. */
function withField(path: string, value: unknown): unknown {
  const copy = structuredClone(quick) as unknown as Record<string, unknown>;
  const keys = path.split('.');
  let at = copy;
  for (const key of keys.slice(0, -1)) at = at[key] as Record<string, unknown>;
  at[keys.at(-1)!] = value;
  return copy;
}

describe('config', () => {
  test.each(Object.keys(presets))('takes its own preset %s unchanged', (name) => {
    expect(parseConfig(presets[name], name)).toEqual(presets[name]);
  });

  test.each([
    ['ppo.gamme', 1, 'ppo.gamme'],
    ['rollout.temperature', 0, 'rollout.temperature'],
    ['rollout.samples', 2.5, 'rollout.samples'],
    ['ppo.clipLow', Number.NaN, 'ppo.clipLow'],
    ['ppo.estimator', 'ppo2', 'ppo.estimator'],
    ['ppo.actor.learningRate', '3e-4', 'ppo.actor.learningRate'],
    ['lim.theta', 1.5, 'lim.theta'],
    ['lim.count', 0, 'lim.count'],
    ['ppo.rewardClamp', 0, 'ppo.rewardClamp'],
    ['ppo.rewards.wrong', -1, 'ppo.rewards.wrong'],
    ['task.modulus', 11, 'task.modulus'],
    ['task.skills.by', 'luck', 'task.skills'],
    ['schema', 2, 'schema'],
    ['experiment.methods', [], 'experiment.methods'],
  ])('refuses %s = %j and names it', (path, value, named) => {
    expect(() => parseConfig(withField(path, value), 'my.json')).toThrow(`my.json: ${named}`);
  });

  test.each([
    ['model.kvHeads', 3, 'must divide heads'],
    ['model.hiddenSize', 66, 'multiple of 4'],
    ['rollout.prompts', 48, 'must divide the 160 prompts'],
    ['ppo.minibatches', 7, 'must divide the 32 groups'],
    ['experiment.readouts', [4, 4], 'must ascend'],
    ['experiment.tableReadout', 5, 'must be one of the readouts'],
    ['lim.count', 161, 'lim.count: 161 prompts to keep, the pool has 160'],
    ['experiment.methods', ['lim'], 'must include full'],
    ['task.strata.easy.share', 0.4, 'shares must sum to 1'],
  ])('refuses %s = %j, which no field can say alone', (path, value, message) => {
    expect(() => parseConfig(withField(path, value), 'my.json')).toThrow(message);
  });

  test('refuses one sample per prompt where samples are compared', () => {
    const config = withField('rollout.samples', 1) as { ppo: { estimator: string } };
    expect(() => parseConfig(config, 'x')).not.toThrow();
    config.ppo.estimator = 'rloo';
    expect(() => parseConfig(config, 'x')).toThrow('at least 2');
  });

  test('refuses a table read-out that no method reaches', () => {
    const over = (experiment: object) => () => configFrom('quick', { experiment }, 'x');
    const at = (...readouts: number[]) => ({ readouts, tableReadout: readouts.at(-1) });
    // FULL has 25 updates, the selections 12: either will do.
    expect(over(at(12, 25))).not.toThrow();
    expect(over({ ...at(30), armLength: 30 })).not.toThrow();
    expect(over({ ...at(30), armLength: 30, methods: ['full'] })).toThrow(
      'x: experiment.tableReadout: no method reaches 30, the longest has 25 updates',
    );
    expect(over(at(26))).toThrow('no method reaches 26, the longest has 25 updates');
    const epochs = { budget: 'epochs', armLength: 3 };
    expect(over({ ...epochs, ...at(5) })).not.toThrow();
    expect(over({ ...epochs, ...at(6) })).toThrow(
      'no method reaches 6, the longest has 5 data epochs',
    );
  });

  test('refuses more evaluation samples of a prompt than a rollout has responses', () => {
    const over = (samples: number) => () =>
      configFrom('quick', { rollout: { prompts: 4, samples: 8 }, evaluation: { samples } }, 'x');
    expect(over(32)).not.toThrow();
    expect(over(33)).toThrow(
      'x: evaluation.samples: 33 samples of a prompt do not fit the 32 responses of a rollout',
    );
  });

  test('takes a config of before the rewards were listed in it', () => {
    const { rewards, rewardClamp, whitenScale, ...ppo } = quick.ppo;
    expect(parseConfig({ ...quick, ppo }, 'x')).toEqual(quick);
    expect([rewards, rewardClamp, whitenScale]).toEqual([
      { right: 1, wrong: -0.5, unformatted: -1 },
      10,
      true,
    ]);
  });

  test('merges objects and replaces lists', () => {
    const config = configFrom(
      'quick',
      { ppo: { clipLow: 0.1 }, experiment: { readouts: [6, 12], tableReadout: 12 } },
      'x',
    );
    expect(config.ppo).toEqual({ ...quick.ppo, clipLow: 0.1 });
    expect(config.experiment.readouts).toEqual([6, 12]);
    expect(config.experiment.epochs).toBe(quick.experiment.epochs);
  });

  test('does not take a prototype for a preset or a field', () => {
    expect(() => configFrom('constructor', {}, 'x')).toThrow("no preset 'constructor'");
    const over: unknown = JSON.parse('{"__proto__": {"polluted": 1}}');
    expect(() => configFrom('quick', over, 'x')).toThrow();
    expect(({} as { polluted?: number }).polluted).toBeUndefined();
  });

  test('hashes what it says and not the order it says it in', async () => {
    const { schema, ...rest } = quick;
    expect(await configHash({ ...rest, schema })).toBe(await configHash(quick));
    const other = configFrom('quick', { ppo: { clipLow: 0.1 } }, 'x');
    expect(await configHash(other)).not.toBe(await configHash(quick));
  });

  test('lists what differs from the reference by dotted path', () => {
    expect(overridesOf(limrDefaults, limrDefaults)).toEqual([]);
    const changed = { ...limrDefaults, lim: { ...limrDefaults.lim, theta: 0.5 } };
    expect(overridesOf(changed, limrDefaults)).toEqual([
      { field: 'lim.theta', value: 0.5, reference: 0.6 },
    ]);
    const counted = { ...limrDefaults, lim: { ...limrDefaults.lim, count: 50 } };
    expect(overridesOf(counted, limrDefaults)).toEqual([
      { field: 'lim.count', value: 50, reference: null },
    ]);
  });
});
