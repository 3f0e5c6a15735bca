import { describe, expect, test } from 'vitest';
import gemmaConfig from '../fixtures/gemma3/gemma3-text/config.json';
import gemmaExpected from '../fixtures/gemma3/gemma3-text/fixture.safetensors?inline';
import gemmaModel from '../fixtures/gemma3/gemma3-text/model.safetensors?inline';
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
import { criticFromActor, heldParameters } from '../../src/model/parameter-source.ts';
import { parameterLayout, ParameterStore, type WeightStorage } from '../../src/model/parameters.ts';
import { Activations, type Keep } from '../../src/model/activations.ts';
import { attentionOf, trunkBackward, trunkForward } from '../../src/model/transformer.ts';
import { nearestHalf } from '../reference/half.ts';
import { expectClose, openTestGpu, run, tensorOf } from '../support/gpu.ts';
import { modelFixture, unpadded, type ModelFixture } from '../support/model-fixture.ts';

const models = [
  ['qwen2-tied', qwen2Config, qwen2Model, qwen2Expected],
  ['llama-untied', llamaConfig, llamaModel, llamaExpected],
  ['qwen3-qknorm', qwen3Config, qwen3Model, qwen3Expected],
  ['gemma3-text', gemmaConfig, gemmaModel, gemmaExpected],
] as const;

/** Mean next-token loss: its gradient with respect to each log-probability is minus its weight. */
async function lossAndGradients(
  gpu: Gpu,
  fixture: Pick<ModelFixture, 'config' | 'weights'>,
  groups: readonly PromptGroup[],
  options: {
    readonly sharePrompts: boolean;
    readonly logitBytes?: number;
    readonly keep?: Keep;
    readonly weightStorage?: WeightStorage;
  },
) {
  const { config } = fixture;
  const sizes = packedSizes(groups, options.sharePrompts);
  const batch = new PackedBatch(gpu, sizes);
  batch.upload(packGroups(groups, options.sharePrompts));
  const layout = parameterLayout(config, 'lm', Infinity, options.weightStorage);
  const weights = new ParameterStore(gpu, layout, 'weights', 'weights');
  const gradients = new ParameterStore(gpu, layout, 'gradients', 'gradients');
  weights.load(fixture.weights);
  const activations = new Activations(gpu, config, {
    rows: sizes.rows,
    positions: 64,
    keep: options.keep ?? 'all',
  });
  const head = new LanguageHead(gpu, batch, activations, { logitBytes: options.logitBytes });
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
  return { logprobs: await gpu.read(head.logprobs, 'f32'), gradients: await gradients.read() };
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
  await weights.loadFrom(criticFromActor(heldParameters(actor), config, 7));
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
  return { values: await gpu.read(head.values, 'f32'), gradients: await gradients.read() };
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

/** The left-padded batch of a fixture without its padding, and what transformers says of it. */
function leftPadded(fixture: ModelFixture) {
  const length = fixture.shape('leftpad.input_ids')[1];
  const mask = fixture.i32('leftpad.attention_mask');
  const sequences = unpadded(fixture.i32('leftpad.input_ids'), mask, length);
  const kept = fixture.i32('leftpad.logprob_mask');
  const prefix = 'leftpad.grad.';
  return {
    groups: sequences.map((ids) => ({ prompt: ids.slice(0, 1), responses: [ids.slice(1)] })),
    logprobs: fixture.f32('leftpad.logprobs').filter((_value, i) => kept[i] === 1),
    gradients: new Map(
      fixture.keys
        .filter((key) => key.startsWith(prefix))
        .map((key) => [key.slice(prefix.length), fixture.f32(key)]),
    ),
    largestLogit: largestOf(fixture.f32('leftpad.logits')),
  };
}

const largestOf = (numbers: Float32Array): number =>
  numbers.reduce((top, value) => Math.max(top, Math.abs(value)), 0);

describe.each(models)('%s', (_, config, model, expected) => {
  test('agrees with transformers on log-probabilities and every gradient', async () => {
    const gpu = await openTestGpu();
    const fixture = await modelFixture(config, model, expected);
    const { groups, logprobs, gradients } = leftPadded(fixture);
    const got = await lossAndGradients(gpu, fixture, groups, { sharePrompts: true });
    expectClose(got.logprobs, logprobs, { abs: 2e-4 });
    expect([...got.gradients.keys()].sort()).toEqual([...gradients.keys()].sort());
    for (const [name, gradient] of gradients) {
      expectClose(got.gradients.get(name)!, gradient, { abs: 2e-4 * largestOf(gradient) });
    }
  });

  test('with weights in f16 stays as near to transformers as rounding allows', async () => {
    const gpu = await openTestGpu();
    const fixture = await modelFixture(config, model, expected);
    const { groups, logprobs, gradients, largestLogit } = leftPadded(fixture);
    const got = await lossAndGradients(gpu, fixture, groups, {
      sharePrompts: true,
      weightStorage: 'f16',
    });
    // Each of 4 products a layer and the head's adds errors of 2^-11 of its size, at random; a
    // log-probability is a difference of two logits. Probabilities, and so gradients, err as much.
    const products = 4 * fixture.config.layers + 1;
    const allowed = 2 * Math.sqrt(products) * 2 ** -11 * largestLogit;
    expect(allowed).toBeLessThan(0.06);
    expectClose(got.logprobs, logprobs, { abs: allowed });
    for (const [name, gradient] of gradients) {
      expectClose(got.gradients.get(name)!, gradient, { abs: allowed * largestOf(gradient) });
    }
  });

  test('with weights in f16 computes what f32 does with the rounded numbers', async () => {
    const gpu = await openTestGpu();
    const tied = await modelFixture(config, model, expected);
    const { groups } = leftPadded(tied);
    const compute = (
      fixture: Pick<ModelFixture, 'config' | 'weights'>,
      weightStorage: WeightStorage,
    ) => lossAndGradients(gpu, fixture, groups, { sharePrompts: true, weightStorage });
    // Tied, one matrix is looked up in f32 and multiplied by in f16, so f32 needs it twice.
    const embedding = tied.weights.get('model.embed_tokens.weight')!;
    const head = tied.weights.get('lm_head.weight') ?? embedding;
    const weights = new Map(tied.weights).set('lm_head.weight', head);
    const untied = { config: { ...tied.config, tieEmbeddings: false }, weights };
    const rounded = new Map(
      [...weights].map(([name, data]) =>
        /_proj\.weight$|^lm_head/.test(name) ? [name, data.map(nearestHalf)] : [name, data],
      ),
    );
    const halves = await compute(untied, 'f16');
    const floats = await compute({ ...untied, weights: rounded }, 'f32');
    expect(halves.logprobs).toEqual(floats.logprobs);
    expect(differing(halves.gradients, floats.gradients)).toEqual([]);
    expect(halves.logprobs).not.toEqual((await compute(untied, 'f32')).logprobs);
    expect((await compute(tied, 'f16')).logprobs).toEqual(halves.logprobs);
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
      expectClose(gradient, want, { abs: 2e-5 * largestOf(want) + 1e-9 });
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
      expectClose(gradient, want, { abs: 1e-5 * largestOf(want) + 1e-9 });
    }
  });
});

