import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import {
  boundsOf,
  histogramOf,
  isScored,
  keptBy,
  ladder,
  lowestShown,
  makeupOf,
  ownCut,
  rejectionOf,
  roundedTheta,
  settledScores,
  subsetText,
} from '../../demo/rooms/prompts/cut.ts';
import {
  above,
  between,
  type Camera,
  home,
  matrixOf,
  orbit,
  pan,
  placeOf,
  rayThrough,
  zoom,
} from '../../demo/rooms/prompts/camera.ts';
import {
  apart,
  inOrder,
  inRegion,
  isWanted,
  orderAfter,
  orders,
} from '../../demo/rooms/prompts/order.ts';
import { Film } from '../../demo/state/film.ts';
import { readPrompts } from '../../src/formats/prompts.ts';
import { placesOf, readSubset } from '../../src/formats/subset-rows.ts';
import { readRecording } from '../../src/index.ts';
import { selectLim } from '../../src/selection/lim.ts';
import { cameraReference } from '../reference/landscape.ts';

const path = new URL('../../demo/public/replays/quick.json', import.meta.url);
const recorded = new Film(readRecording(readFileSync(path, 'utf8'), 'quick.json')).end;
if (!isScored(recorded)) throw new Error('the recording has no scores');
const run = recorded;
const scores = settledScores(run);

/** Three prompts over two epochs, with a mean curve of a half. */
const made = {
  pool: [
    { text: 'a', origin: 'easy' as const },
    { text: 'b', origin: 'hard' as const, wrongKey: true },
    { text: 'c', origin: 'learnable' as const },
  ],
  columns: [Float32Array.of(1, 0, 0.5), Float32Array.of(1, 0, 0.5)],
  order: [2, 0, 1],
  scores: Float64Array.of(1e-8, -1e-8, 1),
  lim: { ...run.lim, compat: 'corrected' as const, signal: 'accuracy' as const },
};

const bytesOf = (text: string) => {
  const bytes = new TextEncoder().encode(text);
  return {
    name: 'subset.json',
    size: bytes.length,
    slice: (start: number, end: number) => Promise.resolve(bytes.slice(start, end)),
  };
};

