import { readFile } from 'node:fs/promises';
import { describe, expect, test } from 'vitest';
import { Film } from '../../demo/state/film.ts';
import { apartText } from '../../demo/state/finding.ts';
import { actOf, acts } from '../../demo/state/act.ts';
import { factOf, sentenceOf, shareOf } from '../../demo/state/story.ts';
import { FormatError } from '../../src/formats/format-error.ts';
import { readRun } from '../../src/run-folder/finished-run.ts';
import { historyOf } from '../../src/run-folder/history.ts';
import type { ExperimentEvent } from '../../src/results.ts';
import { readRecording, recordingText, timed, type Recording } from '../../src/view/recording.ts';
import { RunView } from '../../src/view/run-view.ts';
import { makeRun } from '../support/report-run.ts';

async function told(): Promise<{ events: ExperimentEvent[]; recording: Recording }> {
  const { folder } = makeRun({ preset: 'quick' });
  const run = await readRun(folder);
  const events: ExperimentEvent[] = [];
  for await (const event of historyOf(run, folder)) events.push(event);
  const { config, adapter, host, seeds } = run.results;
  return {
    events,
    recording: {
      adapter,
      host,
      date: '2026-11-30',
      commit: '1f26408',
      config,
      seeds: seeds.map(({ seed }) => seed),
      events: timed(events),
      answers: [[[{ text: '1#1;', reward: 1, correct: true, formatted: true }], []]],
    },
  };
}

/** What a reader is shown of a run. */
const seen = (run: RunView) => ({
  act: actOf(run),
  sentence: sentenceOf(run),
  facts: acts.map((act) => [factOf(run, act), shareOf(run, act)]),
  order: [...run.order],
  columns: run.columns.map((column) => [...column]),
});

describe('a recording', () => {
  test('comes back as it was written, to the digits that a picture has', async () => {
    const { recording } = await told();
    const read = readRecording(recordingText(recording), 'x.json');
    expect({ ...read, events: [] }).toEqual({ ...recording, events: [] });
    expect(read.events.map(({ ms, event }) => [ms, event.type])).toEqual(
      recording.events.map(({ ms, event }) => [ms, event.type]),
    );
    const [mine, theirs] = [new Film(recording).end, new Film(read).end];
    expect(seen(theirs)).toEqual(seen(mine));
    expect(theirs.results).toEqual(JSON.parse(JSON.stringify(mine.results)));
  });

  test('notes the training time before each event', () => {
    const update = (at: number): ExperimentEvent => ({
      type: 'update',
      seed: 1,
      method: 'full',
      update: at,
      epoch: 0,
      metrics: { step_ms: 100.4 },
    });
    const state: ExperimentEvent = { type: 'state', state: 'done', message: '' };
    expect(timed([update(1), update(2), state]).map(({ ms }) => ms)).toEqual([100, 201, 201]);
  });

  test.each([
    ['no JSON', 'no', 'r.json'],
    ['another schema', '{"schema": 2}', 'schema'],
    ['an unknown event', undefined, 'events[0]'],
    ['a column without values', undefined, 'values'],
  ])('is refused for %s, with the name of the file', async (what, text, why) => {
    const { recording } = await told();
    const written = JSON.parse(recordingText(recording)) as { events: [number, object][] };
    const first = what === 'an unknown event' ? { type: 'nonsense' } : { type: 'column' };
    written.events = [[0, first]];
    const read = () => readRecording(text ?? JSON.stringify(written), 'r.json');
    expect(read).toThrow(FormatError);
    expect(read).toThrow('r.json');
    if (why !== 'events[0]') expect(read).toThrow(why);
  });
});

describe('a film', () => {
  test('shows at each place what a run under way has shown then', async () => {
    const { events, recording } = await told();
    const film = new Film(recording);
    const { config, seeds } = recording;
    const live = new RunView(config, seeds);
    const places: number[] = [];
    for (let at = 0; ;) {
      places.push(at);
      if (at >= film.length) break;
      at = film.beside(at, 1);
    }
    let applied = 0;
    for (const at of places) {
      const many = film.picturesBefore(at);
      for (; applied < many; applied++) live.apply(events[applied]);
      expect(seen(film.viewAt(at))).toEqual(seen(live));
    }
    expect(applied).toBe(events.length);
  });

  test('is the same backwards', async () => {
    const { recording } = await told();
    const film = new Film(recording);
    const forwards = [0, 0.2, 0.4, 0.6, 0.8, 1].map((share) =>
      seen(film.viewAt(share * film.length)),
    );
    const backwards = [1, 0.8, 0.6, 0.4, 0.2, 0].map((share) =>
      seen(film.viewAt(share * film.length)),
    );
    expect(backwards.reverse()).toEqual(forwards);
  });

  test('has the acts in order, each with something to show', async () => {
    const { recording } = await told();
    const film = new Film(recording);
    const begins = [...film.begins];
    expect(begins.map(([act]) => act)).toEqual([1, 2, 3, 4, 5]);
    expect(begins.map(([, at]) => at)).toEqual(
      [...begins.map(([, at]) => at)].sort((a, b) => a - b),
    );
    for (const [act, at] of film.shows) expect(actOf(film.viewAt(at))).toBe(act);
    const { epochs } = recording.config.experiment;
    expect(film.viewAt(film.opening).columns).toHaveLength(Math.ceil(epochs / 2));
    expect(film.beside(film.length, 1)).toBe(film.length);
    expect(film.beside(0, -1)).toBe(0);
  });

  test('ends with what came out, and whether it is told apart', async () => {
    const path = new URL('../../demo/public/replays/quick.json', import.meta.url);
    const film = new Film(readRecording(await readFile(path, 'utf8'), 'quick.json'));
    const end = film.viewAt(film.length);
    expect(sentenceOf(end)).toMatch(
      /^LIM on \d+ prompts: [\d.]+ %\. Trained on all 160: [\d.]+ %\.$/,
    );
    expect(apartText(end)).toBe('Not told apart.');
  });

  test('needs an event', async () => {
    const { recording } = await told();
    expect(() => new Film({ ...recording, events: [] })).toThrow(RangeError);
  });
});
