import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { deflateRawSync } from 'node:zlib';
import { describe, expect, test } from 'vitest';
import { MOST_CHARACTERS, packRun, unpackRun, unshareable } from '../../demo/share/shared-run.ts';
import { Film } from '../../demo/state/film.ts';
import { findingOf } from '../../demo/state/finding.ts';
import { FormatError, readRecording, RunView } from '../../src/index.ts';
import { RandomStream } from '../../src/random.ts';

const root = join(import.meta.dirname, '../..');
const film = new Film(
  readRecording(readFileSync(join(root, 'demo/public/replays/quick.json'), 'utf8'), 'quick.json'),
);
const packed = packRun(film.end);

const linkOf = (value: unknown): string =>
  deflateRawSync(typeof value === 'string' ? value : JSON.stringify(value)).toString('base64url');

describe('the numbers of a run in a link', () => {
  test('are few, and come back as the same run', async () => {
    const text = await packed;
    expect(text.length).toBeLessThan(MOST_CHARACTERS);
    const again = new Film(await unpackRun(text));
    const [run, want] = [again.end, film.end];
    expect(run.state).toBe('done');
    expect(run.config).toEqual(want.config);
    expect(run.pool.map(({ text: prompt }) => prompt)).toEqual(
      want.pool.map(({ text: prompt }) => prompt),
    );
    expect(run.columns.map((column) => [...column])).toEqual(
      want.columns.map((column) => [...column]),
    );
    expect(run.lim?.kept).toBe(want.lim?.kept);
    expect([...run.selections.lim!]).toEqual([...want.selections.lim!].sort((a, b) => a - b));
    expect(run.makeup).toEqual(want.makeup);
    expect(findingOf(run.config, run)).toBe(findingOf(want.config, want));
    expect([...again.begins.keys()]).toEqual([...film.begins.keys()]);
  });

  test('of a link that was sent before are still read', async () => {
    const sent = readFileSync(join(root, 'test/support/shared-run.txt'), 'utf8').trim();
    const run = new Film(await unpackRun(sent)).end;
    expect(run.lim?.kept).toBe(39);
    expect(run.comparable('lim')[0].mean).toBeCloseTo(0.493, 3);
  });

  test('are of finished runs of made-up prompts alone', () => {
    expect(unshareable(film.end)).toBeUndefined();
    expect(unshareable(new RunView(film.config, [1]))).toBe('running');
  });

  test.each([
    ['nothing', ''],
    ['no base64', 'a b'],
    ['half a character', 'A'],
    ['no deflate', 'AAAA'],
    ['no JSON', linkOf('{')],
    ['other JSON', linkOf([1, 2])],
    ['a bomb', linkOf('0'.repeat(5_000_000))],
    ['too long', 'A'.repeat(MOST_CHARACTERS + 1)],
  ])('are refused as %s', async (_, text) => {
    await expect(unpackRun(text)).rejects.toThrow(FormatError);
  });

  test('are refused with the field where they are not of one run', async () => {
    const { inflateRawSync } = await import('node:zlib');
    const good = JSON.parse(
      inflateRawSync(Buffer.from(await packed, 'base64url')).toString(),
    ) as Record<string, unknown> & { pool: string[]; scores: unknown[] };
    const cases: [object, string][] = [
      [{ scores: good.scores.slice(1) }, 'are not of its 160 prompts'],
      [{ selections: { lim: [160] } }, 'are not of its 160 prompts'],
      [{ selections: { __proto__x: [1] } }, 'selections'],
      [{ seed: -1 }, 'seed'],
      [{ pool: ['x'.repeat(201)] }, 'pool.0'],
      [{ preset: 'nope' }, 'nope'],
      [{ overrides: '{"rollout":{"samples":0}}' }, 'rollout.samples'],
      [{ base: [0.1, {}, null] }, 'no tier T1'],
    ];
    for (const [change, why] of cases) {
      await expect(unpackRun(linkOf({ ...good, ...change })), why).rejects.toThrow(why);
    }
  });

  test('are a run or refused with a reason, whatever a character is', async () => {
    const text = await packed;
    const random = new RandomStream(3, 'test');
    for (let i = 0; i < 150; i++) {
      const at = random.below(text.length);
      const other = 'AZaz09-_'.charAt(random.below(8));
      const changed = text.slice(0, at) + other + text.slice(at + 1);
      try {
        new Film(await unpackRun(changed));
      } catch (error) {
        expect(['FormatError', 'ConfigError']).toContain((error as Error).name);
      }
    }
  });
});
