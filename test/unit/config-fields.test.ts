import { describe, expect, test } from 'vitest';
import { presets } from '../../src/presets.ts';
import { settingFields } from '../../src/config-fields.ts';

const fields = settingFields(presets['quick']);
const of = (path: string) => fields.find((one) => one.path === path);

describe('the fields of a config', () => {
  test('have kind, bounds and choices of the schema', () => {
    expect(of('rollout.samples')).toMatchObject({ kind: 'whole', least: 1, most: 1024 });
    expect(of('ppo.gamma')).toMatchObject({ kind: 'number', least: 0, most: 1, optional: false });
    expect(of('lim.signal')).toMatchObject({ kind: 'choice', choices: ['accuracy', 'reward'] });
    expect(of('ppo.whitenScale')).toMatchObject({ kind: 'switch' });
    expect(of('lim.count')).toMatchObject({ kind: 'whole', optional: true });
    expect(of('online.greso.explore')).toMatchObject({ kind: 'number', optional: true });
    expect(of('experiment.methods')).toMatchObject({ kind: 'json' });
    expect(of('task.strata.easy.share')).toMatchObject({ kind: 'number' });
    expect(of('task.difficulty')).toMatchObject({ kind: 'json', optional: true });
    expect(of('model.hiddenSize')).toMatchObject({ kind: 'whole', least: 4, most: 4096 });
  });

  test('are each there once, and those that only follow from others are not', () => {
    const paths = fields.map(({ path }) => path);
    expect(new Set(paths).size).toBe(paths.length);
    for (const hidden of ['schema', 'preset', 'task.name', 'model.kind', 'model.path']) {
      expect(paths).not.toContain(hidden);
    }
  });

  test('cover every value of a preset', () => {
    const paths = fields.map(({ path }) => path);
    const covered = (value: unknown, path: string): boolean => {
      if (paths.includes(path) || ['schema', 'preset', 'task.name'].includes(path)) return true;
      if (typeof value !== 'object' || value === null || Array.isArray(value)) return false;
      return Object.entries(value).every(([name, inner]) => covered(inner, `${path}.${name}`));
    };
    for (const preset of Object.values(presets)) {
      for (const [name, value] of Object.entries(preset)) {
        expect(covered(value, name), name).toBe(true);
      }
    }
  });
});
