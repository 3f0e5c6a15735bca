import { afterAll, describe, expect, test, vi } from 'vitest';
import { columnSum } from '../../kernels/column-sum.ts';
import { defineKernel } from '../../kernels/lib/kernel.ts';
import { rowsOf, type Tensor } from '../../kernels/lib/tensor.ts';
import { Variable } from '../../kernels/lib/variable.ts';
import { matmulForward } from '../../kernels/matmul-forward.ts';
import { rope, ropeFrequencies, ropeTable } from '../../kernels/rope.ts';
import { swigluForward } from '../../kernels/swiglu-forward.ts';
import { tokenLogprob } from '../../kernels/token-logprob.ts';
import library from '../../shaders/lib/kl.wgsl?raw';
import { AdapterError, openGpu, type Gpu } from '../../src/gpu/device.ts';
import { clearStep, copyStep, type Step } from '../../src/gpu/plan.ts';
import { hostName } from '../../src/host-name.ts';
import { watch } from '../support/device-calls.ts';
import { expectClose, openTestGpu, run, seeded, tensorOf } from '../support/gpu.ts';
import { expectUntouched, marked } from '../support/marked.ts';
import badCode from '../support/bad-shader.wgsl?raw';

const gpu = await openTestGpu();

const opened: Gpu[] = [];

/** A device of its own, for tests that break it. */
async function openOwnGpu(): Promise<Gpu> {
  const own = await openGpu({ limits: 'default' });
  opened.push(own);
  return own;
}

afterAll(async () => {
  for (const own of opened) await own.close().catch(() => undefined);
});

/** What a device is asked for while `body` runs, by method. */
async function countCalls(on: Gpu, body: () => Promise<void>): Promise<Record<string, number>> {
  const calls: Record<string, number> = {};
  const seen = (name: string): void => {
    calls[name] = (calls[name] ?? 0) + 1;
  };
  const probe = tensorOf(on, 'probe', [0]);
  const creators: string[] = [];
  for (const name in on.device) if (name.startsWith('create')) creators.push(name);
  for (const name of Object.getOwnPropertyNames(Object.getPrototypeOf(on.device) as object)) {
    if (name.startsWith('create') && !creators.includes(name)) creators.push(name);
  }
  expect(creators).toContain('createBuffer');
  const restore = [
    watch(on.device, creators, seen),
    watch(on.device.queue, ['submit', 'writeBuffer'], seen),
    watch(Object.getPrototypeOf(probe.buffer) as object, ['mapAsync'], seen),
  ];
  try {
    await body();
  } finally {
    for (const undo of restore) undo();
    on.destroy(probe);
  }
  return calls;
}

/** Sums of the first `rows` of the rows 1, 10, 100, ... into `out`. */
function sums(on: Gpu) {
  const rows = new Variable('rows', 3, 6);
  const x = tensorOf(on, 'x', [1, 10, 100, 1000, 10_000, 100_000], [6, 1]);
  const out = tensorOf(on, 'out', marked(1));
  return { rows, x, out, step: columnSum({ x, out }, { rows, accumulate: false }) };
}

