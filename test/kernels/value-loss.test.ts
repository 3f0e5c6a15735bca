import { describe, expect, test } from 'vitest';
import { valueLoss } from '../../kernels/value-loss.ts';
import { valueLossReference } from '../reference/value-loss.ts';
import { expectClose, openTestGpu, run, seeded, tensorOf } from '../support/gpu.ts';
import fixture from '../support/ppo-fixture.json';

const gpu = await openTestGpu();

interface Inputs {
  readonly values: ArrayLike<number>;
  readonly source: readonly number[];
  readonly weights: ArrayLike<number>;
  readonly old: ArrayLike<number>;
  readonly returns: ArrayLike<number>;
}

async function compute(inputs: Inputs, valueClip?: number) {
  const count = inputs.source.length;
  const tensors = {
    values: tensorOf(gpu, 'values', Float32Array.from(inputs.values)),
    action_source: tensorOf(gpu, 'source', inputs.source, [count], 'u32'),
    action_weights: tensorOf(gpu, 'weights', Float32Array.from(inputs.weights)),
    old_values: tensorOf(gpu, 'old', Float32Array.from(inputs.old)),
    returns: tensorOf(gpu, 'returns', Float32Array.from(inputs.returns)),
    grad_values: tensorOf(gpu, 'gradient', new Float32Array(count).fill(NaN)),
    action_stats: tensorOf(gpu, 'stats', new Float32Array(4 * count).fill(NaN), [count, 4]),
  };
  const clip = valueClip === undefined ? {} : { valueClip };
  await run(gpu, [valueLoss(tensors, { actionCount: count, ...clip })]);
  const stats = await gpu.read(tensors.action_stats, 'f32');
  const gradient = await gpu.read(tensors.grad_values, 'f32');
  gpu.destroy(...Object.values(tensors));
  const column = (c: number) => gradient.map((_, i) => stats[4 * i + c]);
  return { gradient, loss: column(0), decided: column(1), error: column(2), square: column(3) };
}

function inputsOf(count: number): Inputs {
  const old = seeded(count + 2, 1);
  const source = Array.from({ length: count }, (_, i) => count + 1 - i);
  const step = seeded(count, 2, 0.4);
  return {
    values: step.map((x, i) => Math.fround(old[source[i]] + x)),
    source,
    weights: seeded(count, 3).map((x) => 0.1 + Math.abs(x)),
    old,
    returns: seeded(count + 2, 4),
  };
}

describe('value-loss', () => {
  describe.each([0.2, undefined])('with clip %s', (clip) => {
    test.each([1, 63, 130])('matches the float64 reference on %i actions', async (count) => {
      const inputs = inputsOf(count);
      const got = await compute(inputs, clip);
      const want = inputs.source.map((at, i) =>
        valueLossReference(inputs.values[i], inputs.old[at], inputs.returns[at], clip),
      );
      const errors = inputs.source.map((at, i) => inputs.values[i] - inputs.returns[at]);
      const tolerance = { abs: 1e-6, rel: 1e-5 };
      expectClose(
        got.loss,
        want.map((one) => one.loss),
        tolerance,
      );
      expectClose(
        got.decided,
        want.map((one) => Number(one.decided)),
        { abs: 0 },
      );
      expectClose(got.error, errors, tolerance);
      expectClose(
        got.square,
        errors.map((error) => error ** 2),
        tolerance,
      );
    });

    test('writes weight times the slope of the loss, by finite differences', async () => {
      const inputs = inputsOf(200);
      const { gradient } = await compute(inputs, clip);
      const step = 1e-5;
      const slopes = inputs.source.map((at, i) => {
        const loss = (value: number) =>
          valueLossReference(value, inputs.old[at], inputs.returns[at], clip).loss;
        const difference = loss(inputs.values[i] + step) - loss(inputs.values[i] - step);
        return (inputs.weights[i] * difference) / (2 * step);
      });
      expectClose(gradient, slopes, { abs: 2e-5, rel: 1e-4 });
    });
  });

  test('takes the larger error, with no gradient where that is the clipped one', async () => {
    const inputs: Inputs = {
      // Old value 0, clip 0.25. Inside; outside and clip decides; outside and the free error does;
      // outside with a tie, where autograd splits the gradient between the two.
      values: [0.125, 0.75, 0.75, 0.75],
      source: [0, 1, 2, 3],
      weights: [2, 1, 1, 1],
      old: [0, 0, 0, 0],
      returns: [1, 1, 0, 0.5],
    };
    const got = await compute(inputs, 0.25);
    expectClose(got.loss, [0.3828125, 0.28125, 0.28125, 0.03125], { abs: 0 });
    expectClose(got.gradient, [-1.75, 0, 0.75, 0.125], { abs: 0 });
    expectClose(got.decided, [0, 1, 0, 1], { abs: 0 });
  });

  test('hands a NaN on to loss and gradient, whichever input it came in by', async () => {
    const zero = { values: [1], source: [0], weights: [1], old: [0], returns: [0] };
    for (const name of ['values', 'returns'] as const) {
      const got = await compute({ ...zero, [name]: [NaN] }, 0.2);
      expect([name, got.loss[0], got.gradient[0]]).toEqual([name, NaN, NaN]);
    }
  });

  test('adds up to the losses of the reference software', async () => {
    const total = fixture.oldValues.length;
    const half = fixture.lengths[0] + fixture.lengths[1];
    const means = [];
    for (const [from, to] of [
      [0, total],
      [0, half],
      [half, total],
    ]) {
      const source = Array.from({ length: to - from }, (_, i) => from + i);
      const { loss } = await compute(
        {
          values: fixture.currentValues.slice(from, to),
          source,
          weights: source.map(() => 1 / source.length),
          old: fixture.oldValues,
          returns: fixture.returns,
        },
        0.2,
      );
      means.push(loss.reduce((sum, x) => sum + x, 0) / loss.length);
    }
    // The fixture's tolerance for losses.
    expectClose(means, [fixture.losses.value, ...fixture.accumulation.value], { abs: 5e-6 });
  });

  test('refuses arrays that disagree', () => {
    const two = tensorOf(gpu, 'two', [0, 0]);
    const three = tensorOf(gpu, 'three', [0, 0, 0]);
    const tensors = {
      values: two,
      action_source: tensorOf(gpu, 'source', [0, 0], [2], 'u32'),
      action_weights: two,
      old_values: three,
      returns: three,
      grad_values: two,
      action_stats: tensorOf(gpu, 'stats', new Float32Array(8), [2, 4]),
    };
    expect(() => valueLoss(tensors, { actionCount: 2 })).not.toThrow();
    expect(() => valueLoss({ ...tensors, returns: two }, { actionCount: 2 })).toThrow(
      "value-loss: returns must be (3), got (2) from 'two'",
    );
    expect(() => valueLoss({ ...tensors, action_stats: two }, { actionCount: 2 })).toThrow(
      "value-loss: action_stats must be (2, 4), got (2) from 'two'",
    );
    expect(() => valueLoss(tensors, { actionCount: 3 })).toThrow('past the 2 held');
  });
});
