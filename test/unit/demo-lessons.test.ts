import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { measures, pointsOf, valueAt } from '../../demo/rooms/learn/kl-points.ts';
import { curvesOf, longestBudget, studyCurves, within } from '../../demo/rooms/learn/budgets.ts';
import {
  axisLow,
  cloudOf,
  countsOf,
  dotsOf,
  presetCounts,
  presets,
} from '../../demo/rooms/learn/lim-cloud.ts';
import { exampleOf, problemsOf } from '../../demo/rooms/learn/paid-answers.ts';
import { linear, pathThrough, ticksOf } from '../../demo/rooms/learn/scale.ts';
import { logitsOf, shownTokens, tally } from '../../demo/rooms/learn/draws.ts';
import { OwnNumbers, updateOf } from '../../demo/rooms/learn/own-numbers.ts';
import { Film } from '../../demo/state/film.ts';
import { configFrom, type LastRollout, readRecording, RunView } from '../../src/index.ts';
import {
  exactClip,
  exactDistribution,
  exactScores,
  neverSolved,
  redrawnSums,
} from '../../src/lessons/exact.ts';
import { taskJudge } from '../../src/lessons/judges.ts';
import { readLessons } from '../../src/lessons/recorded.ts';
import { studyOf } from '../../src/lessons/study.ts';
import { makeSweep } from '../support/made-sweep.ts';

const replay = (name: string): string =>
  readFileSync(join(import.meta.dirname, '../../demo/public/replays', name), 'utf8');
const recorded = () => readLessons(replay('lessons.json'), 'lessons.json');
const film = new Film(readRecording(replay('quick.json'), 'quick.json'));
const run = film.end;

describe('the recording of the lessons', () => {
  test('is of the run that the page plays: its prompts have the same texts and keys', () => {
    for (const [place, { text, key }] of Object.entries(recorded().prompts)) {
      expect(run.pool[Number(place)]).toMatchObject({ text, key });
    }
  });

  test('says of each token what the clip of the run decided', () => {
    const { tokens, clip } = recorded().clip;
    expect(clip).toBe(run.config.ppo.clipLow);
    const { held } = exactClip({
      ratios: tokens.map(({ ratio }) => ratio),
      advantages: tokens.map(({ advantage }) => advantage),
      clip,
    });
    expect(tokens.map((token) => token.held)).toEqual(held);
    expect(held.filter(Boolean).length).toBeGreaterThan(0);
  });

  test('has a response of every kind, paid at its end', () => {
    const { responses } = recorded().credit;
    expect(new Set(responses.map(({ kind }) => kind)).size).toBe(4);
    for (const { reward, tokens } of responses) {
      // The last token's reward holds its own KL penalty too.
      expect(Math.abs(tokens.at(-1)!.reward - reward)).toBeLessThan(0.02);
    }
  });

  test('has whole distributions, of base and FULL for each prompt', () => {
    for (const { tokens, rest, place } of recorded().next) {
      const sum = tokens.reduce((all, { plain }) => all + plain, rest);
      expect(sum).toBeCloseTo(1, 3);
      const both = recorded().next.filter((one) => one.place === place);
      expect(both.map(({ weights }) => weights)).toEqual(['base', 'full']);
    }
  });

  test('has three trainings that differ in the penalty alone, one with that of the preset', () => {
    const { kl } = recorded();
    expect(kl.map(({ multiple }) => multiple)).toEqual([0, 1, 10]);
    expect(kl[1].klCoef).toBe(run.config.ppo.klCoef);
    expect(new Set(kl.map(({ base }) => base)).size).toBe(1);
    // The first update has not moved from the base yet.
    for (const { updates } of kl) expect(updates[0].kl).toBe(0);
  });

  test.each([
    ['no object', '[]', /lessons\.json/],
    ['another schema', '{"schema":2}', /schema/],
  ])('is refused as %s', (_, text, message) => {
    expect(() => readLessons(text, 'lessons.json')).toThrow(message);
  });

  test('is refused with a share above 1, or a prompt that is not in it', () => {
    const text = replay('lessons.json');
    const broken = (change: (file: ReturnType<typeof JSON.parse>) => void): string => {
      const file: unknown = JSON.parse(text);
      change(file);
      return JSON.stringify(file);
    };
    expect(() =>
      readLessons(
        broken((file: { kl: { base: number }[] }) => (file.kl[0].base = 1.5)),
        'x',
      ),
    ).toThrow(/^x: kl\.0\.base/);
    expect(() =>
      readLessons(
        broken((file: { prompts: object }) => (file.prompts = {})),
        'x',
      ),
    ).toThrow(/^x: prompts has no \d+/);
  });
});