describe('a plan that is run again', () => {
  test('asks the device for nothing but encoders, submits and changed uniforms', async () => {
    const { rows, x, out, step } = sums(gpu);
    const copy = tensorOf(gpu, 'copy', new Float32Array(6), [6, 1]);
    const plan = gpu.plan('steady', [clearStep(copy), copyStep(x, copy), step]);
    await gpu.run(plan);
    await gpu.idle();
    const calls = await countCalls(gpu, async () => {
      for (let i = 0; i < 10; i++) {
        rows.value = 1 + (i % 2);
        await gpu.run(plan);
        await gpu.run(plan);
      }
      await gpu.idle();
    });
    const { createCommandEncoder, submit, writeBuffer, ...others } = calls;
    expect(others).toEqual({});
    expect(createCommandEncoder).toBe(submit);
    // Two runs for each value of the variable: the second finds its uniforms written.
    expect(writeBuffer).toBe(10);
    expect([...(await gpu.read(out, 'f32'))]).toEqual([11]);
    expect(await gpu.read(copy, 'f32')).toEqual(await gpu.read(x, 'f32'));
  });

  test('is seen to create and read by the same counter', async () => {
    const calls = await countCalls(gpu, async () => {
      const { out, step } = sums(gpu);
      const plan = gpu.plan('fresh', [{ ...step, header: '// another pipeline' }]);
      await gpu.run(plan);
      await gpu.read(out, 'f32');
    });
    expect(calls).toMatchObject({
      createShaderModule: 1,
      createComputePipelineAsync: 1,
      createBindGroup: 1,
      mapAsync: 1,
    });
    // Two tensors, the uniforms, the staging buffer of the read.
    expect(calls.createBuffer).toBe(4);
  });

  test('follows its variables: counts, grids, hyperparameters and what is computed of them', async () => {
    const { rows, out, step } = sums(gpu);
    const twice = new Variable('twice', () => 2 * rows.value, 12);
    const temperature = new Variable('temperature', 1);
    const gated = tensorOf(gpu, 'gated', marked(12), [12, 1]);
    const gate_up = tensorOf(gpu, 'gate_up', new Float32Array(24).fill(0), [12, 2]);
    const [logprobs, lse, entropy] = ['logprobs', 'lse', 'entropy'].map((name) =>
      tensorOf(gpu, name, [0]),
    );
    const plan = gpu.plan('variables', [
      step,
      swigluForward({ gate_up, out: gated }, { rows: twice }),
      tokenLogprob(
        {
          logits: tensorOf(gpu, 'logits', [Math.log(3), 0], [1, 2]),
          targets: tensorOf(gpu, 'targets', [1], [1], 'u32'),
          logprobs,
          lse,
          entropy,
        },
        { count: 1, temperature },
      ),
    ]);
    await gpu.run(plan);
    expect([...(await gpu.read(out, 'f32'))]).toEqual([111]);
    expectUntouched(await gpu.read(gated, 'f32'), 6);
    expectClose(await gpu.read(logprobs, 'f32'), [-Math.log(4)], { abs: 1e-6 });
    rows.value = 5;
    temperature.value = 0.5;
    await gpu.run(plan);
    expect([...(await gpu.read(out, 'f32'))]).toEqual([11_111]);
    expect([...(await gpu.read(gated, 'f32'))]).toEqual([...new Array<number>(10).fill(0), 77, 77]);
    expectClose(await gpu.read(logprobs, 'f32'), [-Math.log(10)], { abs: 1e-6 });
    expect(() => (rows.value = 7)).toThrow('rows: 7 exceeds 6');
    expect(() => (rows.value = NaN)).toThrow(RangeError);
  });

  test('skips a step whose grid is empty, and compiles it when it first has work', async () => {
    const own = await openOwnGpu();
    const rows = new Variable('rows', 0, 2);
    const gate_up = tensorOf(own, 'gate_up', [0, 0, 0, 0], [2, 2]);
    const out = tensorOf(own, 'out', marked(2), [2, 1]);
    const plan = own.plan('empty', [swigluForward({ gate_up, out }, { rows })]);
    const compiled: string[] = [];
    const late = /llvmpipe/.test(own.name);
    own.pipelines.onCompile = (_begun, _known, label) => compiled.push(label);
    await own.run(plan);
    expectUntouched(await own.read(out, 'f32'), 0);
    // Other drivers compiled it when it was made.
    expect(compiled).toEqual(late ? [] : ['swiglu-forward']);
    rows.value = 1;
    await own.run(plan);
    await own.run(plan);
    expect([...(await own.read(out))]).toEqual([0, 77]);
    expect(compiled).toEqual(['swiglu-forward']);
  });

  test('computes the same bits wherever it is cut into submits', async () => {
    const data = seeded(40 * 24, 1);
    const before = tensorOf(gpu, 'before', data, [40, 24]);
    const qkv = tensorOf(gpu, 'qkv', data, [40, 24]);
    const out = tensorOf(gpu, 'out', marked(24));
    const positions = tensorOf(
      gpu,
      'positions',
      Uint32Array.from({ length: 40 }, (_, i) => i),
    );
    const table = tensorOf(gpu, 'table', ropeTable(40, ropeFrequencies(8, 10_000)), [40, 8]);
    const turn = (direction: 1 | -1) =>
      rope({ positions, table, qkv }, { rows: 40, heads: 3, direction });
    const add = columnSum({ x: qkv, out }, { rows: 40, accumulate: true });
    const steps: Step[] = [copyStep(before, qkv), clearStep(out)];
    for (let i = 0; i < 20; i++) steps.push(turn(1), add, turn(1), turn(-1));
    const results: Float32Array[] = [];
    const submits: number[] = [];
    await run(gpu, steps);
    for (const stepsPerSubmit of [1, 7, 1000]) {
      const plan = gpu.plan('cut', steps);
      plan.stepsPerSubmit = stepsPerSubmit;
      const calls = await countCalls(gpu, async () => {
        await gpu.run(plan);
        await gpu.idle();
      });
      submits.push(calls.submit);
      results.push(await gpu.read(out, 'f32'), await gpu.read(qkv, 'f32'));
      plan.destroy();
    }
    // The queue takes more steps at once where they are quick, so that only an order is certain.
    expect(submits[0]).toBeGreaterThan(1);
    expect(submits[1]).toBeGreaterThan(1);
    expect(submits[2]).toBe(1);
    const [sum, turned] = results;
    for (const i of [2, 4]) {
      expect(results[i]).toEqual(sum);
      expect(results[i + 1]).toEqual(turned);
    }
  });
});

