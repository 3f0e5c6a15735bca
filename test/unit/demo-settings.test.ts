import { afterEach, describe, expect, test, vi } from 'vitest';
import {
  choose,
  commandOf,
  faultOf,
  nearestFit,
  settingAt,
  TooLargeError,
  withSetting,
  workOf,
} from '../../demo/link.ts';
import { sentenceOf, settingKey, settingsShown } from '../../demo/rooms/data/settings.ts';
import { language } from '../../demo/state/stage.ts';
import { settingWords } from '../../demo/strings/setting-words.ts';
import { configFrom } from '../../src/config.ts';
import { presets } from '../../src/presets.ts';
import { banditDefaults } from '../support/bandit.ts';
import { defaultAdapter } from '../../src/vocabulary/adapters.ts';

afterEach(() => {
  language.value = 'en';
});

const wish = (overrides: unknown, preset = 'quick', seeds = '') => ({
  preset,
  seeds,
  overrides: overrides === undefined ? '' : JSON.stringify(overrides),
});

function refusalOf(of: ReturnType<typeof wish>): Error {
  try {
    choose(of);
  } catch (error) {
    return error as Error;
  }
  throw new Error('nothing was refused');
}

describe('settings by their paths', () => {
  test('are read, written and taken back, and what is left empty goes', () => {
    const one = withSetting({ lim: { theta: 0.5 } }, 'rollout.samples', 4);
    expect(one).toEqual({ lim: { theta: 0.5 }, rollout: { samples: 4 } });
    expect(settingAt(one, 'rollout.samples')).toBe(4);
    expect(settingAt(one, 'rollout.samples.more')).toBeUndefined();
    expect(settingAt(one, 'constructor.name')).toBeUndefined();
    expect(withSetting(one, 'rollout.samples', undefined)).toEqual({ lim: { theta: 0.5 } });
    expect(withSetting({}, 'a.b.c', [1])).toEqual({ a: { b: { c: [1] } } });
    expect(withSetting({ a: 1 }, 'a.b', 2)).toEqual({ a: { b: 2 } });
  });

  test.each([
    [{ rollout: { samples: 0 } }, 'rollout.samples'],
    [{ ppo: { gamma: 'x' } }, 'ppo.gamma'],
    [{ experiment: { methods: ['nothing'] } }, 'experiment.methods.0'],
    [{ ppo: { minibatches: 3 } }, 'ppo.minibatches'],
    [{ task: { strata: { easy: { share: 2 } } } }, 'task.strata.easy.share'],
  ])('that are refused are named: %j', (overrides, path) => {
    const fault = faultOf(refusalOf(wish(overrides)).message);
    expect(fault?.path).toBe(path);
    expect(fault!.text).toMatch(/must|is/);
  });

  test('refusals of anything else name no field', () => {
    expect(faultOf('seed: 1.5 is not a whole number')).toBeUndefined();
    expect(faultOf('')).toBeUndefined();
  });
});

describe('what is too large for a tab', () => {
  test.each([
    [{ model: { hiddenSize: 1024, intermediateSize: 2048 } }, 'model', 'model.hiddenSize'],
    [{ model: { layers: 64, hiddenSize: 128 } }, 'model', 'model.hiddenSize'],
    [{ rollout: { samples: 1024 } }, 'rollout', 'rollout.samples'],
    [{ experiment: { epochs: 1000 } }, 'experiment.epochs', 'experiment.epochs'],
    [{ task: { poolPrompts: 64_000 } }, 'task', 'task.poolPrompts'],
  ])('has a nearest that fits: %j', (overrides, part, path) => {
    const asked = wish(overrides);
    const refusal = refusalOf(asked);
    if (!(refusal instanceof TooLargeError)) throw refusal;
    expect(refusal.part).toBe(part);
    const fit = nearestFit(asked, refusal)!;
    expect(fit.path).toBe(path);
    expect(() => choose(fit.wish)).not.toThrow();
    // It is the nearest: whatever is larger is too large, or wrong for another reason.
    for (let value = fit.value + 1; value <= fit.value + 8; value++) {
      const larger = JSON.stringify(
        withSetting(JSON.parse(asked.overrides) as object, path, value),
      );
      expect(() => choose({ ...asked, overrides: larger })).toThrow();
    }
  });

  test('has a command to copy, whatever its settings hold', () => {
    expect(commandOf(wish(undefined, 'standard', '1, 2'))).toBe(
      'npx limr run --preset standard --seed 1,2',
    );
    expect(commandOf(wish({ task: { heldOutSkills: ["*7'; rm -rf /"] } }))).toBe(
      `echo '{"task":{"heldOutSkills":["*7'\\''; rm -rf /"]}}' > settings.json && ` +
        'npx limr run settings.json --preset quick',
    );
  });
});

test('a preset says how much work it is beside quick', () => {
  const quick = workOf(presets['quick'], [1]);
  expect(workOf(presets['standard'], [1]) / quick).toBeGreaterThan(5);
  expect(workOf(presets['study'], [1, 2, 3, 4, 5])).toBe(5 * workOf(presets['standard'], [1]));
});

describe('every setting of the form says what it does', () => {
  const { quick } = presets;
  const own = configFrom(
    'pretrained',
    {
      model: { kind: 'folder', path: 'mine' },
      task: { name: 'dataset', prompts: 'p.jsonl', maxPromptTokens: 8, maxResponseTokens: 8 },
      adapter: defaultAdapter,
    },
    'own',
  );
  const byOperator = { by: 'operator', plus: 0.9, minus: 0.8, times: 0.5 };
  const shown = [
    ...Object.values(presets).map((config) => settingsShown(config, false)),
    settingsShown(configFrom('quick', { task: { skills: byOperator } }, 'operators'), false),
    settingsShown(configFrom('quick', { task: banditDefaults }, 'bandit'), false),
    settingsShown({ ...quick, adapter: defaultAdapter }, false),
    settingsShown(own, true),
  ];
  const keys = new Set(shown.flat().map(({ path }) => settingKey(path)));

  test.each(['en', 'de', 'zh'] as const)('in one sentence of its own, in %s', async (one) => {
    const english = settingWords.value;
    language.value = one;
    if (one !== 'en') await vi.waitFor(() => expect(settingWords.value).not.toBe(english));
    const said = new Map([...keys].map((key) => [key, sentenceOf(key)]));
    for (const [key, text] of said) expect(text, key).toMatch(/^\S[^\n]{5,220}[.。]$/u);
    expect(new Set(said.values()).size).toBe(said.size);
  });

  test('and no sentence is about nothing', () => {
    expect(Object.keys(settingWords.value.sentences).filter((key) => !keys.has(key))).toEqual([]);
    expect(sentenceOf('ppo.actor.beta1')).toBe(sentenceOf('base.optimizer.beta1'));
    expect(sentenceOf('task.strata.hard.share')).toBe(sentenceOf('task.strata.easy.share'));
    expect(sentenceOf('constructor')).toBe('');
  });
});
