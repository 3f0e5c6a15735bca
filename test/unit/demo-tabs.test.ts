import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { Film } from '../../demo/state/film.ts';
import { SoFar } from '../../demo/state/so-far.ts';
import {
  answersTo,
  live,
  problem,
  recordedAnswers,
  reel,
  room,
  showReel,
  watched,
} from '../../demo/state/stage.ts';
import { Feed, type Channel } from '../../demo/tabs/feed.ts';
import { readMessage, VERSION, type ToldRun } from '../../demo/tabs/messages.ts';
import { offer, Watch } from '../../demo/tabs/watch.ts';
import { readRecording, type ExperimentEvent } from '../../src/index.ts';

const file = join(import.meta.dirname, '../../demo/public/replays/quick.json');
const footage = readRecording(readFileSync(file, 'utf8'), 'quick.json');
const events = footage.events.map(({ event }) => event);
const about: ToldRun = {
  config: footage.config,
  seeds: footage.seeds,
  keeping: { stored: true },
  name: '2026-11-30T12-00-00.000Z-0a1b2c3d',
};
const RUN = 'aaaaaaaa-1';

/** Tabs of one origin: what one says all others hear, in order, as structured clones. */
function openBus(): { join: () => Channel; said: unknown[] } {
  const tabs = new Set<EventTarget>();
  const said: unknown[] = [];
  const join = (): Channel => {
    const tab = new EventTarget();
    tabs.add(tab);
    return Object.assign(tab, {
      postMessage: (data: unknown) => {
        said.push(data);
        for (const other of tabs) {
          if (other !== tab) {
            other.dispatchEvent(new MessageEvent('message', { data: structuredClone(data) }));
          }
        }
      },
      close: () => tabs.delete(tab),
    });
  };
  return { join, said };
}

/** A run of another tab, and when it is over. */
function openTab(bus: ReturnType<typeof openBus>, run = RUN) {
  const soFar = new SoFar();
  const answersOf = (prompt: number, method: string) =>
    prompt === 7
      ? Promise.reject(new Error('gone'))
      : Promise.resolve({
          key: '4',
          epochs: [{ epoch: 0, completions: [{ text: `${method} ${prompt};`, reward: 1 }] }],
        });
  const feed = new Feed(bus.join(), run, about, soFar, () => answersOf);
  const tell = (...batch: readonly ExperimentEvent[]): void => {
    for (const event of batch) soFar.add(event);
    feed.tell(batch);
  };
  return { tell, close: () => feed.close() };
}

const showRecording = (): void => {
  const film = new Film(footage);
  const origin = { kind: 'recorded', adapter: '', date: '2026-11-30' } as const;
  const nobody = () => Promise.resolve({ epochs: [] });
  showReel({ film, origin, answersOf: recordedAnswers([], nobody) }, 'opening');
};

/** Ends the runs of other tabs by name. */
let end: Map<string, () => void>;
const over = (run: string): Promise<void> => new Promise((resolve) => end.set(run, resolve));

beforeEach(() => {
  end = new Map();
  room.value = 'run';
  problem.value = '';
  offer.value = undefined;
  showRecording();
});
afterEach(() => {
  live.value = undefined;
  reel.value = undefined;
});

