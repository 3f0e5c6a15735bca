import { matmulForward } from '../../kernels/matmul-forward.ts';
import type { Gpu } from '../gpu/device.ts';
import { Inputs } from './checks/case.ts';

/** Storages that round. */
export const roundedStorages = ['f16', 'int8', 'int4'] as const;
export type RoundedStorage = (typeof roundedStorages)[number];

/**
 * The root mean square errors of logits with a head in each storage, over their own root mean square in
 * f32. Head and hidden states are drawn, normal.
 */
export async function headErrors(gpu: Gpu): Promise<Record<RoundedStorage, number>> {
  const inputs = new Inputs(gpu);
  try {
    const [rows, width, vocabulary] = [8, 256, 512];
    const x = inputs.random('hidden', rows, width).tensor;
    const [exact, ...rounded] = (['f32', ...roundedStorages] as const).map((storage) => {
      // The same numbers in each storage.
      const weight = new Inputs(gpu).random('head', vocabulary, width, storage).tensor;
      inputs.tensors.push(weight);
      const out = inputs.empty(`logits ${storage}`, [rows, vocabulary]);
      const plan = gpu.plan(`logits in ${storage}`, matmulForward({ x, weight, out }, { rows }));
      return { out, plan };
    });
    const read = async ({ out, plan }: NonNullable<typeof exact>): Promise<Float32Array> => {
      await gpu.run(plan);
      const logits = await gpu.read(out, 'f32');
      plan.destroy();
      return logits;
    };
    const want = exact ? await read(exact) : new Float32Array(0);
    const squares = want.reduce((sum, value) => sum + value ** 2, 0);
    const errors: number[] = [];
    for (const one of rounded) {
      const got = await read(one);
      const off = got.reduce((sum, value, i) => sum + (value - (want[i] ?? NaN)) ** 2, 0);
      errors.push(Math.sqrt(off / squares));
    }
    const [f16 = NaN, int8 = NaN, int4 = NaN] = errors;
    return { f16, int8, int4 };
  } finally {
    inputs.destroy();
  }
}
