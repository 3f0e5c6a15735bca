import { describe, expect, test } from 'vitest';
import { parallelLanes, serialLanes } from '../../kernels/lib/lanes.ts';
import { Variable } from '../../kernels/lib/variable.ts';
import { tokenLogprob } from '../../kernels/token-logprob.ts';
import { RandomStream } from '../../src/random.ts';
import { tokenLogprobReference } from '../reference/token-logprob.ts';
import { folded } from '../support/folded.ts';
import { expectClose, openTestGpu, run, seeded, tensorOf } from '../support/gpu.ts';
import { expectUntouched, marked } from '../support/marked.ts';

const gpu = await openTestGpu();

function prepare(count: number, vocabulary: number, logits: ArrayLike<number>, targets: number[]) {
  return {
    logits: tensorOf(gpu, 'logits', Float32Array.from(logits), [count, vocabulary]),
    targets: tensorOf(gpu, 'targets', targets, [count], 'u32'),
    logprobs: tensorOf(gpu, 'logprobs', marked(count)),
    lse: tensorOf(gpu, 'lse', marked(count)),
    entropy: tensorOf(gpu, 'entropy', marked(count)),
  };
}

function inputs(count: number, vocabulary: number) {
  const stream = new RandomStream(vocabulary, 'test');
  const logits = seeded(count * vocabulary, 1, 3);
  return { logits, targets: Array.from({ length: count }, () => stream.below(vocabulary)) };
}

async function read(tensors: ReturnType<typeof prepare>) {
  return {
    logprobs: await gpu.read(tensors.logprobs, 'f32'),
    lse: await gpu.read(tensors.lse, 'f32'),
    entropy: await gpu.read(tensors.entropy, 'f32'),
  };
}

// An f32 sum in blocks of up to 150,000 terms is good to some 1e-6 of itself, hence its log too; the
// logits are of size 12, each rounded to 1e-6 once divided by the temperature.
const tolerance = { abs: 1e-5 };

describe.each([
  ['one thread', serialLanes],
  ['32 threads', parallelLanes],
])('token-logprob with %s a row', (_, lanes) => {
  test.each([
    [1, 1, 1],
    [67, 18, 0.7],
    [130, 320, 1],
    [3, 5000, 2.5],
    [2, 151_936, 1],
  ])('matches the float64 reference on %i of %i at temperature %f', async (...one) => {
    const [count, vocabulary, temperature] = one;
    const { logits, targets } = inputs(count, vocabulary);
    const tensors = prepare(count, vocabulary, logits, targets);
    await run(gpu, [tokenLogprob(tensors, { count, temperature, lanes })]);
    const got = await read(tensors);
    const want = tokenLogprobReference(logits, targets, temperature);
    expectClose(got.logprobs, want.logprobs, tolerance);
    expectClose(got.lse, want.lse, tolerance);
    expectClose(got.entropy, want.entropy, tolerance);
  });

  test('gives log-probability, log-sum-exp and entropy in nats, worked by hand', async () => {
    // Two equal logits; odds of 3 to 1; at temperature 1/2 odds of 9 to 1; one token far ahead.
    const log3 = Math.log(3);
    const tensors = prepare(3, 2, [7, 7, log3, 0, 0, 1000], [0, 1, 0]);
    await run(gpu, [tokenLogprob(tensors, { count: 3, temperature: 1, lanes })]);
    const plain = await read(tensors);
    const quarter = -0.75 * Math.log(0.75) - 0.25 * Math.log(0.25);
    expectClose(plain.logprobs, [-Math.log(2), -Math.log(4), -1000], { abs: 1e-6 });
    expectClose(plain.lse, [7 + Math.log(2), Math.log(4), 1000], { abs: 1e-6 });
    expectClose(plain.entropy, [Math.log(2), quarter, 0], { abs: 1e-6 });
    await run(gpu, [tokenLogprob(tensors, { count: 3, temperature: 0.5, lanes })]);
    const sharp = await read(tensors);
    const tenth = -0.9 * Math.log(0.9) - 0.1 * Math.log(0.1);
    expectClose(sharp.logprobs, [-Math.log(2), -Math.log(10), -2000], { abs: 1e-6 });
    expectClose(sharp.entropy, [Math.log(2), tenth, 0], { abs: 1e-6 });
  });

  test('leaves actions past the actions in use alone, folded over two dimensions', async () => {
    const { logits, targets } = inputs(150, 18);
    const tensors = prepare(150, 18, logits, targets);
    const count = new Variable('count', 70, 150);
    const temperature = new Variable('temperature', 0.7);
    await run(gpu, [folded(tokenLogprob(tensors, { count, temperature, lanes }))]);
    const got = await read(tensors);
    const want = tokenLogprobReference(logits, targets, 0.7);
    for (const role of ['logprobs', 'lse', 'entropy'] as const) {
      expectClose(got[role].subarray(0, 70), want[role].subarray(0, 70), tolerance);
      expectUntouched(got[role], 70);
    }
  });
});

test('token-logprob refuses action arrays that disagree and too many actions', () => {
  const tensors = prepare(3, 4, new Float32Array(12), [0, 1, 2]);
  const bind = (change: object, count = 3) =>
    tokenLogprob({ ...tensors, ...change }, { count, temperature: 1 });
  expect(() => bind({})).not.toThrow();
  expect(() => bind({}, 4)).toThrow('count may reach 4, past the 3 held');
  for (const role of ['targets', 'logprobs', 'lse', 'entropy'] as const) {
    expect(() => bind({ [role]: { ...tensors[role], shape: [2] } })).toThrow(
      `token-logprob: ${role} must be (3), got (2) from '${role}'`,
    );
  }
  expect(() => bind({ targets: tensors.lse })).toThrow('targets must be u32, got f32');
  expect(() => bind({ logits: tensors.lse })).toThrow('logits must have rank 2');
});
