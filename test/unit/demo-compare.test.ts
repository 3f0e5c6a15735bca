import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { drawCurves, endsOf } from '../../demo/rooms/compare/curves.ts';
import {
  exploratoryContrasts,
  fixedContrasts,
  sideOf,
} from '../../demo/rooms/compare/differences.ts';
import {
  differingSettings,
  groupsOf,
  resultsOf,
  type ComparedRun,
} from '../../demo/rooms/compare/runs.ts';
import { drawnSweep, openSweep, shownSweep } from '../../demo/rooms/compare/sweeps.ts';
import { text as german } from '../../demo/strings/de/compare.ts';
import { reportMapWords } from '../../src/report/sweep-figures.ts';
import { Film } from '../../demo/state/film.ts';
import { methodEntries, readRecording, RunView, type MethodName } from '../../src/index.ts';
import { readSweep } from '../../src/sweep/folder.ts';
import {
  conditionsOf,
  differencesAtSamples,
  differencesOf,
  sweepMethods,
} from '../../src/sweep/readings.ts';
import { rowsText } from '../../src/sweep/rows.ts';
import { sweepOfRows } from '../../src/sweep/rows-reader.ts';
import { parseSweepFile } from '../../src/sweep/sweep-file.ts';

const root = join(import.meta.dirname, '../..');
const film = new Film(
  readRecording(readFileSync(join(root, 'demo/public/replays/quick.json'), 'utf8'), 'quick.json'),
);

/** The recording as another run: of another seed, its accuracies moved, its settings replaced. */
function madeRun(id: string, seed: number, shift: number, config = film.config): ComparedRun {
  const { results } = film.end;
  if (!results) throw new Error('the recording has no results');
  const methods = Object.fromEntries(
    methodEntries(results.methods).map(([name, { prompts, evaluations }]) => [
      name,
      {
        prompts,
        evaluations: evaluations.map((one) => ({
          ...one,
          seed,
          mean: one.mean + (name === 'lim' ? shift : 0),
        })),
      },
    ]),
  );
  const seeds = results.seeds.map((one) => ({ ...one, seed }));
  const own = { ...results, config, methods, seeds };
  return {
    id,
    kind: 'stored',
    date: undefined,
    adapter: '',
    seeds: [seed],
    results: own,
    running: false,
  };
}

describe('runs that are compared', () => {
  test('are seeds of one experiment where their settings are the same', () => {
    const other = { ...film.config, lim: { ...film.config.lim, theta: 0.25 } };
    const runs = [
      madeRun('a', 3, 0),
      madeRun('b', 1, 0),
      madeRun('c', 1, 0, other),
      madeRun('d', 1, 0),
    ];
    const groups = groupsOf(runs);
    expect(groups.map((group) => group.runs.map(({ id }) => id))).toEqual([['a', 'b', 'd'], ['c']]);
    expect(groups[0].condition.cells.map(({ seed, hash }) => [seed, hash])).toEqual([
      [1, 'b'],
      [3, 'a'],
    ]);
    expect(groups[0].twice).toEqual([1]);
    expect(differingSettings([runs[0], runs[2]])).toEqual([
      { field: 'lim.theta', values: [JSON.stringify(film.config.lim.theta), '0.25'] },
    ]);
    expect(differingSettings([runs[0], runs[1]])).toEqual([]);
  });

  test('of a run under way are what it has read so far', () => {
    const view = film.viewAt(film.begins.get(4)!);
    expect(view.results).toBeUndefined();
    const found = resultsOf(view);
    expect(found?.methods.full?.evaluations.length).toBeGreaterThan(1);
    expect(found?.seeds[0].selections.lim?.prompts).toBe(view.lim?.kept);
    expect(resultsOf(new RunView(film.config, film.seeds))).toBeUndefined();
  });
});

describe('differences', () => {
  test('of one seed have an interval over prompts, and equal the finding', () => {
    const [group] = groupsOf([madeRun('a', 1, 0)]);
    const atReadout = (method: MethodName): number =>
      film.end.results!.methods[method]!.evaluations.find(
        ({ update }) => update === film.config.experiment.tableReadout,
      )!.mean;
    const fixed = fixedContrasts(group);
    expect(fixed.map(({ one, other }) => `${one}-${other}`)).toEqual([
      'lim-full',
      'lim-rand',
      'lim-linear',
    ]);
    for (const { estimate, other, bySeed } of fixed) {
      expect(estimate.over).toBe('prompts');
      expect(estimate.mean).toBeCloseTo(atReadout('lim') - atReadout(other), 12);
      expect(bySeed).toHaveLength(1);
    }
  });

  test('of three seeds are paired over seeds', () => {
    const [group] = groupsOf([madeRun('a', 1, 0), madeRun('b', 2, 0.01), madeRun('c', 3, 0.02)]);
    const [{ estimate, bySeed }] = fixedContrasts(group);
    expect(estimate.over).toBe('seeds');
    expect(bySeed).toHaveLength(3);
    // Student's t at 2 degrees of freedom is 4.3027; the deviation of the differences is 0.01.
    expect(estimate.high - estimate.mean).toBeCloseTo((4.302_652_73 * 0.01) / Math.sqrt(3), 8);
    expect(sideOf(estimate)).toBe(1);
  });

  test('that were not fixed before the run are told apart from those that were', () => {
    const [group] = groupsOf([madeRun('a', 1, 0)]);
    const { tableReadout } = group.config.experiment;
    const fixed = fixedContrasts(group);
    const others = exploratoryContrasts(group);
    expect(others.length).toBeGreaterThan(2);
    expect(fixed.every(({ readout }) => readout === tableReadout)).toBe(true);
    for (const { one, other, readout } of others) {
      expect([one, other].includes('lim') && readout === tableReadout).toBe(false);
    }
  });
});

