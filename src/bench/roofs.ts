import { copy } from '../../kernels/copy.ts';
import type { Gpu } from '../gpu/device.ts';
import { median } from '../median.ts';
import { forwardCase } from '../variants/matmul-cases.ts';
import { measureVariants } from '../variants/tuning.ts';

/** The rates that an adapter reaches when it does one thing only, with its best variant. */
export interface Roofs {
  /** f32 matmul of one large square shape. */
  readonly matmulGigaflops: number;
  /** A copy kernel over a large array. Bytes read and bytes written both count. */
  readonly copyGigabytes: number;
}

/** Measures both rates. The result is only as good as the machine is quiet. */
export async function measureRoofs(
  gpu: Gpu,
  { tiny, repeats }: { readonly tiny: boolean; readonly repeats: number },
): Promise<Roofs> {
  const side = tiny ? 32 : gpu.kind === 'cpu' ? 512 : 4096;
  const timings = await measureVariants(gpu, [forwardCase([side, side, side])], {
    rounds: repeats,
    milliseconds: tiny ? 0 : 60,
  });
  const count = tiny ? 2 ** 12 : gpu.kind === 'cpu' ? 2 ** 22 : 2 ** 25;
  const x = gpu.tensor('copy source', [count], 'f32', 'activations');
  const out = gpu.tensor('copy target', [count], 'f32', 'activations');
  const runs = 8;
  const plan = gpu.plan(
    'copy',
    Array.from({ length: runs }, () => copy({ x, out })),
  );
  const times: number[] = [];
  try {
    for (let i = 0; i < repeats + 2; i++) {
      const started = performance.now();
      await gpu.run(plan);
      await gpu.idle();
      times.push(performance.now() - started);
    }
  } finally {
    plan.destroy();
    gpu.destroy(x, out);
  }
  return {
    matmulGigaflops: Math.max(...timings.map(({ gigaflops }) => gigaflops)),
    copyGigabytes: (runs * 8 * count) / median(times.slice(2)) / 1e6,
  };
}
