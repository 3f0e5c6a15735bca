import { describe, expect, test } from 'vitest';
import { landscape } from '../../kernels/landscape.ts';
import type { Gpu } from '../../src/gpu/device.ts';
import { boxOf, field, meet, orderWords, type FieldShares } from '../../src/landscape/field.ts';
import { Landscape, LandscapeError, type LandscapeView } from '../../src/landscape/landscape.ts';
import { RandomStream } from '../../src/random.ts';
import {
  cameraReference,
  inverseReference,
  landscapePixelReference,
  shareReference,
  type LandscapeCase,
} from '../reference/landscape.ts';
import { deviceCalls } from '../support/device-calls.ts';
import { openTestGpu, tensorOf } from '../support/gpu.ts';

const SIZE = { width: 96, height: 64 } as const;

/** Colours that no blending of others gives by accident. */
const colors = Float32Array.from(
  [
    ...Array.from({ length: 9 }, (_, i) => [0.1 + 0.1 * i, 0.9 - 0.1 * i, 0.2 + 0.05 * i, 1]),
    [0.5, 0.5, 0.5, 1],
    [0.9, 0.1, 0.1, 0.4],
    [0.1, 0.3, 0.9, 1],
    [0.02, 0.02, 0.02, 1],
  ].flat(),
);

const camera = cameraReference([-0.9, 1.5, 2.1], [0, 0.1, 0], {
  fieldOfView: 0.8,
  aspect: SIZE.width / SIZE.height,
  near: 0.1,
  far: 10,
});

/** A matrix with missing entries, shuffled prompts, flags, and an order before. */
function caseOf(
  {
    prompts,
    epochs,
    bins = prompts,
    low = 0,
  }: Partial<LandscapeCase> & {
    readonly prompts: number;
    readonly epochs: number;
  },
  rest: Partial<LandscapeCase> = {},
): LandscapeCase {
  const random = new RandomStream(prompts * epochs, 'test');
  const draw = () => random.next() / 2 ** 32;
  const samples = Array.from({ length: prompts * epochs }, () => (draw() < 0.15 ? 0 : 8));
  const sums = samples.map((count) =>
    low === 0 ? Math.floor(draw() * (count + 1)) : count * (low + (1 - low) * draw()),
  );
  const shuffled = (): number[] =>
    Array.from({ length: prompts }, (_, prompt) => ({ prompt, key: draw() }))
      .sort((a, b) => a.key - b.key)
      .map(({ prompt }) => prompt);
  const order = shuffled();
  const kept = new Set(order.slice(0, Math.ceil(prompts / 3)));
  const wanted = new Set(order.filter((_, rank) => rank % 4 !== 3));
  return {
    prompts,
    epochs,
    bins,
    sums: Float32Array.from(sums),
    samples,
    order: orderWords(order, { kept, wanted }, shuffled()),
    low,
    cut: prompts / 3,
    glide: 1,
    chosen: 1 < prompts ? 1 : undefined,
    camera,
    colors: [...colors],
    sizes: field,
    ...rest,
  };
}

const viewOf = (one: LandscapeCase, order = true): LandscapeView => ({
  ...SIZE,
  camera: Float32Array.from(one.camera),
  colors,
  ...(order ? { order: Uint32Array.from(one.order) } : {}),
  bins: one.bins,
  glide: one.glide,
  cut: one.cut,
  chosen: one.chosen,
  low: one.low,
});

const openCase = (gpu: Gpu, { sums, samples, prompts, epochs }: LandscapeCase) =>
  Landscape.open(gpu, {
    sums: tensorOf(gpu, 'sums', Float32Array.from(sums), [prompts, epochs]),
    samples: tensorOf(gpu, 'samples', Uint32Array.from(samples), [prompts, epochs]),
  });

/** Corners of a pixel, from its centre, in pixels. */
const corners = [
  [0, 0],
  [-0.5, -0.5],
  [0.5, -0.5],
  [-0.5, 0.5],
  [0.5, 0.5],
] as const;

/** A place in pixels, from -1 to 1. */
const placeAt = (column: number, row: number): readonly [number, number] => [
  (2 * (column + 0.5)) / SIZE.width - 1,
  1 - (2 * (row + 0.5)) / SIZE.height,
];

/**
 * Compares the pixels that one colour covers, by the reference at their centre and corners: at edges a
 * pixel is a mean of samples. Shares of all pixels.
 */