describe('curves', () => {
  const words = {
    label: '<b>',
    x: 'updates',
    y: 'share',
    count: String,
    percent: String,
  };
  const size = { width: 400, height: 300 };

  test('have a band over three seeds, and none over one', () => {
    const one = groupsOf([madeRun('a', 1, 0)]);
    const three = groupsOf([madeRun('a', 1, 0), madeRun('b', 2, 0.01), madeRun('c', 3, 0.02)]);
    const drawn = (groups: typeof one): string =>
      drawCurves(groups[0], 'updates', endsOf(groups, 'updates'), words, size, 12);
    expect(drawn(one)).not.toContain('class="b"');
    // Only LIM's seeds differ: the others' intervals have no length.
    expect(drawn(three).match(/class="b"/g)).toHaveLength(1);
    expect(drawn(one)).toContain('aria-label="&lt;b&gt;"');
    expect(drawn(one)).not.toContain('NaN');
  });

  test('over samples begin after what their selection cost', () => {
    const groups = groupsOf([madeRun('a', 1, 0)]);
    const { last } = endsOf(groups, 'samples');
    expect(last).toBeGreaterThan(endsOf(groups, 'updates').last);
    const svg = drawCurves(groups[0], 'samples', endsOf(groups, 'samples'), words, size, undefined);
    // FULL begins at the left end, LIM further right.
    const start = (tone: string): number =>
      Number(new RegExp(`color="var\\(--${tone}\\)"[^]*?<path d="M([\\d.]+) `).exec(svg)?.[1]);
    expect(start('full')).toBeLessThan(start('lim'));
  });
});

describe('a sweep', () => {
  const folder = join(root, 'studies/core-a/results');
  const read = (path: string): Promise<Uint8Array | undefined> =>
    Promise.resolve(existsSync(join(folder, path)) ? readFileSync(join(folder, path)) : undefined);

  test('is the same from its cells and from its table', async () => {
    const cells = await readSweep({ name: 'core-a', read });
    const file = parseSweepFile(readFileSync(join(folder, 'sweep.json'), 'utf8'), 'sweep.json');
    const rows = await sweepOfRows(rowsText(cells), file);
    expect(rows.cells).toHaveLength(cells.cells.length);
    expect(rows.planned).toBe(cells.planned);
    const [want, got] = [conditionsOf(cells), conditionsOf(rows)];
    for (const [i, condition] of want.entries()) {
      for (const method of sweepMethods(cells)) {
        expect(differencesOf(got[i], method, 'full')).toEqual(
          differencesOf(condition, method, 'full'),
        );
        const [ours, theirs] = [got[i], condition].map((one) =>
          differencesAtSamples(one, method, 'full'),
        );
        expect(ours.map(({ readout }) => readout)).toEqual(theirs.map(({ readout }) => readout));
        for (const [k, { mean }] of ours.entries()) expect(mean).toBeCloseTo(theirs[k].mean, 9);
      }
    }
  });

  const named = (path: string, text: string) => ({
    path,
    size: text.length,
    text: () => Promise.resolve(text),
  });
  const sweepJson = readFileSync(join(folder, 'sweep.json'), 'utf8');

  test('opens from a folder and from two files, as phase diagrams', async () => {
    const cells = await readSweep({ name: 'core-a', read });
    const csv = rowsText(cells);
    const two = shownSweep(
      await openSweep([named('runs.csv', csv), named('sweep.json', sweepJson)]),
    );
    expect(two.done).toBe(cells.cells.length);
    expect(
      drawnSweep(two, reportMapWords).budget.match(/<table class="map">/g)?.length,
    ).toBeGreaterThan(1);
    const whole = await openSweep([
      named('x/sweep.json', sweepJson),
      ...cells.cells.map(({ hash }) =>
        named(`x/cells/${hash}.json`, readFileSync(join(folder, 'cells', `${hash}.json`), 'utf8')),
      ),
    ]);
    const shown = shownSweep(whole);
    expect(drawnSweep(shown, reportMapWords).budget).toContain('<table class="map">');
    // In another language nothing but names and numbers is as in the report.
    const { budget, samples, key } = drawnSweep(shown, german.maps);
    expect(key).toContain('schraffiert');
    for (const part of [budget, samples]) {
      expect(part).toContain('95-%-Intervalle');
      expect(part).toContain('<th scope="col">Methode');
      expect(part).not.toMatch(/Intervals|intervals|>method|>none/);
    }
  });

  test.each([
    ['no sweep.json', [named('runs.csv', '')], 'no sweep.json'],
    ['only sweep.json', [named('sweep.json', sweepJson)], 'neither finished cells nor runs.csv'],
    ['no JSON', [named('sweep.json', '{')], 'sweep.json'],
    [
      'a table of other columns',
      [named('sweep.json', sweepJson), named('runs.csv', 'a,b\n1,2\n')],
      "runs.csv: no column 'cell'",
    ],
    [
      'an open quote',
      [named('sweep.json', sweepJson), named('runs.csv', 'cell,"b\n1,2\n')],
      'runs.csv line 1: a quote where none may be',
    ],
    [
      'an uneven line',
      [named('sweep.json', sweepJson), named('runs.csv', 'cell,seed\n1\n')],
      'runs.csv line 2: 1 fields, 2 in the first line',
    ],
  ])('is refused with a reason: %s', async (_, files, why) => {
    await expect(openSweep(files)).rejects.toThrow(why);
  });
});
