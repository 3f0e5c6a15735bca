import { expect, test } from 'vitest';
import { referenceModel } from '../../src/bench/train.ts';
import { presets } from '../../src/presets.ts';
import { initialParameters, parameterLayout } from '../../src/model/parameters.ts';
import { Trainable } from '../../src/optim/trainable.ts';
import { NonFiniteError, SupervisedTrainer } from '../../src/supervised/trainer.ts';
import { SupervisedUpdates } from '../../src/supervised/updates.ts';
import { openTestGpu } from '../support/gpu.ts';

const gpu = await openTestGpu();
const shape = { B: 2, T: 4, C: 16, L: 1, H: 2, V: 8, F: 16 };
/** Untied, so that a token's embedding matters only to batches that hold it. */
const model = { ...referenceModel(shape), tieEmbeddings: false };

/** Two rows of `tokens`, each between its own number. */
const batch = (...tokens: number[]) =>
  [0, 1].map((row) => ({
    prompt: [row],
    responses: [Uint32Array.of(...tokens, row)],
  }));

test('a step that is not finite stops the model there, however late one looks', async () => {
  const trainer = new SupervisedTrainer(gpu, model, presets.quick.base.optimizer, {
    capacity: { rows: 8, actions: 8, sequences: 2 },
    positions: 5,
  });
  const weights = initialParameters(model, 1, 0.1);
  weights.get('model.embed_tokens.weight')!.fill(NaN, 7 * 16);
  trainer.model.reset(weights);
  await trainer.step(batch(1, 2, 3));
  await trainer.step(batch(3, 2, 1));
  const sound = await trainer.model.weights.read();
  expect(await trainer.loss()).toBeGreaterThan(0);
  await trainer.step(batch(4, 5, 6));
  const last = await trainer.model.weights.read();
  expect(last).not.toEqual(sound);
  await trainer.step(batch(7, 5, 6));
  await trainer.step(batch(4, 5, 6));
  const looked = trainer.loss();
  await expect(looked).rejects.toThrow(NonFiniteError);
  await expect(looked).rejects.toThrow(
    'supervised update 4: the loss is NaN; first non-finite weight: model.embed_tokens.weight',
  );
  expect(await trainer.model.weights.read()).toEqual(last);

  trainer.model.reset(initialParameters(model, 1, 0.1));
  await expect(trainer.step(batch(1, 8, 2))).rejects.toThrow(
    'token 1 of response 0 of group 0 is 8, must be an id below 8',
  );
  expect(await trainer.model.weights.read()).toEqual(initialParameters(model, 1, 0.1));
  await trainer.step(batch(7, 5, 6));
  expect(await trainer.loss()).toBeGreaterThan(0);

  // A batch that was refused is none of those that a fault is looked for in.
  weights.get('model.embed_tokens.weight')!.fill(NaN, 6 * 16, 7 * 16);
  trainer.model.reset(weights);
  await trainer.step(batch(7, 2, 3));
  await expect(trainer.step(batch(1, 2, 3, 4, 5, 2, 1, 0, 1))).rejects.toThrow(RangeError);
  await expect(trainer.loss()).rejects.toThrow('supervised update 1: the loss is NaN');
  trainer.destroy();
});

test('updates of another trainer’s model, a few rows at a time, are those of whole batches', async () => {
  const optimizer = {
    ...presets.quick.base.optimizer,
    learningRate: 0.01,
    warmupUpdates: 0,
    schedule: 'constant' as const,
    weightDecay: 0.1,
  };
  const whole = new SupervisedTrainer(gpu, model, optimizer, {
    capacity: { rows: 16, actions: 16, sequences: 3 },
    positions: 6,
  });
  const totals = gpu.tensor('totals', [8], 'f32', 'activations');
  // Its own rate is another: that of the schedule counts.
  const own = { ...optimizer, learningRate: 0.5 };
  const held = new Trainable(gpu, 'held', parameterLayout(model, 'lm'), own, totals);
  const parts = new SupervisedUpdates(gpu, held, { longest: 6, checkpointing: false });
  const weights = initialParameters(model, 3, 0.1);
  whole.model.reset(weights);
  held.reset(weights);
  // Five tokens and one, then three: no two rows fit together. The first token of one does not count.
  const rows = [
    { prompt: [1, 2], response: [3, 4, 5] },
    { prompt: [6], response: [7, 0, 2, 1, 3], counted: [true, false, true, true, true] },
    { prompt: [2], response: [4, 4] },
  ];
  const total = 3 + 4 + 2;
  for (let update = 0; update < 3; update++) {
    await whole.step(
      rows.map(({ prompt, response, counted }) => ({
        prompt,
        responses: [response],
        weights: [(counted ?? response.map(() => true)).map((one) => Number(one) / total)],
      })),
    );
    const loss = await whole.loss();
    const done = await parts.update(rows, optimizer);
    expect(Math.abs(done.loss - loss)).toBeLessThan(1e-6);
    expect(done).toMatchObject({ learningRate: 0.01, tokens: 14 });
  }
  const [wanted, got] = [await whole.model.weights.read(), await held.weights.read()];
  let moved = 0;
  for (const [name, data] of wanted) {
    const worst = data.reduce(
      (most, value, i) => Math.max(most, Math.abs(value - got.get(name)![i])),
      0,
    );
    // Sums of gradients in another order: AdamW's first steps turn their rounding into parts of a rate.
    expect(worst, name).toBeLessThan(1e-4);
    moved = Math.max(moved, ...data.map((value, i) => Math.abs(value - weights.get(name)![i])));
  }
  expect(moved).toBeGreaterThan(0.02);

  const before = await held.weights.read();
  await expect(
    parts.update([{ prompt: [1, 2, 3], response: [4, 5, 6, 7] }], optimizer),
  ).rejects.toThrow('a row of 7 tokens, the longest has 6');
  expect(await held.weights.read()).toEqual(before);
  expect(held.optimizer.updates).toBe(3);
  weights.get('model.embed_tokens.weight')!.fill(NaN, 7 * 16);
  held.reset(weights);
  const failed = parts.update(rows, optimizer);
  await expect(failed).rejects.toThrow(NonFiniteError);
  await expect(failed).rejects.toThrow(
    'supervised update 1: the loss is NaN; first non-finite weight',
  );
  expect(await held.weights.read()).toEqual(weights);
  whole.destroy();
});
