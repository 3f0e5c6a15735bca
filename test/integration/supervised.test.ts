import { expect, test } from 'vitest';
import { referenceModel } from '../../src/bench/train.ts';
import { presets } from '../../src/presets.ts';
import { initialParameters } from '../../src/model/parameters.ts';
import { NonFiniteError, SupervisedTrainer } from '../../src/supervised/trainer.ts';
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
