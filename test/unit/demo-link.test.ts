import { describe, expect, test } from 'vitest';
import { text as german } from '../../demo/strings/de/form.ts';
import { text as chinese } from '../../demo/strings/zh/form.ts';
import {
  choose,
  describePlan,
  fullUpdatesOf,
  weightsOf,
  wishOf,
  withoutModule,
  type Given,
} from '../../demo/link.ts';
import { ConfigError } from '../../src/config-error.ts';
import { PRETRAINED, presets, presetSeeds } from '../../src/presets.ts';
import { defaultAdapter } from '../../src/vocabulary/adapters.ts';

const wish = (overrides: object, preset = 'pretrained') => ({
  preset,
  seeds: '',
  overrides: JSON.stringify(overrides),
});
const given = {
  settings: {
    model: { kind: 'folder', path: 'tiny' },
    adapter: { ...defaultAdapter, rank: 4 },
    task: {
      name: 'dataset',
      prompts: 'p.jsonl',
      verifier: 'mine.js',
      maxPromptTokens: 8,
      maxResponseTokens: 8,
    },
  },
  model: { name: 'tiny', parameters: 1000, config: { maxPositions: 16 } },
  prompts: 64,
  memory: 2 ** 30,
} as unknown as Given;

describe('a link that names a verifier module', () => {
  test('leaves the module to be chosen, and keeps its other settings', () => {
    const named = { task: { verifier: './x.MJS', lastBatch: 'short' }, lim: { theta: 0.5 } };
    const left = withoutModule(wish(named));
    expect(left.module).toBe('./x.MJS');
    expect(JSON.parse(left.wish.overrides)).toEqual({
      task: { lastBatch: 'short' },
      lim: { theta: 0.5 },
    });
    expect(withoutModule(wish({ task: { verifier: 'x.js' } }))).toEqual({
      wish: { preset: 'pretrained', seeds: '', overrides: '' },
      module: 'x.js',
    });
  });

  test.each([
    wish({ task: { verifier: 'exact' } }),
    wish({ task: null }),
    wish({ lim: {} }),
    { preset: 'pretrained', seeds: '', overrides: '{' },
    { preset: 'pretrained', seeds: '', overrides: '' },
  ])('is no other: %j', (other) => {
    expect(withoutModule(other)).toEqual({ wish: other });
  });

  test.each([
    [{ task: { verifier: 'mine.js' } }, 'settings: task.verifier'],
    [{ task: { verifier: 'x.js' } }, 'settings: task.verifier'],
    [
      { task: { tiers: [{ file: 'p.jsonl' }, { file: 'p.jsonl', verifier: 'mine.js' }] } },
      'tiers[1]',
    ],
  ])('is refused where the form chooses: %j', (named, field) => {
    expect(choose(wish({}), given).config.task).toMatchObject({ verifier: 'mine.js' });
    expect(() => choose(wish(named), given)).toThrow(ConfigError);
    expect(() => choose(wish(named), given)).toThrow(field);
  });
});

describe('a model of the user', () => {
  test('reads no more than it has positions for', () => {
    expect(choose(wish({ task: { maxResponseTokens: 8 } }), given).given).toBe(given);
    expect(() => choose(wish({ task: { maxResponseTokens: 9 } }), given)).toThrow(
      new ConfigError(
        '8 tokens of a prompt and 9 of a response are more than the 16 that tiny reads',
      ),
    );
  });

  test('is trained by adapters of one strength at any rank, and what differs is told', () => {
    const { config, differences } = choose(wish({}), given);
    expect(config.adapter).toEqual({ ...defaultAdapter, rank: 4 });
    expect(differences).toEqual([]);
    const { differences: changed } = choose(wish({ adapter: { alpha: 64 } }), given);
    expect(changed).toEqual([{ field: 'adapter.alpha', value: 64, reference: 32 }]);
  });

  test('is trained whole, at the rates for that', () => {
    const whole = { ...given, settings: { ...given.settings, adapter: null } };
    const choice = choose(wish({}), whole);
    expect(choice.config.adapter).toBeNull();
    expect(choice.config.ppo.actor.learningRate).toBe(5e-7);
    expect(choice.differences).toEqual([]);
    expect(describePlan(choice)).toContain(
      'tiny, of 1 thousand weights, with all its weights in training; GRPO on 64 prompts',
    );
  });
});

test('a run’s settings come back from the wish that is made of them', () => {
  const overrides = { lim: { theta: 0.25 }, experiment: { readouts: [12, 20], epochs: 7 } };
  const { config } = choose({ preset: 'quick', seeds: '', overrides: JSON.stringify(overrides) });
  const wish = wishOf(config, [3, 4]);
  expect(JSON.parse(wish.overrides)).toEqual(overrides);
  expect(choose(wish)).toMatchObject({ config, seeds: [3, 4] });
  expect(wishOf(presets['study'], presetSeeds['study'])).toEqual({
    preset: 'study',
    seeds: '',
    overrides: '',
  });
});

