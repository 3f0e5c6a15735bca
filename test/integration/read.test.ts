import { afterEach, describe, expect, test, vi } from 'vitest';
import { someRows } from '../../src/lim/readback.ts';
import { configFrom } from '../../src/config.ts';
import { estimate } from '../../src/scheduler/estimate.ts';
import { openTestGpu } from '../support/gpu.ts';

const gpu = await openTestGpu();
afterEach(() => vi.restoreAllMocks());

describe('reading a tensor back', () => {
  test.each([
    ['f32', Float32Array.of(1.5, -0, NaN)],
    ['u32', Uint32Array.of(1, 0xffff_ffff, 3)],
    ['i32', Int32Array.of(-1, 2, -3)],
    ['f16', Uint16Array.of(0x3c00, 0xc000, 0x7e00)],
  ] as const)('gives what %s it holds, and no more', async (dtype, data) => {
    const tensor = gpu.tensor(`three ${dtype}`, [3], dtype, 'rollout');
    // A writing is of whole words.
    const words = new Uint8Array(Math.ceil(data.byteLength / 4) * 4);
    words.set(new Uint8Array(data.buffer));
    gpu.upload(tensor, new Uint32Array(words.buffer));
    expect(await gpu.read(tensor)).toEqual(data);
    expect(await gpu.read(tensor, dtype)).toEqual(data);
    gpu.destroy(tensor);
  });

  test('refuses to take one dtype for another', async () => {
    const tensor = gpu.tensor('counts', [2], 'u32', 'rollout');
    await expect(gpu.read(tensor, 'f32')).rejects.toThrow('read: counts holds u32, not f32');
    gpu.destroy(tensor);
  });

  test.each(['a tensor', 'rows of a matrix'])('frees its staging where %s fails', async (what) => {
    const { device } = gpu;
    const tensor = gpu.tensor('values', [4, 2], 'f32', 'rewards');
    const create = device.createBuffer.bind(device);
    const destroyed: string[] = [];
    const made: string[] = [];
    vi.spyOn(device, 'createBuffer').mockImplementation((descriptor) => {
      const buffer = create(descriptor);
      made.push(buffer.label);
      const destroy = buffer.destroy.bind(buffer);
      buffer.destroy = () => {
        destroyed.push(buffer.label);
        destroy();
      };
      buffer.mapAsync = () => Promise.reject(new Error('no mapping today'));
      return buffer;
    });
    const read = what === 'a tensor' ? gpu.read(tensor) : someRows(gpu, { values: tensor }, [1, 3]);
    await expect(read).rejects.toThrow('no mapping today');
    expect(made).toHaveLength(1);
    expect(destroyed).toEqual(made);
    vi.restoreAllMocks();
    gpu.destroy(tensor);
  });
});

test('pages of parameters fit the smaller of the two limits of a device', () => {
  const config = configFrom('quick', { model: { hiddenSize: 128, intermediateSize: 512 } }, 'x');
  // The largest matrix has 128 x 1,024 elements; all together no page of this size holds.
  const [small, large] = [2 ** 19, 2 ** 30];
  const capped = { base: { sequencesPerUpdate: 1 }, rollout: { prompts: 1, samples: 4 } };
  const tight = configFrom(
    'quick',
    { ...capped, model: config.model, ppo: { minibatches: 1 }, evaluation: { samples: 1 } },
    'x',
  );
  const one = estimate(tight, { maxBufferSize: small, maxStorageBufferBindingSize: large });
  const other = estimate(tight, { maxBufferSize: large, maxStorageBufferBindingSize: small });
  expect(one).toEqual(other);
  expect(one.run.byPurpose.weights).toBeGreaterThan(small);
});
