import { describe, expect, test } from 'vitest';
import type { Dispatch, KernelInfo } from '../../kernels/lib/kernel.ts';
import type { PipelineEntry } from '../../src/gpu/contracts.ts';
import type { Gpu } from '../../src/gpu/device.ts';
import { PipelineCache } from '../../src/gpu/pipelines.ts';
import { hardwareThreads } from '../../src/hardware-threads.ts';

const kernelOf = (name: string): KernelInfo => ({
  name,
  code: '',
  files: [],
  params: [],
  bindings: [],
});

const dispatchOf = (name: string): Dispatch => ({
  op: 'dispatch',
  kernel: kernelOf(name),
  tensors: [],
  params: [],
  grid: [1],
  constants: {},
  header: '',
  flops: () => 0,
});

/** A device that makes a pipeline when it is told to, and hears of each that is asked for. */
class Factory {
  readonly asked: string[] = [];
  readonly #pending: (() => void)[] = [];
  readonly device = {
    createBindGroupLayout: () => ({}),
    createPipelineLayout: () => ({}),
    createShaderModule: () => ({ getCompilationInfo: () => Promise.resolve({ messages: [] }) }),
    pushErrorScope: () => undefined,
    popErrorScope: () => Promise.resolve(null),
    createComputePipelineAsync: ({ label }: { label: string }) => {
      this.asked.push(label);
      return new Promise((made) => this.#pending.push(() => made({})));
    },
  };

  get gpu(): Gpu {
    const ask = (call: () => Promise<unknown>) => call();
    return { device: this.device, ask, name: 'a driver that compiles at once' } as unknown as Gpu;
  }

  /** Lets what is asked for be made, and what follows from that be asked for. */
  async turn(): Promise<void> {
    for (const make of this.#pending.splice(0)) make();
    await new Promise((done) => setTimeout(done));
  }
}

const some = (name: string, count: number): string[] =>
  Array.from({ length: count }, (_, i) => `${name} ${i}`);

describe('pipelines', () => {
  const most = 2 * hardwareThreads();

  test('are made no more at a time than keep the machine busy, and told as they are begun', async () => {
    const factory = new Factory();
    const pipelines = new PipelineCache(factory.gpu);
    const told: string[] = [];
    pipelines.onCompile = (begun, known, label) => told.push(`${label}: ${begun}/${known}`);
    const names = some('kernel', 2 * most + 1);
    const entries = names.map((name) => pipelines.entry(dispatchOf(name)));
    expect(pipelines.entry(dispatchOf('kernel 0'))).toBe(entries[0]);
    for (const begun of [most, 2 * most, 2 * most + 1]) {
      await factory.turn();
      expect(factory.asked).toEqual(names.slice(0, begun));
    }
    await factory.turn();
    await Promise.all(entries.map(({ ready }) => ready));
    expect(told).toEqual(names.map((name, i) => `${name}: ${i + 1}/${names.length}`));
  });

  test('come first that are said to, then those of the plan that waits, then by age', async () => {
    const factory = new Factory();
    const pipelines = new PipelineCache(factory.gpu);
    const ask = (name: string, count: number): PipelineEntry[] =>
      some(name, count).map((label) => pipelines.entry(dispatchOf(label)));
    ask('update', most);
    const late = ask('check', most);
    pipelines.queueAhead(() => ask('rollout', most));
    await factory.turn();
    pipelines.queueFirst(new Set(late));
    await factory.turn();
    await factory.turn();
    expect(factory.asked).toEqual([
      ...some('rollout', most),
      ...some('check', most),
      ...some('update', most),
    ]);
  });

  test('that wait are given up when the device is closed', async () => {
    const factory = new Factory();
    const pipelines = new PipelineCache(factory.gpu);
    const entries = some('kernel', most + 1).map((name) => pipelines.entry(dispatchOf(name)));
    await factory.turn();
    const closed = pipelines.close();
    await factory.turn();
    await closed;
    expect(factory.asked).toHaveLength(most);
    await expect(entries[0].ready).resolves.toBeUndefined();
    await expect(entries[most].ready).rejects.toThrow('the device was closed');
  });
});
