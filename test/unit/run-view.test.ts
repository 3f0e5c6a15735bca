import { describe, expect, test } from 'vitest';
import { rampColor, rgbOf } from '../../demo/plots/ramp.ts';
import { sample } from '../../demo/plots/trajectories.ts';
import { caveatsOf, findingOf, noFindingOf } from '../../demo/state/finding.ts';
import { buttonsFor, keptText, RunView } from '../../src/view/run-view.ts';
import { standing } from '../../src/view/standing.ts';
import { configFrom } from '../../src/config.ts';
import { readRun } from '../../src/run-folder/finished-run.ts';
import type { ExperimentEvent, LimSummary, RunState } from '../../src/results.ts';
import { historyOf } from '../../src/run-folder/history.ts';
import { makeRun } from '../support/report-run.ts';

const config = configFrom('quick', {}, 'test');
const at = config.experiment.tableReadout;

const pool = (seed: number): ExperimentEvent => ({
  type: 'pool',
  seed,
  prompts: ['a', 'b', 'c', 'd'].map((text) => ({ text, origin: 'easy', wrongKey: text === 'd' })),
});
const column = (epoch: number, accuracy: number[]): ExperimentEvent => ({
  type: 'column',
  seed: 1,
  epoch,
  accuracy: Float32Array.from(accuracy),
  reward: Float32Array.from(accuracy, (value) => 2 * value - 1),
});
const lim: LimSummary = {
  signal: 'accuracy',
  compat: 'corrected',
  theta: 0.6,
  kept: 1,
  meanCurve: [],
  neverSolved: -1,
  alwaysSolved: 0,
  warning: '',
};
const none = { prompts: 0, byOrigin: { easy: 0, learnable: 0, hard: 0 }, wrongKeys: 0 };
const scores = (seed: number, values: number[], kept: number[]): ExperimentEvent => ({
  type: 'scores',
  seed,
  lim,
  summary: { seed, lim, pool: none, selections: { lim: none }, scoreQuantiles: [] },
  files: {},
  scores: Float64Array.from(values),
  selections: { lim: kept },
});
const evaluation = (
  method: 'base' | 'full' | 'lim',
  update: number,
  mean: number,
  seed = 1,
): ExperimentEvent => ({
  type: 'evaluation',
  method,
  seed,
  update,
  samples: 0,
  mean,
  tiers: { T1: mean, T2: mean, T3: mean },
});
const state = (to: RunState, message = ''): ExperimentEvent => ({
  type: 'state',
  state: to,
  message,
});

const after = (...events: readonly ExperimentEvent[]): RunView => {
  const model = new RunView(config, [1, 2]);
  for (const event of events) model.apply(event);
  return model;
};

