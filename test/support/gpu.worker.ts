// A worker that owns a device and keeps it busy, as the trainer does on every host.
import { gae } from '../../kernels/gae.ts';
import type { Tensor } from '../../kernels/lib/tensor.ts';
import { openGpu, type Gpu } from '../../src/gpu/device.ts';
import { exposeWorker } from '../../src/threads/expose.ts';
import type { WorkerApi } from '../../src/threads/worker-api.ts';

export interface GpuWorkerApi extends WorkerApi {
  /** Name of the adapter. */
  open(): Promise<string>;
  /** Advantages of one episode. */
  advantages(rewards: Float32Array, values: Float32Array): Promise<Float32Array>;
  /** Dispatches and reads back in a loop. Settles after `dispose`. */
  work(): Promise<number>;
}

let gpu: Gpu | undefined;
let disposed = false;
let working: Promise<number> | undefined;

async function compute(rewards: Float32Array, values: Float32Array): Promise<Float32Array> {
  if (!gpu) throw new Error('not open');
  const device = gpu;
  const count = rewards.length;
  const vector = (name: string) => device.tensor(name, [count], 'f32', 'activations');
  const tensors = {
    sequences: device.tensor('sequences', [1, 2], 'u32', 'activations'),
    rewards: vector('rewards'),
    values: vector('values'),
    advantages: vector('advantages'),
    returns: vector('returns'),
  };
  device.upload(tensors.sequences, Uint32Array.of(0, count));
  device.upload(tensors.rewards, rewards);
  device.upload(tensors.values, values);
  const plan = device.plan('advantages', [
    gae(tensors, { sequenceCount: 1, gamma: 1, gaeLambda: 0.5 }),
  ]);
  await device.run(plan);
  const advantages = await device.read(tensors.advantages);
  plan.destroy();
  device.destroy(...Object.values<Tensor>(tensors));
  return advantages;
}

const api: GpuWorkerApi = {
  async open() {
    gpu = await openGpu({ limits: 'default' });
    return gpu.name;
  },
  advantages: compute,
  work() {
    working = (async () => {
      let count = 0;
      for (; !disposed; count++) await compute(Float32Array.of(0, 0, 1), new Float32Array(3));
      return count;
    })();
    return working;
  },
  async dispose() {
    disposed = true;
    await working;
    await gpu?.close();
  },
};

exposeWorker(api);
