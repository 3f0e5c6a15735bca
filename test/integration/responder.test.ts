import { heldParameters } from '../../src/model/parameter-source.ts';
import { FrozenStore } from '../../src/model/frozen-store.ts';
import { describe, expect, test } from 'vitest';
import { AdapterError } from '../../src/gpu/device.ts';
import type { ModelConfig } from '../../src/model/config.ts';
import { parseHfConfig } from '../../src/model/hugging-face/config.ts';
import { initialParameters, type WeightStorage } from '../../src/model/parameters.ts';
import {
  MemoryError,
  planResponder,
  type ResponderJob,
  type ResponderPlan,
} from '../../src/rollout/batches.ts';
import { Responder, type Response } from '../../src/rollout/responder.ts';
import { openTestGpu } from '../support/gpu.ts';

const gpu = await openTestGpu();
const config = parseHfConfig(
  {
    model_type: 'qwen2',
    vocab_size: 60,
    hidden_size: 64,
    intermediate_size: 96,
    num_hidden_layers: 2,
    num_attention_heads: 4,
    num_key_value_heads: 2,
    tie_word_embeddings: true,
    max_position_embeddings: 128,
  },
  'config.json',
);
const job: ResponderJob = {
  prompts: [3, 11, 1, 6, 17, 2, 9, 4, 5].map((length, i) =>
    Array.from({ length }, (_, t) => (7 * i + 3 * t) % 60),
  ),
  samples: 3,
  newTokens: 12,
  stopIds: [1, 2, 3],
};

/** Every plan from the one that takes most memory to the one that takes least. */
function plans(cache: 'f32' | 'f16', weights: WeightStorage = 'f32'): ResponderPlan[] {
  const found: ResponderPlan[] = [];
  let memory = 2 ** 40;
  for (;;) {
    try {
      const plan = planResponder(config, job, { memory, limits: gpu.limits, cache, weights });
      found.push(plan);
      memory = plan.total - 1;
    } catch (error) {
      expect(error).toBeInstanceOf(MemoryError);
      return found;
    }
  }
}

async function respond(plan: ResponderPlan, weights: WeightStorage = 'f32'): Promise<Response[]> {
  const store = new FrozenStore(gpu, config, 'lm', 'weights', { storage: weights });
  await store.loadFrom(heldParameters(initialParameters(config, 5, 0.3)));
  const responder = await Responder.open(gpu, store, job, plan);
  try {
    const found: Response[] = [];
    for await (const one of responder.respond({ seed: 9, temperature: 0.8 })) found.push(one);
    return found.sort((a, b) => a.prompt - b.prompt || a.sample - b.sample);
  } finally {
    responder.destroy();
    store.destroy();
  }
}

describe('Responder', () => {
  test.each([
    ['f32', 'f32'],
    ['f16', 'f32'],
    ['f32', 'f16'],
  ] as const)(
    'draws the same to the last bit however many rows decode together: cache %s, weights %s',
    async (cache, weights) => {
      const all = plans(cache, weights);
      expect(all.map(({ capacity }) => capacity.rows).slice(-3)).toEqual([3, 2, 1]);
      const [first, ...others] = all;
      const want = await respond(first, weights);
      expect(want).toHaveLength(27);
      expect(want.some(({ stopped }) => stopped)).toBe(true);
      for (const plan of others) {
        const rows = `${plan.capacity.rows} rows`;
        expect(await respond(plan, weights), rows).toEqual(want);
      }
    },
    600_000,
  );

  test.each(['f32', 'f16'] as const)('takes what was planned, weights in %s', async (weights) => {
    for (const plan of [...plans('f32', weights), ...plans('f16', weights)]) {
      const before = gpu.memory.total();
      const store = new FrozenStore(gpu, config, 'lm', 'weights', { storage: weights });
      const responder = await Responder.open(gpu, store, job, plan);
      expect(gpu.memory.total() - before).toBe(plan.total);
      responder.destroy();
      store.destroy();
      expect(gpu.memory.total()).toBe(before);
    }
  });
});

