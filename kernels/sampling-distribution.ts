import code from '../shaders/sampling-distribution.wgsl?raw';
import library from '../shaders/lib/sampling.wgsl?raw';
import { defineKernel, type Dispatch, type TensorsOf } from './lib/kernel.ts';
import { laneConstants, serialLanes, type Lanes } from './lib/lanes.ts';
import { expectCapacity, expectShape, rank1, rank2 } from './lib/tensor.ts';
import { type Size, valueOf } from './lib/variable.ts';
import type { SamplingFilter } from './sample-token.ts';

export const samplingDistributionKernel = defineKernel('sampling-distribution', [library, code], {
  params: ['row_count', 'vocabulary', 'stop_count', 'temperature', 'top_k', 'top_p', 'min_p'],
  tensors: { logits: 'f32', stop_ids: 'u32', probabilities: 'f32' },
});

/**
 * The probabilities that `sample-token` samples a row of logits with. `sample-token` itself never
 * writes them. Math: `shaders/sampling-distribution.wgsl`.
 *
 * @param hyper.stopCount Number of leading `stop_ids` that are banned.
 * @throws ShapeError unless `logits` and `probabilities` have one shape of rank 2.
 */
export function samplingDistribution(
  tensors: TensorsOf<typeof samplingDistributionKernel>,
  hyper: SamplingFilter & { readonly rows: Size; readonly stopCount: Size },
  lanes: Lanes = serialLanes,
): Dispatch {
  const [rows, vocabulary] = rank2('sampling-distribution', 'logits', tensors.logits);
  expectShape('sampling-distribution', 'probabilities', tensors.probabilities, [rows, vocabulary]);
  expectCapacity('sampling-distribution', 'rows', hyper.rows, rows);
  const stops = rank1('sampling-distribution', 'stop_ids', tensors.stop_ids);
  expectCapacity('sampling-distribution', 'stopCount', hyper.stopCount, stops);
  return samplingDistributionKernel.bind(
    tensors,
    {
      row_count: hyper.rows,
      vocabulary,
      stop_count: hyper.stopCount,
      temperature: hyper.temperature,
      top_k: hyper.topK,
      top_p: hyper.topP,
      min_p: hyper.minP,
    },
    () => [Math.ceil(valueOf(hyper.rows) / lanes.rows)],
    { constants: laneConstants(lanes) },
  );
}
