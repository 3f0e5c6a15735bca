import { expect, test } from 'vitest';
import { shippedBases } from '../../src/bases/shipped.ts';
import { configFrom, drawnConfig } from '../../src/config.ts';
import { baseTrainer } from '../../src/scheduler/base.ts';
import { findBase } from '../../src/scheduler/base-file.ts';
import { openTask } from '../../src/tasks/registry.ts';
import { openTestGpu } from '../support/gpu.ts';

const gpu = await openTestGpu();

// A corpus with slips cannot be told better than by its own chances: 0.2 to 0.24 nats a token over
// many sequences, 0.05 more or less over these. A model that knows nothing has log(19) = 2.9.
test.each([
  ['standard', {}],
  ['standard', { base: { seed: 2 } }],
  ['standard', { base: { seed: 3 } }],
  ['standard-0.4m', {}],
  ['standard-ood', {}],
] as const)('the base of %s %j knows a corpus that it has not seen', async (preset, over) => {
  const config = drawnConfig(configFrom(preset, over, 'test'), 'a base');
  const numbers = findBase(await shippedBases(config), config)!.numbers();
  const task = await openTask(config.task);
  const trainer = baseTrainer(gpu, config, task);
  try {
    trainer.model.reset(numbers);
    const unseen = task.corpus!(config.base.seed, config.base.updates, 48);
    // The first update warms up at rate 0.
    await trainer.step(
      unseen.map(({ tokens, promptLength }) => ({
        prompt: tokens.subarray(0, promptLength),
        responses: [tokens.subarray(promptLength)],
      })),
    );
    const loss = await trainer.loss();
    expect(loss).toBeGreaterThan(0.15);
    expect(loss).toBeLessThan(0.3);
  } finally {
    await gpu.queue.idle();
    trainer.destroy();
  }
});
