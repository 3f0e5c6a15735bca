import { describe, expect, test } from 'vitest';
import { defineKernel } from '../../kernels/lib/kernel.ts';
import { philox, unitFloat, type Words4 } from '../../kernels/lib/philox.ts';
import library from '../../shaders/lib/philox.wgsl?raw';
import { RandomStream } from '../../src/random.ts';
import { openTestGpu, run, tensorOf } from '../support/gpu.ts';
import code from '../support/philox-blocks.wgsl?raw';

type Key = readonly [number, number];

/** Random123's kat_vectors for philox4x32 at 10 rounds: counter, key, expected words. */
const published: readonly (readonly [Words4, Key, Words4])[] = [
  [
    [0, 0, 0, 0],
    [0, 0],
    [0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8],
  ],
  [
    [0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff],
    [0xffffffff, 0xffffffff],
    [0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd],
  ],
  [
    [0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344],
    [0xa4093822, 0x299f31d0],
    [0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1],
  ],
];

const blocksKernel = defineKernel('philox-blocks', [library, code], {
  params: ['count'],
  tensors: { inputs: 'u32', blocks: 'u32' },
});

async function onGpu(inputs: readonly (readonly [Words4, Key])[]) {
  const gpu = await openTestGpu();
  const count = inputs.length;
  const packed = Uint32Array.from(inputs.flatMap(([counter, key]) => [...counter, ...key]));
  const tensors = {
    inputs: tensorOf(gpu, 'inputs', packed, [count, 6]),
    blocks: tensorOf(gpu, 'blocks', new Uint32Array(count * 5), [count, 5]),
  };
  await run(gpu, [blocksKernel.bind(tensors, { count }, [Math.ceil(count / 64)])]);
  const got = await gpu.read(tensors.blocks, 'u32');
  const floats = new Float32Array(got.buffer);
  return inputs.map((_, i) => ({
    words: [...got.subarray(i * 5, i * 5 + 4)],
    unit: floats[i * 5 + 4],
  }));
}

describe('philox', () => {
  test('gives the published known answers in TypeScript', () => {
    for (const [counter, key, words] of published) expect(philox(counter, key)).toEqual(words);
  });

  test('gives the published known answers on the GPU', async () => {
    const got = await onGpu(published.map(([counter, key]) => [counter, key]));
    expect(got.map(({ words }) => words)).toEqual(published.map(([, , words]) => [...words]));
  });

  test('is bit-equal to its TypeScript twin, as words and as unit floats', async () => {
    const stream = new RandomStream(5, 'test');
    const edges = [0, 1, 0xffff, 0x10000, 0x7fffffff, 0x80000000, 0xffff0000, 0xffffffff];
    const word = () => (stream.below(4) === 0 ? edges[stream.below(8)] : stream.next());
    const inputs = Array.from(
      { length: 1000 },
      () =>
        [
          [word(), word(), word(), word()],
          [word(), word()],
        ] as [Words4, Key],
    );
    const got = await onGpu(inputs);
    for (const [i, [counter, key]] of inputs.entries()) {
      const words = philox(counter, key);
      expect(got[i].words).toEqual([...words]);
      expect(got[i].unit).toBe(unitFloat(words[0]));
      expect(got[i].unit).toBeLessThan(1);
    }
  });
});
