import { describe, expect, test } from 'vitest';
import { adamw } from '../../kernels/adamw.ts';
import { Variable } from '../../kernels/lib/variable.ts';
import { adamwReference } from '../reference/adamw.ts';
import { bitsOfHalf, nearestHalf } from '../reference/half.ts';
import { expectClose, openTestGpu, run, seeded, tensorOf } from '../support/gpu.ts';

const gpu = await openTestGpu();

const hyper = { beta1: 0.9, beta2: 0.95, epsilon: 1e-8 };
const rates = { learningRate: 1e-2, weightDecay: 0.1 };

/** What is bound where nothing is copied. */
const noHalves = () => gpu.tensor('halves', [2], 'f16', 'weights');

async function update(
  count: number,
  {
    decayEnd = 0,
    state = [1, 1, 1, 0],
    updates = 1,
  }: Partial<Record<'decayEnd' | 'updates', number>> & { state?: number[] },
) {
  const start = seeded(count, 1);
  const tensors = {
    gradients: tensorOf(gpu, 'gradients', seeded(count, 2)),
    halves: noHalves(),
    state: tensorOf(gpu, 'state', state),
    weights: tensorOf(gpu, 'weights', start),
    first_moments: tensorOf(gpu, 'first', seeded(count, 3, 0.1)),
    second_moments: tensorOf(
      gpu,
      'second',
      seeded(count, 4).map((x) => 0.01 * x * x),
    ),
  };
  const want = {
    weights: Float64Array.from(start),
    first: Float64Array.from(await gpu.read(tensors.first_moments, 'f32')),
    second: Float64Array.from(await gpu.read(tensors.second_moments, 'f32')),
  };
  const stepSize = new Variable('step size', 0);
  const rootCorrection = new Variable('root correction', 1);
  const decay = rates.learningRate * rates.weightDecay;
  const dispatch = adamw(tensors, { decayEnd, stepSize, rootCorrection, decay, ...hyper });
  for (let t = 1; t <= updates; t++) {
    stepSize.value = rates.learningRate / (1 - hyper.beta1 ** t);
    rootCorrection.value = Math.sqrt(1 - hyper.beta2 ** t);
    const gradients = seeded(count, 10 + t);
    gpu.upload(tensors.gradients, gradients);
    await run(gpu, [dispatch]);
    if (state[2] === 0) continue;
    const betas = [hyper.beta1, hyper.beta2] as const;
    const settings = { ...rates, betas, epsilon: hyper.epsilon, decayEnd, scale: state[1] };
    adamwReference(want, gradients, { update: t, ...settings });
  }
  const got = {
    weights: await gpu.read(tensors.weights, 'f32'),
    first: await gpu.read(tensors.first_moments, 'f32'),
    second: await gpu.read(tensors.second_moments, 'f32'),
  };
  gpu.destroy(...Object.values(tensors));
  return { got, want };
}