describe('a cut through the scores of a run', () => {
  test('at the run’s own θ keeps what the run kept', () => {
    const kept = keptBy(run, scores, ownCut(run.lim));
    expect([...kept]).toEqual([...run.selections.lim!].sort((a, b) => a - b));
    expect(makeupOf(run.pool, scores, kept).all.kept).toBe(run.lim.kept);
  });

  test.each([-0.5, 0, 0.25, 0.45, 0.6, 0.75, 1])(
    'keeps at θ = %d what selectLim keeps',
    async (theta) => {
      const { indices } = await selectLim({ scores }, { threshold: theta });
      expect([...keptBy(run, scores, { theta })]).toEqual(indices);
    },
  );

  test.each([0, 1, 39, 160])('keeps the %i highest as selectLim does', async (count) => {
    const { indices } = await selectLim({ scores }, { count });
    expect([...keptBy(run, scores, { count })].sort((a, b) => a - b)).toEqual(indices);
  });

  test('scores exactly: always and never solved prompts have the scores of their curves', () => {
    // The mean curve is flat at 0.5: 1 - (0.5^2 / 0.5^2) = 0 for both, whatever f32 made of it.
    expect([...settledScores(made)]).toEqual([0, 0, 1]);
    expect([...keptBy(made, settledScores(made), { theta: 0 })]).toEqual([0, 1, 2]);
    expect([...keptBy(made, made.scores, { theta: 0 })]).toEqual([0, 2]);
  });

  test('takes the run’s own scores where its columns give others', () => {
    const other = { ...made, scores: Float64Array.of(0.3, 0.2, 0.9) };
    expect(settledScores(other)).toBe(other.scores);
  });

  test('never keeps a prompt without a score', () => {
    const holes = Float64Array.of(NaN, 0.2, 0.9);
    expect([...keptBy(made, holes, { theta: -9 })]).toEqual([1, 2]);
    expect([...keptBy(made, holes, { count: 3 })]).toEqual([2, 1]);
  });

  test('tells origins, wrong keys and how well it rejects them', () => {
    const makeup = makeupOf(made.pool, made.scores, new Set([2, 0]));
    expect(makeup).toEqual({
      all: { kept: 2, of: 3 },
      origins: [
        { origin: 'easy', kept: 1, of: 1 },
        { origin: 'learnable', kept: 1, of: 1 },
        { origin: 'hard', kept: 0, of: 1 },
      ],
      wrongKeys: { kept: 0, of: 1 },
      lowest: 1e-8,
    });
    expect(rejectionOf(makeup)).toEqual({ precision: 1, recall: 1, wrong: 1, rejected: 1 });
    expect(rejectionOf(makeupOf(made.pool, made.scores, new Set([0, 1, 2])))).toBeUndefined();
  });

  test('gives the bound of prompts that are never solved, as the run does', () => {
    const { neverSolved, alwaysSolved, required } = boundsOf(run.lim, 0.6);
    expect(neverSolved).toBeCloseTo(run.lim.neverSolved, 12);
    expect(alwaysSolved).toBe(0);
    expect(required).toBeCloseTo(0.387, 3);
    const never = run.columns.every((column) => column.some((value) => value === 0));
    expect(never).toBe(true);
    for (const [prompt, score] of scores.entries()) {
      if (run.columns.every((column) => column[prompt] === 0)) {
        expect(score).toBeCloseTo(neverSolved, 6);
      }
    }
  });

  test('its histogram counts every scored prompt once, on the side of the cut that keeps it', () => {
    const bins = histogramOf(run.pool, scores);
    const total = bins.reduce((sum, { right, wrong }) => sum + right + wrong, 0);
    expect(total).toBe(scores.length);
    expect(bins.reduce((sum, { wrong }) => sum + wrong, 0)).toBe(
      run.pool.filter(({ wrongKey }) => wrongKey).length,
    );
    const above = bins
      .filter(({ from }) => from >= 0.6 - 1e-9)
      .reduce((sum, { right, wrong }) => sum + right + wrong, 0);
    expect(above).toBe(keptBy(run, scores, { theta: 0.6 }).size);
    expect(histogramOf(made.pool, Float64Array.of(-7, NaN, 1)).at(0)).toMatchObject({
      from: -1.5,
      right: 1,
    });
    expect(lowestShown(Float64Array.of(0.4, 0.9))).toBe(0);
    expect(ladder(Float64Array.of(-0.15)).slice(0, 4)).toEqual([-0.2, -0.1, 0, 0.1]);
    expect(roundedTheta(0.1 + 0.2)).toBe(0.3);
  });

  test('its file is read as a subset and as a file of prompts', async () => {
    const kept = keptBy(run, scores, { theta: 0.7 });
    const text = subsetText(run, kept);
    const rows = await readSubset(bytesOf(text));
    const pool = run.pool.map((one, place) => ({ id: String(place), prompt: one.text }));
    expect(placesOf(rows, pool, 'the pool')).toEqual([...kept]);
    const prompts = await readPrompts(bytesOf(text));
    expect(prompts.rows.map(({ prompt, answer }) => ({ prompt, answer }))).toEqual(
      [...kept].map((place) => ({ prompt: run.pool[place].text, answer: run.pool[place].key })),
    );
  });
});

