import { describe, expect, test } from 'vitest';
import type { ExperimentConfig } from '../../src/config.ts';
import type { Gpu } from '../../src/gpu/device.ts';
import type { RolloutGroup } from '../../src/ppo/trainer.ts';
import { RandomStream } from '../../src/random.ts';
import type { MemoryChoices } from '../../src/scheduler/experiment-buffers.ts';
import { openTestGpu } from '../support/gpu.ts';
import { captureTensors, paidAs, PpoRig, smallConfig } from '../support/ppo-rig.ts';

const SAMPLES = 6;

/** Six responses to each of two prompts, of the lengths given. */
function rolloutOf(rig: PpoRig, lengths: readonly number[]): RolloutGroup[] {
  const random = new RandomStream(3, 'test');
  const { tokenizer } = rig.task;
  return [0, 1].map((promptIndex) => ({
    promptIndex,
    prompt: tokenizer.encode(rig.pool[promptIndex].text),
    responses: lengths.map((length) =>
      Uint32Array.from({ length }, () => random.below(tokenizer.size)),
    ),
  }));
}

/** Token rows of each pass over a micro-batch. */
async function rowsOf(gpu: Gpu, body: () => Promise<unknown>): Promise<number[]> {
  const rows: number[] = [];
  const upload = gpu.upload.bind(gpu);
  gpu.upload = (tensor, data, offset) => {
    if (tensor.name === 'token_ids') rows.push(data.length);
    upload(tensor, data, offset);
  };
  try {
    await body();
  } finally {
    Reflect.deleteProperty(gpu, 'upload');
  }
  return rows;
}

/** What one update leaves on the device. */
async function updated(ppo: Partial<ExperimentConfig['ppo']>, choices: MemoryChoices) {
  const gpu = await openTestGpu();
  const config = smallConfig({
    rollout: { prompts: 2, samples: SAMPLES },
    ppo: { minibatches: 1, updateEpochs: 1, entropyCoef: 0.01, klIn: 'loss', klCoef: 0.1, ...ppo },
  });
  let rig: PpoRig | undefined;
  const tensors = await captureTensors(gpu, async () => {
    rig = await PpoRig.open(gpu, config, 1, choices);
  });
  const made = rig!;
  const { maxResponseTokens: longest } = made.task;
  const groups = rolloutOf(made, [longest, longest - 1, longest, 2, longest - 2, longest]);
  const rewards = groups.flatMap((_, group) => [1, -0.5, -1, 1, -0.5, group === 0 ? 1 : -1]);
  const rows = await rowsOf(gpu, () =>
    made.trainer.update(groups, paidAs(rewards), { seed: 5, iteration: 0 }),
  );
  const read = async (name: string) => [...(await gpu.read(tensors.get(name)!, 'f32'))];
  const gradients = await made.trainer.actor.gradients.read();
  return {
    rows,
    limits: made.task,
    gradients,
    scored: await Promise.all(['old_logprobs', 'ref_logprobs', 'advantages'].map(read)),
  };
}

const norm = (data: Iterable<number>): number =>
  Math.sqrt([...data].reduce((s, x) => s + x * x, 0));

const ways: readonly (readonly [string, Partial<ExperimentConfig['ppo']>])[] = (
  ['group', 'sequence'] as const
).flatMap((minibatchUnit) =>
  (['token-mean-step', 'token-mean-microbatch', 'sequence-mean'] as const).map(
    (lossAggregation) =>
      [
        `${lossAggregation}, by ${minibatchUnit}`,
        { estimator: 'grpo', minibatchUnit, lossAggregation },
      ] as const,
  ),
);

describe('a group that no pass holds', () => {
  test.each(ways)('gives the gradients of the whole group: %s', async (_, ppo) => {
    const whole = await updated(ppo, {});
    const { maxPromptTokens, maxResponseTokens } = whole.limits;
    const two = maxPromptTokens + 2 * (maxResponseTokens - 1);
    const split = await updated(ppo, { microRows: two });
    // Two groups, or twelve sequences, in one pass; or each in three.
    expect(Math.max(...split.rows)).toBeLessThanOrEqual(two);
    expect(split.rows.length).toBeGreaterThan(2 * whole.rows.length);
    // What a row computes does not depend on the rows beside it.
    expect(split.scored).toEqual(whole.scored);
    for (const [name, want] of whole.gradients) {
      const got = split.gradients.get(name)!;
      const error = norm(want.map((value, i) => value - (got[i] ?? NaN)));
      expect(norm(want), name).toBeGreaterThan(0);
      expect(error / norm(want), name).toBeLessThan(1e-6);
    }
  });

  test('takes a prompt with one response where less is asked for', async () => {
    const { rows, limits } = await updated({ estimator: 'grpo' }, { microRows: 1 });
    const { maxPromptTokens, maxResponseTokens } = limits;
    expect(Math.max(...rows)).toBeLessThanOrEqual(maxPromptTokens + maxResponseTokens - 1);
  });
});