describe('the lesson about LIM', () => {
  const mean = run.lim!.meanCurve;
  const { samples } = run.config.rollout;

  test('begins with curves of whole answers', () => {
    for (const preset of presets) {
      const counts = presetCounts(preset, mean, samples);
      expect(counts).toHaveLength(mean.length);
      for (const count of counts) {
        expect(Number.isInteger(count) && count >= 0 && count <= samples).toBe(true);
      }
    }
  });

  test('scores a prompt of the run as the run did', () => {
    const wanted = run.pool.map((_, prompt) => run.scoreOf(prompt)!);
    const rows = run.pool.map((_, prompt) => countsOf(run.columns, prompt, mean, samples));
    const got = exactScores({ mean, samples, sums: Float32Array.from(rows.flat()) });
    for (const [prompt, score] of wanted.entries()) expect(got[prompt]).toBeCloseTo(score, 3);
  });

  test('always right scores 0, never right the bound', () => {
    const score = (preset: 'always' | 'never') =>
      exactScores({
        mean,
        samples,
        sums: Float32Array.from(presetCounts(preset, mean, samples)),
      })[0];
    expect(score('always')).toBeCloseTo(0, 6);
    const bound = neverSolved(mean, 0.6);
    expect(score('never')).toBeCloseTo(bound.score, 6);
    expect(bound.requiredLevel).toBeCloseTo(0.387, 3);
    expect(axisLow(bound.score)).toBeLessThan(0);
  });

  test('draws a curve again the same way, around itself, and not at its ends', () => {
    const curve = [0, 0.25, 0.5, 0.75, 1];
    const sums = redrawnSums({ curve, samples: 8, count: 200 });
    expect(redrawnSums({ curve, samples: 8, count: 200 })).toEqual(sums);
    expect([...sums.slice(0, 5)]).toEqual([0, 2, 4, 6, 8]);
    const means = curve.map((_, epoch) => {
      let sum = 0;
      for (let row = 1; row <= 200; row++) sum += sums[5 * row + epoch];
      return sum / 200 / 8;
    });
    expect([means[0], means[4]]).toEqual([0, 1]);
    for (const epoch of [1, 2, 3]) expect(means[epoch]).toBeCloseTo(curve[epoch], 1);
  });

  test('says where nine of ten redraws lie, and how many are kept', () => {
    const scores = Array.from({ length: 101 }, (_, i) => i / 100);
    expect(cloudOf(scores, 0.6)).toMatchObject({ low: 0.05, high: 0.95, kept: 41 / 101 });
    expect(cloudOf([NaN, 0.7], 0.6).kept).toBe(0.5);
    expect(dotsOf([-5, -0.99, 1, NaN, 0.99], -1, 4)).toEqual([
      { column: 0, height: 0 },
      { column: 0, height: 1 },
      { column: 3, height: 0 },
      { column: 3, height: 1 },
    ]);
  });
});

describe('the lesson about pay', () => {
  test('offers answers that the verifier of the run pays as they promise', async () => {
    const judge = await taskJudge(run.config.task);
    const problems = problemsOf(run.pool, film.featured);
    expect(problems).toHaveLength(3);
    for (const problem of problems) {
      const pay = async (example: 'right' | 'slip' | 'malformed' | 'open' | 'key') => {
        const answer = exampleOf(example, problem, 10);
        return answer === undefined
          ? undefined
          : (await judge(problem.text, problem.key, answer)).reward;
      };
      const wrong = problem.truth !== undefined;
      expect(await pay('right')).toBe(wrong ? -0.5 : 1);
      expect(await pay('key')).toBe(wrong ? 1 : undefined);
      expect(await pay('malformed')).toBe(-1);
      expect(await pay('open')).toBe(-1);
      if (!wrong) expect(await pay('slip')).toBe(-0.5);
    }
  });

  test('has no answer to a prompt that is no digit arithmetic', () => {
    const problem = { place: 0, text: 'What is 2?', key: '2', truth: undefined };
    expect(exampleOf('right', problem, 10)).toBeUndefined();
  });
});