describe('a run as the page sees it', () => {
  test('orders prompts by mean reward so far, then by score, those without one last', () => {
    const model = after(pool(1), column(0, [1, 0.5, NaN, 0]), column(1, [0, 1, NaN, 0.25]));
    expect(model.order).toEqual([1, 0, 3, 2]);
    expect(model.meanCurve).toEqual([0.5, (0 + 1 + 0.25) / 3]);
    expect(model.meanOf(2)).toBeNaN();
    model.apply(scores(1, [0.7, -1, NaN, 0], [0]));
    expect(model.order).toEqual([0, 3, 1, 2]);
    expect(model.selections.lim).toEqual(new Set([0]));
    expect(model.files).toEqual(['scores.json', 'rewards.safetensors', 'subsets/lim.json']);
  });

  test('shows the next seed afresh and keeps the evaluations of all', () => {
    const model = after(
      pool(1),
      column(0, [1, 1, 1, 1]),
      scores(1, [1, 1, 1, 1], [0]),
      evaluation('full', at, 0.5),
      pool(2),
    );
    expect(model).toMatchObject({ seed: 2, columns: [], meanCurve: [], scores: undefined });
    expect(model.selections).toEqual({});
    model.apply(evaluation('full', at, 0.7, 2));
    model.apply(evaluation('full', at + 4, 0.9, 2));
    expect(model.atReadout('full').map(({ mean }) => mean)).toEqual([0.5, 0.7]);
    model.apply(scores(2, [0, 0, 0, 0], []));
    expect(model.files.slice(3)).toEqual([
      'scores-seed-2.json',
      'rewards-seed-2.safetensors',
      'subsets/lim-seed-2.json',
    ]);
    expect(model.makeup.lim).toMatchObject({ prompts: 0, wrongKeys: 0 });
    expect(model.makeup.full).toEqual({
      prompts: 4,
      easy: 4,
      learnable: 0,
      hard: 0,
      wrongKeys: 1,
    });
  });

  test('allows what its state allows', () => {
    const buttons = (model: RunView | undefined, ready = true) => buttonsFor(model, ready);
    expect(buttons(undefined)).toMatchObject({ start: true, pause: false, stop: false });
    expect(buttons(undefined, false)).toMatchObject({ start: false });
    const model = after();
    expect(buttons(model)).toMatchObject({ start: false, pause: false, step: false, stop: false });
    model.apply({ type: 'started', adapter: '', host: '', config, seeds: [1], totalUpdates: 1 });
    expect(buttons(model)).toMatchObject({ start: false, pause: true, step: false, stop: true });
    model.apply(state('paused'));
    expect(buttons(model)).toMatchObject({ pause: true, resumes: true, step: true, stop: true });
    // A step is asked for once it rests; a pause can be taken back before.
    for (const held of ['pausing', 'stepping'] as const) {
      model.apply(state(held));
      expect(buttons(model)).toMatchObject({ pause: true, resumes: true, step: false, stop: true });
      expect(model.running).toBe(true);
    }
    model.apply(state('stopped'));
    expect(buttons(model)).toMatchObject({ start: true, pause: false, step: false, stop: false });
  });

  test('stays paused when the pause came before the run had told that it started', () => {
    const started = { type: 'started', adapter: 'x', host: 'y', config, seeds: [1] } as const;
    const model = after(state('paused'), { ...started, totalUpdates: 1 });
    expect(model).toMatchObject({ state: 'paused', adapter: 'x' });
  });

  test('says where it stands', () => {
    expect(standing(after()).fraction).toBeUndefined();
    const model = after(
      { type: 'started', adapter: '', host: '', config, seeds: [1, 2], totalUpdates: 1 },
      { type: 'pretraining', update: 21, of: 84, loss: 1.234 },
      { type: 'compiling', label: 'gae', compiled: 3, of: 39 },
    );
    expect(standing(model)).toMatchObject({
      phase: 'Pre-training the base',
      pace: 'update 21 of 84, loss 1.23',
      detail: 'Compiling kernel 3 of 39, once: gae',
      fraction: 0.25,
    });
    model.apply({ type: 'phase', seed: 2, phase: 'full', text: 'PPO' });
    model.apply({ type: 'update', seed: 2, method: 'full', update: 5, epoch: 0, metrics: {} });
    model.apply({
      type: 'progress',
      fraction: 0.5,
      eta: 65,
      tokensPerSecond: 99.6,
      stepMs: 1500,
    });
    model.apply(state('paused'));
    expect(standing(model)).toEqual({
      phase: 'Paused. PPO (seed 2)',
      pace: 'update 5 · about 1 min 05 s left · 100 tokens/s · 1.5 s an update',
      detail: '3 kernels compiled.',
      fraction: 0.5,
    });
    model.apply(state('pausing'));
    expect(standing(model).phase).toBe('Pausing after this update… PPO (seed 2)');
    model.apply(state('stepping'));
    expect(standing(model).phase).toBe('Stepping… PPO (seed 2)');
    model.apply(state('failed', 'NonFiniteError: loss'));
    expect(standing(model)).toMatchObject({ detail: 'loss', fraction: 0.5 });
  });
});