describe('a tab beside one that trains', () => {
  test('who comes late gets all that was, then what comes, and the film at the end', () => {
    const bus = openBus();
    const tab = openTab(bus);
    const half = Math.floor(events.length / 2);
    tab.tell(...events.slice(0, half));
    // Nobody follows: nothing but that there is a run was said.
    expect(bus.said).toHaveLength(1);
    new Watch(bus.join(), over);
    expect(live.value).toBe(watched.value);
    expect(live.value?.updates.full?.length).toBeGreaterThan(0);
    const whole = new Film(footage);
    for (const event of events.slice(half, -2)) tab.tell(event);
    expect(live.value?.updates).toEqual(whole.end.updates);
    expect(live.value?.columns).toEqual(whole.end.columns);
    expect(live.value?.scores).toEqual(whole.end.scores);
    expect(live.value?.running).toBe(true);
    tab.tell(...events.slice(-2));
    expect(live.value).toBeUndefined();
    expect(watched.value).toBeUndefined();
    expect(reel.value?.origin).toEqual({ kind: 'own', name: about.name });
    expect(reel.value?.film.end.results).toEqual(whole.end.results);
    expect(reel.value?.film.end.evaluations).toEqual(whole.end.evaluations);
    expect(problem.value).toBe('');
  });

  test('follows a run that begins later, and is told when that tab is gone', async () => {
    const bus = openBus();
    new Watch(bus.join(), over);
    const tab = openTab(bus);
    tab.tell(...events.slice(0, 8));
    expect(live.value?.running).toBe(true);
    tab.close();
    end.get(RUN)?.();
    await vi.waitFor(() => expect(live.value?.state).toBe('stopped'));
    expect(live.value).toBe(watched.value);
  });

  test('keeps what it shows where that is more than the recording, and offers the run', () => {
    room.value = 'learn';
    const bus = openBus();
    new Watch(bus.join(), over);
    openTab(bus).tell(...events.slice(0, 8));
    expect(live.value).toBeUndefined();
    const now = offer.value;
    if (now?.kind !== 'run') throw new Error('no run is offered');
    now.watch();
    expect(live.value).toBe(watched.value);
    expect(offer.value).toBeUndefined();
    // Back to the recording: the run can be watched again.
    showRecording();
    expect(watched.value).toBeUndefined();
    expect(offer.value?.kind).toBe('run');
  });

  test('asks the tab that trains for answers', async () => {
    const bus = openBus();
    new Watch(bus.join(), over);
    openTab(bus).tell(...events.slice(0, 8));
    const found = await answersTo(3, 'rand');
    expect(found).toEqual({
      key: '4',
      epochs: [{ epoch: 0, completions: [{ text: 'rand 3;', reward: 1 }] }],
    });
    await expect(answersTo(7, 'full')).rejects.toThrow('cannot tell');
  });

  test('watches no more when it trains itself', () => {
    const bus = openBus();
    new Watch(bus.join(), over);
    const tab = openTab(bus);
    tab.tell(...events.slice(0, 8));
    const own = new Film(footage).viewAt(0);
    live.value = own;
    tab.tell(...events.slice(8, 20));
    expect(live.value).toBe(own);
    expect(own.updates.full).toBeUndefined();
    expect(watched.value).toBeUndefined();
  });

  test('refuses what is no message, and shows no picture that is wrong', () => {
    const bus = openBus();
    new Watch(bus.join(), over);
    const tab = bus.join();
    tab.postMessage({ version: VERSION, type: 'under-way', run: '../x' });
    expect(problem.value).toContain('another tab: run');
    openTab(bus).tell(...events.slice(0, 8));
    expect(live.value).toBeDefined();
    tab.postMessage({ version: VERSION, type: 'events', run: RUN, events: ['{"type":"attack"}'] });
    expect(problem.value).toContain('another tab: type');
    expect(live.value).toBeUndefined();
  });

  test('says that another version of the page trains, and reads nothing of it', () => {
    const bus = openBus();
    new Watch(bus.join(), over);
    bus.join().postMessage({ version: VERSION + 1, type: 'under-way', run: RUN });
    expect(offer.value).toEqual({ kind: 'other-version' });
    expect(problem.value).toBe('');
    expect(() => readMessage({ type: 'ask' })).toThrow(/without a version/);
    expect(() => readMessage(null)).toThrow(/without a version/);
  });
});

describe('a run so far', () => {
  test('holds the last of what passes, and all of what lasts', () => {
    const soFar = new SoFar();
    const progress = (fraction: number): ExperimentEvent => ({
      type: 'progress',
      fraction,
      eta: 1,
      tokensPerSecond: 1,
      stepMs: 1,
    });
    const warning: ExperimentEvent = { type: 'warning', text: 'slow' };
    for (const event of [progress(0.1), warning, progress(0.2)]) soFar.add(event);
    expect(soFar.events).toEqual([warning, progress(0.2)]);
    expect(soFar.lasting).toEqual([warning]);
    const done: ExperimentEvent = { type: 'state', state: 'done', message: '' };
    soFar.add({ type: 'state', state: 'running', message: '' });
    soFar.add(done);
    expect(soFar.lasting).toEqual([warning, done]);
  });

  test('begins again with a run that is told again from its beginning', () => {
    const soFar = new SoFar();
    for (const event of events.slice(0, 6)) soFar.add(event);
    soFar.add(events[0]);
    expect(events[0].type).toBe('started');
    expect(soFar.events).toEqual([events[0]]);
  });
});
