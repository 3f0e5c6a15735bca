import code from '../shaders/sample-token.wgsl?raw';
import philox from '../shaders/lib/philox.wgsl?raw';
import sampling from '../shaders/lib/sampling.wgsl?raw';
import { episodeColumns } from './lib/episodes.ts';
import { defineKernel, type Dispatch, type TensorsOf } from './lib/kernel.ts';
import { laneConstants, serialLanes, type Lanes } from './lib/lanes.ts';
import { expectCapacity, expectShape, rank1, rank2 } from './lib/tensor.ts';
import { type Size, valueOf } from './lib/variable.ts';

export const sampleTokenKernel = defineKernel('sample-token', [philox, sampling, code], {
  params: [
    'row_count',
    'vocabulary',
    'columns',
    'logits_start',
    'logits_rows',
    'shared_logits',
    'stop_count',
    'min_new',
    'seed',
    'purpose',
    'temperature',
    'top_k',
    'top_p',
    'min_p',
  ],
  tensors: {
    logits: 'f32',
    stop_ids: 'u32',
    episodes: 'u32',
    status: 'u32',
    finished: 'u32',
    current: 'u32',
    tokens: 'u32',
    logprobs: 'f32',
  },
});

/** How logits become the distribution that is sampled; rules in `shaders/lib/sampling.wgsl`. */
export interface SamplingFilter {
  /** Divides the logits; 0 takes the largest logit. */
  readonly temperature: Size;
  /** Most tokens kept, apart from ties with the last one; 0 keeps all. */
  readonly topK: Size;
  /** Probability mass kept, in (0, 1]; 1 keeps all. */
  readonly topP: Size;
  /** Least probability kept, as a fraction of the largest one, in [0, 1]; 0 keeps all. */
  readonly minP: Size;
}

/**
 * Draws one token for every running row. Math, shapes and states: `shaders/sample-token.wgsl`.
 *
 * @param hyper.rows Rows in use, at most those of `episodes`.
 * @param hyper.logitsStart Row of the whole logits at which `logits` begins.
 * @param hyper.sharedLogits Each row reads the logits of its prompt slot, as for the first token
 *   after a prefill.
 * @param hyper.minNew Stop ids are banned before a row has this many tokens.
 * @param hyper.seed Unsigned 32-bit; `seed` and `purpose` key the random numbers.
 * @throws ShapeError when the shapes disagree.
 */
export function sampleToken(
  tensors: TensorsOf<typeof sampleTokenKernel>,
  hyper: SamplingFilter & {
    readonly rows: Size;
    readonly logitsStart?: number;
    readonly sharedLogits: boolean;
    readonly stopCount: Size;
    readonly minNew: Size;
    readonly seed: Size;
    readonly purpose: number;
  },
  lanes: Lanes = serialLanes,
): Dispatch {
  const [logitsRows, vocabulary] = rank2('sample-token', 'logits', tensors.logits);
  const [rows, columns] = rank2('sample-token', 'tokens', tensors.tokens);
  expectShape('sample-token', 'logprobs', tensors.logprobs, [rows, columns]);
  expectShape('sample-token', 'episodes', tensors.episodes, [rows, episodeColumns]);
  expectShape('sample-token', 'status', tensors.status, [rows, 2]);
  expectShape('sample-token', 'finished', tensors.finished, [1]);
  expectShape('sample-token', 'current', tensors.current, [rows]);
  expectCapacity('sample-token', 'rows', hyper.rows, rows);
  const stops = rank1('sample-token', 'stop_ids', tensors.stop_ids);
  expectCapacity('sample-token', 'stopCount', hyper.stopCount, stops);
  return sampleTokenKernel.bind(
    tensors,
    {
      row_count: hyper.rows,
      vocabulary,
      columns,
      logits_start: hyper.logitsStart ?? 0,
      logits_rows: logitsRows,
      shared_logits: hyper.sharedLogits ? 1 : 0,
      stop_count: hyper.stopCount,
      min_new: hyper.minNew,
      seed: hyper.seed,
      purpose: hyper.purpose,
      temperature: hyper.temperature,
      top_k: hyper.topK,
      top_p: hyper.topP,
      min_p: hyper.minP,
    },
    () => [Math.ceil(valueOf(hyper.rows) / lanes.rows)],
    { constants: laneConstants(lanes) },
  );
}