describe('the lesson about sampling', () => {
  test('gives back at temperature 1 what was recorded', () => {
    for (const { tokens } of recorded().next) {
      const got = exactDistribution({ logits: logitsOf(tokens), temperature: 1, topP: 1 });
      for (const [id, { plain }] of tokens.entries()) expect(got[id]).toBeCloseTo(plain, 3);
    }
  });

  test('puts the tokens that have no bar together', () => {
    const tokens = ['a', 'b', 'c', 'd'].map((text) => ({ text, plain: 0.25 }));
    expect(tally([0, 3, 3, 2], 4)).toEqual([1, 0, 1, 2]);
    const bars = shownTokens(tokens, [0.4, 0.3, 0.2, 0.1], [1, 0, 1, 2], 3);
    expect(bars.map(({ text, count }) => [text, count])).toEqual([
      ['a', 1],
      ['b', 0],
      [undefined, 3],
    ]);
    expect(bars[2].probability).toBeCloseTo(0.3, 12);
    expect(shownTokens(tokens, [], [], 4)).toHaveLength(4);
  });
});

describe('the lesson about the KL penalty', () => {
  test('reads each measure at the last point that is not later', () => {
    const [one] = recorded().kl;
    for (const measure of measures) {
      const points = pointsOf(one, measure);
      expect(points.every(([, value]) => Number.isFinite(value))).toBe(true);
      expect(valueAt(one, measure, one.updates.length)).toBe(points.at(-1)![1]);
    }
    expect(valueAt(one, 'accuracy', 0)).toBe(one.base);
    expect(valueAt(one, 'kl', 0)).toBeUndefined();
    expect(valueAt(undefined, 'kl', 9)).toBeUndefined();
    const mean = one.updates.slice(5, 10).reduce((sum, { kl }) => sum + kl, 0) / 5;
    expect(valueAt(one, 'kl', 10)).toBeCloseTo(mean, 12);
  });
});

describe('the lesson about less and more', () => {
  test('has the numbers of the run, and charges the pass to who needed it', () => {
    const own = curvesOf(run, false);
    const all = curvesOf(run, true);
    const of = (curves: typeof own, method: string) =>
      curves.find((curve) => curve.method === method)!;
    const readout = run.config.experiment.tableReadout;
    for (const method of ['full', 'lim', 'rand'] as const) {
      expect(within(of(own, method), readout)?.mean).toBe(run.atReadout(method)[0].mean);
    }
    expect(of(all, 'full').points).toEqual(of(own, 'full').points);
    expect(of(all, 'lim').pass).toBe(run.updates.full!.length);
    expect(within(of(all, 'lim'), of(all, 'lim').pass)).toBeUndefined();
    expect(of(own, 'lim').prompts).toBe(run.lim!.kept);
    expect(longestBudget(own)).toBe(readout);
  });

  test('shows no number of a study before its last cell', () => {
    const factors = { 'task.wrongKeyShare': [0, 0.1] };
    const part = studyOf(
      'made',
      makeSweep({ factors, seeds: [1, 2, 3], missing: (_, seed) => seed === 3 }),
    );
    expect(part).toMatchObject({ planned: 6, finished: 4 });
    expect(part.conditions.map(({ seeds }) => seeds)).toEqual([
      [1, 2],
      [1, 2],
    ]);
    expect(
      part.conditions.every(({ curves, base }) => curves.length === 0 && base === undefined),
    ).toBe(true);
    const done = studyOf('made', makeSweep({ factors, seeds: [1, 2, 3] }));
    expect(done.finished).toBe(done.planned);
    const [curves] = done.conditions.map(studyCurves);
    expect(curves.map(({ method }) => method)).toEqual(['full', 'lim', 'rand']);
    const lim = curves[1].points.at(-1)!;
    expect(lim.low).toBeLessThan(lim.mean);
    expect(lim.high).toBeGreaterThan(lim.mean);
  });
});

