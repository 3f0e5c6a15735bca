import { existsSync, readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { configFrom } from '../../src/config.ts';
import { digestOf } from '../../src/formats/digest.ts';
import { bitsToHex } from '../../src/formats/prompt-bits.ts';
import { tierPrompts } from '../../src/interval.ts';
import { shownInterval, type ShownEvidence } from '../../src/report/sweep-evidence.ts';
import type { Evaluation, ExperimentResults } from '../../src/results.ts';
import type { MethodName } from '../../src/selection/methods.ts';
import {
  contrastOf,
  evidenceOf,
  interactionOf,
  type EvidenceCell,
  type EvidenceSweep,
} from '../../src/sweep/evidence.ts';
import { parsePreregistration, type RegisteredContrast } from '../../src/sweep/preregistration.ts';

const TIERS = { T1: 4, T2: 5 };

/** An evaluation with so many right answers in each tier. */
function evaluation(
  seed: number,
  update: number,
  right: [number, number],
  bits = true,
): Evaluation {
  const [a, b] = [right[0] / TIERS.T1, right[1] / TIERS.T2];
  const hex = (count: number, size: number) =>
    bitsToHex(Uint8Array.from({ length: size }, (_, i) => Number(i < count)));
  return {
    seed,
    update,
    samples: update * 512,
    mean: (a + b) / 2,
    tiers: { T1: a, T2: b },
    prompts: TIERS,
    ...(bits ? { correct: { T1: hex(right[0], TIERS.T1), T2: hex(right[1], TIERS.T2) } } : {}),
  };
}

const config = configFrom(
  'standard',
  { experiment: { methods: ['full', 'lim', 'rand', 'linear'] } },
  'test',
);

const base = { mean: 0.4, tiers: { T1: 0.5, T2: 0.3 } };

function cellOf(
  seed: number,
  wrong: number,
  methods: Partial<Record<MethodName, readonly Evaluation[]>>,
): EvidenceCell {
  const results = {
    config,
    base,
    seeds: [{ seed, pool: { prompts: 1280 }, selections: { lim: { prompts: 128 } } }],
    methods: Object.fromEntries(
      Object.entries(methods).map(([name, evaluations]) => [name, { prompts: 1, evaluations }]),
    ),
  } as unknown as ExperimentResults;
  return { seed, factors: { 'task.wrongKeyShare': wrong }, results };
}

const sweepOf = (cells: readonly EvidenceCell[]): EvidenceSweep => ({
  grid: { methods: ['full', 'lim', 'rand'], seeds: [...new Set(cells.map(({ seed }) => seed))] },
  cells,
});

const contrast = (given: Partial<RegisteredContrast> = {}): RegisteredContrast => ({
  name: 'P1',
  one: 'lim',
  other: 'rand',
  where: { 'task.wrongKeyShare': 0.1 },
  at: { update: 40 },
  ...given,
});
const settings = { alpha: 0.05, equivalence: 0.02, seeds: [1, 2, 3, 4], draws: 200 };

/** Four seeds at 10 % wrong keys: LIM is 1, 1, 2 and 0 of T1's four prompts ahead of RAND. */
const ahead = [1, 1, 2, 0].map((lead, i) =>
  cellOf(i + 1, 0.1, {
    lim: [evaluation(i + 1, 40, [1 + lead, 2])],
    rand: [evaluation(i + 1, 40, [1, 2])],
    full: [evaluation(i + 1, 40, [2, 2]), evaluation(i + 1, 160, [3, 2])],
  }),
);

const registration = (contrasts: readonly RegisteredContrast[], seeds = settings.seeds) =>
  parsePreregistration(
    new TextEncoder().encode(
      JSON.stringify({ schema: 1, title: 'a', alpha: 0.5, equivalence: 0.02, seeds, contrasts }),
    ),
    'p.json',
  );

describe('a contrast', () => {
  test('is paired by seed, and tested by hand', () => {
    const found = contrastOf(sweepOf(ahead), contrast(), settings);
    // A prompt of T1 is 1/4 of a tier, and a tier is half of the mean.
    expect(found.pairs.map(({ difference }) => difference)).toEqual(
      [0.125, 0.125, 0.25, 0].map((one) => expect.closeTo(one, 12) as number),
    );
    expect(found.missing).toEqual([]);
    // Sums as far as 4 x 0.125: the patterns +++ and ---, with either sign of the 0: 4 of 16.
    expect(found.tested).toMatchObject({ p: 0.25, exact: true, leastP: 0.125 });
    expect(found.tested!.mean).toBeCloseTo(0.125, 12);
    // Every RAND is 0.325; LIM is above it in three seeds of four, equal in one: 3/4 + 1/8.
    expect(found.tested!.improvement).toBeCloseTo(0.875, 12);
    const [low, high] = found.tested!.crossed!;
    expect(low).toBeGreaterThanOrEqual(0);
    expect(low).toBeLessThan(0.125);
    expect(high).toBeGreaterThan(0.125);
  });

  test('names missing seeds', () => {
    const cells = ahead.filter(({ seed }) => seed !== 3);
    const found = contrastOf(sweepOf(cells), contrast(), settings);
    expect(found.missing).toEqual([3]);
    expect(found.pairs.map(({ seed }) => seed)).toEqual([1, 2, 4]);
  });

  test('takes no other seeds and no other settings', () => {
    const strangers = [cellOf(9, 0.1, ahead[0].results.methods as never), cellOf(1, 0.3, {})];
    const found = contrastOf(sweepOf([...ahead, ...strangers]), contrast(), settings);
    expect(found.pairs.map(({ seed }) => seed)).toEqual([1, 2, 3, 4]);
  });

  test('reads settings that are no factor from the config', () => {
    const where = { 'rollout.samples': 8, 'task.wrongKeyShare': 0.1 };
    expect(contrastOf(sweepOf(ahead), contrast({ where }), settings).missing).toEqual([]);
    const other = contrast({ where: { 'rollout.samples': 4 } });
    expect(contrastOf(sweepOf(ahead), other, settings)).toMatchObject({
      missing: [1, 2, 3, 4],
      refused: 'no finished cell has these settings',
    });
  });

  test('of several cells of a seed is refused with the factor that tells them apart', () => {
    const cells = [...ahead, cellOf(1, 0.3, {})];
    expect(() => contrastOf(sweepOf(cells), contrast({ where: {} }), settings)).toThrow(
      /seed 1 has several cells.*task\.wrongKeyShare/,
    );
  });

  test('at equal total samples charges the scoring pass, and interpolates nothing', () => {
    // LIM at 40: 40 x 512 + 1,280 x 6 x 8 = 81,920 = FULL at 160 x 512.
    const at = { totalSamples: 81_920 };
    const found = contrastOf(sweepOf(ahead), contrast({ other: 'full', at }), settings);
    expect(found.pairs.map(({ one, other }) => [one, other])).toEqual(
      [2, 2, 3, 1].map((right) => [(right / 4 + 0.4) / 2, (3 / 4 + 0.4) / 2]),
    );
    const equal = contrast({ other: 'full', at: { equal: 'totalSamples' } });
    expect(contrastOf(sweepOf(ahead), equal, settings).pairs).toEqual(found.pairs);
    const short = ahead.map(({ seed }) =>
      cellOf(seed, 0.1, {
        lim: [evaluation(seed, 40, [1, 1])],
        full: [evaluation(seed, 120, [1, 1]), evaluation(seed, 200, [1, 1])],
      }),
    );
    expect(contrastOf(sweepOf(short), equal, settings)).toMatchObject({
      pairs: [],
      refused: expect.stringMatching(/nothing is interpolated/) as string,
    });
  });

  test('of areas weighs read-outs by the trapezoid rule, from the base on', () => {
    // Heights at 0, 20 and 40 weigh 1/4, 1/2 and 1/4; the base is the same and falls out.
    const cells = [1, 2, 3].map((seed) =>
      cellOf(seed, 0.1, {
        lim: [evaluation(seed, 40, [3, 2]), evaluation(seed, 20, [2, 2]), evaluation(seed, 60, [4, 5])],
        rand: [evaluation(seed, 20, [1, 2]), evaluation(seed, 40, [1, 2])],
      }),
    ); // prettier-ignore
    const at = { areaTo: 40 };
    const found = contrastOf(sweepOf(cells), contrast({ at }), { ...settings, seeds: [1, 2, 3] });
    // T1, half of the mean: 1/4 of 1 prompt of 4, and 1/4 of 2 of 4, in halves: 1/16 + 1/16.
    expect(found.pairs.map(({ difference }) => difference)).toEqual(
      [1, 2, 3].map(() => expect.closeTo(0.125, 12) as number),
    );
    const [, lim] = [found.pairs[0].other, found.pairs[0].one];
    // The base right in 0.4, LIM in (0.5 + 0.4) / 2 and (0.75 + 0.4) / 2.
    expect(lim).toBeCloseTo(0.4 / 4 + 0.45 / 2 + 0.575 / 4, 12);
    const [low, high] = found.tested!.crossed!;
    expect(low).toBeLessThan(0.125);
    expect(high).toBeGreaterThan(0.125);
    const absent = contrast({ at: { areaTo: 30 } });
    expect(contrastOf(sweepOf(cells), absent, settings).refused).toBe(
      'no seed has read LIM and RAND at 30, where the area ends',
    );
  });

  test('at an own epoch takes whole epochs alone', () => {
    // 128 prompts x 8 samples = 2 updates of 512: update 40 is epoch 20 of LIM and 2 of FULL.
    const own = (at: number) =>
      contrastOf(sweepOf(ahead), contrast({ other: 'lim', at: { epoch: at } }), settings);
    expect(own(20).missing).toEqual([]);
    expect(own(2).missing).toEqual([1, 2, 3, 4]);
    const full = contrast({ one: 'full', other: 'full', at: { epoch: 8 } });
    expect(contrastOf(sweepOf(ahead), full, settings).missing).toEqual([]);
  });

  test('without bits has no interval over prompts', () => {
    const cells = [1, 2, 3, 4].map((seed) =>
      cellOf(seed, 0.1, {
        lim: [evaluation(seed, 40, [seed, 2], false)],
        rand: [evaluation(seed, 40, [1, 2])],
      }),
    );
    const { tested } = contrastOf(sweepOf(cells), contrast(), settings);
    expect(tested).toBeDefined();
    expect(tested).not.toHaveProperty('crossed');
  });

  test('refuses bits that contradict their accuracy', () => {
    const wrong = { ...evaluation(1, 40, [1, 2]), correct: { T1: 'f', T2: 'c0' } };
    const cells = [
      cellOf(1, 0.1, { lim: [wrong], rand: [evaluation(1, 40, [1, 2])] }),
      ...ahead.slice(1),
    ];
    expect(() => contrastOf(sweepOf(cells), contrast(), settings)).toThrow(
      /seed 1, update 40, tier T1: 4 prompts with a share of 1 right, not 4 with 0.25/,
    );
  });

  test('of counts of samples is one of their shares', () => {
    const counted = (seed: number, counts: number[]): Evaluation => {
      const mean = counts.reduce((sum, one) => sum + one, 0) / (counts.length * 4);
      return { seed, update: 40, samples: 0, mean, tiers: { A: mean }, prompts: { A: 2 }, counts: { A: counts } }; // prettier-ignore
    };
    const cells = [1, 2, 3].map((seed) =>
      cellOf(seed, 0.1, { lim: [counted(seed, [3, 3])], rand: [counted(seed, [1, 1])] }),
    );
    const { tested } = contrastOf(sweepOf(cells), contrast(), { ...settings, seeds: [1, 2, 3] });
    expect(tested!.crossed).toEqual([0.5, 0.5]);
  });
});

describe('evidence', () => {
  test('judges what was registered, and nothing else', () => {
    const { registered, exploratory } = evidenceOf(sweepOf(ahead), registration([contrast()]));
    const [p1] = registered;
    // One contrast: Holm leaves p alone; alpha is .5 here.
    expect(p1).toMatchObject({ adjusted: 0.25, verdict: 'ahead' });
    expect(exploratory.map(({ one, other }) => `${one} ${other}`)).toEqual([
      'lim full',
      'rand full',
    ]);
    expect(exploratory[0]).not.toHaveProperty('verdict');
    expect(exploratory[0].where).toEqual({ 'task.wrongKeyShare': 0.1 });
  });

  test('without a pre-registration is exploratory', () => {
    const found = evidenceOf(sweepOf(ahead));
    expect(found.registered).toEqual([]);
    expect(found.exploratory).toHaveLength(3);
    expect(found).not.toHaveProperty('preregistration');
    // What page and table show.
    const shown: ShownEvidence = found;
    const { crossed } = found.exploratory[0].tested!;
    expect(crossed).toBeDefined();
    expect(shownInterval(shown.exploratory[0])).toEqual(crossed);
  });

  test('has intervals over prompts for what is exploratory, as a contrast of its own would', () => {
    const sweep = sweepOf(ahead);
    for (const { one, other, tested } of evidenceOf(sweep).exploratory) {
      const alone = contrastOf(sweep, contrast({ one, other }), { ...settings, draws: 2000 });
      expect(tested!.crossed![0]).toBeCloseTo(alone.tested!.crossed![0], 12);
      expect(tested!.crossed![1]).toBeCloseTo(alone.tested!.crossed![1], 12);
    }
  });

  test('decides nothing before all registered seeds are there', () => {
    const [p1] = evidenceOf(sweepOf(ahead), registration([contrast()], [1, 2, 3, 4, 5])).registered;
    expect(p1).toMatchObject({ verdict: 'incomplete', missing: [5] });
  });

  test('counts a contrast without data among those that Holm adjusts for', () => {
    const absent = contrast({ name: 'P2', at: { update: 7 } });
    const [p1, p2] = evidenceOf(sweepOf(ahead), registration([contrast(), absent])).registered;
    expect(p1.adjusted).toBe(0.5);
    expect(p2).toMatchObject({
      verdict: 'incomplete',
      refused: 'no seed has read LIM and RAND at update 7',
    });
  });

  test('tells level from undecided by the margin', () => {
    const same = [1, 2, 3, 4].map((seed) =>
      cellOf(seed, 0.1, {
        lim: [evaluation(seed, 40, [2, 2])],
        rand: [evaluation(seed, 40, [2, 2])],
      }),
    );
    expect(evidenceOf(sweepOf(same), registration([contrast()])).registered[0].verdict).toBe(
      'level',
    );
    const spread = [1, -1, 1, -1].map((lead, i) =>
      cellOf(i + 1, 0.1, {
        lim: [evaluation(i + 1, 40, [2 + lead, 2])],
        rand: [evaluation(i + 1, 40, [2, 2])],
      }),
    );
    expect(evidenceOf(sweepOf(spread), registration([contrast()])).registered[0].verdict).toBe(
      'undecided',
    );
  });

  test('subtracts one setting of a contrast from another', () => {
    const without = [1, 2, 3].map((seed) =>
      cellOf(seed, 0, {
        lim: [evaluation(seed, 40, [1, 2])],
        rand: [evaluation(seed, 40, [2, 2])],
      }),
    );
    const other = { 'task.wrongKeyShare': 0 };
    const found = interactionOf(sweepOf([...ahead, ...without]), contrast(), other, settings);
    expect(found.missing).toEqual([4]);
    expect(found.pairs.map(({ difference }) => difference)).toEqual(
      [0.25, 0.25, 0.375].map((one) => expect.closeTo(one, 12) as number),
    );
    expect(found.tested!.mean).toBeCloseTo(0.875 / 3, 12);
    // Every seed has the first prompt of T1 right in the one setting and not in the other.
    expect(found.tested!.crossed![0]).toBeLessThanOrEqual(found.tested!.mean);
    expect(found.tested!.crossed![1]).toBeGreaterThanOrEqual(found.tested!.mean);
  });

  test('looks at areas of what was registered, and at LIM − RAND with wrong keys and without', () => {
    const without = [1, 2, 3, 4].map((seed) =>
      cellOf(seed, 0, {
        lim: [evaluation(seed, 40, [1, 2])],
        rand: [evaluation(seed, 40, [2, 2])],
      }),
    );
    const sweep = sweepOf([...ahead, ...without]);
    const { secondary } = evidenceOf(sweep, registration([contrast()]));
    const [area, interaction] = secondary;
    expect(area).toMatchObject({ name: 'Area P1', at: { areaTo: 40 }, missing: [] });
    // From the base, which is the same, to a lead of .125 and so on: half of it on average.
    expect(area.tested!.mean).toBeCloseTo(0.0625, 12);
    expect(interaction).toMatchObject({
      name: 'Interaction',
      where: { 'task.wrongKeyShare': 0.1 },
      minus: { 'task.wrongKeyShare': 0 },
    });
    expect(interaction.tested!.mean).toBeCloseTo(0.25, 12);
    for (const one of secondary) {
      expect(one).not.toHaveProperty('verdict');
      expect(one).not.toHaveProperty('adjusted');
    }
    // Without a plan the interaction is looked at over the grid's seeds.
    expect(evidenceOf(sweep).secondary).toMatchObject([{ name: 'Interaction', missing: [] }]);
  });
});

describe('a pre-registration', () => {
  const whole = {
    schema: 1,
    title: 'a title',
    alpha: 0.05,
    equivalence: 0.02,
    seeds: [1, 2],
    contrasts: [contrast()],
  };
  const parse = (value: unknown) =>
    parsePreregistration(new TextEncoder().encode(JSON.stringify(value)), 'p.json');

  test('keeps the hash of its bytes', () => {
    const bytes = new TextEncoder().encode(`${JSON.stringify(whole)}\n`);
    const read = parsePreregistration(bytes, 'p.json');
    expect(read).toEqual({ ...whole, sha256: digestOf(bytes) });
    expect(parse(whole).sha256).not.toBe(read.sha256);
  });

  test.each<[RegExp, object]>([
    [/p\.json: schema: must be 1/, { schema: 2 }],
    [/title/, { title: '' }],
    [/alpha/, { alpha: 0 }],
    [/alpha/, { alpha: 0.9 }],
    [/equivalence/, { equivalence: -0.02 }],
    [/seeds/, { seeds: [1] }],
    [/seeds\.1/, { seeds: [1, 1.5] }],
    [/seeds: 2 is given twice/, { seeds: [1, 2, 2] }],
    [/contrasts/, { contrasts: [] }],
    [/contrasts\.0\.one/, { contrasts: [{ ...contrast(), one: 'best' }] }],
    [/contrasts\.0: lim is compared with itself/, { contrasts: [contrast({ other: 'lim' })] }],
    [/contrasts\.1\.name: 'P1' is given twice/, { contrasts: [contrast(), contrast()] }],
    [/contrasts\.0\.where/, { contrasts: [{ ...contrast(), where: { a: [1] } }] }],
    [/contrasts\.0\.at/, { contrasts: [{ ...contrast(), at: { update: 0 } }] }],
    [/contrasts\.0\.at/, { contrasts: [{ ...contrast(), at: {} }] }],
    [/contrasts\.0\.at/, { contrasts: [{ ...contrast(), at: { update: 1, epoch: 1 } }] }],
    [/stopEarly/, { stopEarly: true }],
  ])('is refused: %s', (why, change) => {
    expect(() => parse({ ...whole, ...change })).toThrow(why);
  });

  test('is refused if it is no text, no JSON or too long', () => {
    expect(() => parsePreregistration(Uint8Array.of(0xff), 'p.json')).toThrow(/no UTF-8/);
    expect(() => parsePreregistration(new TextEncoder().encode('{'), 'p.json')).toThrow(/p\.json/);
    expect(() => parsePreregistration(new Uint8Array(2 ** 20 + 1), 'p.json')).toThrow(
      /1048577 bytes/,
    );
  });
});

describe.each(['core-a', 'confirm'])('the study %s', (study) => {
  const file = (name: string) => new URL(`../../studies/${study}/${name}`, import.meta.url);
  const grid = JSON.parse(readFileSync(file('grid.json'), 'utf8')) as {
    preset: string;
    config: { experiment: object };
    factors: Record<string, number[]>;
    methods: MethodName[];
    seeds: number[];
  };
  const registered = parsePreregistration(readFileSync(file('preregistration.json')), study);

  test('registers seeds, methods and settings of its grid', () => {
    expect(registered.seeds).toEqual(grid.seeds);
    for (const { one, other, where } of registered.contrasts) {
      expect(grid.methods).toEqual(expect.arrayContaining([one, other]));
      for (const [path, value] of Object.entries(where))
        expect(grid.factors[path]).toContain(value);
    }
  });

  test('has a config with the read-outs that the contrasts name', () => {
    for (const wrongKeyShare of grid.factors['task.wrongKeyShare']) {
      const own = configFrom(
        grid.preset,
        {
          ...grid.config,
          task: { wrongKeyShare },
          experiment: { ...grid.config.experiment, methods: grid.methods },
        },
        study,
      );
      const { experiment, rollout } = own;
      expect(experiment.readouts).toEqual(expect.arrayContaining([40, 160]));
      expect(experiment).toMatchObject({ fullLength: 160, armLength: 40 });
      const total = 160 * rollout.prompts * rollout.samples;
      expect(registered.contrasts.map(({ at }) => at)).toContainEqual({ totalSamples: total });
      const sizes = [...tierPrompts(own).values()];
      expect(sizes.reduce((sum, size) => sum + size, 0)).toBe(700);
    }
  });

  test('is explained in words', () => {
    expect(existsSync(file('README.md'))).toBe(true);
  });
});
