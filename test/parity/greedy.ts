import type { Gpu } from '../../src/gpu/device.ts';
import { AllLogits } from '../../src/model/all-logits.ts';
import type { Weights } from '../../src/model/weights.ts';
import { Decoder } from '../../src/rollout/decoder.ts';

/** What greedy decoding finds. */
export interface Continuations {
  readonly ids: readonly number[][];
  readonly logprobs: readonly number[][];
  /** Least distance of the best logit from the second best, over all choices made. */
  readonly margin: number;
}

/** Continues each prompt by `count` greedy tokens; no token ends it. */
export async function greedyContinuations(
  gpu: Gpu,
  weights: Weights,
  prompts: readonly number[][],
  count: number,
): Promise<Continuations> {
  const { config } = weights;
  const lengths = prompts.map((prompt) => prompt.length);
  const decoder = new Decoder(gpu, config, weights, {
    rows: prompts.length,
    prompts: prompts.length,
    promptRows: lengths.reduce((sum, length) => sum + length, 0),
    promptLength: Math.max(...lengths),
    newTokens: count,
  });
  try {
    const generation = await decoder.generate({
      prompts,
      samplesPerPrompt: 1,
      seed: 0,
      temperature: 0,
      stopIds: [],
    });
    const { columns, logprobs } = generation;
    const ids = prompts.map((_, row) => [...generation.response(row)]);
    // The margin from a pass over prompt and continuation at once: the cache is not in it.
    const whole = prompts.map((prompt, row) => [...prompt, ...(ids[row] ?? [])]);
    const longest = Math.max(...whole.map((row) => row.length));
    const total = whole.reduce((sum, row) => sum + row.length, 0);
    let margin = Infinity;
    let row = 0;
    for await (const logits of new AllLogits(gpu, weights, { longest, total }).of(whole)) {
      const vocabulary = config.vocabSize;
      const first = (lengths[row++] ?? 0) - 1;
      for (let t = first; t < first + count; t++) {
        const sorted = logits.slice(t * vocabulary, (t + 1) * vocabulary).sort();
        margin = Math.min(margin, (sorted.at(-1) ?? NaN) - (sorted.at(-2) ?? NaN));
      }
    }
    return {
      ids,
      logprobs: prompts.map((_, i) => [...logprobs.subarray(i * columns, i * columns + count)]),
      margin,
    };
  } finally {
    decoder.destroy();
  }
}
