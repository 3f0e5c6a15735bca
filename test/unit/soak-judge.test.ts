import { describe, expect, it } from 'vitest';
import { heldOf, judge, type Sample, type Series } from '../faults/soak-judge.ts';

const RUNS = 12;
const LOOKS = 40;

/** A soak of twelve runs of a minute each; `held` by the run and how far it is, from 0 to 1. */
const soak = (held: (run: number, done: number) => Sample['held']): Sample[] =>
  Array.from({ length: RUNS * LOOKS }, (_, i) => {
    const [run, done] = [Math.floor(i / LOOKS), (i % LOOKS) / LOOKS];
    return { run, minutes: i / LOOKS, held: held(run, done) };
  });

/** What a judgement finds to grow. */
function growing(samples: readonly Sample[]): string[] {
  const lines: string[] = [];
  const failed = judge(samples, (line) => lines.push(line));
  const found = lines.filter((line) => line.startsWith('NOT ')).map((line) => line.slice(4, 21));
  expect(found.length).toBe(failed);
  return found.map((name) => name.trim());
}

const steady: Record<Exclude<Series, 'checkpoint KiB' | 'pointer B a file'>, number> = {
  buffers: 119,
  'buffer MiB': 0.5,
  'RSS MiB': 500,
  'heap MiB': 30,
  'GPU process MiB': 120,
  handles: 130,
  workers: 1,
};

/** The files of a run with so many data epochs behind it, `more` bytes in each of its parts. */
const filesOf = (epochs: number, more: { checkpoint?: number; mark?: number } = {}) => {
  const mark = { bytes: 1234, sha256: 'f'.repeat(64), more: ' '.repeat(more.mark ?? 0) };
  const names = Array.from({ length: epochs }, (_, epoch) => `completions/1-epoch-${epoch}.jsonl`);
  const files = Object.fromEntries(names.map((name) => [name, mark]));
  const entry = { file: 'checkpoints/b.safetensors', ...mark, files };
  const pointer = JSON.stringify({ schema: 2, checkpoints: [entry, entry] }, null, 1);
  const bytes = 130_000 + (more.checkpoint ?? 0);
  return {
    files: [
      ['a.safetensors', bytes],
      // Two are kept, and one alone at first.
      ...(epochs > 20 ? [['b.safetensors', bytes]] : []),
      ['c.safetensors.77.part', 999_999],
      ['latest.json', pointer.length],
    ] as [string, number][],
    pointer,
  };
};

describe('the judgement of a soak', () => {
  it('passes what stays, and memory that levels off', () => {
    const samples = soak((run, done) => ({
      ...steady,
      'RSS MiB': 560 - 200 / (1 + run) + 20 * Math.sin(done * 6),
      ...heldOf(filesOf(Math.floor(200 * done))),
    }));
    expect(growing(samples)).toEqual([]);
  });

  it('weighs a run that a busy machine draws out as any other', () => {
    const samples = soak((run, done) => ({ ...steady, 'RSS MiB': 540 + run + 20 * done })).flatMap(
      (sample) =>
        // Half of the time goes by in one run in the middle, which holds less.
        sample.run === 6
          ? Array.from({ length: 12 }, () => ({
              ...sample,
              minutes: sample.minutes + (sample.minutes - 6) * 11,
              held: { ...sample.held, 'RSS MiB': 480 },
            }))
          : [sample.run > 6 ? { ...sample, minutes: sample.minutes + 11 } : sample],
    );
    expect(growing(samples)).toEqual([]);
  });

  it('finds what grows within one run that outlasts the soak', () => {
    const samples = soak((run, done) => ({ ...steady, 'RSS MiB': 500 + 9 * (run + done) }));
    expect(growing(samples.map((sample) => ({ ...sample, run: 1 })))).toEqual(['RSS MiB']);
  });

  it.each([
    ['RSS MiB', 12],
    ['GPU process MiB', 8],
    ['heap MiB', 5],
    ['buffers', 1],
    ['buffer MiB', 0.25],
    ['handles', 1],
    ['workers', 0.5],
  ] as const)('finds a leak of %s, %d a run', (name, each) => {
    const samples = soak((run) => ({
      ...steady,
      [name]: steady[name] + Math.floor(run * each * 4) / 4,
    }));
    expect(growing(samples)).toEqual([name]);
  });

  it('finds a checkpoint that grows with its updates', () => {
    const samples = soak((_, done) =>
      heldOf(filesOf(Math.floor(200 * done), { checkpoint: 10_000 * done })),
    );
    expect(growing(samples)).toEqual(['checkpoint KiB']);
  });

  it('finds a pointer that grows by more than the files it names', () => {
    const samples = soak((_, done) =>
      heldOf(filesOf(Math.floor(200 * done), { mark: Math.floor(60 * done) })),
    );
    expect(growing(samples)).toEqual(['pointer B a file']);
  });
});
