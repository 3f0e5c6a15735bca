import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, test } from 'vitest';
import { changedSteps, changesOf } from '../../demo/state/answer-changes.ts';
import { answerer, answerers, readAnswersOf, whyNone } from '../../demo/state/answering.ts';
import { Film } from '../../demo/state/film.ts';
import {
  answersTo,
  place,
  reel,
  recordedAnswers,
  showReel,
  type AnswersOf,
} from '../../demo/state/stage.ts';
import { workedSteps } from '../../demo/state/worked-steps.ts';
import { Bundle } from '../../src/bundle/bundle.ts';
import { blobSource } from '../../src/workers/given-files.ts';
import { readRecording, type Completion, type Verdict } from '../../src/index.ts';
import { openBundledRun } from '../../src/workers/bundled-run.ts';

const replays = join(import.meta.dirname, '../../demo/public/replays');
const footage = readRecording(readFileSync(join(replays, 'quick.json'), 'utf8'), 'quick.json');

/** What the bundle beside the recording keeps of answers, as the page reads it. */
async function bundled() {
  const file = new Blob([readFileSync(join(replays, 'quick.limr'))]);
  const bundle = await Bundle.open(blobSource('quick.limr', file));
  const plain = new Map(
    bundle.paths.map((path) => [path, bundle.read(path) ?? new Uint8Array()] as const),
  );
  const [seed] = footage.seeds;
  const run = await openBundledRun('quick.limr', { plain, weights: new Map() });
  return run.completions(seed);
}

afterEach(() => {
  readAnswersOf('full');
  reel.value = undefined;
});

describe('the answers of every method', () => {
  test('of the recording lie in its bundle, which tells the same of FULL', async () => {
    const kept = await bundled();
    const full = recordedAnswers(footage.answers, () => Promise.reject(new Error('not FULL')));
    const { end } = new Film(footage);
    for (const prompt of end.pool.keys()) {
      expect(kept(prompt)).toEqual((await full(prompt, 'full')).epochs);
    }
    for (const method of ['lim', 'rand', 'linear'] as const) {
      const chosen = end.selections[method];
      const answered = [...end.pool.keys()].filter((prompt) => kept(prompt, method).length > 0);
      // 12 updates of 32 prompts: each comes up several times.
      expect(answered).toEqual([...(chosen ?? [])].sort((a, b) => a - b));
    }
  });

  test('come with the film: epochs that a method has gone through, none before it begins', async () => {
    const kept = await bundled();
    const others: AnswersOf = (prompt, method) => Promise.resolve({ epochs: kept(prompt, method) });
    const film = new Film(footage);
    const answersOf = recordedAnswers(footage.answers, others);
    showReel({ film, origin: { kind: 'recorded', adapter: '', date: '' }, answersOf }, 'end');
    const [prompt = 0] = film.end.selections.lim ?? [];
    const seen = async (method: 'full' | 'lim') =>
      ((await answersTo(prompt, method))?.epochs ?? []).map(({ epoch }) => epoch);
    const whole = await seen('lim');
    expect(whole).toEqual(kept(prompt, 'lim').map(({ epoch }) => epoch));
    expect(await seen('full')).toEqual([0, 1, 2, 3, 4]);
    const drawn = new Set<string>();
    for (let at = 0; at <= film.length; at += 200) {
      place.value = at;
      const view = film.viewAt(at);
      const [full, lim] = [await seen('full'), await seen('lim')];
      expect(full).toEqual([...view.columns.keys()]);
      // An epoch that is under way is not told yet.
      const under = film.end.updates.lim?.[view.updates.lim?.length ?? 0]?.epoch ?? Infinity;
      expect(lim).toEqual(view.updates.lim ? whole.filter((epoch) => epoch < under) : []);
      drawn.add(lim.join());
    }
    expect(drawn.size).toBeGreaterThan(2);
  });

  test('are read of a method that the run has, FULL where another run lacks it', () => {
    const { end } = new Film(footage);
    expect(answerers(end)).toEqual(['full', 'lim', 'rand', 'linear']);
    readAnswersOf('rand');
    expect(answerer(end)).toBe('rand');
    const { config } = end;
    const alone = { config: { ...config, experiment: { ...config.experiment, methods: [] } } };
    expect(answerer(alone)).toBe('full');
  });

  test('are missing for a reason', () => {
    const film = new Film(footage);
    const { end } = film;
    const [inside = 0] = end.selections.lim ?? [];
    const outside = [...end.pool.keys()].find((prompt) => !end.selections.lim?.has(prompt)) ?? 0;
    expect(whyNone(end, inside, 'lim')).toBe('undrawn');
    expect(whyNone(end, outside, 'lim')).toBe('unchosen');
    // Selections are made before any of their methods trains.
    expect(whyNone({ selections: {}, updates: {} }, outside, 'lim')).toBe('unbegun');
    const answersOf = () => Promise.resolve({ epochs: [] });
    showReel({ film, origin: { kind: 'shared' }, answersOf }, 'end');
    expect(whyNone(end, inside, 'lim')).toBe('numbers');
  });
});

