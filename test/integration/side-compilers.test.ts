import { expect, test } from 'vitest';
import { defineKernel } from '../../kernels/lib/kernel.ts';
import { Gpu, openGpu } from '../../src/gpu/device.ts';

/** Pairs of an odd factor and a shift, drawn anew: no driver has compiled them before. */
const drawn = () =>
  Array.from({ length: 800 }, () => [
    2 * Math.floor(Math.random() * 2 ** 30) + 1,
    1 + Math.floor(Math.random() * 30),
  ]);

/** A kernel that takes long to compile, and what it makes of a number. */
function longKernel(name: string) {
  const rounds = drawn();
  const code = `struct Params { count: u32 }
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read_write> out: array<u32>;
@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3u) {
  if (id.x >= params.count) { return; }
  var x = out[id.x];
${rounds.map(([factor, shift]) => `  x = x * ${factor}u; x ^= x >> ${shift}u;`).join('\n')}
  out[id.x] = x;
}`;
  const kernel = defineKernel(name, code, { params: ['count'], tensors: { out: 'u32' } });
  const apply = (start: number): number => {
    let x = start;
    for (const [factor, shift] of rounds) {
      x = Math.imul(x, factor);
      x ^= x >>> shift;
    }
    return x >>> 0;
  };
  return { kernel, apply };
}

test('kernels that wait are compiled on other devices, once each, and compute the same', async ({
  skip,
}) => {
  const own = await openGpu();
  const opened: GPUDevice[] = [];
  const gpu = new Gpu(own.device, own.info, {
    openSide: async () => {
      const { device } = await openGpu();
      opened.push(device);
      return device;
    },
  });
  if (!/llvmpipe/.test(gpu.name)) {
    await gpu.close();
    skip('this driver compiles pipelines when they are made');
  }
  const told: string[] = [];
  gpu.pipelines.onCompile = (begun, known, label) => told.push(`${begun}/${known} ${label}`);
  const names = ['first', 'second', 'third', 'fourth'];
  const kernels = names.map(longKernel);
  const out = gpu.tensor('out', [2], 'u32', 'activations');
  gpu.upload(out, Uint32Array.of(1, 77));
  const plan = gpu.plan(
    'long',
    kernels.map(({ kernel }) => kernel.bind({ out }, { count: 2 }, [1])),
  );
  await gpu.run(plan);
  const want = (start: number) => kernels.reduce((x, { apply }) => apply(x), start);
  expect([...(await gpu.read(out, 'u32'))]).toEqual([want(1), want(77)]);
  expect(told).toEqual(names.map((name, i) => `${i + 1}/4 ${name}`));
  // The first was compiled where it ran; nothing runs on the others, and they do not stay open.
  expect(opened.length).toBeGreaterThan(0);
  await gpu.close();
  await Promise.all(opened.map(({ lost }) => lost));
});
