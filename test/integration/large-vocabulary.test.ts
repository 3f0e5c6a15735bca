import { expect, test } from 'vitest';
import { largestBinding } from '../../src/gpu/memory.ts';
import { AllLogits } from '../../src/model/all-logits.ts';
import type { ModelConfig } from '../../src/model/config.ts';
import { FrozenStore } from '../../src/model/frozen-store.ts';
import type { NumberRange, ParameterSource } from '../../src/model/parameter-source.ts';
import { openTestGpu } from '../support/gpu.ts';

const gpu = await openTestGpu();

/** Qwen2.5-0.5B with two of its 24 layers. */
const qwen: ModelConfig = {
  architecture: 'qwen2',
  vocabSize: 151_936,
  hiddenSize: 896,
  intermediateSize: 4864,
  layers: 2,
  heads: 14,
  kvHeads: 2,
  headDim: 64,
  ropeTheta: 1_000_000,
  rmsNormEps: 1e-6,
  tieEmbeddings: true,
  qkvBias: true,
  qkNorm: false,
  maxPositions: 64,
  bosTokenId: null,
  eosTokenIds: [],
  padTokenId: null,
};

/** Numbers that are made as they are read. @param rows The vocabulary's rows, where only some are there. */
const made = (rows?: readonly number[]): ParameterSource => ({
  read(name: string, range?: NumberRange) {
    const { first, count } = range!;
    const salt = name.length * 7919;
    const width = qwen.hiddenSize;
    const isTable = name.includes('embed');
    const scale = name.includes('norm') ? 1 : 0.1;
    const mean = name.includes('norm') ? 1 : 0;
    const numbers = new Float32Array(count);
    for (let i = 0; i < count; i++) {
      let at = first + i;
      if (isTable && rows) at = rows[Math.floor(at / width)] * width + (at % width);
      const drawn = (Math.imul(at + salt, 0x9e3779b1) >>> 8) / 2 ** 24 - 0.5;
      numbers[i] = mean + drawn * scale;
    }
    return Promise.resolve(numbers);
  },
});

async function logitsOf(model: ModelConfig, source: ParameterSource, ids: number[]) {
  const store = new FrozenStore(gpu, model, 'lm', 'weights', { storage: 'f16' });
  await store.loadFrom(source);
  const pieces = store.embedding.pieceColumns;
  const all = new AllLogits(gpu, store, { longest: ids.length, total: ids.length });
  let found: Float32Array = new Float32Array(0);
  for await (const logits of all.of([ids])) found = logits;
  all.destroy();
  store.destroy();
  return { found, pieces };
}

test("Qwen2.5's vocabulary runs at WebGPU's default limits", { timeout: 300_000 }, async () => {
  expect(largestBinding(gpu.limits)).toBe(2 ** 27);
  // Rows of every piece, and those at their ends, which are the whole vocabulary of a smaller model.
  const rows = Array.from({ length: 320 }, (_, i) => Math.floor((i * 151_935) / 319));
  rows.splice(100, 4, 74_879, 74_880, 149_759, 149_760);
  const places = [0, 319, 100, 101, 102, 103, 211];
  const ids = places.map((place) => rows[place]);
  const { found, pieces } = await logitsOf(qwen, made(), ids);
  expect(pieces).toBe(74_880);
  const small = await logitsOf({ ...qwen, vocabSize: 320 }, made(rows), places);
  expect(small.pieces).toBe(0);
  const chosen = places.flatMap((_, t) => rows.map((id) => found[t * qwen.vocabSize + id]));
  expect(chosen).toEqual([...small.found]);
  expect(new Set(chosen).size).toBeGreaterThan(1000);
});
