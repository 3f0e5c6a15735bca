import { describe, expect, test } from 'vitest';
import llamaConfig from '../fixtures/models/llama-untied/config.json';
import llamaExpected from '../fixtures/models/llama-untied/fixture.safetensors?inline';
import llamaModel from '../fixtures/models/llama-untied/model.safetensors?inline';
import qwen2Config from '../fixtures/models/qwen2-tied/config.json';
import qwen2Expected from '../fixtures/models/qwen2-tied/fixture.safetensors?inline';
import qwen2Model from '../fixtures/models/qwen2-tied/model.safetensors?inline';
import qwen3Config from '../fixtures/models/qwen3-qknorm/config.json';
import qwen3Expected from '../fixtures/models/qwen3-qknorm/fixture.safetensors?inline';
import qwen3Model from '../fixtures/models/qwen3-qknorm/model.safetensors?inline';
import type { Gpu } from '../../src/gpu/device.ts';
import { clearStep, type Step } from '../../src/gpu/plan.ts';
import { LanguageHead, ValueHead, type HeadChunk } from '../../src/model/heads.ts';
import {
  packedSizes,
  packGroups,
  PackedBatch,
  type PromptGroup,
} from '../../src/model/packed-batch.ts';
import { criticFromActor, parameterLayout, ParameterStore } from '../../src/model/parameters.ts';
import {
  Activations,
  type Keep,
  trunkBackward,
  trunkForward,
} from '../../src/model/transformer.ts';
import { expectClose, openTestGpu, run, tensorOf } from '../support/gpu.ts';
import { modelFixture, unpadded, type ModelFixture } from '../support/model-fixture.ts';

const models = [
  ['qwen2-tied', qwen2Config, qwen2Model, qwen2Expected],
  ['llama-untied', llamaConfig, llamaModel, llamaExpected],
  ['qwen3-qknorm', qwen3Config, qwen3Model, qwen3Expected],
] as const;

/** Mean next-token loss: its gradient with respect to each log-probability is minus its weight. */
async function lossAndGradients(
  gpu: Gpu,
  fixture: ModelFixture,
  groups: readonly PromptGroup[],
  options: {
    readonly sharePrompts: boolean;
    readonly logitBytes?: number;
    readonly keep?: Keep;
  },
) {
  const { config } = fixture;
  const sizes = packedSizes(groups, options.sharePrompts);
  const batch = new PackedBatch(gpu, sizes);
  batch.upload(packGroups(groups, options.sharePrompts));
  const layout = parameterLayout(config, 'lm');
  const weights = new ParameterStore(gpu, layout, 'weights', 'weights');
  const gradients = new ParameterStore(gpu, layout, 'gradients', 'gradients');
  weights.load(fixture.weights);
  const activations = new Activations(gpu, config, {
    rows: sizes.rows,
    positions: 64,
    keep: options.keep ?? 'all',
  });
  const head = new LanguageHead(gpu, batch, activations, options.logitBytes);
  const minusWeight = -1 / sizes.actions;
  const dlogprob = tensorOf(gpu, 'd', new Float32Array(sizes.actions).fill(minusWeight));
  const loss = (chunk: HeadChunk): Step[] => [
    {
      op: 'copy',
      from: { ...dlogprob, shape: chunk.dlogprob.shape },
      to: chunk.dlogprob,
    },
  ];
  await run(gpu, [
    ...gradients.pages.map(clearStep),
    ...trunkForward(weights, batch, activations),
    ...head.forwardBackward(weights, gradients, loss, { temperature: 1, dentropy: 0 }),
    ...trunkBackward(weights, gradients, batch, activations),
  ]);
  return { logprobs: await gpu.read(head.logprobs), gradients: await gradients.read() };
}

/** Values and every gradient of a critic whose loss is the weighted sum of its values. */
async function valuesAndGradients(
  gpu: Gpu,
  { config, weights: actor }: ModelFixture,
  groups: readonly PromptGroup[],
  keep: Keep,
) {
  const sizes = packedSizes(groups, true);
  const batch = new PackedBatch(gpu, sizes);
  batch.upload(packGroups(groups, true));
  const layout = parameterLayout(config, 'value');
  const weights = new ParameterStore(gpu, layout, 'weights', 'weights');
  const gradients = new ParameterStore(gpu, layout, 'gradients', 'gradients');
  weights.load(criticFromActor(actor, config, 7));
  const activations = new Activations(gpu, config, { rows: sizes.rows, positions: 64, keep });
  const head = new ValueHead(gpu, batch, activations);
  const slopes = Float32Array.from({ length: sizes.actions }, (_, i) => Math.sin(i + 1));
  const loss: Step[] = [{ op: 'copy', from: tensorOf(gpu, 'd', slopes), to: head.dvalues }];
  await run(gpu, [
    ...gradients.pages.map(clearStep),
    ...trunkForward(weights, batch, activations),
    ...head.forwardBackward(weights, gradients, loss),
    ...trunkBackward(weights, gradients, batch, activations),
  ]);
  return { values: await gpu.read(head.values), gradients: await gradients.read() };
}

