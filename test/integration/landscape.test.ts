// The landscape of a run under way, drawn out of the run's own buffers: the run computes the same bits.
import { describe, expect, test } from 'vitest';
import { readSafetensors } from '../../src/formats/safetensors.ts';
import { orderWords } from '../../src/landscape/field.ts';
import { Landscape, LandscapeError, type LandscapePicture } from '../../src/landscape/landscape.ts';
import { StandaloneLandscape } from '../../src/landscape/standalone.ts';
import { initialParameters } from '../../src/model/parameters.ts';
import type { ExperimentEvent } from '../../src/results.ts';
import { modelConfigOf } from '../../src/scheduler/base.ts';
import { Experiment } from '../../src/scheduler/experiment.ts';
import { RunControl } from '../../src/scheduler/run-control.ts';
import { MemoryStore } from '../../src/scheduler/run-store.ts';
import { openTask } from '../../src/tasks/registry.ts';
import { RunLandscape } from '../../src/workers/run-landscape.ts';
import { cameraReference } from '../reference/landscape.ts';
import { deviceCalls, countTraffic, watch, type Traffic } from '../support/device-calls.ts';
import { openTestGpu } from '../support/gpu.ts';
import { byFirstToken, smallConfig } from '../support/ppo-rig.ts';

const config = smallConfig({ lim: { signal: 'reward', theta: -1e6 } });
const SEED = 3;
const SIZE = { width: 120, height: 90 } as const;

/** Looked at from above, so that every bar's top is seen. */
const view = (prompts: number) => ({
  ...SIZE,
  camera: Float32Array.from(
    cameraReference([0, 3.4, 0.01], [0, 0, 0], {
      fieldOfView: 0.62,
      aspect: SIZE.width / SIZE.height,
      near: 0.1,
      far: 10,
    }),
  ),
  // Red grows with the share; the floor is blue.
  colors: Float32Array.from([
    ...Array.from({ length: 9 }, (_, i) => [i / 8, 0, 0, 1]).flat(),
    ...[0, 0, 1, 1, 0, 1, 0, 0.5, 0, 1, 0, 1, 1, 1, 1, 1],
  ]),
  order: orderWords([...Array(prompts).keys()], {}),
  bins: prompts,
  glide: 1,
  cut: -1,
  low: -1,
});

interface Watched {
  readonly store: MemoryStore;
  readonly events: readonly ExperimentEvent[];
  readonly pictures: readonly { picture: LandscapePicture; made: readonly string[] }[];
  /** From the first update on. */
  readonly traffic: Traffic;
}

/** A whole run, with a picture after each of its updates that does not wait for it. */
async function runOf(drawn: boolean): Promise<Watched> {
  const gpu = await openTestGpu();
  const store = new MemoryStore();
  const control = new RunControl();
  const events: ExperimentEvent[] = [];
  const pictures: { picture: LandscapePicture; made: readonly string[] }[] = [];
  const model = modelConfigOf(config, await openTask(config.task));
  let last: Promise<void> = Promise.resolve();
  let landscape: Landscape | undefined;
  let counted: (() => Traffic) | undefined;
  const draw = async (experiment: Experiment): Promise<void> => {
    const matrix = experiment.lyingMatrix;
    if (!matrix) throw new Error('the run has no matrix');
    landscape ??= await Landscape.open(gpu, matrix);
    const made: string[] = [];
    const stop = watch(gpu.device, ['createTexture', 'createRenderPipelineAsync'], (name) =>
      made.push(name),
    );
    const picture = await landscape.picture(view(landscape.prompts)).finally(stop);
    pictures.push({ picture, made });
  };
  const experiment: Experiment = await Experiment.open(
    {
      gpu,
      hostName: 'test',
      store,
      verify: byFirstToken,
      shippedBase: () => Promise.resolve(initialParameters(model, 5, 0.3)),
      emit: (event) => {
        events.push(event);
        // Not before: the first run of a device checks and measures its kernels.
        if (event.type === 'update') counted ??= countTraffic(gpu);
        if (drawn && event.type === 'update') last = last.then(() => draw(experiment));
      },
    },
    config,
    [SEED],
  );
  expect(experiment.lyingMatrix).toBeUndefined();
  await experiment.run(control);
  await last;
  const traffic = counted?.() ?? { labels: [], copied: 0, readBack: 0 };
  landscape?.destroy();
  return { store, events, pictures, traffic };
}

const text = (bytes: Uint8Array | undefined): string => new TextDecoder().decode(bytes);
const timed = /("(?:tokens_per_second|\w+_ms|seconds)": ?)[-+.e\d]+/g;

/** The run's files as text, without times. */
const filesOf = ({ store }: Watched): [string, string][] =>
  [...store.files]
    .filter(([name]) => !name.endsWith('latest.json') && !name.endsWith('previous.json'))
    .map(([name, bytes]): [string, string] => {
      if (!name.endsWith('.safetensors')) return [name, text(bytes).replace(timed, '$10')];
      const { tensors } = readSafetensors(bytes, name);
      return [name, [...tensors].map(([key, { bytes: own }]) => `${key}: ${own.join()}`).join()];
    })
    .sort(([a], [b]) => (a < b ? -1 : 1));

