import type { LowRankTerm } from '../../kernels/matvec-forward.ts';
import type { Gpu } from '../../src/gpu/device.ts';
import { lowRankForwardReference } from '../reference/low-rank-forward.ts';
import { seeded, tensorOf } from './gpu.ts';

/** Scales of three parts. */
export const scales = [0.5, 2, -1.25];

/** Parts of the given sizes, each with a scale of its own. */
export const partsOf = (features: readonly number[]) =>
  features.map((own, p) => ({ features: own, scale: scales[p] }));

/** An adapter for `rows` rows, and what it adds to an output, in float64. */
export function lowRankTerm(
  gpu: Gpu,
  features: readonly number[],
  { rows, rank }: { readonly rows: number; readonly rank: number },
): { term: LowRankTerm; added: Float64Array } {
  const parts = partsOf(features);
  const columns = features.reduce((sum, own) => sum + own, 0);
  const t = seeded(rows * parts.length * rank, 6);
  const b = seeded(columns * rank, 7);
  return {
    term: {
      t: tensorOf(gpu, 't', t, [rows, parts.length * rank]),
      b: tensorOf(gpu, 'b', b, [columns, rank]),
      parts,
    },
    added: lowRankForwardReference(t, b, parts, { rows, rank }),
  };
}
