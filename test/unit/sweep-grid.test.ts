import { describe, expect, test } from 'vitest';
import { configFrom, type ExperimentConfig, overridesOf } from '../../src/config.ts';
import { presets } from '../../src/presets.ts';
import { iterationsOf, readoutsReached, scoredIterations } from '../../src/run-plan.ts';
import { passConfig } from '../../src/shared-pass.ts';
import { cellsOf, cellsOfShard, parseGrid } from '../../src/sweep/grid.ts';

const grid = (over: object = {}) => ({
  preset: 'quick',
  factors: { 'task.wrongKeyShare': [0, 0.1], 'lim.count': [8, 24] },
  methods: ['lim', 'rand'],
  seeds: [1, 2, 3],
  ...over,
});

describe('a grid', () => {
  test('has a cell for each combination of factors and seed, seed by seed', async () => {
    const cells = await cellsOf(parseGrid(grid(), 'g.json'), 'g.json');
    expect(cells.map(({ seed, factors }) => [seed, ...Object.values(factors)])).toEqual(
      [1, 2, 3].flatMap((seed) =>
        [0, 0.1].flatMap((wrong) => [8, 24].map((n) => [seed, wrong, n])),
      ),
    );
    expect(new Set(cells.map(({ hash }) => hash)).size).toBe(12);
    const last = cells.at(-1)?.config;
    expect(last?.lim.count).toBe(24);
    expect(last?.task).toMatchObject({ name: 'arithmetic', wrongKeyShare: 0.1 });
    expect(last?.experiment.methods).toEqual(['full', 'lim', 'rand']);
  });

  test('shares a FULL pass between cells that differ in their selections alone', async () => {
    const cells = await cellsOf(parseGrid(grid(), 'g.json'), 'g.json');
    expect(new Set(cells.map(({ pass }) => pass?.hash)).size).toBe(6);
    const shards = [1, 2].map((shard) => cellsOfShard(cells, { shard, of: 2 }));
    expect(
      shards
        .flat()
        .map(({ hash }) => hash)
        .sort(),
    ).toEqual(cells.map(({ hash }) => hash).sort());
    const passes = shards.map((own) => new Set(own.map(({ pass }) => pass?.hash)));
    expect([...(passes[0] ?? [])].filter((pass) => passes[1]?.has(pass))).toEqual([]);
  });

  test('names the same cell with the same hash whatever else the grid holds', async () => {
    const small = grid({ factors: { 'lim.count': [24], 'task.wrongKeyShare': [0.1] }, seeds: [3] });
    const [one] = await cellsOf(parseGrid(small, 'g.json'), 'g.json');
    const all = await cellsOf(parseGrid(grid(), 'g.json'), 'g.json');
    expect(all.at(-1)?.hash).toBe(one?.hash);
    expect(all.at(-1)?.pass?.hash).toBe(one?.pass?.hash);
  });

  test.each([
    [{ factors: { 'lim.cuont': [1] } }, 'lim.cuont: there is no such field'],
    [{ factors: { 'lim.count': [0] } }, 'where lim.count 0: lim.count: must be at least 1'],
    [{ factors: { 'lim.count': [161] } }, 'where lim.count 161: lim.count: 161 prompts to keep'],
    [{ factors: { 'lim.count': ['8'] } }, 'lim.count: must be a number, is the string "8"'],
    [{ factors: { 'lim.count': [8, 8] } }, 'factors: lim.count: 8 is given twice'],
    [{ factors: { 'lim.count': [] } }, 'factors: lim.count: must be a list of at least one value'],
    [{ factors: { 'lim.count': 8 } }, 'factors: lim.count: must be a list'],
    [{ factors: { lim: [{}], 'lim.count': [8] } }, 'lim.count is a part of the factor lim'],
    [{ factors: { 'experiment.methods': [['full']] } }, '`methods` of the grid gives them'],
    [{ factors: { 'lim.__proto__.x': [8] } }, 'must be the dotted path of a setting'],
    [{ factors: { 'ppo.gamma': [1, 1.0000000000000002] } }, 'ppo.gamma'],
    [{ methods: ['full', 'best'] }, 'methods.1: must be'],
    [{ methods: ['lim', 'lim'] }, "methods: 'lim' is given twice"],
    [{ seeds: [1, 1] }, 'seeds: 1 is given twice'],
    [{ seeds: [-1] }, 'seeds.0: must be at least 0'],
    [{ seeds: [] }, 'seeds: must be a list of at least 1'],
    [{ preset: 'huge' }, "no preset 'huge'"],
    [{ speed: 1 }, 'speed: there is no such field'],
    [{ config: { experiment: { methods: ['full'] } } }, '`methods` of the grid gives them'],
  ])('that is wrong (%j) is refused by field and value', async (over, message) => {
    const made = async () => cellsOf(parseGrid(grid(over), 'g.json'), 'g.json');
    await expect(made).rejects.toMatchObject({ name: 'ConfigError' });
    await expect(made).rejects.toThrow(message);
    await expect(made).rejects.toThrow(/^g\.json/);
  });

  test('with the same experiment twice is refused', async () => {
    const twice = grid({ factors: { lim: [{ count: 8 }, { count: 8, linearShare: 0.82 }] } });
    await expect(cellsOf(parseGrid(twice, 'g.json'), 'g.json')).rejects.toThrow(
      'the same experiment twice',
    );
  });
});