describe('a run whose landscape is drawn after every update', () => {
  test('computes the same bits and leaves the same files', async () => {
    const plain = await runOf(false);
    const drawn = await runOf(true);
    expect(filesOf(drawn)).toEqual(filesOf(plain));
    const updates = drawn.events.filter(({ type }) => type === 'update').length;
    expect(drawn.pictures).toHaveLength(updates);
    // A picture is one submit and one texture that is read back: nothing of the matrix is copied.
    expect(plain.traffic.copied).toBeGreaterThan(0);
    expect(plain.traffic.labels).not.toContain('landscape');
    expect(drawn.traffic.labels.filter((label) => label === 'landscape')).toHaveLength(updates);
    expect(drawn.traffic).toMatchObject({ copied: plain.traffic.copied, readBack: updates });
    // The first picture makes its textures; no other one makes anything.
    expect(drawn.pictures.slice(1).flatMap(({ made }) => made)).toEqual([]);

    // The last picture shows what the run's columns say: how red a bar's top is, by its place.
    const { picture } = drawn.pictures.at(-1)!;
    const columns = drawn.events.flatMap((event) => (event.type === 'column' ? [event] : []));
    expect(columns).toHaveLength(config.experiment.epochs);
    const prompts = columns[0].reward.length;
    const { epochs } = config.experiment;
    const gpu = await openTestGpu();
    const shown = await Landscape.open(gpu, tensorsOf(columns, prompts));
    const want = await shown.picture(view(prompts));
    shown.destroy();
    expect(nearly(picture, want)).toBeLessThan(0.01);
    const reds = new Set(want.pixels.filter((_, i) => i % 4 === 0));
    expect(reds.size).toBeGreaterThan(4);
    expect(prompts * epochs).toBeGreaterThan(4);

    function tensorsOf(told: typeof columns, count: number) {
      const sums = gpu.tensor('told sums', [count, epochs], 'f32', 'rewards');
      const samples = gpu.tensor('told samples', [count, epochs], 'u32', 'rewards');
      gpu.upload(
        sums,
        Float32Array.from({ length: count * epochs }, (_, i) => {
          const value = told[i % epochs].reward[Math.floor(i / epochs)];
          return Number.isNaN(value) ? 0 : value;
        }),
      );
      gpu.upload(
        samples,
        Uint32Array.from({ length: count * epochs }, (_, i) =>
          Number(!Number.isNaN(told[i % epochs].reward[Math.floor(i / epochs)])),
        ),
      );
      return { sums, samples };
    }
  });
});

/** Share of the numbers of two pictures that differ by more than rounding. */
function nearly(one: LandscapePicture, other: LandscapePicture): number {
  expect(one.pixels).toHaveLength(other.pixels.length);
  const apart = one.pixels.filter((value, i) => Math.abs(value - other.pixels[i]) > 2);
  return apart.length / one.pixels.length;
}

describe('a landscape in a canvas', () => {
  test('of a run without rewards, or without a canvas, is refused by name', async () => {
    const none = new RunLandscape(() => undefined);
    await expect(none.draw(view(3))).rejects.toThrow(LandscapeError);
    const gpu = await openTestGpu();
    const sums = gpu.tensor('sums', [3, 2], 'f32', 'rewards');
    const samples = gpu.tensor('samples', [3, 2], 'u32', 'rewards');
    const bare = new RunLandscape(() => ({ gpu, sums, samples }));
    await expect(bare.draw(view(3))).rejects.toThrow('the first picture needs a canvas');
  });

  test('shows the matrix, and goes on when the run has other buffers', async (context) => {
    const canDraw = 'OffscreenCanvas' in globalThis && new OffscreenCanvas(1, 1).getContext('2d');
    if (!canDraw) context.skip('only pages have canvases to draw on');
    const gpu = await openTestGpu();
    const matrixOf = (value: number) => {
      const sums = gpu.tensor('sums', [3, 2], 'f32', 'rewards');
      const samples = gpu.tensor('samples', [3, 2], 'u32', 'rewards');
      gpu.upload(sums, new Float32Array(6).fill(value));
      gpu.upload(samples, new Uint32Array(6).fill(1));
      return { gpu, sums, samples };
    };
    let matrix = matrixOf(1);
    const run = new RunLandscape(() => matrix);
    const canvas = new OffscreenCanvas(1, 1);
    const redOf = async (): Promise<number> => {
      const { software } = await run.draw(view(3), undefined);
      expect(software).toBe(gpu.kind === 'cpu');
      const { data } = canvas.getContext('2d')!.getImageData(0, 0, SIZE.width, SIZE.height);
      return data.filter((_, i) => i % 4 === 0).reduce((most, red) => Math.max(most, red), 0);
    };
    if (gpu.kind !== 'cpu') context.skip('a canvas that presents cannot be read');
    await run.draw(view(3), canvas);
    expect(await redOf()).toBe(255);
    const before = matrix;
    matrix = matrixOf(-1);
    gpu.destroy(before.sums, before.samples);
    expect(await redOf()).toBe(0);
    const { created } = await deviceCalls(gpu, async () => {
      await run.draw(view(3));
    });
    expect(created).toEqual([]);

    const own = await StandaloneLandscape.open(new OffscreenCanvas(1, 1));
    await expect(own.draw(view(2))).rejects.toThrow('filled before');
    await own.fill([Float32Array.of(0.5, NaN)], 2, 3);
    expect(await own.draw(view(2))).toEqual({ software: true });
    await own.fill([Float32Array.of(0.5, 1, 0)], 3, 1);
    await own.draw(view(3));
    await own.close();
  });
});