describe('adamw', () => {
  test.each([
    [4, 4],
    [64, 0],
    [1088, 128],
    [70_016, 70_016],
  ])('matches the float64 reference on %i elements of which %i decay', async (count, decayEnd) => {
    const { got, want } = await update(count, { decayEnd, updates: 3, state: [9, 0.25, 1, 0] });
    // Ten roundings of numbers of size 1 to 4.
    expectClose(got.weights, want.weights, { abs: 1e-6, rel: 1e-6 });
    expectClose(got.first, want.first, { abs: 1e-7, rel: 1e-6 });
    expectClose(got.second, want.second, { abs: 1e-7, rel: 1e-6 });
  });

  test('moves a fresh element by the learning rate against its gradient', async () => {
    // m = 0.1 g, v = 0.05 g^2: after bias correction the step is lr * sign(g).
    const tensors = {
      gradients: tensorOf(gpu, 'gradients', [3, -0.5, 1e-3, 0]),
      state: tensorOf(gpu, 'state', [0, 1, 1, 0]),
      weights: tensorOf(gpu, 'weights', [1, 1, 1, 1]),
      first_moments: tensorOf(gpu, 'first', [0, 0, 0, 0]),
      second_moments: tensorOf(gpu, 'second', [0, 0, 0, 0]),
      halves: noHalves(),
    };
    const stepSize = 0.25 / (1 - 0.9);
    const rootCorrection = Math.sqrt(1 - 0.95);
    const dispatch = adamw(tensors, { decayEnd: 0, stepSize, rootCorrection, decay: 0, ...hyper });
    await run(gpu, [dispatch]);
    expectClose(await gpu.read(tensors.weights, 'f32'), [0.75, 1.25, 0.75, 1], { abs: 1e-5 });
  });

  test('decays no element from decayEnd on', async () => {
    const plain = await update(64, { decayEnd: 0 });
    const decayed = await update(64, { decayEnd: 12 });
    expect(decayed.got.weights.slice(12)).toEqual(plain.got.weights.slice(12));
    for (let i = 0; i < 12; i++) {
      expect(decayed.got.weights[i]).not.toBe(plain.got.weights[i]);
    }
  });

  test('changes nothing when the state says to skip', async () => {
    const { got, want } = await update(128, { decayEnd: 64, state: [NaN, NaN, 0, 1] });
    expect(got.weights).toEqual(Float32Array.from(want.weights));
    expect(got.first).toEqual(Float32Array.from(want.first));
    expect(got.second).toEqual(Float32Array.from(want.second));
  });

  test('copies a part of the weights, rounded to the nearest half, ties to even', async () => {
    const powers = Array.from({ length: 60 }, (_, i) => 2 ** (i - 30));
    // Around each power of two: ties between halves, and floats just past them.
    const awkward = powers.flatMap((power) =>
      [1, 1 + 2 ** -11, 1 + 3 * 2 ** -11, 1 + 2 ** -11 + 2 ** -23, 2 - 2 ** -11, 2 - 2 ** -23].map(
        (factor, i) => (i % 2 === 0 ? 1 : -1) * power * factor,
      ),
    );
    const edges = [0, 65_504, 65_519, 65_520, -65_536, 1e30, 2 ** -25, 3 * 2 ** -26];
    const start = Float32Array.from([...seeded(8, 5), ...edges, ...awkward, ...seeded(4, 6)]);
    const [halvesStart, halvesEnd] = [8, start.length - 4];
    const copied = halvesEnd - halvesStart;
    const page = (data: Float32Array) => tensorOf(gpu, 'page', data);
    const tensors = {
      gradients: page(seeded(start.length, 7, 1e-3)),
      state: tensorOf(gpu, 'state', [0, 1, 1, 0]),
      weights: page(start),
      first_moments: page(new Float32Array(start.length)),
      second_moments: page(new Float32Array(start.length)),
      halves: gpu.tensor('halves', [copied + 4], 'f16', 'weights'),
    };
    const copies = { ...tensors, halves: { ...tensors.halves, shape: [copied] } };
    const check = async () => {
      const weights = await gpu.read(tensors.weights, 'f32');
      const got = await gpu.read(tensors.halves, 'f16');
      const want = Array.from(weights.slice(halvesStart, halvesEnd), (x) =>
        bitsOfHalf(nearestHalf(x)),
      );
      expect([...got]).toEqual([...want, 0, 0, 0, 0]);
      return weights;
    };
    const common = { decayEnd: 8, halvesStart, halvesEnd, decay: 0, rootCorrection: 1, ...hyper };
    await run(gpu, [adamw(copies, { ...common, stepSize: 0 })]);
    expect(await check()).toEqual(start);
    await run(gpu, [adamw(copies, { ...common, stepSize: 1e-2 })]);
    expect(await check()).not.toEqual(start);
  });

  test('refuses pages and decay ranges that are not multiples of four', async () => {
    await expect(update(66, {})).rejects.toThrow('a page of 66 elements is not 4 * n');
    await expect(update(64, { decayEnd: 30 })).rejects.toThrow('decayEnd 30 is not 4 * n');
    await expect(update(64, { decayEnd: 68 })).rejects.toThrow('decayEnd 68');
  });

  test('refuses moments of another length', () => {
    const page = tensorOf(gpu, 'page', new Float32Array(8));
    const short = tensorOf(gpu, 'short', new Float32Array(4));
    const halves = noHalves();
    const tensors = { gradients: page, weights: page, second_moments: page, state: short, halves };
    const rest = { decayEnd: 0, stepSize: 1, rootCorrection: 1, decay: 0, ...hyper };
    expect(() => adamw({ ...tensors, first_moments: short }, rest)).toThrow(
      "adamw: first_moments must be (8), got (4) from 'short'",
    );
    const moments = { first_moments: page };
    expect(() => adamw({ ...tensors, ...moments }, { ...rest, halvesEnd: 8 })).toThrow(
      "adamw: halves must be (8), got (2) from 'halves'",
    );
  });
});