describe('what changed between two epochs', () => {
  const verdictOn = ({ reward }: Completion): Verdict => (reward === 1 ? 'right' : 'wrong');
  const said = (...texts: string[]): Completion[] =>
    // 7 - 3 = 4, 4 * 4 = 16: six.
    texts.map((text) => ({ text, reward: text.endsWith('#6;') ? 1 : -0.5 }));
  const task = { prompt: '7-3*4=', modulus: 10 };

  test('is how often each answer was drawn, and the share of those that are paid', () => {
    const before = said('5,0#0;', '5,0#0;', '4,6#6;', '4,5#5;');
    const after = said('4,6#6;', '4,6#6;', '4,5#5;', '3,6#6;');
    const changes = changesOf(before, after, verdictOn, undefined);
    expect(changes.before).toEqual({ paid: 1, of: 4 });
    expect(changes.after).toEqual({ paid: 3, of: 4 });
    expect(changes.answers).toEqual([
      { text: '4,6#6;', verdict: 'right', before: 1, after: 2 },
      { text: '3,6#6;', verdict: 'right', before: 0, after: 1 },
      { text: '4,5#5;', verdict: 'wrong', before: 1, after: 1 },
      { text: '5,0#0;', verdict: 'wrong', before: 2, after: 0 },
    ]);
    expect(changes.steps).toEqual([]);
  });

  test('is which steps became right, each from the value before it', () => {
    const before = said('5,0#0;', '5,0#0;', '4,6#6;', 'nonsense');
    const after = said('4,6#6;', '4,6#6;', '4,5#5;');
    expect(changesOf(before, after, verdictOn, task).steps).toEqual([
      {
        text: '7 − 3',
        before: { right: 1, of: 3, most: '5' },
        after: { right: 3, of: 3, most: '4' },
      },
      // 5 * 4 = 20: right, though the step before is not.
      {
        text: '… × 4',
        before: { right: 3, of: 3, most: '0' },
        after: { right: 2, of: 3, most: '6' },
      },
    ]);
  });

  test('has no steps where no answer can be read, and tallies none of an epoch without one', () => {
    expect(changesOf(said('x'), said('y'), verdictOn, task).steps).toEqual([]);
    const [first] = changesOf(said('x'), said('4,6#6;'), verdictOn, task).steps;
    expect(first.before).toEqual({ right: 0, of: 0, most: undefined });
  });

  test('names the steps that differ between two answers', () => {
    const worked = (text: string) => workedSteps(task.prompt, text, task.modulus);
    expect([...changedSteps(worked('4,5#5;'), worked('4,6#6;'))]).toEqual([1]);
    // Another value before it makes it another step.
    expect([...changedSteps(worked('5,6#6;'), worked('4,6#6;'))]).toEqual([0, 1]);
    expect([...changedSteps(worked('4,6#6;'), worked('4,6#6;'))]).toEqual([]);
    expect([...changedSteps(undefined, worked('4,6#6;'))]).toEqual([0, 1]);
  });
});