async function apart(one: LandscapeCase): Promise<{ compared: number; differ: number }> {
  const gpu = await openTestGpu();
  const drawn = await openCase(gpu, one);
  const { pixels } = await drawn.picture(viewOf(one));
  drawn.destroy();
  let [compared, differ] = [0, 0];
  for (let row = 0; row < SIZE.height; row++) {
    for (let column = 0; column < SIZE.width; column++) {
      const [want, ...around] = corners.map(([x, y]) =>
        landscapePixelReference(one, ...placeAt(column + x, row + y)),
      );
      if (around.some((other) => other.some((value, i) => value !== want[i]))) continue;
      compared++;
      const at = 4 * (row * SIZE.width + column);
      const opacity = pixels[at + 3] / 255;
      const got = [0, 1, 2].map((channel) => (pixels[at + channel] / 255) * opacity);
      got.push(opacity);
      // Two roundings to 1/255, of the colour and of its product with the opacity.
      if (got.some((value, i) => Math.abs(value - want[i]) > 3 / 255)) differ++;
    }
  }
  const all = SIZE.width * SIZE.height;
  return { compared: compared / all, differ: differ / all };
}

describe('landscape', () => {
  test.each([
    ['one bar', caseOf({ prompts: 1, epochs: 1 })],
    ['missing entries, kept, faded, chosen, a wall', caseOf({ prompts: 7, epochs: 3 })],
    ['rewards from -1', caseOf({ prompts: 5, epochs: 2, low: -1 })],
    ['prompts on their way', caseOf({ prompts: 6, epochs: 2 }, { glide: 0.3 })],
    ['bins of unequal numbers', caseOf({ prompts: 67, epochs: 2, bins: 9 })],
    ['no wall and none chosen', caseOf({ prompts: 4, epochs: 4 }, { cut: -1, chosen: undefined })],
  ])('draws as rays in float64 see it: %s', async (_, one) => {
    const { compared, differ } = await apart(one);
    expect(compared).toBeGreaterThan(0.5);
    // A bar may show between the places that were looked at.
    expect(differ).toBeLessThanOrEqual(0.006);
  });

  test('puts a share of 1/2 at the middle of the ramp and of the height, lit from the left', async () => {
    // One bar, looked at from above: its top is all that is seen of it.
    const above = cameraReference([0, 4, 0.001], [0, 0, 0], {
      fieldOfView: 0.5,
      aspect: SIZE.width / SIZE.height,
      near: 0.1,
      far: 10,
    });
    const one = caseOf({ prompts: 1, epochs: 1 }, { camera: above, cut: -1, chosen: undefined });
    const half = { ...one, sums: [4], samples: [8], order: orderWords([0], {}) };
    const gpu = await openTestGpu();
    const drawn = await openCase(gpu, half);
    const { pixels } = await drawn.picture(viewOf(half));
    drawn.destroy();
    const middle = 4 * ((SIZE.height / 2) * SIZE.width + SIZE.width / 2);
    const want = [...colors.subarray(16, 19)].map((value) => Math.round(255 * value));
    expect([...pixels.subarray(middle, middle + 3)]).toEqual(want);
    expect(boxOf({ ...half, share: () => 0.5, isKept: () => false }, 0, 0)?.high[1]).toBeCloseTo(
      field.least + (field.height - field.least) / 2,
      12,
    );
  });

  test('the first bar that a ray meets is the one whose colour the pixel has', async () => {
    const one = caseOf({ prompts: 7, epochs: 3 }, { cut: -1, chosen: undefined });
    const gpu = await openTestGpu();
    const drawn = await openCase(gpu, one);
    const shown: FieldShares = {
      ...one,
      share: (bin, epoch) => shareReference(one, bin, epoch),
      isKept: (bin) => one.order[bin] >= 2 ** 31,
    };
    const back = inverseReference(one.camera);
    const rayAt = (x: number, y: number) => {
      const [from, to] = [0, 1].map((z) => {
        const [a, b, c, w] = [0, 1, 2, 3].map((r) =>
          [x, y, z, 1].reduce((sum, value, i) => sum + value * back[4 * i + r], 0),
        );
        return [a / w, b / w, c / w] as const;
      });
      return {
        from,
        along: [to[0] - from[0], to[1] - from[1], to[2] - from[2]] as const,
      };
    };
    const { pixels } = await drawn.picture(viewOf(one));
    // The same field with one bar missing differs where that bar is met, and nowhere else.
    let [met, stray] = [0, 0];
    for (const [bin, epoch] of [
      [0, 0],
      [2, 1],
      [3, 2],
      [6, 1],
    ]) {
      const prompt = one.order[bin] % 2 ** 30;
      const samples = [...Array.from(one.samples)];
      if (samples[prompt * one.epochs + epoch] === 0) continue;
      samples[prompt * one.epochs + epoch] = 0;
      const without = await openCase(gpu, { ...one, samples });
      const other = await without.picture(viewOf(one));
      without.destroy();
      for (let row = 0; row < SIZE.height; row++) {
        for (let column = 0; column < SIZE.width; column++) {
          const at = 4 * (row * SIZE.width + column);
          const differs = [0, 1, 2, 3].some((i) => pixels[at + i] !== other.pixels[at + i]);
          const isAt = corners.map(([x, y]) => {
            const found = meet(shown, rayAt(...placeAt(column + x, row + y)));
            return found?.bin === bin && found.epoch === epoch;
          });
          if (differs && isAt.every(Boolean)) met++;
          if (differs && !isAt.some(Boolean)) stray++;
        }
      }
    }
    drawn.destroy();
    expect(met).toBeGreaterThan(40);
    // A bar may show between the places that were looked at.
    expect(stray).toBeLessThanOrEqual(3);
  });

  test('a second picture makes nothing, and is one submit with one mapped buffer', async () => {
    const gpu = await openTestGpu();
    const one = caseOf({ prompts: 7, epochs: 3 });
    const drawn = await openCase(gpu, one);
    const first = await drawn.picture(viewOf(one));
    let submits = 0;
    let copied = 0;
    const { queue } = gpu.device;
    const real = { submit: queue.submit.bind(queue), write: queue.writeBuffer.bind(queue) };
    queue.submit = (buffers) => {
      submits++;
      real.submit(buffers);
    };
    queue.writeBuffer = (...[buffer, offset, data, ...rest]: Parameters<typeof real.write>) => {
      copied += (data as ArrayBuffer).byteLength;
      real.write(buffer, offset, data, ...rest);
    };
    try {
      const { created, mapped } = await deviceCalls(gpu, async () => {
        const second = await drawn.picture(viewOf(one, false));
        expect(second.pixels).toEqual(first.pixels);
      });
      expect(created).toEqual([]);
      expect(mapped).toEqual(['landscape pixels']);
    } finally {
      Reflect.deleteProperty(queue, 'submit');
      Reflect.deleteProperty(queue, 'writeBuffer');
    }
    expect(submits).toBe(1);
    // Params and view; the order only where it has changed.
    expect(copied).toBe(4 * 14 + 4 * 4 * 17);
    drawn.destroy();
  });

  test('refuses what cannot be drawn, and the device is none the worse', async () => {
    const gpu = await openTestGpu();
    const one = caseOf({ prompts: 3, epochs: 2 });
    const drawn = await openCase(gpu, one);
    const good = viewOf(one);
    const refused: readonly [Partial<LandscapeView>, string][] = [
      [{ order: undefined }, 'the first picture needs an order'],
      [{ width: 0 }, 'width must be a whole number from 1 to 4096, is 0'],
      [{ height: 5000 }, 'height must be a whole number from 1 to 4096, is 5000'],
      [{ bins: 4 }, 'bins must be a whole number from 1 to 3, is 4'],
      [{ chosen: 3 }, 'chosen must be a whole number from 0 to 2, is 3'],
      [{ camera: new Float32Array(4) }, 'numbers of the camera'],
      [{ colors: new Float32Array(4) }, 'numbers of the colours'],
      [{ order: Uint32Array.of(0, 1, 9, 0, 1, 2) }, 'a prompt of the order'],
    ];
    for (const [part, message] of refused) {
      const asked = drawn.picture({ ...good, ...part });
      await expect(asked).rejects.toThrow(LandscapeError);
      await expect(asked).rejects.toThrow(message);
    }
    // A buffer that is gone: the error is of this picture alone.
    const samples = tensorOf(gpu, 'samples', Uint32Array.from(one.samples), [3, 2]);
    const sums = tensorOf(gpu, 'sums', Float32Array.from(one.sums), [3, 2]);
    const orphan = await Landscape.open(gpu, { sums, samples });
    gpu.destroy(sums);
    await expect(orphan.picture(good)).rejects.toThrow(LandscapeError);
    orphan.destroy();
    await drawn.picture(good);
    gpu.throwIfFailed();
    expect(() =>
      landscape({
        view: tensorOf(gpu, 'view', new Float32Array(68), [17, 4]),
        sums: tensorOf(gpu, 'sums', new Float32Array(6), [3, 2]),
        samples,
        order: tensorOf(gpu, 'order', new Uint32Array(3), [3]),
      }),
    ).toThrow('order must be (2, 3)');
    drawn.destroy();
  });
});
