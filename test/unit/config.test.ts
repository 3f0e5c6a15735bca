import { describe, expect, test } from 'vitest';
import { ConfigError } from '../../src/config-error.ts';
import {
  configFrom,
  configHash,
  withConfigPaths,
  overridesOf,
  parseConfig,
  parseStoredConfig,
} from '../../src/config.ts';
import { limrDefaults } from '../../src/limr-defaults.ts';
import { presets } from '../../src/presets.ts';
import { advantageEstimators, needsCritic } from '../../src/vocabulary/estimators.ts';
import type { ArithmeticConfig } from '../../src/tasks/arithmetic-config.ts';

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
    ['ppo.rewards', { right: 1, wrong: -0.5, unformatted: -1 }, 'ppo.rewards'],
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

  // By hand, from what each estimator computes: a baseline of the group needs a group, and is taken
  // of whole sequences.
  test.each([
    ['gae', false],
    ['reinforce++', false],
    ['reinforce++-baseline', true],
    ['grpo', true],
    ['dr_grpo', true],
    ['rloo', true],
  ])('%s with one sample of a prompt, and with a discount', (estimator, grouped) => {
    const over = (rollout: object, ppo: object) => () =>
      configFrom('quick', { rollout, ppo: { estimator, ...ppo } }, 'my.json');
    expect(over({ samples: 2 }, { gamma: 1 })).not.toThrow();
    const [single, discounted] = [over({ samples: 1 }, {}), over({}, { gamma: 0.9 })];
    // Evaluation draws as many samples of a prompt from fewer responses.
    if (grouped) {
      expect(single).toThrow('my.json: rollout.samples: must be at least 2, got 1: ');
      expect(single).toThrow(estimator);
      expect(discounted).toThrow('my.json: ppo.gamma: must be 1, got 0.9: ');
      expect(discounted).toThrow(estimator);
    } else {
      expect(single).not.toThrow();
      expect(discounted).not.toThrow();
    }
  });

  test('knows the estimators that the trainer does', () => {
    for (const estimator of advantageEstimators) {
      expect(configFrom('quick', { ppo: { estimator } }, 'x').ppo.estimator).toBe(estimator);
    }
    expect(advantageEstimators.filter(needsCritic)).toEqual(['gae']);
  });

  test('refuses a method that is given twice, by name', () => {
    expect(() =>
      parseConfig(withField('experiment.methods', ['full', 'rand', 'lim', 'rand']), 'x'),
    ).toThrow("x: experiment.methods: 'rand' is given twice");
  });

  test.each([
    ['ppo.gamme', 1, 'my.json: ppo.gamme: there is no such field'],
    ['rollout.samples', '4', 'my.json: rollout.samples: must be a number, is the string "4"'],
    ['rollout.samples', 2.5, 'my.json: rollout.samples: must be a whole number, is the number 2.5'],
    [
      'rollout.temperature',
      11,
      'my.json: rollout.temperature: must be at most 10, is the number 11',
    ],
    ['ppo.clipLow', -1, 'my.json: ppo.clipLow: must be at least 0, is the number -1'],
    ['ppo.klIn', 'both', `my.json: ppo.klIn: must be 'reward' or 'loss', is the string "both"`],
    ['ppo.klCoef', undefined, 'my.json: ppo.klCoef: is missing: must be a number'],
    ['rollout', [], 'my.json: rollout: must be an object, is an array'],
    ['task', null, 'my.json: task: must be an object, is null'],
    ['task.tiers.1', 'T2', 'my.json: task.tiers.1: must be an object, is the string "T2"'],
    ['task.arms', 4, "my.json: task.arms: there is no such field where task.name is 'arithmetic'"],
    [
      'task.name',
      'chess',
      `my.json: task.name: must be 'arithmetic', 'bandit' or 'dataset', is the string "chess"`,
    ],
    ['task.skills.by', null, "my.json: task.skills.by: must be 'operand' or 'operator', is null"],
    ['experiment.methods', [], 'my.json: experiment.methods: must be a list of at least 1'],
    ['task.strata.easy.below', Infinity, 'task.strata.easy.below: must be a finite number'],
    ['evaluation.topP', Infinity, 'evaluation.topP: must be at most 1, is Infinity'],
  ])('says in words what is wrong with %s = %j', (path, value, message) => {
    const refused = () => parseConfig(withField(path, value), 'my.json');
    expect(refused).toThrow(message);
    expect(refused).not.toThrow(/Invalid|Expected|received/);
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

  test('takes a config of before the clamp and the whitening were listed in it', () => {
    const { rewardClamp, whitenScale, ...ppo } = quick.ppo;
    expect(parseConfig({ ...quick, ppo }, 'x')).toEqual(quick);
    expect([rewardClamp, whitenScale]).toEqual([10, true]);
  });

  test('what a stored run says of rewards is left out, if it is what verifiers paid', () => {
    const stored = (rewards: unknown) => ({ ...quick, ppo: { rewards, ...quick.ppo } });
    const paid = { right: 1, wrong: -0.5, unformatted: -1 };
    expect(parseStoredConfig(stored(paid), 'x')).toEqual(quick);
    expect(parseStoredConfig(quick, 'x')).toEqual(quick);
    for (const other of [{ ...paid, wrong: 0 }, { ...paid, more: 1 }, { right: 1 }, 1, null]) {
      expect(() => parseStoredConfig(stored(other), 'x')).toThrow(
        'x: ppo.rewards: there is no such field',
      );
    }
    expect(() => parseStoredConfig(null, 'x')).toThrow(ConfigError);
  });

  test.each(Object.keys(presets))('another member of a union replaces that of %s', (preset) => {
    const bandit = { name: 'bandit', prompts: 8, arms: 4, reward: 'match' } as const;
    expect(configFrom(preset, { task: bandit }, 'x').task).toEqual(bandit);
    const skills = { by: 'operator', plus: 0.9, minus: 0.5, times: 0.2 } as const;
    const { task } = configFrom(preset, { task: { skills } }, 'x');
    expect(task).toEqual({ ...presets[preset].task, skills });
  });

  test('a union with the same member merges, whether it is named or not', () => {
    const { task } = quick as { task: ArithmeticConfig };
    const skills = { ...task.skills, easiest: 0.9 };
    for (const over of [{ easiest: 0.9 }, { by: 'operand', easiest: 0.9 }]) {
      expect(configFrom('quick', { task: { skills: over } }, 'x').task).toEqual({
        ...task,
        skills,
      });
    }
    const named = { name: 'arithmetic', wrongKeyShare: 0 };
    expect(configFrom('quick', { task: named }, 'x').task).toEqual({ ...task, wrongKeyShare: 0 });
  });

  test('a member that lacks fields takes none from the one it replaces', () => {
    const over = (task: object) => () => configFrom('quick', { task }, 'my.json');
    expect(over({ name: 'bandit', prompts: 8 })).toThrow('my.json: task.arms: is missing');
    expect(over({ skills: { by: 'operator' } })).toThrow('my.json: task.skills.plus: is missing');
    expect(over({ skills: { by: 'operator', plus: 1, minus: 1, times: 1, seed: 1 } })).toThrow(
      "my.json: task.skills.seed: there is no such field where task.skills.by is 'operator'",
    );
    expect(over({ name: 'chess' })).toThrow(
      "task.name: must be 'arithmetic', 'bandit' or 'dataset'",
    );
  });

  test.each([1, 7, 8, 12, 26])('sizes follow a bandit of %i prompts, and say so', (prompts) => {
    const task = { name: 'bandit', prompts, arms: 4, reward: 'match' };
    for (const preset of Object.keys(presets)) {
      for (const experiment of [{}, { methods: ['full'] }, { budget: 'epochs', armLength: 3 }]) {
        const told: string[] = [];
        const own = presets[preset];
        const config = configFrom(preset, { task, experiment }, 'x', (text) => told.push(text));
        expect(prompts % config.rollout.prompts).toBe(0);
        const changed = overridesOf(config, own)
          .map(({ field }) => field)
          .filter(
            (field) =>
              !field.startsWith('task.') && !Object.keys(experiment).includes(field.split('.')[1]),
          );
        expect(told.map((text) => text.split(' ')[0]).sort()).toEqual(changed.sort());
      }
    }
  });

  test('sizes that a config gives itself follow nothing', () => {
    const task = { name: 'bandit', prompts: 8, arms: 4, reward: 'match' };
    expect(() => configFrom('quick', { task, rollout: { prompts: 5 } }, 'x')).toThrow(
      'x: rollout.prompts: must divide the 8 prompts of the pool',
    );
    expect(() => configFrom('quick', { task, ppo: { minibatches: 3 } }, 'x')).toThrow(
      'x: ppo.minibatches: must divide the 8 groups of a rollout',
    );
    const experiment = { methods: ['full'], readouts: [12], tableReadout: 12 };
    expect(() => configFrom('quick', { task, experiment }, 'x')).toThrow('no method reaches 12');
    // Nor do those of a preset whose task stays: it is told where they come from.
    expect(() => configFrom('quick', { task: { poolPrompts: 100 } }, 'x')).toThrow(
      'x: rollout.prompts: must divide the 100 prompts of the pool, for whole data epochs ' +
        '(it is 32 in the preset quick)',
    );
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

  test('does not take a prototype for a preset', () => {
    expect(() => configFrom('constructor', {}, 'x')).toThrow("no preset 'constructor'");
  });

  test.each([
    ['{"__proto__": {"gradientCheckpointing": true}}', '__proto__'],
    ['{"lim": {"__proto__": {"count": 5}}}', 'lim.__proto__'],
    ['{"task": {"strata": {"easy": {"__proto__": {"share": 1}}}}}', 'task.strata.easy.__proto__'],
    ['{"task": {"tiers": [{"__proto__": {"prompts": 1}}]}}', 'task.tiers.0.__proto__'],
    ['{"task": {"name": "bandit", "__proto__": {"arms": 2}}}', 'task.__proto__'],
    ['{"constructor": {"prototype": {"x": 1}}}', 'constructor'],
    ['{"ppo": {"prototype": {}}}', 'ppo.prototype'],
    ['{"rollout": {"toString": 1}}', 'rollout.toString'],
    ['{"experiment": {"hasOwnProperty": null}}', 'experiment.hasOwnProperty'],
  ])('takes no inherited name for a field: %s', (text, field) => {
    const over: unknown = JSON.parse(text);
    const refused = `my.json: ${field}: there is no such field`;
    expect(() => configFrom('quick', over, 'my.json')).toThrow(refused);
    expect({}).not.toHaveProperty('x');
    // A whole config, as a run's folder holds it, is no other matter.
    const whole = JSON.stringify(quick).replace(/^\{/, '{"lim": {"__proto__": {"count": 5}}, ');
    expect(() => parseConfig(JSON.parse(whole.replace(/"lim":\{[^}]*\},/, '')), 'my.json')).toThrow(
      'my.json: lim.__proto__: there is no such field',
    );
  });

  test('hashes what it says and not the order it says it in', async () => {
    const { schema, ...rest } = quick;
    expect(await configHash({ ...rest, schema })).toBe(await configHash(quick));
    const other = configFrom('quick', { ppo: { clipLow: 0.1 } }, 'x');
    expect(await configHash(other)).not.toBe(await configHash(quick));
  });

  test('takes subset files as methods, by content and with paths of their own', async () => {
    const methods = (...files: readonly string[]) =>
      configFrom('quick', { experiment: { methods: ['full', ...files] } }, 'x');
    const one = methods('file:a/top.json');
    const moved = withConfigPaths(one, (path) => `/far/${path}`);
    expect(moved.experiment.methods).toEqual(['full', 'file:/far/a/top.json']);
    const hashOf = (config: typeof one, path: string, digest: string) =>
      configHash(config, new Map([[path, digest]]));
    expect(await hashOf(one, 'a/top.json', '11')).toBe(
      await hashOf(moved, '/far/a/top.json', '11'),
    );
    expect(await hashOf(one, 'a/top.json', '11')).not.toBe(await hashOf(one, 'a/top.json', '22'));
    for (const bad of ['file:', 'files:x', 'file:a\nb', 'best', `file:${'x'.repeat(4097)}`]) {
      expect(() => methods(bad)).toThrow('x: experiment.methods.1: must be full, lim,');
    }
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