test('Gemma 3 attends to a window in its sliding layers, and to all keys in the others', async () => {
  const gpu = await openTestGpu();
  const fixture = await modelFixture(gemmaConfig, gemmaModel, gemmaExpected);
  const { config } = fixture;
  expect(config.sliding).toMatchObject({ layers: [true, true, false, true], window: 6 });
  const groups = [{ prompt: [5, 9, 2, 7, 1, 8, 30, 31, 40, 2], responses: [[3, 4, 11, 250, 6]] }];
  const sizes = packedSizes(groups, true);
  const batch = new PackedBatch(gpu, sizes);
  batch.upload(packGroups(groups, true));
  const weights = new ParameterStore(gpu, parameterLayout(config, 'lm'), 'weights', 'weights');
  weights.load(fixture.weights);
  const activations = new Activations(gpu, config, {
    rows: sizes.rows,
    positions: 64,
    keep: 'none',
  });
  const into = tensorOf(gpu, 'attention', new Float32Array(4 * 5 * 14), [4 * 5, 14]);
  for (const layer of [0, 2, 3]) {
    await run(gpu, attentionOf(weights, batch, activations, layer, into));
    const found = await gpu.read(into, 'f32');
    const seen = Array.from({ length: 4 * 5 }, (_, i) =>
      [...found.subarray(i * 14, (i + 1) * 14)].flatMap((weight, key) => (weight > 0 ? [key] : [])),
    );
    // The rows that predict the answer's tokens stand in places 9 to 13.
    const wanted = Array.from({ length: 4 * 5 }, (_, i) => {
      const keys = Array.from({ length: 10 + (i % 5) }, (_key, key) => key);
      return layer === 2 ? keys : keys.slice(-6);
    });
    expect(seen, `layer ${layer}`).toEqual(wanted);
  }
});
