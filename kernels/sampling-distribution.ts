import library from '../shaders/lib/sampling.wgsl?raw';
import code from '../shaders/sampling-distribution.wgsl?raw';
import { defineKernel, type Dispatch, type TensorsOf } from './lib/kernel.ts';
import { expectCapacity, expectShape, rank1, rank2 } from './lib/tensor.ts';
import { laneConstants, serialLanes, type Lanes } from './lib/lanes.ts';
import { type Size, valueOf } from './lib/variable.ts';

export const samplingDistributionKernel = defineKernel('sampling-distribution', [library, code], {
  params: ['row_count', 'vocabulary', 'stop_count', 'temperature', 'top_k', 'top_p', 'min_p'],
  tensors: { logits: 'f32', stop_ids: 'u32', probabilities: 'f32' },
});

/** How logits become the distribution that is sampled; rules in `shaders/lib/sampling.wgsl`. */
export interface SamplingFilter {
  /** Divides the logits; 0 takes the largest. */
  readonly temperature: Size;
  /** Most tokens kept, ties of the last aside; 0 keeps all. */
  readonly topK: Size;
  /** Probability mass kept, in (0, 1]; 1 keeps all. */
  readonly topP: Size;
  /** Least probability kept, as a fraction of the largest one, in [0, 1]; 0 keeps all. */
  readonly minP: Size;
}

/**
 * The probabilities a row of logits is sampled with. Math: `shaders/sampling-distribution.wgsl`.
 *
 * @param hyper.stopCount Ids of `stop_ids` that are banned.
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