describe('the scales of figures', () => {
  test('map, tick and draw', () => {
    expect(linear([0, 2], [10, 30])(1)).toBe(20);
    expect(ticksOf(-3, 3, 6)).toEqual([-3, -2, -1, 0, 1, 2, 3]);
    expect(ticksOf(0, 37, 6)).toEqual([0, 10, 20, 30]);
    expect(
      pathThrough([
        [0, 1],
        [1, NaN],
        [2, 3],
      ]),
    ).toBe('M0.0 1.0L2.0 3.0');
  });
});

describe('the numbers of the run under way', () => {
  const run = (estimator: 'gae' | 'grpo'): RunView => {
    const view = new RunView(configFrom('quick', { ppo: { estimator } }, 'test'), [1]);
    view.pool = ['1+1=', '2+2=', '3+3='].map((text, place) => ({
      ...{ text, key: String(place), stratum: 'easy' as const, wrongKey: place === 2 },
      ...(place === 2 ? { truth: '6' } : {}),
    }));
    return view;
  };
  const token = (text: string, more: object = {}) =>
    ({ text, ratio: 1.5, advantage: -1, clipped: false, value: 0.5, reward: 0, ...more }) as never;
  const response = (verdict: object, ...tokens: never[]) => ({
    ...{ text: '', finished: true, tokens },
    verdict: { reward: 1, correct: true, formatted: true, ...verdict },
  });
  const training = { method: 'lim', update: 7 } as const;
  const rollout: LastRollout = {
    by: { weights: 'now', runSeed: 1, training },
    of: 9,
    prompts: [
      {
        ...{ place: 0, prompt: { text: '1+1=', key: '0' } },
        responses: [
          response({}, token('a')),
          response({}, token('b', { clipped: true }), token('c')),
          response({ correct: false, reward: -0.5 }, token('d')),
          response({ correct: false, formatted: false, reward: -1 }, token('e')),
        ],
      },
      {
        ...{ place: 2, prompt: { text: '3+3=', key: '2' } },
        responses: [response({}, token('f')), response({ formatted: false }, token('g'))],
      },
    ],
  };

  test('are those of the tokens of an update, and the longest response of each kind', () => {
    const own = updateOf(rollout, run('gae'));
    expect(own).toMatchObject(training);
    expect(own.clip.clip).toBe(0.2);
    expect(own.clip.tokens.map(({ text, held }) => [text, held])).toEqual([
      ['a', false],
      ['b', true],
      ...['c', 'd', 'e', 'f', 'g'].map((text) => [text, false]),
    ]);
    expect(own.credit).toMatchObject({ gamma: 1, gaeLambda: 0.95 });
    expect(
      own.credit!.responses.map(({ kind, place, reward, tokens }) => [
        ...[kind, place, reward],
        tokens.map(({ text }) => text).join(''),
      ]),
    ).toEqual([
      ['right', 0, 1, 'bc'],
      ['slip', 0, -0.5, 'd'],
      ['malformed', 0, -1, 'e'],
      ['wrong-key', 2, 1, 'f'],
    ]);
    expect(own.prompts).toEqual({
      0: { text: '1+1=', key: '0' },
      2: { text: '3+3=', key: '2', truth: '6' },
    });
  });

  test('have no credit where no critic shares it out', () => {
    expect(updateOf(rollout, run('grpo')).credit).toBeUndefined();
  });

  test('are of the run that was asked, and of the last wish', async () => {
    const [first, second] = [run('gae'), run('gae')];
    const answers: ((value: number) => void)[] = [];
    const own = new OwnNumbers(() => new Promise<number>((resolve) => answers.push(resolve)));
    const ask = {} as never;
    own.take(ask, first);
    expect([own.of(first).state, own.of(second).state]).toEqual(['asking', 'none']);
    own.take(ask, second);
    answers[0](1);
    answers[1](2);
    await Promise.resolve();
    expect(own.of(first).state).toBe('none');
    expect(own.of(second)).toMatchObject({ state: 'here', numbers: 2 });
    own.leave();
    expect(own.of(second).state).toBe('none');
    const refused = new OwnNumbers(() => Promise.reject(new Error('no run')));
    refused.take(ask, first);
    await expect.poll(() => refused.of(first)).toMatchObject({ state: 'refused', why: 'no run' });
  });
});
