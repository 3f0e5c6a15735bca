import { afterAll, expect } from 'vitest';
import type { DType, Tensor } from '../../kernels/lib/tensor.ts';
import { elementCount } from '../../kernels/lib/tensor.ts';
import { openGpu, type Gpu } from '../../src/gpu/device.ts';
import type { Step } from '../../src/gpu/plan.ts';
import { RandomStream } from '../../src/random.ts';
import { bitsOfHalf, nearestHalf } from '../reference/half.ts';

let shared: Promise<Gpu> | undefined;

/** The host's device, software or real, with WebGPU's default limits. One per test file. */
export function openTestGpu(): Promise<Gpu> {
  if (!shared) {
    shared = openGpu({ limits: 'default', features: ['subgroups'] });
    afterAll(async () => {
      await (await shared)?.close();
      shared = undefined;
    });
  }
  return shared;
}

type Data = Float32Array | Uint32Array | Int32Array | readonly number[];

/** A tensor holding host data. Plain numbers become f32 unless a dtype is given. */
export function tensorOf(
  gpu: Gpu,
  name: string,
  data: Data,
  shape: readonly number[] = [data.length],
  dtype?: DType,
): Tensor {
  const typed =
    data instanceof Float32Array || data instanceof Uint32Array || data instanceof Int32Array
      ? data
      : dtype === 'u32'
        ? Uint32Array.from(data)
        : dtype === 'i32'
          ? Int32Array.from(data)
          : Float32Array.from(data);
  if (typed.length !== elementCount(shape)) {
    throw new Error(`${name}: ${typed.length} numbers for (${shape.join(', ')})`);
  }
  const kind = typed instanceof Float32Array ? 'f32' : typed instanceof Uint32Array ? 'u32' : 'i32';
  const tensor = gpu.tensor(name, shape, kind, 'activations');
  if (typed.length > 0) gpu.upload(tensor, typed);
  return tensor;
}

/** A tensor of halves, and its numbers: the nearest halves to the numbers of `data`. */
export function halvesOf(gpu: Gpu, name: string, data: Float32Array, shape: readonly number[]) {
  const rounded = data.map(nearestHalf);
  const tensor = gpu.tensor(name, shape, 'f16', 'activations');
  // An upload copies whole 4-byte words.
  const bits = new Uint16Array(2 * Math.ceil(data.length / 2));
  rounded.forEach((value, i) => (bits[i] = bitsOfHalf(value)));
  gpu.upload(tensor, bits);
  return { tensor, rounded };
}

/** Runs steps once, in a validation error scope. */
export async function run(gpu: Gpu, steps: readonly Step[]): Promise<void> {
  gpu.device.pushErrorScope('validation');
  const plan = gpu.plan('test', steps);
  await gpu.run(plan);
  await gpu.queue.idle();
  const error = await gpu.device.popErrorScope();
  plan.destroy();
  if (error) throw new Error(error.message);
  gpu.throwIfFailed();
}

/** Fails unless every number is within `abs + rel * |want|`; NaN never passes. */
export function expectClose(
  got: ArrayLike<number>,
  want: ArrayLike<number>,
  tolerance: { readonly abs: number; readonly rel?: number },
): void {
  expect(got.length).toBe(want.length);
  for (let i = 0; i < want.length; i++) {
    const allowed = tolerance.abs + (tolerance.rel ?? 0) * Math.abs(want[i]);
    const error = Math.abs(got[i] - want[i]);
    if (!(error <= allowed)) {
      expect.fail(`[${i}]: got ${got[i]}, want ${want[i]} within ${allowed}`);
    }
  }
}

/** `count` reproducible f32 numbers, standard normal times `scale`. */
export function seeded(count: number, seed: number, scale = 1): Float32Array {
  const stream = new RandomStream(seed, 'test');
  return Float32Array.from({ length: count }, () => stream.normal() * scale);
}
