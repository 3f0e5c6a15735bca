import { describe, expect, test } from 'vitest';
import { policyLoss } from '../../kernels/policy-loss.ts';
import { policyLossReference, type PolicyLossCase } from '../reference/policy-loss.ts';
import { expectClose, openTestGpu, run, seeded, tensorOf } from '../support/gpu.ts';
import fixture from '../support/ppo-fixture.json';

const gpu = await openTestGpu();

interface Inputs {
  readonly logprobs: ArrayLike<number>;
  readonly source: readonly number[];
  readonly weights: ArrayLike<number>;
  readonly old: ArrayLike<number>;
  readonly ref: ArrayLike<number>;
  readonly advantages: ArrayLike<number>;
}

async function compute(inputs: Inputs, hyper: PolicyLossCase) {
  const count = inputs.source.length;
  const tensors = {
    logprobs: tensorOf(gpu, 'logprobs', Float32Array.from(inputs.logprobs)),
    action_source: tensorOf(gpu, 'source', inputs.source, [count], 'u32'),
    action_weights: tensorOf(gpu, 'weights', Float32Array.from(inputs.weights)),
    old_logprobs: tensorOf(gpu, 'old', Float32Array.from(inputs.old)),
    advantages: tensorOf(gpu, 'advantages', Float32Array.from(inputs.advantages)),
    ref_logprobs: tensorOf(gpu, 'ref', Float32Array.from(inputs.ref)),
    grad_logprobs: tensorOf(gpu, 'gradient', new Float32Array(count).fill(NaN)),
    action_stats: tensorOf(gpu, 'stats', new Float32Array(4 * count).fill(NaN), [count, 4]),
  };
  await run(gpu, [policyLoss(tensors, { actionCount: count, ...hyper })]);
  const stats = await gpu.read(tensors.action_stats, 'f32');
  const gradient = await gpu.read(tensors.grad_logprobs, 'f32');
  gpu.destroy(...Object.values(tensors));
  const column = (c: number) => gradient.map((_, i) => stats[4 * i + c]);
  return {
    gradient,
    loss: column(0),
    decided: column(1),
    kl: column(2),
    ratio: column(3),
  };
}

/** One action per entry, the rollout's arrays in reverse order and one longer. */
function inputsOf(count: number, spread: number): Inputs {
  const old = seeded(count + 1, 1).map((x) => x - 2);
  const source = Array.from({ length: count }, (_, i) => count - i);
  const step = seeded(count, 2, spread);
  return {
    logprobs: step.map((x, i) => Math.fround(old[source[i]] + x)),
    source,
    weights: seeded(count, 3).map((x) => 0.1 + Math.abs(x)),
    old,
    ref: old.map((x, i) => x + 0.3 * Math.sin(i)),
    advantages: seeded(count + 1, 4),
  };
}

function reference(inputs: Inputs, hyper: PolicyLossCase, i: number, shift = 0) {
  const at = inputs.source[i];
  return policyLossReference(
    inputs.logprobs[i] + shift,
    inputs.old[at],
    inputs.ref[at],
    inputs.advantages[at],
    hyper,
  );
}

const symmetric = { clipLow: 0.2, clipHigh: 0.2 };
const cases: [string, PolicyLossCase][] = [
  ['the plain clip', symmetric],
  ['a higher upper clip', { clipLow: 0.2, clipHigh: 0.28 }],
  ['a dual clip', { ...symmetric, dualClip: 1.5 }],
  ['a clamped log-ratio', { ...symmetric, logRatioClamp: 0.35 }],
  ['k1 in the loss', { ...symmetric, kl: { estimator: 'k1', coef: 0.1 } }],
  ['k2 in the loss', { ...symmetric, kl: { estimator: 'k2', coef: 0.1 } }],
  ['k3 in the loss', { ...symmetric, kl: { estimator: 'k3', coef: 0.1 } }],
  ['a clamped k3', { ...symmetric, kl: { estimator: 'k3', coef: 0.1, clamp: 0.01 } }],
];