/** Every field of a config that is no record, by its path. */
const leaves = (value: unknown): string[] =>
  overridesOf(value, {}).flatMap(({ field, value: of }) =>
    typeof of === 'object' && of !== null && !Array.isArray(of)
      ? leaves(of).map((inner) => `${field}.${inner}`)
      : [field],
  );

/** A config with another value at a path, whether or not it is valid. */
function changed(config: ExperimentConfig, path: string): ExperimentConfig {
  const copy = structuredClone(config) as unknown as Record<string, unknown>;
  const names = path.split('.');
  const last = names.pop() ?? '';
  const holder = names.reduce((at, name) => at[name] as Record<string, unknown>, copy);
  const old = holder[last];
  holder[last] =
    typeof old === 'number'
      ? old + 1
      : typeof old === 'boolean'
        ? !old
        : Array.isArray(old)
          ? [...(old as unknown[]), 99]
          : 'other';
  return copy as unknown as ExperimentConfig;
}

describe('the pass that cells share', () => {
  const quick = configFrom('quick', { experiment: { fullLength: 30 }, lim: { count: 20 } }, 'c');
  /** Fields without a part in FULL. Read-outs past its end are tested below. */
  const apart = new Set([
    'lim.signal',
    'lim.compat',
    'lim.theta',
    'lim.count',
    'lim.linearShare',
    'experiment.methods',
    'experiment.armLength',
    'experiment.tableReadout',
    'experiment.readouts',
  ]);

  // The task's name tells which fields it has.
  test.each(leaves(quick).filter((path) => path !== 'task.name'))(
    'is another one with another %s, or need not be',
    (path) => {
      const [one, other] = [quick, changed(quick, path)].map((config) =>
        JSON.stringify(passConfig(config)),
      );
      expect(other === one).toBe(apart.has(path));
    },
  );

  test('differs by the read-outs that FULL reaches alone', () => {
    const at = (readouts: number[]) =>
      passConfig(configFrom('quick', { experiment: { readouts, tableReadout: 12 } }, 'c'));
    expect(at([6, 12, 25, 40])).toEqual(at([6, 12]));
    expect(at([6, 12])).not.toEqual(at([12]));
  });

  test.each(Object.keys(presets))('is itself a valid config of %s', (preset) => {
    const config = presets[preset];
    const pass = config && passConfig(config);
    expect(pass).toBeDefined();
    expect(configFrom(preset, pass, 'p')).toEqual(pass);
    expect(passConfig(pass ?? quick)).toEqual(pass);
  });
});

describe('a FULL pass that goes on', () => {
  test('is longer than its scored part, and is read out to its end', () => {
    const config = configFrom(
      'quick',
      { experiment: { fullLength: 30, readouts: [12, 25, 28] } },
      'c',
    );
    expect(scoredIterations(config, 160)).toBe(25);
    expect(iterationsOf(config, 'full', 160)).toBe(30);
    const reached = Array.from({ length: 31 }, (_, i) =>
      readoutsReached(config, 'full', 160, i),
    ).flat();
    expect(reached).toEqual([12, 25, 28, 30]);
  });

  test('counts in data epochs where methods are compared at equal epochs', () => {
    const own = {
      epochs: 2,
      fullLength: 3,
      armLength: 2,
      budget: 'epochs',
      readouts: [2, 3],
      tableReadout: 2,
    };
    const config = configFrom('quick', { experiment: own }, 'c');
    expect(iterationsOf(config, 'full', 160)).toBe(15);
    expect(readoutsReached(config, 'full', 160, 10)).toEqual([2]);
    expect(readoutsReached(config, 'full', 160, 15)).toEqual([3]);
  });

  test('cannot end before its scored part', () => {
    expect(() => configFrom('quick', { experiment: { fullLength: 24 } }, 'c')).toThrow(
      'c: experiment.fullLength: must be at least the 25 updates that are scored, is 24',
    );
  });
});