describe('Responder without memory', () => {
  /** Responses while some allocations, counted from the first, find none; and what was told. */
  async function without(failing: (allocation: number) => boolean) {
    const [plan] = plans('f32');
    const store = new FrozenStore(gpu, config, 'lm', 'weights');
    await store.loadFrom(heldParameters(initialParameters(config, 5, 0.3)));
    const before = gpu.memory.total();
    const told: string[] = [];
    let allocations = 0;
    const create = gpu.device.createBuffer.bind(gpu.device);
    Object.defineProperty(gpu.device, 'createBuffer', {
      configurable: true,
      value: (descriptor: GPUBufferDescriptor) => {
        if (failing(++allocations)) throw new RangeError('createBuffer failed');
        return create(descriptor);
      },
    });
    try {
      const responder = await Responder.open(gpu, store, job, plan, (text) => told.push(text));
      const found: Response[] = [];
      for await (const one of responder.respond({ seed: 9, temperature: 0.8 })) found.push(one);
      responder.destroy();
      expect(gpu.memory.total()).toBe(before);
      const { rows } = plan.capacity;
      return {
        told,
        rows,
        found: found.sort((a, b) => a.prompt - b.prompt || a.sample - b.sample),
      };
    } finally {
      Reflect.deleteProperty(gpu.device, 'createBuffer');
      store.destroy();
    }
  }

  test('decodes half the rows together, to the same bits', async () => {
    const want = await without(() => false);
    expect(want.told).toEqual([]);
    // One in the first decoder, one in that of half the rows.
    const halved = await without((allocation) => allocation === 3 || allocation === 8);
    const { rows } = want;
    expect(halved.told).toEqual([
      expect.stringContaining(`for ${rows} rows: decoding ${Math.floor(rows / 2)} together`),
      expect.stringContaining(`decoding ${Math.floor(Math.floor(rows / 2) / 2)} together`),
    ]);
    expect(halved.found).toEqual(want.found);
  });

  test('ends with the number where not even one row fits', async () => {
    await expect(without(() => true)).rejects.toThrow(
      /^not enough GPU memory to decode 1 row: no memory for .* of \d/,
    );
  });
});

describe('planResponder', () => {
  const limits = { maxBufferSize: 2 ** 31, maxStorageBufferBindingSize: 2 ** 31 - 4 };
  /** SmolLM2-135M. */
  const smollm: ModelConfig = parseHfConfig(
    {
      model_type: 'llama',
      hidden_size: 576,
      num_hidden_layers: 30,
      num_attention_heads: 9,
      num_key_value_heads: 3,
      vocab_size: 49_152,
      intermediate_size: 1536,
      tie_word_embeddings: true,
      max_position_embeddings: 8192,
    },
    'config.json',
  );
  const maths: ResponderJob = {
    prompts: Array.from({ length: 500 }, (_, i) => Array<number>(60 + ((i * 37) % 300)).fill(1)),
    samples: 1,
    newTokens: 3072,
    stopIds: [2],
  };

  test.each([
    [3.5, 'f32', 'f32'],
    [3.5, 'f16', 'f32'],
    [1, 'f16', 'f16'],
  ] as const)(
    'keeps 500 answers of 3,072 tokens within %f GiB, weights in %s',
    (gib, weights, cache) => {
      const memory = gib * 2 ** 30;
      const plan = planResponder(smollm, maths, { memory, limits, weights });
      expect(plan.total).toBeLessThanOrEqual(memory);
      expect(plan.total).toBeGreaterThan(0.85 * memory);
      expect(plan.capacity.cacheStorage).toBe(cache);
      expect(plan.capacity.rows * plan.batches).toBeGreaterThanOrEqual(500);
    },
  );

  test('says what the least would take', () => {
    expect(() => planResponder(smollm, maths, { memory: 2 ** 28, limits })).toThrow(
      /^one response at a time needs \d+\.\d MiB, of which weights are 513.1 MiB and the cache 75.4 MiB; there are 256.0 MiB: fewer new tokens/,
    );
  });

  test('says what a device cannot bind at all', () => {
    const small = { maxBufferSize: 2 ** 28, maxStorageBufferBindingSize: 2 ** 22 };
    expect(() => planResponder(smollm, maths, { memory: 2 ** 32, limits: small })).toThrow(
      AdapterError,
    );
    expect(() => planResponder(smollm, maths, { memory: 2 ** 32, limits: small })).toThrow(
      /^layers.0.gate_up needs 7077888 bytes in one binding, this device has 4194304 \(6.8 MiB against 4.0 MiB\)/,
    );
  });
});