describe('policy-loss', () => {
  describe.each(cases)('with %s', (_, hyper) => {
    test.each([1, 63, 130])('matches the float64 reference on %i actions', async (count) => {
      const inputs = inputsOf(count, 0.4);
      const got = await compute(inputs, hyper);
      const want = inputs.source.map((_action, i) => reference(inputs, hyper, i));
      const tolerance = { abs: 2e-6, rel: 1e-5 };
      expectClose(
        got.loss,
        want.map((one) => one.loss),
        tolerance,
      );
      expectClose(
        got.kl,
        want.map((one) => one.kl),
        tolerance,
      );
      expectClose(
        got.ratio,
        want.map((one) => one.ratio),
        tolerance,
      );
      expectClose(
        got.decided,
        want.map((one) => Number(one.decided)),
        { abs: 0 },
      );
    });

    test('writes weight times the slope of the loss, by finite differences', async () => {
      const inputs = inputsOf(200, 0.4);
      const { gradient } = await compute(inputs, hyper);
      const step = 1e-5;
      const slopes = inputs.source.map((_action, i) => {
        const above = reference(inputs, hyper, i, step).loss;
        return (inputs.weights[i] * (above - reference(inputs, hyper, i, -step).loss)) / (2 * step);
      });
      expectClose(gradient, slopes, { abs: 2e-5, rel: 1e-4 });
    });
  });

  test('lets no gradient through where the clip decides, and all where it does not', async () => {
    const log = Math.log;
    const inputs: Inputs = {
      // ratio 1.5, 0.5, 1.5, 0.5, 1, 1.1; advantage +2, +2, -2, -2, +2, 0
      logprobs: [log(1.5), log(0.5), log(1.5), log(0.5), 0, log(1.1)],
      source: [0, 1, 2, 3, 4, 5],
      weights: [1, 1, 1, 1, 0.5, 1],
      old: [0, 0, 0, 0, 0, 0],
      ref: [0, 0, 0, 0, 0, 0],
      advantages: [2, 2, -2, -2, 2, 0],
    };
    const got = await compute(inputs, symmetric);
    // min(3, 2.4); min(1, 1.6); min(-3, -2.4); min(-1, -1.6); 2; 0: negated.
    expectClose(got.loss, [-2.4, -1, 3, 1.6, -2, 0], { abs: 1e-6 });
    expectClose(got.decided, [1, 0, 0, 1, 0, 0], { abs: 0 });
    // -ratio * advantage * weight where free.
    expectClose(got.gradient, [0, -1, 3, 0, -1, 0], { abs: 1e-6 });
  });

  test('bounds the loss of a negative advantage by the dual clip, not a positive one', async () => {
    const log4 = Math.log(4);
    const inputs: Inputs = {
      logprobs: [log4, log4, -log4],
      source: [0, 1, 2],
      weights: [1, 1, 1],
      old: [0, 0, 0],
      ref: [0, 0, 0],
      advantages: [-1, 1, 1],
    };
    const got = await compute(inputs, { ...symmetric, dualClip: 3 });
    expectClose(got.loss, [3, -1.2, -0.25], { abs: 1e-6 });
    expectClose(got.gradient, [0, 0, -0.25], { abs: 1e-6 });
    expectClose(got.decided, [1, 1, 0], { abs: 0 });
  });

  test('reads reference log-probs only when the KL term is on', async () => {
    const inputs = { ...inputsOf(5, 0.1), ref: [NaN, NaN, NaN, NaN, NaN, NaN] };
    const got = await compute(inputs, symmetric);
    expect([...got.loss, ...got.gradient].every((x) => Number.isFinite(x))).toBe(true);
  });

  test('never makes a finite loss or gradient of a NaN, whichever input it came in by', async () => {
    const zero = { source: [0], weights: [1], old: [0], ref: [0], advantages: [1], logprobs: [0] };
    const hyper: PolicyLossCase = {
      ...symmetric,
      dualClip: 3,
      logRatioClamp: 20,
      kl: { estimator: 'k3', coef: 0.1, clamp: 10 },
    };
    for (const name of ['logprobs', 'old', 'ref', 'advantages'] as const) {
      const got = await compute({ ...zero, [name]: [NaN] }, hyper);
      // SwiftShader's exp(NaN) is a number: without keep_nan this fails there.
      const finite = [got.loss[0], got.gradient[0]].map((x) => Number.isFinite(x));
      expect([name, ...finite]).toEqual([name, false, false]);
    }
  });

  test('keeps a small k3 accurate where 1 - exp(-d) cancels', async () => {
    for (const d of [1e-4, 0.12, -0.12].map((x) => Math.fround(x))) {
      const inputs = { logprobs: [0], source: [0], weights: [1], old: [0], advantages: [0] };
      const kl = { estimator: 'k3', coef: 1 } as const;
      const got = await compute({ ...inputs, ref: [-d] }, { ...symmetric, kl });
      expectClose(got.loss, [Math.expm1(-d) + d], { abs: 0, rel: 1e-5 });
      expectClose(got.gradient, [-Math.expm1(-d)], { abs: 0, rel: 1e-5 });
    }
  });

  test('adds up to the losses of the reference software', async () => {
    const { lengths, losses, accumulation, ratiosOutsideClip } = fixture;
    const inputs = (from: number, to: number): Inputs => {
      const source = Array.from({ length: to - from }, (_, i) => from + i);
      return {
        logprobs: fixture.currentLogprobs.slice(from, to),
        source,
        weights: source.map(() => 1 / source.length),
        old: fixture.oldLogprobs,
        ref: fixture.refLogprobs,
        advantages: fixture.normalizedAdvantages,
      };
    };
    const total = fixture.oldLogprobs.length;
    const half = lengths[0] + lengths[1];
    const means = [];
    for (const [from, to] of [
      [0, total],
      [0, half],
      [half, total],
    ]) {
      const { loss, ratio } = await compute(inputs(from, to), symmetric);
      means.push(loss.reduce((sum, x) => sum + x, 0) / loss.length);
      if (to - from === total) {
        const outside = ratio.filter((x) => Math.abs(x - 1) > 0.2).length;
        expect(outside / total).toBeCloseTo(ratiosOutsideClip, 12);
      }
    }
    // The fixture's tolerance for losses.
    expectClose(means, [losses.policy, ...accumulation.policy], { abs: 5e-6 });
  });

  test('refuses arrays that disagree', () => {
    const two = tensorOf(gpu, 'two', [0, 0]);
    const three = tensorOf(gpu, 'three', [0, 0, 0]);
    const stats = tensorOf(gpu, 'stats', new Float32Array(8), [2, 4]);
    const tensors = {
      logprobs: two,
      action_source: tensorOf(gpu, 'source', [0, 0], [2], 'u32'),
      action_weights: two,
      old_logprobs: three,
      advantages: three,
      ref_logprobs: three,
      grad_logprobs: two,
      action_stats: stats,
    };
    const hyper = { actionCount: 2, ...symmetric };
    expect(() => policyLoss(tensors, hyper)).not.toThrow();
    expect(() => policyLoss({ ...tensors, action_weights: three }, hyper)).toThrow(
      "policy-loss: action_weights must be (2), got (3) from 'three'",
    );
    expect(() => policyLoss({ ...tensors, advantages: two }, hyper)).toThrow(
      "policy-loss: advantages must be (3), got (2) from 'two'",
    );
    expect(() => policyLoss({ ...tensors, action_source: two }, hyper)).toThrow(
      "action_source must be u32, got f32 from 'two'",
    );
    expect(() => policyLoss(tensors, { ...hyper, actionCount: 3 })).toThrow('past the 2 held');
  });
});