describe('a run that ended early', () => {
  const ended = (stored: boolean, ...events: readonly ExperimentEvent[]) => {
    const model = new RunView(config, [1], { stored });
    for (const event of events) model.apply(event);
    return standing(model);
  };

  test('says what is left of it', () => {
    const checkpoint = { type: 'checkpoint', update: 4 } as const;
    const failed = state('failed', 'DeviceLostError: an adapter: it went away.');
    expect(ended(true, checkpoint, failed)).toMatchObject({
      phase: 'The GPU was lost',
      pace: expect.stringContaining('Its last checkpoint is kept') as unknown,
      detail: "The browser's GPU process or the driver stopped: an adapter: it went away.",
    });
    const gone = new RunView(config, [1], { stored: true });
    for (const event of [checkpoint, state('failed', 'AdapterError: none')]) gone.apply(event);
    gone.gpuGone = true;
    expect(standing(gone)).toMatchObject({
      phase: 'The browser gives no GPU',
      pace: expect.stringMatching(/restart the browser.*Resume then goes on/) as unknown,
    });
    expect(ended(true, failed).pace).toContain('no checkpoint yet');
    expect(ended(false, checkpoint, state('stopped')).pace).toContain('memory alone');
  });

  test('is under way until its checkpoint is written, and tells why it was not', () => {
    const model = new RunView(config, [1], { stored: true });
    model.apply({ type: 'checkpoint', update: 4 });
    model.apply(state('stopping'));
    expect([model.running, buttonsFor(model, true).start, buttonsFor(model, true).stop]).toEqual([
      true,
      false,
      false,
    ]);
    expect(standing(model).phase).toMatch(/^Stopping after this update… /);
    const words = 'the checkpoint full-5 could not be written: no room';
    model.apply(state('failed', `CheckpointWriteError: ${words}`));
    expect(standing(model)).toMatchObject({
      phase: 'The run failed',
      pace: expect.stringContaining('Its last checkpoint is kept') as unknown,
      detail: words,
    });
  });

  test('names an error of the language alone', () => {
    const detailOf = (message: string): string => ended(true, state('failed', message)).detail;
    expect(detailOf('AdapterError: no device: it is gone')).toBe('no device: it is gone');
    expect(detailOf('TypeError: x is not a function')).toBe('TypeError: x is not a function');
    expect(detailOf('pool: no prompts')).toBe('pool: no prompts');
  });
});

describe('a resumed run', () => {
  const update = (seed: number): ExperimentEvent => ({
    type: 'update',
    seed,
    method: 'full',
    update: 1,
    epoch: 0,
    metrics: {},
  });

  test('shows nothing twice of a run that goes on on another device', () => {
    const started: ExperimentEvent = {
      type: 'started',
      adapter: 'x',
      host: 'y',
      config,
      seeds: [1],
      totalUpdates: 4,
    };
    const once = [evaluation('base', 0, 0.1), pool(1), update(1), column(0, [1, 0, 1, 0])];
    const more = [evaluation('full', 1, 0.2), update(1)];
    const model = after(started, ...once, ...more, {
      type: 'recovery',
      reason: 'device lost: reset',
      seconds: 2,
      attempt: 2,
      most: 5,
    });
    // What there is stays in sight while it waits.
    expect(model.updates.full).toHaveLength(2);
    expect(standing(model)).toMatchObject({
      phase: 'The GPU was lost',
      pace: 'Opening a device again in 2 s (2 of 5 within an hour)',
      detail: 'device lost: reset',
    });
    model.apply(state('pausing'));
    expect(standing(model).phase).toBe('Pausing after this update… The GPU was lost');
    model.apply(state('running'));
    for (const event of [started, ...once, ...more]) model.apply(event);
    const whole = after(started, ...once, ...more);
    expect(standing(model)).toEqual(standing(whole));
    for (const key of [
      'updates',
      'evaluations',
      'pool',
      'columns',
      'meanCurve',
      'order',
    ] as const) {
      expect([key, model[key]]).toEqual([key, whole[key]]);
    }
  });

  test('keeps what it tells of the time before, of the seed under way', () => {
    const model = after(update(1), update(2), pool(2));
    expect(model.updates.full).toEqual([update(2)]);
  });

  test('shows epochs that it is not told of as missing', () => {
    const model = after(pool(1), column(1, [1, 0.5, 0, 0]));
    expect(model.columns.map((values) => [...values])).toEqual([
      [NaN, NaN, NaN, NaN],
      [1, 0.5, 0, 0],
    ]);
    expect(model.meanOf(1)).toBe(0.5);
  });
});