/** Names of the tensors whose numbers are not the same to the last bit. */
function differing(
  got: ReadonlyMap<string, Float32Array>,
  want: ReadonlyMap<string, Float32Array>,
): string[] {
  const same = (a: Float32Array, b: Float32Array | undefined): boolean =>
    a.length === b?.length && a.every((value, i) => Object.is(value, b[i]));
  return [...want].filter(([name, data]) => !same(data, got.get(name))).map(([name]) => name);
}

describe.each(models)('%s', (_, config, model, expected) => {
  test('agrees with transformers on log-probabilities and every gradient', async () => {
    const gpu = await openTestGpu();
    const fixture = await modelFixture(config, model, expected);
    const length = fixture.shape('leftpad.input_ids')[1];
    const mask = fixture.i32('leftpad.attention_mask');
    const sequences = unpadded(fixture.i32('leftpad.input_ids'), mask, length);
    const groups = sequences.map((ids) => ({ prompt: ids.slice(0, 1), responses: [ids.slice(1)] }));
    const got = await lossAndGradients(gpu, fixture, groups, { sharePrompts: true });

    const kept = fixture.i32('leftpad.logprob_mask');
    const want = fixture.f32('leftpad.logprobs').filter((_value, i) => kept[i] === 1);
    expectClose(got.logprobs, want, { abs: 2e-4 });

    const names = fixture.keys.filter((key) => key.startsWith('leftpad.grad.'));
    expect([...got.gradients.keys()].sort()).toEqual(
      names.map((key) => key.slice('leftpad.grad.'.length)).sort(),
    );
    for (const key of names) {
      const gradient = fixture.f32(key);
      const largest = gradient.reduce((top, value) => Math.max(top, Math.abs(value)), 0);
      const own = got.gradients.get(key.slice('leftpad.grad.'.length))!;
      expectClose(own, gradient, { abs: 2e-4 * largest });
    }
  });

  test('computes a shared prompt once and gets what separate copies get', async () => {
    const gpu = await openTestGpu();
    const fixture = await modelFixture(config, model, expected);
    const groups = [
      { prompt: [5, 9, 2, 7], responses: [[1, 2, 3], [4], [6, 8, 10, 11, 12]] },
      {
        prompt: [3],
        responses: [
          [7, 7],
          [9, 1, 1],
        ],
      },
    ];
    const shared = await lossAndGradients(gpu, fixture, groups, { sharePrompts: true });
    const copied = await lossAndGradients(gpu, fixture, groups, { sharePrompts: false });
    expect(packedSizes(groups, true).rows).toBe(14);
    expect(packedSizes(groups, false).rows).toBe(23);
    expectClose(shared.logprobs, copied.logprobs, { abs: 2e-5 });
    for (const [name, gradient] of shared.gradients) {
      const want = copied.gradients.get(name)!;
      const largest = want.reduce((top, value) => Math.max(top, Math.abs(value)), 0);
      expectClose(gradient, want, { abs: 2e-5 * largest + 1e-9 });
    }
  });

  test('computes layers once more on the way back and gets the same bits', async () => {
    const gpu = await openTestGpu();
    const fixture = await modelFixture(config, model, expected);
    expect(fixture.config.layers).toBeGreaterThan(1);
    const groups = [{ prompt: [5, 9, 2, 7], responses: [[1, 2, 3], [4], [6, 8, 10, 11, 12]] }];
    const whole = await lossAndGradients(gpu, fixture, groups, { sharePrompts: true });
    const again = await lossAndGradients(gpu, fixture, groups, {
      sharePrompts: true,
      keep: 'inputs',
    });
    expect(again.logprobs).toEqual(whole.logprobs);
    expect(differing(again.gradients, whole.gradients)).toEqual([]);
    const critic = await valuesAndGradients(gpu, fixture, groups, 'all');
    expect(critic.gradients.get('score.weight')!.some((value) => value !== 0)).toBe(true);
    const lean = await valuesAndGradients(gpu, fixture, groups, 'inputs');
    expect(lean.values).toEqual(critic.values);
    expect(differing(lean.gradients, critic.gradients)).toEqual([]);
  });

  test('gets the same from chunks of the head as from one piece', async () => {
    const gpu = await openTestGpu();
    const fixture = await modelFixture(config, model, expected);
    const response = Array.from({ length: 50 }, (_value, i) => (i * 37) % 300);
    const groups = [{ prompt: [5, 9], responses: [response, response.slice(3), [1, 2]] }];
    const whole = await lossAndGradients(gpu, fixture, groups, { sharePrompts: true });
    const chunked = await lossAndGradients(gpu, fixture, groups, {
      sharePrompts: true,
      logitBytes: 1,
    });
    expectClose(chunked.logprobs, whole.logprobs, { abs: 1e-6 });
    for (const [name, gradient] of chunked.gradients) {
      const want = whole.gradients.get(name)!;
      const largest = want.reduce((top, value) => Math.max(top, Math.abs(value)), 0);
      expectClose(gradient, want, { abs: 1e-5 * largest + 1e-9 });
    }
  });
});