describe('the camera of the landscape', () => {
  test('projects as a float64 camera does, and its rays go back', () => {
    const camera = { ...home, yaw: 0.4, pitch: 0.6, distance: 3, x: 0.1, z: -0.2 };
    const matrix = matrixOf(camera, 2);
    const eye = [
      0.1 + 3 * Math.cos(0.6) * Math.sin(0.4),
      3 * Math.sin(0.6),
      -0.2 + 3 * Math.cos(0.6) * Math.cos(0.4),
    ];
    const options = { fieldOfView: (42 * Math.PI) / 180, aspect: 2, near: 0.1, far: 20 };
    const want = cameraReference(eye, [0.1, 0, -0.2], options);
    for (const [i, value] of matrix.entries()) expect(value).toBeCloseTo(want[i], 5);
    for (const world of [
      [0, 0, 0],
      [-1, 0.4, 0.5],
      [0.7, 0.1, -0.6],
    ] as const) {
      const { x, y } = placeOf(matrix, world);
      const { from, along } = rayThrough(matrix, x, y);
      const t = (world[2] - from[2]) / along[2];
      expect(from[0] + t * along[0]).toBeCloseTo(world[0], 3);
      expect(from[1] + t * along[1]).toBeCloseTo(world[1], 3);
    }
  });

  test('from above is a heat map: places stand where they would without heights, picks go back', () => {
    const matrix = matrixOf(above, 2);
    for (const x of [-1, -0.3, 0.6, 1]) {
      for (const z of [-0.5, 0, 0.5]) {
        const [ground, top] = [placeOf(matrix, [x, 0, z]), placeOf(matrix, [x, 0.5, z])];
        // Less than a third of a bar of 160.
        expect(Math.abs(top.x - ground.x)).toBeLessThan(0.3 / 160);
        const { from, along } = rayThrough(matrix, ground.x, ground.y);
        const t = -from[1] / along[1];
        expect(from[0] + t * along[0]).toBeCloseTo(x, 2);
        expect(from[2] + t * along[2]).toBeCloseTo(z, 2);
      }
    }
    // The way there is without a jump: the ground stays as wide.
    const width = (camera: Camera): number =>
      placeOf(matrixOf(camera, 2), [0.5, 0, 0]).x - placeOf(matrixOf(camera, 2), [-0.5, 0, 0]).x;
    const steps = Array.from({ length: 41 }, (_, i) => width(between(home, above, i / 40)));
    for (const [i, step] of steps.entries()) {
      if (i > 0) expect(Math.abs(step - steps[i - 1])).toBeLessThan(0.02);
    }
    expect(between(home, above, 0)).toEqual(home);
    expect(between(home, above, 1)).toEqual(above);
  });

  test('stays within its bounds, and moves as it is seen', () => {
    expect(orbit(home, 99, -99)).toMatchObject({ yaw: Math.PI / 2, pitch: 0.08 });
    expect(zoom(home, 1e9).distance).toBe(0.7);
    expect(zoom(home, 1e-9).distance).toBe(6);
    expect(pan({ ...home, yaw: 0 }, 0.5, 0.25)).toMatchObject({ x: 0.5, z: -0.25 });
    expect(pan(home, 99, 0).x).toBe(1.3);
    // A narrow picture is looked at from farther away: the field's corners stay in it.
    for (const aspect of [0.9, 1.2, 2, 3]) {
      for (const x of [-1.2, 1.2]) {
        const place = placeOf(matrixOf(home, aspect), [x, 0, 0]);
        expect(place.x).toBeGreaterThan(0);
        expect(place.x).toBeLessThan(1);
      }
    }
  });
});

describe('orders and choices of prompts', () => {
  test('every order has every prompt once, by what it says', () => {
    for (const order of orders) {
      const found = inOrder(run, order, 5);
      expect([...found].sort((a, b) => a - b)).toEqual([...run.pool.keys()]);
    }
    const means = inOrder(run, 'mean', undefined).map((prompt) => run.meanOf(prompt));
    expect(means).toEqual([...means].sort((a, b) => b - a));
    const alike = inOrder(run, 'likeness', 5);
    expect(apart(run, alike[0], 5)).toBe(0);
    expect(apart(run, alike[1], 5)).toBeLessThanOrEqual(apart(run, alike.at(-1)!, 5));
    const origins = inOrder(run, 'origin', undefined).map((prompt) => run.pool[prompt].origin);
    expect(origins.indexOf('hard')).toBeGreaterThan(origins.lastIndexOf('learnable'));
    expect(inOrder(run, 'likeness', undefined)).toEqual(run.order);
    expect(orders.map(orderAfter)).toEqual([...orders.slice(1), orders[0]]);
  });

  test('a choice joins filter, text and what was picked', () => {
    const kept = run.selections.lim!;
    const all = { filter: 'all', text: '', picked: undefined, kept } as const;
    const count = (wanted: Parameters<typeof isWanted>[2]) =>
      [...run.pool.keys()].filter((prompt) => isWanted(run, prompt, wanted)).length;
    expect(count(all)).toBe(160);
    expect(count({ ...all, filter: 'kept' })).toBe(kept.size);
    expect(count({ ...all, filter: 'rejected' })).toBe(160 - kept.size);
    expect(count({ ...all, filter: 'kept', kept: undefined })).toBe(0);
    expect(count({ ...all, filter: 'wrong' }) + count({ ...all, filter: 'right' })).toBe(160);
    const [one] = kept;
    expect(count({ ...all, filter: 'kept', picked: new Set([one]) })).toBe(1);
    expect(count({ ...all, text: run.textOf(one) })).toBeGreaterThan(0);
    expect(count({ ...all, text: 'no such text' })).toBe(0);
  });

  test('a region picks the curves that have a point in it', () => {
    expect([...inRegion(made, { epochs: [0, 0.4], values: [0.4, 1] })]).toEqual([0, 2]);
    expect([...inRegion(made, { epochs: [1.2, 0.6], values: [0.2, -0.2] })]).toEqual([1]);
    expect(inRegion(made, { epochs: [0.2, 0.8], values: [0, 1] }).size).toBe(0);
  });
});