test('a finished run is the same from its files: pool, curves, scores, selections', async () => {
  const { folder, files, results } = makeRun({ preset: 'quick', seeds: [1, 2] });
  files.set('subsets/lim-seed-2.json', '[{"id": 3}, {"id": 5}]');
  const run = await readRun(folder);
  const model = new RunView(results.config, [1, 2], { stored: true, past: 'reopened' });
  for await (const event of historyOf(run, folder)) model.apply(event);
  expect(model).toMatchObject({ state: 'done', seed: 2, adapter: results.adapter, results });
  const scored = run.scores[1];
  expect(model.pool.map(({ text }) => text)).toEqual(scored.map(({ prompt }) => prompt));
  expect(model.columns.map((column) => column[7])).toEqual(
    scored[7].rewards.map((value) => Math.fround(value ?? NaN)),
  );
  expect(model.scoreOf(7)).toBe(scored[7].score);
  expect(model.selections.lim).toEqual(new Set([3, 5]));
  expect(model.updates.full).toEqual(
    run.records
      .filter(({ seed, method }) => seed === 2 && method === 'full')
      .map((record) => ({ type: 'update', ...record })),
  );
  expect(model.atReadout('full')).toHaveLength(2);
  expect(model.files).toContain('scores-seed-2.json');
  const wrong = scored.findIndex(({ wrongKey }) => wrongKey);
  expect(model.pool[wrong]).toEqual({
    text: scored[wrong].prompt,
    origin: scored[wrong].origin,
    wrongKey: true,
    key: scored[wrong].key,
    truth: scored[wrong].truth,
  });
  expect(model.pool.every(({ key }) => key !== undefined)).toBe(true);
});

/** A line of a log, of the first seed and before its updates. */
const eventLine = (type: string, rest: object): string =>
  JSON.stringify({ type, after: 0, seed: 1, ...rest });
const scoresLine = (summary: object): string =>
  eventLine('scores', {
    files: {},
    summary: { seed: 1, lim, pool: none, selections: {}, scoreQuantiles: [], ...summary },
  });

test.each([
  ['subsets/rand.json', undefined, 'no such file'],
  ['subsets/lim.json', '[{"id": -4}]', '0.id'],
  ['events.jsonl', '{"type":"pool"}', 'events.jsonl line 1: after'],
  ['events.jsonl', '{"type":"pool","after":99999,"seed":1}', 'after update 99999'],
  ['events.jsonl', '{"type":"pool","after":0', 'made/events.jsonl line 1: not JSON'],
  ['events.jsonl', '{"type":"pool","after":0,"seed":9}', 'made/events.jsonl line 1: seed 9'],
  ['events.jsonl', eventLine('column', { epoch: 1e15 }), 'data epoch 1000000000000000 of'],
  ['events.jsonl', eventLine('warning', { text: 7 }), 'line 1: text'],
  ['events.jsonl', eventLine('phase', { phase: 'linear', text: '' }), 'linear is none of full'],
  [
    'events.jsonl',
    eventLine('evaluation', { method: 'linear', update: 1, samples: 1, mean: 0, tiers: {} }),
    'linear is none of full',
  ],
  ['events.jsonl', scoresLine({ seed: 2 }), 'seed 1 and the summary of 2'],
  ['events.jsonl', scoresLine({ lim: null }), 'seed 1 was scored without a summary'],
  ['events.jsonl', scoresLine({ selections: { '../../x': none } }), 'line 1: summary.selections'],
])('a finished run whose %s says %s is refused in words', async (file, content, why) => {
  const { folder, files } = makeRun({
    preset: 'quick',
    overrides: { experiment: { methods: ['full', 'lim', 'rand'] } },
  });
  if (content === undefined) files.delete(file);
  else files.set(file, content);
  const run = await readRun(folder);
  const read = async () => {
    for await (const event of historyOf(run, folder)) expect(event.type).toBeDefined();
  };
  await expect(read()).rejects.toMatchObject({ name: 'FormatError' });
  await expect(read()).rejects.toThrow(why);
});