describe('copies and clears', () => {
  test('move whole tensors, also parts of buffers, between dispatches', async () => {
    const all = tensorOf(gpu, 'all', seeded(192, 1), [3, 64]);
    const middle = tensorOf(gpu, 'middle', marked(64));
    const last = rowsOf(all, 2, 1);
    await run(gpu, [copyStep(rowsOf(all, 1, 1), middle), clearStep(last)]);
    const want = seeded(192, 1);
    expect(await gpu.read(middle, 'f32')).toEqual(want.slice(64, 128));
    expect(await gpu.read(all, 'f32')).toEqual(want.fill(0, 128));
  });

  test('refuse to copy between tensors of other sizes', () => {
    const two = tensorOf(gpu, 'two', [0, 0]);
    const three = tensorOf(gpu, 'three', [0, 0, 0]);
    expect(() => copyStep(two, three)).toThrow("copy: 'two' and 'three' differ in bytes");
  });
});

describe('compilation', () => {
  test('is reported pipeline by pipeline, each shared by the steps that need it', async () => {
    const own = await openOwnGpu();
    const { step } = sums(own);
    const gate_up = tensorOf(own, 'gate_up', [0, 0], [1, 2]);
    const gated = tensorOf(own, 'gated', [0], [1, 1]);
    const swiglu = swigluForward({ gate_up, out: gated }, { rows: 1 });
    const progress: string[] = [];
    own.pipelines.onCompile = (begun, known, label) => progress.push(`${begun}/${known} ${label}`);
    const plan = own.plan('two pipelines', [step, swiglu, step, swiglu]);
    expect(() => plan.encode(0, 4)).toThrow('two pipelines: run before ready()');
    await own.run(plan);
    await own.run(plan);
    expect(progress).toEqual(['1/2 column-sum', '2/2 swiglu-forward']);
    expect(own.pipelines.size).toBe(2);
  });

  test.each([
    ['alone', badCode, ''],
    ['after a library', [library, badCode], ''],
    ['after a library and a header', [library, badCode], 'const HEAD_DIM: u32 = 4;'],
  ])('names file and line of WGSL that does not compile, %s', async (_, code, header) => {
    const own = await openOwnGpu();
    const kernel = defineKernel('bad-shader', code, { params: ['count'], tensors: { out: 'f32' } });
    const out = tensorOf(own, 'out', [0]);
    const plan = own.plan('bad', [kernel.bind({ out }, { count: 1 }, [1], { header })]);
    const error = await plan.ready().then(
      () => undefined,
      (reason: unknown) => reason as Error,
    );
    expect(error?.name).toBe('ShaderError');
    const line = badCode.split('\n').findIndex((text) => text.includes('no_such_function')) + 1;
    expect(error?.message).toContain(`bad-shader.wgsl:${line}:`);
    expect(error?.message).toContain('no_such_function');
    await expect(own.run(plan)).rejects.toThrow('no_such_function');
  });

  test('names a library file where the fault lies in one', async () => {
    const own = await openOwnGpu();
    const broken = `// broken: a library.\n\nfn half(x: f32) -> f32 { return no_such_function(x); }`;
    const code = [library, broken, badCode.replace('no_such_function', 'half')];
    const kernel = defineKernel('good-shader', code, {
      params: ['count'],
      tensors: { out: 'f32' },
    });
    const out = tensorOf(own, 'out', [0]);
    const plan = own.plan('bad', [kernel.bind({ out }, { count: 1 }, [1])]);
    await expect(plan.ready()).rejects.toThrow('lib/broken.wgsl:3:');
  });
});

