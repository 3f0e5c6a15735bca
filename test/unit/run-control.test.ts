import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { RunControl, yieldToMessages } from '../../src/scheduler/run-control.ts';

/** A loop that counts its iterations, and how often it has come to rest. */
function loop(control: RunControl, length = Number.POSITIVE_INFINITY) {
  const counts = { iterations: 0 };
  const ended = (async () => {
    while (counts.iterations < length) {
      if (!(await control.untilMayContinue())) {
        control.stopped();
        return;
      }
      counts.iterations++;
    }
    control.finish();
  })();
  return { counts, ended };
}

const turns = async (count: number) => {
  for (let i = 0; i < count; i++) await yieldToMessages();
};

describe('run control', () => {
  test('goes on until paused, then rests, then goes on where it was', async () => {
    const control = new RunControl();
    const { counts } = loop(control);
    await turns(5);
    control.pause();
    await turns(2);
    const paused = counts.iterations;
    expect(paused).toBeGreaterThan(0);
    await turns(10);
    expect(counts.iterations).toBe(paused);
    control.resume();
    await turns(5);
    expect(counts.iterations).toBeGreaterThan(paused);
    control.stop();
  });

  test('steps one iteration at a time, as many as were asked for', async () => {
    const control = new RunControl();
    control.pause();
    const { counts } = loop(control);
    await turns(3);
    expect(counts.iterations).toBe(0);
    control.step();
    await turns(5);
    expect([counts.iterations, control.state]).toEqual([1, 'paused']);
    control.step();
    control.step();
    await turns(5);
    expect(counts.iterations).toBe(3);
    control.stop();
  });

  test('a step in a running loop pauses it', async () => {
    const control = new RunControl();
    const { counts } = loop(control);
    await turns(3);
    control.step();
    await turns(2);
    const paused = counts.iterations;
    await turns(5);
    expect([counts.iterations, control.state]).toEqual([paused, 'paused']);
    control.stop();
  });

  test.each([
    ['resume', ['pausing', 'paused', 'running'], true],
    ['step', ['pausing', 'paused', 'stepping'], true],
    ['stop', ['pausing', 'paused', 'stopping'], false],
  ] as const)(
    'a listener that is told of the pause may %s at once',
    async (request, states, on) => {
      const seen: string[] = [];
      const control = new RunControl((state) => {
        seen.push(state);
        if (state === 'paused') control[request]();
      });
      control.pause();
      let answer: boolean | undefined;
      void control.untilMayContinue().then((next) => (answer = next));
      await turns(5);
      expect([seen, answer]).toEqual([states, on]);
    },
  );

  test('is paused only once the iteration under way is done', async () => {
    const seen: string[] = [];
    const control = new RunControl((state) => seen.push(state));
    expect(await control.untilMayContinue()).toBe(true);
    // An iteration runs here.
    control.pause();
    expect(control.state).toBe('pausing');
    let done = false;
    const rest = control.untilMayContinue().then(() => (done = true));
    await turns(3);
    expect([control.state, done]).toEqual(['paused', false]);
    control.step();
    await rest;
    // The step runs here.
    expect(control.state).toBe('stepping');
    const after = control.untilMayContinue();
    await turns(3);
    expect(control.state).toBe('paused');
    control.resume();
    expect(await after).toBe(true);
    expect(seen).toEqual(['pausing', 'paused', 'stepping', 'paused', 'running']);
  });

  test('a pause takes back the steps that were asked for, a resume the pause', async () => {
    const control = new RunControl();
    const { counts } = loop(control);
    await turns(3);
    control.pause();
    control.resume();
    await turns(3);
    expect(control.state).toBe('running');
    control.pause();
    await turns(3);
    const { iterations } = counts;
    control.step();
    control.step();
    control.pause();
    await turns(8);
    expect([control.state, counts.iterations]).toEqual(['paused', iterations]);
    control.stop();
  });

  test('steps asked for before a resume are forgotten by it', async () => {
    const control = new RunControl();
    control.pause();
    control.step();
    control.resume();
    control.pause();
    const { counts } = loop(control);
    await turns(5);
    expect(counts.iterations).toBe(0);
    control.stop();
  });

  test('stops a paused loop and a running one', async () => {
    for (const paused of [true, false]) {
      const control = new RunControl();
      if (paused) control.pause();
      const { ended } = loop(control);
      await turns(2);
      control.stop();
      expect([control.state, control.ended]).toEqual(['stopping', false]);
      await ended;
      expect(control.state).toBe('stopped');
    }
  });

  test('keeps its final state and reports every change once', async () => {
    const seen: string[] = [];
    const control = new RunControl((state, message) => seen.push(`${state} ${message}`.trim()));
    control.pause();
    control.pause();
    control.resume();
    const { ended } = loop(control, 3);
    await ended;
    control.stop();
    control.fail('late');
    control.resume();
    expect(seen).toEqual(['pausing', 'running', 'done']);
    const failed = new RunControl((state, message) => seen.push(`${state} ${message}`));
    failed.fail('loss is NaN');
    expect([await failed.untilMayContinue(), seen.at(-1)]).toEqual([false, 'failed loss is NaN']);
  });

  test('tells what a run meets between a stop and its end', async () => {
    const seen: string[] = [];
    const control = new RunControl((state, message) => seen.push(`${state} ${message}`.trim()));
    control.stop();
    control.pause();
    control.resume();
    expect(await control.untilMayContinue()).toBe(false);
    control.fail('the checkpoint could not be written');
    control.stopped();
    control.stop();
    expect(seen).toEqual(['stopping', 'failed the checkpoint could not be written']);
  });

  test('is done where the stop came in the last iteration', async () => {
    const control = new RunControl();
    control.stop();
    control.finish();
    expect(control.state).toBe('done');
  });
});

describe('a loop that waits for a device', () => {
  beforeEach(() => void vi.useFakeTimers());
  afterEach(() => void vi.useRealTimers());

  test('waits its time, whatever is asked for meanwhile but a stop', async () => {
    const states: string[] = [];
    const control = new RunControl((state) => states.push(state));
    let ended: boolean | undefined;
    void control.rest(4000).then((goesOn) => (ended = goesOn));
    await vi.advanceTimersByTimeAsync(1000);
    control.pause();
    control.step();
    await vi.advanceTimersByTimeAsync(2999);
    expect(ended).toBeUndefined();
    await vi.advanceTimersByTimeAsync(1);
    expect(ended).toBe(true);
    expect(states).toEqual(['pausing']);
    // The step that was asked for is done, then it rests.
    vi.useRealTimers();
    const { counts } = loop(control);
    await turns(10);
    expect(counts.iterations).toBe(1);
    expect(control.state).toBe('paused');
    control.stop();
  });

  test('ends at once where it is stopped, before or while it waits', async () => {
    const control = new RunControl();
    const waiting = control.rest(60_000);
    await vi.advanceTimersByTimeAsync(10);
    control.stop();
    expect(await waiting).toBe(false);
    expect(vi.getTimerCount()).toBe(0);
    expect(await control.rest(60_000)).toBe(false);
  });

  test('does a step again that was lost with its iteration', async () => {
    vi.useRealTimers();
    const control = new RunControl();
    control.pause();
    expect(await Promise.race([control.untilMayContinue(), turns(5)])).toBeUndefined();
    control.step();
    await turns(2);
    expect(control.state).toBe('stepping');
    control.lost();
    expect(await control.untilMayContinue()).toBe(true);
    expect(await Promise.race([control.untilMayContinue(), turns(5)])).toBeUndefined();
    expect(control.state).toBe('paused');
  });
});
