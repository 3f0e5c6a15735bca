import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import type { Evaluation, ExperimentResults } from '../../src/results.ts';
import { limr } from '../support/command-line.ts';
import { methodEntries } from '../../src/selection/methods.ts';
import { makeRun } from '../support/report-run.ts';

const folder = mkdtempSync(join(tmpdir(), 'limr-check-'));
afterAll(() => rmSync(folder, { recursive: true }));
const at = (name: string): string => join(folder, name);

const seeds = [1, 2];
const made = makeRun({ seeds, preset: 'quick' }).results;
const rowsOf = (results: ExperimentResults): number =>
  1 +
  methodEntries(results.methods).reduce(
    (sum, [, { evaluations }]) => sum + evaluations.length / seeds.length,
    0,
  ) +
  results.seeds.length * 4;

/** Results that may be changed. */
type Draft = { -readonly [Key in keyof ExperimentResults]: ExperimentResults[Key] } & {
  version?: string;
  machine?: string;
};

/** The made results, or a file's, after a change, in the folder of a run. */
function run(name: string, change: (results: Draft) => void = () => undefined): string {
  const results = structuredClone(made) as Draft;
  change(results);
  mkdirSync(at(name));
  writeFileSync(join(at(name), 'results.json'), JSON.stringify(results));
  return at(name);
}

/** A copy of a baseline after a change. */
function baseline(name: string, change: (results: Draft) => void): string {
  const results = JSON.parse(readFileSync(good, 'utf8')) as Draft;
  change(results);
  writeFileSync(at(name), JSON.stringify(results));
  return at(name);
}

/** Adds a number to each accuracy of a method's last read-out. */
function lift(results: Draft, by: number): void {
  const last = results.methods.lim!.evaluations.filter(
    ({ update }, _, all) => update === all.at(-1)!.update,
  );
  for (const one of last as { -readonly [Key in keyof Evaluation]: Evaluation[Key] }[]) {
    one.mean += by;
    one.tiers = Object.fromEntries(
      Object.entries(one.tiers).map(([tier, value]) => [tier, Math.min(1, value + by)]),
    );
  }
}

/** Takes the last read-out from a method. */
function cut(results: Draft, method: 'full' | 'lim'): void {
  const { prompts, evaluations } = results.methods[method]!;
  const last = Math.max(...evaluations.map(({ update }) => update));
  const rest = evaluations.filter(({ update }) => update !== last);
  results.methods = { ...results.methods, [method]: { prompts, evaluations: rest } };
}

const good = at('baseline.json');
const same = run('same');