describe('a wrong key', () => {
  // The answer to 1+1= is 2; its key says 5, and a response ends in `#`, the answer, `;`.
  const model = after({
    type: 'pool',
    seed: 1,
    prompts: [
      { text: '1+1___=', origin: 'easy', wrongKey: true, key: '5', truth: '2' },
      { text: '2+2___=', origin: 'easy', wrongKey: false, key: '4' },
      { text: '3+3=', origin: 'easy', wrongKey: true, key: '5' },
    ],
  });

  test('is never taken for a right answer', () => {
    expect(model.verdictOn(0, { text: '5#5;', reward: 1 })).toBe('matches-wrong-key');
    expect(model.verdictOn(0, { text: '2#2;', reward: -0.5 })).toBe('right-unpaid');
    expect(model.verdictOn(0, { text: '7#7;', reward: -0.5 })).toBe('misses-wrong-key');
    expect(model.verdictOn(0, { text: '7', reward: -1 })).toBe('unformatted');
    expect(model.verdictOn(1, { text: '4#4;', reward: 1 })).toBe('right');
    expect(model.verdictOn(1, { text: '5#5;', reward: -0.5 })).toBe('wrong');
    // What is said of a response decides, not what was paid for it.
    const flags = (correct: boolean, formatted: boolean) => ({ correct, formatted });
    expect(model.verdictOn(1, { text: '4#4;', reward: 0.25, ...flags(true, true) })).toBe('right');
    expect(model.verdictOn(1, { text: '5#5;', reward: 2, ...flags(false, true) })).toBe('wrong');
    expect(model.verdictOn(1, { text: '5', reward: 1, ...flags(false, false) })).toBe(
      'unformatted',
    );
    // Of a run whose files lack the truth nothing is claimed.
    expect(model.verdictOn(2, { text: '6#6;', reward: -0.5 })).toBe('misses-wrong-key');
  });

  test('and padding are not what people read as a prompt', () => {
    expect([0, 1, 2, 9].map((prompt) => model.textOf(prompt))).toEqual([
      '1+1=',
      '2+2=',
      '3+3=',
      '',
    ]);
  });
});

test('of equal scores those that LIM kept come first, so that one line parts them', () => {
  const model = after(pool(1), scores(1, [0.5, 0.5, 0.5, NaN], [0, 1]));
  expect(model.order).toEqual([0, 1, 2, 3]);
});

test('says by what LIM cut: theta, or the lowest score of those kept by count', () => {
  const model = after(pool(1), scores(1, [0.7, -1, NaN, 0], [0]));
  expect(keptText(model)).toBe('1 of 4 reach θ = 0.6 and is kept');
  model.lim = { ...lim, kept: 3, lowestKept: -1 };
  expect(keptText(model)).toBe('3 of 4 are kept: the 3 highest, from −1.000 up');
  expect(keptText(after())).toBe('');
});

test('compares methods over the seeds that all of them have', () => {
  const model = after(
    evaluation('full', at, 0.5, 1),
    evaluation('full', at, 0.9, 2),
    evaluation('lim', at, 0.6, 1),
  );
  expect(model.comparable('full').map(({ mean }) => mean)).toEqual([0.5]);
  expect(model.comparable('rand')).toEqual([]);
  model.apply(evaluation('lim', at, 0.7, 2));
  expect(model.comparable('full').map(({ seed }) => seed)).toEqual([1, 2]);
  // Before anything was selected FULL stands alone.
  expect(after(evaluation('full', at, 0.5)).comparable('full')).toHaveLength(1);
});