describe('a device that fails', () => {
  test('is reported as lost by whatever is asked of it next', async () => {
    const own = await openOwnGpu();
    const { out, step } = sums(own);
    const plan = own.plan('lost', [step]);
    await own.run(plan);
    await own.idle();
    own.device.destroy();
    await own.device.lost;
    for (const ask of [() => own.run(plan), () => own.idle(), () => own.read(out)]) {
      await expect(ask()).rejects.toMatchObject({ name: 'DeviceLostError' });
    }
    expect(() => own.throwIfFailed()).toThrow(own.name);
  });

  test('is reported as lost when it goes in the middle of a run', async () => {
    const own = await openOwnGpu();
    const { step } = sums(own);
    const plan = own.plan('lost', new Array<Step>(40).fill(step));
    await own.run(plan);
    plan.stepsPerSubmit = 1;
    const running = own.run(plan).then(() => own.idle());
    own.device.destroy();
    await expect(running).rejects.toMatchObject({ name: 'DeviceLostError' });
  });

  test('is reported with the first error that WebGPU raised', async () => {
    const own = await openOwnGpu();
    const { step } = sums(own);
    own.device.createBuffer({ label: 'bad usage', size: 16, usage: 0x1 | 0x80 });
    const plan = own.plan('after', [step]);
    await plan.ready();
    await own.device.queue.onSubmittedWorkDone();
    await expect(own.run(plan).then(() => own.idle())).rejects.toThrow('WebGPU: ');
  });

  test('refuses a tensor past its binding limit before allocating it', async () => {
    const limit = gpu.limits.maxStorageBufferBindingSize;
    const make = (): Tensor => gpu.tensor('logits', [limit / 4 + 4], 'f32', 'activations');
    const total = gpu.memory.total();
    const calls = await countCalls(gpu, async () => {
      expect(make).toThrow(AdapterError);
    });
    // The counter's own probe is the one buffer made.
    expect(calls.createBuffer ?? 0).toBe(0);
    expect(make).toThrow(
      `logits needs ${limit + 16} bytes in one binding, ${gpu.name} has ${limit}`,
    );
    expect(gpu.memory.total()).toBe(total);
  });

  test('is not opened when the adapter is not of the kind asked for', async () => {
    if (gpu.kind === 'cpu') {
      await expect(openGpu({ adapter: 'gpu' })).rejects.toMatchObject({
        name: 'AdapterError',
        message: `only a software adapter was found: ${gpu.name}`,
      });
    } else {
      const own = await openGpu({ adapter: 'gpu' });
      opened.push(own);
      expect(own.kind).toBe('gpu');
    }
  });
});

test('waiting for the device leaves the thread alone', async ({ skip }) => {
  if (!hostName().startsWith('node')) return skip("only Node's implementation polls by itself");
  const side = 512;
  const matrix = (name: string): Tensor =>
    tensorOf(gpu, name, new Float32Array(side * side), [side, side]);
  const [x, weight, out] = [matrix('x'), matrix('weight'), matrix('out')];
  const plan = gpu.plan(
    'long',
    Array.from({ length: 12 }, () => matmulForward({ x, weight, out }, { rows: side })).flat(),
  );
  await gpu.run(plan);
  await gpu.idle();
  const own = globalThis.setImmediate;
  let polls = 0;
  // Time enough passes between two polls that none of them comes at once.
  let now = performance.now();
  const clock = vi.spyOn(performance, 'now').mockImplementation(() => ++now);
  globalThis.setImmediate = Object.assign((...call: Parameters<typeof own>) => {
    polls++;
    return own(...call);
  }, own);
  try {
    await gpu.run(plan);
    await gpu.idle();
    await gpu.read(out, 'f32');
    // In every turn of the event loop there would be tens of thousands.
    expect(polls).toBeLessThan(100);
  } finally {
    globalThis.setImmediate = own;
    clock.mockRestore();
    plan.destroy();
    gpu.destroy(x, weight, out);
  }
});

describe('the memory ledger', () => {
  test('holds the bytes of every live buffer, by purpose', async () => {
    const own = await openOwnGpu();
    const live = new Map<GPUBuffer, number>();
    const create = own.device.createBuffer.bind(own.device);
    own.device.createBuffer = (descriptor) => {
      const buffer = create(descriptor);
      const destroy = buffer.destroy.bind(buffer);
      live.set(buffer, descriptor.size);
      buffer.destroy = () => {
        live.delete(buffer);
        destroy();
      };
      return buffer;
    };
    const created = (): number => [...live.values()].reduce((sum, size) => sum + size, 0);

    const weights = own.tensor('weights', [64, 3], 'f32', 'weights');
    const small = own.tensor('small', [1], 'u32', 'optimizer');
    const x = own.tensor('x', [5, 4], 'f32', 'activations');
    const out = own.tensor('out', [4], 'f32', 'activations');
    const plan = own.plan('sum', [columnSum({ x, out }, { rows: 5, accumulate: false })]);
    await own.run(plan);
    await own.read(out);
    const expected = { weights: 768, optimizer: 16, activations: 96, uniforms: 256 };
    expect(own.memory.byPurpose()).toEqual(expected);
    expect(own.memory.total()).toBe(created());
    expect(created()).toBe(768 + 16 + 96 + 256);

    plan.destroy();
    own.destroy(weights, x);
    expect(own.memory.byPurpose()).toEqual({ optimizer: 16, activations: 16 });
    expect(own.memory.total()).toBe(created());
    own.destroy(small, out);
    expect(own.memory.total()).toBe(0);
    expect(created()).toBe(0);
  });
});