describe('what is asked for', () => {
  const wish = (overrides: object | string, seeds = '') => ({
    preset: 'quick',
    seeds,
    overrides: typeof overrides === 'string' ? overrides : JSON.stringify(overrides),
  });

  test('is the preset with what replaces it, and says what that is', () => {
    const { config, seeds, differences } = choose(wish({ lim: { theta: 0.5 } }, '7, 8'));
    expect(config.lim.theta).toBe(0.5);
    expect(seeds).toEqual([7, 8]);
    expect(differences).toEqual([{ field: 'lim.theta', value: 0.5, reference: 0.6 }]);
  });

  test.each([
    ['an unknown preset', { preset: 'toString', seeds: '', overrides: '' }, 'no preset'],
    ['JSON that is none', wish('{'), 'settings:'],
    ['JSON that is no object', wish('[1]'), 'must be a JSON object'],
    ['an unknown field', wish({ lim: { tau: 1 } }), 'lim'],
    ['a value out of range', wish({ lim: { theta: 2 } }), 'lim.theta'],
    ['a polluted prototype', wish('{"__proto__": {"x": 1}}'), 'there is no such field'],
    ['a seed with a sign', wish({}, '-1'), "'-1' is not a whole number"],
    ['a seed that is none', wish({}, '1,'), "'' is not a whole number"],
    ['a seed past 32 bits', wish({}, '4294967296'), 'not a whole number'],
    ['a seed twice', wish({}, '1,1'), 'must differ'],
    ['too many seeds', wish({}, '1,2,3,4,5,6,7,8,9'), '9 seeds, a tab takes at most 8'],
    ['a model for other machines', wish({ model: { hiddenSize: 4096 } }), 'weights'],
    [
      'too large a rollout',
      wish({ task: { poolPrompts: 64 }, rollout: { prompts: 64, samples: 1024 } }),
      '65536 responses',
    ],
    ['too large a pool', wish({ task: { poolPrompts: 64_000 } }), '64000 prompts'],
    ['too many epochs', wish({ experiment: { epochs: 1000 } }), '1000 epochs'],
  ])('is refused: %s', (_, asked, message) => {
    expect(() => choose(asked)).toThrow(message);
    expect({}).not.toHaveProperty('x');
  });

  test('fits a tab with every preset as it is', () => {
    for (const preset of Object.keys(presets)) {
      expect(() => choose({ preset, seeds: '', overrides: '' })).not.toThrow();
    }
  });

  test('is told in a sentence before it starts', () => {
    const asked = choose(
      wish(
        {
          task: { poolPrompts: 128 },
          rollout: { prompts: 64 },
          experiment: {
            epochs: 4,
            methods: ['full', 'rand'],
            armLength: 9,
            readouts: [8],
            tableReadout: 8,
          },
        },
        '3,4',
      ),
    );
    // 128 prompts in rollouts of 64: two updates an epoch.
    expect(fullUpdatesOf(asked.config)).toBe(8);
    const told = describePlan(asked);
    expect(told).toContain('4 epochs (8 updates of 64 prompts × 8 samples)');
    expect(told).toContain('then RAND for 9 updates each; seeds 3, 4.');
  });

  test('counts the weights of the layers', () => {
    // Two layers of 4 64 x 64 matrices, 3 of 64 x 172, and two norms of 64.
    expect(weightsOf(presets['quick'])).toBe(2 * (4 * 64 * 64 + 3 * 64 * 172 + 2 * 64));
  });
});

test('a plan is the same in every language, in its words', () => {
  const plain = choose({ preset: 'quick', seeds: '3, 4', overrides: '' });
  const own = choose(
    { preset: PRETRAINED, seeds: '', overrides: '' },
    { ...given, settings: { ...given.settings, adapter: null } },
  );
  for (const { plan } of [german, chinese]) {
    const numbers = (text: string): string[] =>
      (text.match(/\d[\d.,]*/g) ?? []).map((one) => one.replace(/\D/g, ''));
    // Weights are rounded in English alone.
    for (const [choice, weights] of [
      [plain, weightsOf(plain.config)],
      [own, given.model.parameters],
    ] as const) {
      const told = numbers(describePlan(choice)).slice(1);
      expect(numbers(plan(choice))).toEqual([String(weights), ...told]);
    }
  }
  expect(german.plan(own)).toMatch(/^tiny mit [\d.,]+ Gewichten; trainiert werden alle Gewichte/);
});
