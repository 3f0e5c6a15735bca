import { describe, expect, test } from 'vitest';
import { parallelLanes, serialLanes } from '../../kernels/lib/lanes.ts';
import { Variable } from '../../kernels/lib/variable.ts';
import { logitsBackward } from '../../kernels/logits-backward.ts';
import { RandomStream } from '../../src/random.ts';
import { logitsBackwardReference } from '../reference/logits-backward.ts';
import { tokenLogprobReference } from '../reference/token-logprob.ts';
import { folded } from '../support/folded.ts';
import { expectClose, openTestGpu, run, seeded, tensorOf } from '../support/gpu.ts';
import { inner, slopes } from '../support/slopes.ts';

const gpu = await openTestGpu();

interface Hyper {
  readonly temperature: number;
  readonly dentropy: number;
}

function prepare(count: number, vocabulary: number, { temperature }: Hyper) {
  const stream = new RandomStream(vocabulary, 'test');
  const targets = Array.from({ length: count }, () => stream.below(vocabulary));
  const logits = seeded(count * vocabulary, 1, 3);
  const dlogprob = seeded(count, 2);
  const weights = seeded(count, 3).map(Math.abs);
  const { lse, entropy } = tokenLogprobReference(logits, targets, temperature);
  const tensors = {
    targets: tensorOf(gpu, 'targets', targets, [count], 'u32'),
    lse: tensorOf(gpu, 'lse', Float32Array.from(lse)),
    entropy: tensorOf(gpu, 'entropy', Float32Array.from(entropy)),
    dlogprob: tensorOf(gpu, 'dlogprob', dlogprob),
    weights: tensorOf(gpu, 'weights', weights),
    logits: tensorOf(gpu, 'logits', logits, [count, vocabulary]),
  };
  return { tensors, targets, logits, dlogprob, weights };
}

// The exponent, a difference of f32 numbers of size 12, is off by 1e-6, and so is each probability;
// a sharp temperature divides the gradient.
const tolerance = { abs: 6e-6, rel: 4e-6 };

describe.each([
  ['one thread', serialLanes],
  ['32 threads', parallelLanes],
])('logits-backward with %s a row', (_, lanes) => {
  test.each([
    [1, 1, { temperature: 1, dentropy: 0 }],
    [67, 18, { temperature: 0.7, dentropy: -0.3 }],
    [13, 320, { temperature: 1, dentropy: 0.5 }],
    [3, 5000, { temperature: 2.5, dentropy: -1 }],
    [2, 151_936, { temperature: 1, dentropy: -0.1 }],
  ])('matches the float64 reference on %i of %i: %o', async (count, vocabulary, hyper) => {
    const { tensors, targets, logits, dlogprob, weights } = prepare(count, vocabulary, hyper);
    await run(gpu, [logitsBackward(tensors, { count, ...hyper, lanes })]);
    const want = logitsBackwardReference(logits, targets, dlogprob, weights, hyper);
    expectClose(await gpu.read(tensors.logits, 'f32'), want, tolerance);
  });

  test.each([
    ['log-probabilities', { temperature: 0.7, dentropy: 0 }],
    ['log-probabilities and entropy', { temperature: 1.5, dentropy: -0.4 }],
  ])('matches finite differences of a loss of %s', async (_, hyper) => {
    const { tensors, targets, logits, dlogprob, weights } = prepare(4, 9, hyper);
    await run(gpu, [logitsBackward(tensors, { count: 4, ...hyper, lanes })]);
    const loss = (at: Float64Array) => {
      const { logprobs, entropy } = tokenLogprobReference(at, targets, hyper.temperature);
      return inner(dlogprob, logprobs) + hyper.dentropy * inner(weights, entropy);
    };
    expectClose(await gpu.read(tensors.logits, 'f32'), slopes(loss, logits), tolerance);
  });

  test('pulls the target up by 1 - p and the others down by p, worked by hand', async () => {
    // Odds of 3 to 1 at temperature 1/2: the logits' difference is ln(3) / 2.
    const tensors = {
      targets: tensorOf(gpu, 'targets', [1], [1], 'u32'),
      lse: tensorOf(gpu, 'lse', [Math.log(4)]),
      entropy: tensorOf(gpu, 'entropy', [0.75 * Math.log(4 / 3) + 0.25 * Math.log(4)]),
      dlogprob: tensorOf(gpu, 'dlogprob', [8]),
      weights: tensorOf(gpu, 'weights', [2]),
      logits: tensorOf(gpu, 'logits', [Math.log(3) / 2, 0], [1, 2]),
    };
    await run(gpu, [logitsBackward(tensors, { count: 1, temperature: 0.5, dentropy: 0, lanes })]);
    // 8 * (0 - 3/4) / (1/2) and 8 * (1 - 1/4) / (1/2)
    expectClose(await gpu.read(tensors.logits, 'f32'), [-12, 12], { abs: 1e-5 });
  });

  test('a bonus on entropy flattens the distribution, as much as its weight says', async () => {
    const hyper = { temperature: 1, dentropy: -1 };
    const { tensors } = prepare(2, 2, hyper);
    gpu.upload(tensors.logits, Float32Array.of(Math.log(3), 0, Math.log(3), 0));
    gpu.upload(tensors.lse, Float32Array.of(Math.log(4), Math.log(4)));
    const entropy = 0.75 * Math.log(4 / 3) + 0.25 * Math.log(4);
    gpu.upload(tensors.entropy, Float32Array.of(entropy, entropy));
    gpu.upload(tensors.dlogprob, Float32Array.of(0, 0));
    gpu.upload(tensors.weights, Float32Array.of(1, 3));
    await run(gpu, [logitsBackward(tensors, { count: 2, ...hyper, lanes })]);
    // dH/dz_0 = -p0 p1 ln(p0 / p1): a step against the gradient lowers the larger logit.
    const slope = (3 / 16) * Math.log(3);
    const want = [slope, -slope, 3 * slope, -3 * slope];
    expectClose(await gpu.read(tensors.logits, 'f32'), want, { abs: 1e-6 });
  });

  test('leaves actions past the actions in use alone, folded over two dimensions', async () => {
    const hyper = { temperature: 0.7, dentropy: -0.3 };
    const { tensors, targets, logits, dlogprob, weights } = prepare(130, 18, hyper);
    const count = new Variable('count', 111, 130);
    await run(gpu, [folded(logitsBackward(tensors, { count, ...hyper, lanes }))]);
    const got = await gpu.read(tensors.logits, 'f32');
    const want = logitsBackwardReference(logits, targets, dlogprob, weights, hyper);
    expectClose(got.subarray(0, 111 * 18), want.subarray(0, 111 * 18), tolerance);
    expect(got.subarray(111 * 18)).toEqual(logits.subarray(111 * 18));
  });

  test('refuses action arrays that disagree and too many actions', () => {
    const hyper = { temperature: 1, dentropy: 0 };
    const { tensors } = prepare(3, 4, hyper);
    const bind = (change: object, count = 3) =>
      logitsBackward({ ...tensors, ...change }, { count, ...hyper, lanes });
    expect(() => bind({})).not.toThrow();
    expect(() => bind({}, 4)).toThrow('count may reach 4, past the 3 held');
    for (const role of ['targets', 'lse', 'entropy', 'dlogprob', 'weights'] as const) {
      expect(() => bind({ [role]: { ...tensors[role], shape: [2] } })).toThrow(
        `logits-backward: ${role} must be (3), got (2) from '${role}'`,
      );
    }
  });
});
