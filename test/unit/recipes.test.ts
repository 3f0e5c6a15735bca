import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { configFrom } from '../../src/config.ts';
import { presets, pretrainedPresets } from '../../src/presets.ts';
import { recipePreset, recipes, recipeSettings } from '../../src/recipes.ts';
import { responseLimit } from '../../src/run-plan.ts';
import { limr } from '../support/command-line.ts';

const model = { kind: 'folder', path: 'model' };
const done = recipes.filter(({ fields }) => fields.length > 0);
const config = (name: string, over: object = {}) =>
  configFrom(
    name,
    { model, task: { prompts: 'pool.jsonl' }, ...over },
    'made',
    () => undefined,
    recipePreset,
  );

/** The dotted paths of all values that are no objects. */
const leaves = (value: unknown, path = ''): string[] =>
  typeof value === 'object' && value !== null && !Array.isArray(value)
    ? Object.entries(value).flatMap(([name, inner]) =>
        leaves(inner, path === '' ? name : `${path}.${name}`),
      )
    : [path];

describe('recipes', () => {
  test('are the rows of the paper’s table 1, with its columns', () => {
    const yes = true;
    expect(
      recipes.map(({ label, initialModel, distilled, questions }) => [
        ...[label, initialModel, distilled, questions],
      ]),
    ).toEqual([
      ['STILL-3', 'Instruct', yes, 29_925],
      ['DeepScaleR', 'Instruct', yes, 40_314],
      ['Sky-T1', 'Instruct', yes, 45_000],
      ['THUDM-T1', 'Instruct', false, 30_000],
      ['PRIME', 'Instruct', false, 150_000],
      ['SimpleRL', 'Base', false, 8523],
      ['LIMR', 'Base', false, 1389],
    ]);
  });

  test.each(done.map(({ name }) => name))('%s is a preset whose config is right', (name) => {
    const made = config(name);
    expect(made.preset).toBe(name);
    expect(made.adapter).toBeNull();
    // Nobody's own preset has the name.
    expect([presets, pretrainedPresets].flatMap(Object.keys)).not.toContain(name);
  });

  test.each(done.map(({ name }) => name))('%s fits the example of the paper’s study', (name) => {
    const example: unknown = JSON.parse(readFileSync('examples/maths/maths.json', 'utf8'));
    expect(
      configFrom(name, example, 'maths.json', () => undefined, recipePreset).task,
    ).toHaveProperty('tiers.length', 3);
  });

  test.each(done.map((recipe) => [recipe.name, recipe] as const))(
    '%s has a source for each setting that training reads',
    (_, recipe) => {
      const sourced = new Set(recipe.fields.flatMap(({ settings }) => leaves(settings)));
      const { rollout, ppo, lim, task } = recipeSettings(recipe);
      const used = leaves({ rollout, ppo, lim, task }).filter(
        (path) => path !== 'task.name' && path !== 'task.verifier',
      );
      expect(used.filter((path) => !sourced.has(path))).toEqual([]);
      for (const { source } of recipe.fields) expect(source.length).toBeGreaterThan(20);
      expect(recipe.differs.length).toBeGreaterThan(0);
    },
  );

  test('give what their scripts say', () => {
    const { rollout, ppo, task } = config('simplerl');
    expect([rollout.temperature, ppo.minibatches, ppo.lossAggregation]).toEqual([
      ...[0.6, 64, 'sequence-mean'],
    ]);
    expect(ppo.actor).toMatchObject({
      learningRate: 5e-7,
      warmupUpdates: 320,
      horizonUpdates: 10_640,
    });
    expect(task).toMatchObject({ maxPromptTokens: 1024, maxResponseTokens: 3000 });
    expect(config('sky-t1').ppo).toMatchObject({ klCoef: 0, entropyCoef: 0, minibatches: 1 });
    expect(config('thudm-t1').ppo.estimator).toBe('rloo');
    expect(config('still-3').ppo.actor).toMatchObject({ learningRate: 2e-6, warmupUpdates: 0 });
    expect(config('limr').experiment.epochs).toBe(21);
  });

  test('of DeepScaleR raise the length of responses twice', () => {
    const made = config('deepscaler');
    const at = [0, 1039, 1040, 1519, 1520, 9000].map((update) => responseLimit(made, update));
    expect(at).toEqual([8192, 8192, 16_384, 16_384, 24_576, 24_576]);
    expect(responseLimit(config('simplerl'), 5)).toBeUndefined();
  });

  test('that are not done say so where they are asked for', () => {
    expect(() => config('prime')).toThrow(
      'the recipe PRIME is no preset. Not done: PRIME learns from process rewards',
    );
  });
});

describe('response lengths', () => {
  const lengths = (responseLengths: unknown) =>
    config('maths-evening', { rollout: { responseLengths } });

  test('must ascend', () => {
    const two = (from: number) => [
      { from: 5, tokens: 8 },
      { from, tokens: 16 },
    ];
    expect(lengths(two(6)).rollout.responseLengths).toHaveLength(2);
    expect(() => lengths(two(5))).toThrow('made: rollout.responseLengths: must ascend by from');
    expect(() => lengths([])).toThrow('rollout.responseLengths');
  });
});

describe('limr recipes', () => {
  test('prints the paper’s table, and each setting of a recipe under its source', async () => {
    const table = (await limr('recipes')).stdout.split('\n');
    expect(table[0]).toMatch(/^method +init model +long CoT +questions +preset$/);
    expect(table[5]).toMatch(/^PRIME +Instruct +no +150,000 +none: limr recipes prime$/);
    const one = (await limr('recipes', 'deepscaler')).stdout;
    expect(one).toMatch(/run_deepscaler_1\.5b_8k\.sh.*\n(?: {2}.*\n)* {2}rollout\.prompts 128\n/);
    expect(one).toContain('Otherwise than in the recipe:\n  From step 1,040 on');
  });

  test('gives JSON, and refuses what it does not know', async () => {
    const facts = JSON.parse((await limr('recipes', 'simplerl', '--json')).stdout) as {
      preset: { rollout: { prompts: number } };
      sources: Record<string, { value: unknown; source: string }>;
    };
    expect(facts.preset.rollout.prompts).toBe(1024);
    expect(facts.sources['rollout.temperature']).toMatchObject({ value: 0.6 });
    expect(await limr('recipes', 'other')).toMatchObject({
      code: 2,
      stderr: expect.stringContaining("no recipe 'other'") as string,
    });
  });
});
