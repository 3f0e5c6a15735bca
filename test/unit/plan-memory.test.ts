import { describe, expect, test } from 'vitest';
import { type FitQuestion, shapeOf } from '../../src/cli/fit.ts';
import { configFrom } from '../../src/config.ts';
import { AdapterError } from '../../src/gpu/device.ts';
import { parseHfConfig } from '../../src/model/hugging-face/config.ts';
import { MemoryError } from '../../src/rollout/batches.ts';
import { modelConfigOf } from '../../src/scheduler/base.ts';
import { estimateBuffers } from '../../src/scheduler/estimate.ts';
import { MemoryPlanner, planRun } from '../../src/scheduler/plan-memory.ts';
import { taskShapeOf } from '../../src/tasks/registry.ts';
import { smallConfig } from '../support/ppo-rig.ts';

const desktop = { maxBufferSize: 2 ** 32, maxStorageBufferBindingSize: 2 ** 31 - 4 };

const qwen = parseHfConfig(
  {
    model_type: 'qwen2',
    vocab_size: 151_936,
    hidden_size: 896,
    intermediate_size: 4864,
    num_hidden_layers: 24,
    num_attention_heads: 14,
    num_key_value_heads: 2,
    tie_word_embeddings: true,
    max_position_embeddings: 8192,
  },
  'Qwen2.5-0.5B',
);

const question: FitQuestion = {
  promptTokens: 512,
  responseTokens: 1024,
  method: 'grpo',
  train: 'lora',
  rank: 16,
  base: 'f16',
  cache: 'f16',
};
describe('MemoryPlanner', () => {
  // Counted, so that a few layers will do.
  const model = { ...qwen, layers: 2, vocabSize: 4096 };
  const shape = shapeOf(model, question);
  const planner = new MemoryPlanner(shape, desktop);
  const most = planner.plan(Infinity);

  test('takes all rows and keeps all activations where there is room', () => {
    expect(most.fits).toBe(true);
    expect(most.choices).toEqual({
      rowsTogether: 256,
      microRows: 4096,
      gradientCheckpointing: false,
    });
  });

  test('tells the bytes that its choices take', () => {
    const { choices, total, byPurpose } = planner.plan(most.total - 1);
    expect(choices).not.toEqual(most.choices);
    expect(estimateBuffers({ ...shape, ...choices }, desktop)).toEqual({ total, byPurpose });
  });

  test('gives up rows before the rows of a pass, and both before it gives up', () => {
    const seen = [most];
    for (;;) {
      const plan = planner.plan((seen.at(-1)?.total ?? 0) - 1);
      if (!plan.fits) {
        // The least is what was taken last.
        expect(plan.choices).toEqual(seen.at(-1)?.choices);
        expect(plan.total).toBe(seen.at(-1)?.total);
        break;
      }
      seen.push(plan);
    }
    const passes = seen.map(({ choices }) => choices.microRows);
    expect(passes).toEqual([...passes].sort((a, b) => b - a));
    const { promptTokens, responseTokens } = question;
    expect(new Set(passes)).toEqual(new Set([4096, promptTokens + responseTokens - 1]));
    const rows = seen.filter((_, i) => passes[i] === 4096);
    expect(rows.map(({ choices }) => choices.rowsTogether)).toEqual(
      rows.map(({ choices }) => choices.rowsTogether).sort((a, b) => b - a),
    );
    expect(seen.some(({ choices }) => choices.rowsTogether === 1)).toBe(true);
  });

  test('keeps the checkpointing that a config asks for', () => {
    const asked = { ...shape, config: { ...shape.config, gradientCheckpointing: true } };
    const { choices } = new MemoryPlanner(asked, desktop).plan(Infinity);
    expect(choices.gradientCheckpointing).toBe(true);
  });

  test('leaves out what a device cannot bind, and refuses what it must bind', () => {
    // A layer's cache of 256 rows is 128 MiB, and prompts come beside it.
    const limits = { maxBufferSize: 2 ** 28, maxStorageBufferBindingSize: 2 ** 26 };
    const bound = new MemoryPlanner(shape, limits).plan(Infinity);
    expect(bound.fits).toBe(true);
    expect(bound.choices.rowsTogether).toBeLessThan(256);
    const tiny = { maxBufferSize: 2 ** 28, maxStorageBufferBindingSize: 2 ** 20 };
    expect(() => new MemoryPlanner(shape, tiny).plan(Infinity)).toThrow(AdapterError);
  });
});

describe('planRun', () => {
  const config = smallConfig();
  const task = taskShapeOf(config.task)!;
  const model = modelConfigOf(config, task);

  test('lays out a run as it is configured where there is room', () => {
    const run = planRun(config, model, task, { memory: 2 ** 30, limits: desktop });
    expect(run.choices).toMatchObject({ rowsTogether: 16, gradientCheckpointing: false });
    expect(run.sentence).toMatch(/^GPU memory: .* of 1\.00 GiB; rows that decode together: 16, /);
  });

  test('says in bytes what a run would take that does not fit', () => {
    const budget = { memory: 2 ** 16, limits: desktop };
    expect(() => planRun(config, model, task, budget)).toThrow(MemoryError);
    expect(() => planRun(config, model, task, budget)).toThrow(
      /^training needs \d+ bytes with one response decoded at a time, of which \w+ \d+ bytes and/,
    );
  });

  test('follows a config with adapters, f16 and a critic of its own', () => {
    const standard = configFrom('standard', { weightStorage: 'f16', cacheStorage: 'f16' }, 'test');
    const shape = taskShapeOf(standard.task)!;
    const own = modelConfigOf(standard, shape);
    const budget = { memory: 2 ** 34, limits: desktop };
    const whole = planRun(standard, own, shape, budget);
    const wide = planRun({ ...standard, cacheStorage: 'f32' }, own, shape, budget);
    expect(wide.total).toBeGreaterThan(whole.total);
  });
});