describe('the fixed read-out', () => {
  test('is one update for all, or each method’s own at equal epochs', () => {
    expect(after().fixedReadout.updates).toMatchObject({ full: at, lim: at });
    const equal = configFrom(
      'quick',
      { experiment: { budget: 'epochs', armLength: 2, readouts: [1, 2], tableReadout: 2 } },
      'test',
    );
    const model = new RunView(equal, [1]);
    model.apply({ ...evaluation('full', 10, 0.5), epochs: 2 } as ExperimentEvent);
    model.apply({ ...evaluation('lim', 3, 0.5), epochs: 2 } as ExperimentEvent);
    expect(model.fixedReadout).toMatchObject({
      text: 'data epoch 2 of its own prompts',
      updates: { full: 10, lim: 3 },
    });
  });
});

describe('the finding', () => {
  test('does not pass for more than it is', () => {
    const one = after(pool(1), scores(1, [1, 1, 0, 0], [0]), evaluation('lim', at, 0.9));
    one.makeup.rand = { prompts: 2, easy: 2, learnable: 0, hard: 0, wrongKeys: 1 };
    one.apply({ ...evaluation('lim', at, 0.4), method: 'rand' } as ExperimentEvent);
    expect(caveatsOf(one)).toContain('One seed');
    expect(caveatsOf(one)).toContain('RAND trained on 1 wrong key, LIM on none');
    const five = after(...[1, 2, 3, 4, 5].map((seed) => evaluation('lim', at, 0.9, seed)));
    expect(caveatsOf(five)).toContain('cannot go below p = 0.0625');
    expect(caveatsOf(after())).toBe('');
  });

  test('says which way it went and whether the interval tells them apart', () => {
    const above = after(evaluation('lim', at, 0.9), evaluation('full', at, 0.2));
    expect(findingOf(config, above)).toMatch(
      /^At update \d+, LIM is 70\.0 points above FULL \(95 % interval \+\d+\.\d to \+\d+\.\d over prompts\)\.$/,
    );
    expect(findingOf(config, above)).toContain(`At update ${at},`);
    const close = after(evaluation('lim', at, 0.5), evaluation('full', at, 0.51));
    expect(findingOf(config, close)).toContain('1.0 points below FULL');
    expect(findingOf(config, close)).toContain('not told apart');
  });

  test('says why it is not there', () => {
    const model = after();
    expect(noFindingOf(config, model)).toBe(`Comes when LIM, too, has been read at update ${at}.`);
    model.apply(state('stopped'));
    expect(noFindingOf(config, model)).toContain('ended before LIM was read');
    const alone = configFrom('quick', { experiment: { methods: ['full'] } }, 'test');
    expect(noFindingOf(alone, new RunView(alone, [1]))).toContain('trains nothing');
  });

  test('waits for the read-out, and says when LIM kept nothing', () => {
    expect(findingOf(config, after(evaluation('lim', at - 4, 0.9)))).toBe('');
    const empty = after();
    empty.lim = { ...lim, kept: 0 };
    expect(findingOf(config, empty)).toContain('kept no prompt');
  });
});

test('colours run from the ramp’s one end to the other and stop there', () => {
  const ramp = ['#000', '#0064c8', '#ffffff'].map(rgbOf);
  expect(ramp[1]).toEqual([0, 100, 200]);
  expect(rampColor(ramp, 0)).toEqual([0, 0, 0]);
  expect(rampColor(ramp, -3)).toEqual([0, 0, 0]);
  expect(rampColor(ramp, 0.25)).toEqual([0, 50, 100]);
  expect(rampColor(ramp, 0.5)).toEqual([0, 100, 200]);
  expect(rampColor(ramp, 9)).toEqual([255, 255, 255]);
});

test('a panel draws some of very many curves, evenly spaced', () => {
  expect(sample([1, 2, 3], 3)).toEqual([1, 2, 3]);
  expect(sample([0, 1, 2, 3, 4, 5, 6, 7, 8, 9], 5)).toEqual([0, 2, 4, 6, 8]);
});
