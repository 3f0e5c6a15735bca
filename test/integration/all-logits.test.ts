import { expect, test } from 'vitest';
import { AllLogits } from '../../src/model/all-logits.ts';
import type { ModelConfig } from '../../src/model/config.ts';
import { initialParameters, parameterLayout, ParameterStore } from '../../src/model/parameters.ts';
import { openTestGpu } from '../support/gpu.ts';

const gpu = await openTestGpu();

// 32 MiB hold the logits of 209 positions: chunks of 192.
const config: ModelConfig = {
  architecture: 'llama',
  vocabSize: 40_000,
  hiddenSize: 8,
  intermediateSize: 8,
  layers: 1,
  heads: 2,
  kvHeads: 1,
  headDim: 4,
  ropeTheta: 10_000,
  rmsNormEps: 1e-5,
  tieEmbeddings: true,
  qkvBias: false,
  qkNorm: false,
  maxPositions: 256,
  bosTokenId: null,
  eosTokenIds: [],
  padTokenId: null,
};

test('gives the logits of a sequence that ends in a shorter chunk than it begins in', async () => {
  const store = new ParameterStore(gpu, parameterLayout(config, 'lm'), 'weights', 'weights');
  store.load(initialParameters(config, 1, 0.3));
  const ids = (count: number, first: number): number[] =>
    Array.from({ length: count }, (_, i) => (first + i * 7919) % config.vocabSize);
  const sequences = [ids(150, 3), ids(53, 11)];
  const logitsOf = async (total: number, given: number[][]): Promise<Float32Array[]> => {
    const found: Float32Array[] = [];
    const all = new AllLogits(gpu, store, { longest: 150, total });
    for await (const own of all.of(given)) found.push(own);
    return found;
  };
  const together = await logitsOf(203, sequences);
  expect(together.map(({ length }) => length / config.vocabSize)).toEqual([150, 53]);
  for (const [i, sequence] of sequences.entries()) {
    const [alone] = await logitsOf(sequence.length, [sequence]);
    let worst = 0;
    for (const [at, logit] of alone.entries()) {
      worst = Math.max(worst, Math.abs(logit - together[i][at]));
    }
    // Logits reach 3; another matmul may sum in another order.
    expect(worst, `sequence ${i}`).toBeLessThan(1e-5);
  }
  store.destroy();
}, 60_000);