describe('limr check', () => {
  test('writes a baseline when told so, and holds the same numbers equal to it', async () => {
    const first = await limr('check', same, '--against', good);
    expect(first).toMatchObject({ code: 2, stdout: '' });
    expect(first.stderr).toContain('baseline.json: no such file; --update makes');
    expect(first.stderr.trim().split('\n')).toHaveLength(1);
    expect(await limr('check', same, '--against', good, '--update')).toMatchObject({ code: 0 });

    const { code, stderr, stdout } = await limr('check', same, '--against', good, '--json');
    expect(code, stderr).toBe(0);
    expect(stderr).toContain(`the ${rowsOf(made)} rows of ${good} hold, by equal numbers\n`);
    expect(JSON.parse(stdout)).toMatchObject({ passed: true, rule: 'exact', because: [] });
  });

  test('keeps the file when only the duration differs', async () => {
    const before = readFileSync(good);
    const slow = run('slow', (results) => (results.seconds = 9));
    const { code, stderr } = await limr('check', slow, '--against', good, '--update');
    expect(code).toBe(0);
    expect(stderr).toContain('already held the results');
    expect(readFileSync(good).equals(before)).toBe(true);
  });

  test.each<[string, (results: Draft) => void, RegExp]>([
    [
      'an accuracy of one tier',
      (results) => ((results.base.tiers as Record<string, number>)['T2'] += 1e-9),
      /^DIFFERS {2}base .*\(tiers\.T2 \S+ -> \S+\)$/m,
    ],
    [
      'a sample of one seed',
      (results) => {
        const [, second] = results.methods.rand!.evaluations.filter(({ sampled }) => sampled);
        (second.sampled as { mean: number }).mean += 0.01;
      },
      /^DIFFERS {2}rand after \d+ updates .*\(seed [12]\.sampled\.mean /m,
    ],
    [
      'a score that LIM gave',
      (results) => ((results.seeds[1].scoreQuantiles as number[])[3] -= 1e-6),
      /^DIFFERS {2}seed 2: kept by LIM .*\(scoreQuantiles\.3 /m,
    ],
    [
      'the size of a selection',
      (results) => (results.seeds[0].selections.linear as { prompts: number }).prompts++,
      /^DIFFERS {2}seed 1: prompts of linear +(\d+) -> \d+ {2}\(prompts \1 -> /m,
    ],
    [
      'a number that is no longer there',
      (results) => (results.base = { ...results.base, mean: NaN }),
      /^DIFFERS {2}base +0\.\d+ -> none {2}\(mean \S+ -> none\)$/m,
    ],
    [
      'a read-out that is missing',
      (results) => cut(results, 'full'),
      /^DIFFERS {2}full after 25 updates +0\.\d+ -> none {2}\(missing in the run\)$/m,
    ],
  ])('on one build fails by %s', async (what, change, says) => {
    const changed = run(what, change);
    const { code, stderr } = await limr('check', changed, '--against', good, '--tolerance', '1');
    expect(code, stderr).toBe(1);
    expect(stderr).toMatch(says);
    expect(stderr.match(/^DIFFERS/gm)).toHaveLength(1);
    expect(stderr).toMatch(/1 of \d+ rows differ/);
  });

  test('fails by a read-out that only the run has', async () => {
    const less = baseline('less.json', (results) => cut(results, 'lim'));
    const { code, stderr } = await limr('check', same, '--against', less);
    expect(code).toBe(1);
    expect(stderr).toMatch(/^DIFFERS {2}lim after \d+ updates +none -> \S+ {2}\(missing in the/m);
  });

  test.each<[string, (results: Draft) => void]>([
    ['adapter', (results) => (results.adapter = 'another')],
    ['host', (results) => (results.host = 'chromium 999')],
    ['version', (results) => (results.version = '0.0.9')],
    ['machine', (results) => delete results.machine],
  ])('with another %s takes what the prompts cannot tell apart, and no more', async (what, set) => {
    const other = baseline(`${what}.json`, set);
    const [little, much] = [0.02, -0.2].map((by) =>
      run(`${what} ${by}`, (results) => lift(results, by)),
    );
    const near = await limr('check', little, '--against', other);
    expect(near.code, near.stderr).toBe(0);
    expect(near.stderr).toMatch(new RegExp(`^not held to equal numbers: .*\\b${what}\\b`, 'm'));
    expect(near.stderr).toMatch(/^same +lim after \d+ updates .*\(\+0\.0\d+, allowed 0\.\d+\)$/m);
    const far = await limr('check', much, '--against', other);
    expect(far.code).toBe(1);
    expect(far.stderr).toMatch(/^DIFFERS +lim after \d+ updates .*\(-0\.200, allowed 0\.0\d\d\)$/m);
    expect(far.stderr).toMatch(/1 of \d+ rows differ from .*, by 95 % intervals/);

    const strict = await limr('check', little, '--against', other, '--rule', 'exact');
    expect(strict.code).toBe(1);
    const within = (x: string) => limr('check', little, '--against', other, '--tolerance', x);
    expect(await within('0.021')).toMatchObject({ code: 0 });
    const past = await within('0.019');
    expect(past.code).toBe(1);
    expect(past.stderr).toContain('allowed 0.019');
  });

  test('by intervals still fails by what is missing, or is no number', async () => {
    const other = baseline('other.json', (results) => (results.host = 'chromium 999'));
    const lacking = run('lacking', (results) => {
      results.base = { ...results.base, mean: NaN };
      cut(results, 'full');
      (results.methods.lim!.evaluations as Evaluation[]).pop();
    });
    const { code, stderr } = await limr('check', lacking, '--against', other, '--tolerance', '1');
    expect(code).toBe(1);
    expect(stderr).toMatch(/^DIFFERS +base +0\.\d+ -> none {2}\(no number on one side\)$/m);
    expect(stderr).toMatch(/^DIFFERS +full after 25 updates .*missing in the run/m);
    expect(stderr).toMatch(
      /^DIFFERS +lim after 12 updates .*over seed 1, T1.*was over seed 1, seed 2/m,
    );
    expect(stderr).toContain('3 of 19 rows differ');
  });

  test('takes the results of another run', async () => {
    const { code, stderr } = await limr('check', same, '--against', join(same, 'results.json'));
    expect(code).toBe(0);
    expect(stderr).toContain('the baseline does not say its version');
  });

  test('writes the comparison, and what it was of', async () => {
    const changed = run('told', (results) => lift(results, -0.3));
    const out = at('told.json');
    expect(await limr('check', changed, '--against', good, '--out', out)).toMatchObject({
      code: 1,
    });
    const told = JSON.parse(readFileSync(out, 'utf8')) as { passed: boolean; rows: object[] };
    expect(told.passed).toBe(false);
    expect(told.rows).toHaveLength(rowsOf(made));
    expect(told.rows).toContainEqual(
      expect.objectContaining({ name: 'base', same: true, run: made.base.mean }),
    );
  });

  test.each<[string, () => string[], string]>([
    ['no run', () => [at('nowhere'), good], 'nowhere: no such folder'],
    ['a file for a run', () => [good, good], 'is a file, not a run'],
    ['a run that is not finished', () => [folder, good], 'is this a finished run?'],
    [
      'another config',
      () => [
        same,
        baseline('config.json', (results) => {
          const { ppo } = results.config;
          results.config = { ...results.config, ppo: { ...ppo, klCoef: 0.5 } };
        }),
      ],
      'another config than the baseline: ppo.klCoef 0.5 -> 0.01',
    ],
    [
      'other seeds',
      () => [same, baseline('seeds.json', ({ seeds: list }) => (list as object[]).pop())],
      'the seeds 1, 2, the baseline 1',
    ],
    [
      'results without a number',
      () => {
        const empty = (results: Draft): void => {
          results.methods = {};
          results.base = { mean: NaN, tiers: {}, shipped: true };
          results.seeds = results.seeds.map((one) => ({ ...one, lim: null, selections: {} }));
        };
        return [run('empty', empty), baseline('empty.json', empty)];
      },
      'there is nothing to compare',
    ],
    [
      'a damaged baseline',
      () => {
        writeFileSync(at('cut.json'), readFileSync(good, 'utf8').slice(0, 900));
        return [same, at('cut.json')];
      },
      'not JSON',
    ],
    [
      'an unknown schema',
      () => {
        writeFileSync(at('nine.json'), '{"schema": 9}');
        return [same, at('nine.json')];
      },
      'schema: only 1 is known',
    ],
  ])('refuses %s with one line and code 2', async (_, paths, says) => {
    const [of, against] = paths();
    const { code, stdout, stderr } = await limr('check', of, '--against', against);
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
    expect(stderr).toContain(says);
    expect(stderr.trim().split('\n')).toHaveLength(1);
  });

  test('replaces no file but a baseline, and none of a run', async () => {
    const notes = at('notes.json');
    writeFileSync(notes, '{"mine": true}');
    const own = join(same, 'results.json');
    const before = readFileSync(own);
    for (const against of [notes, own]) {
      expect(await limr('check', same, '--against', against, '--update')).toMatchObject({
        code: 2,
      });
    }
    expect(readFileSync(notes, 'utf8')).toBe('{"mine": true}');
    expect(readFileSync(own).equals(before)).toBe(true);
    const unfinished = await limr('check', folder, '--against', at('new.json'), '--update');
    expect(unfinished.code).toBe(2);
    expect(existsSync(at('new.json'))).toBe(false);
  });

  test('refuses a tolerance where numbers must be equal', async () => {
    const argv = ['--against', good, '--rule', 'exact', '--tolerance', '0.1'];
    expect(await limr('check', same, ...argv)).toMatchObject({
      code: 2,
      stderr: 'limr check: --rule exact takes no --tolerance\n',
    });
  });
});
