import { describe, expect, test } from 'vitest';
import { elementCount } from '../../kernels/lib/tensor.ts';
import type { ExperimentConfig } from '../../src/config.ts';
import type { Gpu } from '../../src/gpu/device.ts';
import { heldParameters } from '../../src/model/parameter-source.ts';
import { NonFiniteUpdateError, type PpoState, type RolloutGroup } from '../../src/ppo/trainer.ts';
import { RandomStream } from '../../src/random.ts';
import { gaeReference } from '../reference/gae.ts';
import { bitsOfHalf, nearestHalf } from '../reference/half.ts';
import { momentsReference } from '../reference/moments.ts';
import { policyLossReference } from '../reference/policy-loss.ts';
import { tokenRewardsReference } from '../reference/token-rewards.ts';
import { valueLossReference } from '../reference/value-loss.ts';
import { whitenReference } from '../reference/whiten.ts';
import { deviceCalls } from '../support/device-calls.ts';
import { expectClose, openTestGpu } from '../support/gpu.ts';
import { bandit, captureTensors, paidAs, PpoRig, smallConfig } from '../support/ppo-rig.ts';

const banditConfig = (reward: 'match' | 'constant', ppo: Partial<ExperimentConfig['ppo']>) =>
  smallConfig({ task: bandit(reward), rollout: { prompts: 8, samples: 8 }, ppo });

/** All weights and moments as one list of bytes, for comparing bit for bit. */
const bytesOf = ({ actor, critic }: PpoState): string[] =>
  [actor, critic].flatMap((state) =>
    !state
      ? ['none']
      : [
          ...[...state.parameters].map(([name, data]) => `${name} ${bits(data)}`),
          ...state.optimizer.moments.flatMap(({ first, second }) => [bits(first), bits(second)]),
        ],
  );
const bits = (data: Float32Array): string =>
  new Uint32Array(data.buffer, data.byteOffset, data.length).join();

const mean = (values: readonly number[]): number =>
  values.reduce((sum, value) => sum + value, 0) / values.length;

/** Responses of given lengths to the first prompts of a rig's pool. */
function responsesOf(rig: PpoRig, lengths: readonly (readonly number[])[]): RolloutGroup[] {
  const random = new RandomStream(3, 'test');
  return lengths.map((own, promptIndex) => ({
    promptIndex,
    prompt: rig.task.tokenizer.encode(rig.pool[promptIndex].text),
    responses: own.map((length) =>
      Uint32Array.from({ length }, () => random.below(rig.task.tokenizer.size)),
    ),
  }));
}

/** Token rows that are uploaded while `body` runs: what forward and backward passes work on. */
async function rowsUploaded(gpu: Gpu, body: () => Promise<unknown>): Promise<number[]> {
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

describe('PPO on a bandit', () => {
  test.each(['gae', 'grpo', 'dr_grpo', 'rloo', 'reinforce++', 'reinforce++-baseline'] as const)(
    '%s learns which arm is right',
    async (estimator) => {
      const gpu = await openTestGpu();
      const rig = await PpoRig.open(gpu, banditConfig('match', { estimator }));
      expect(rig.trainer.critic === undefined).toBe(estimator !== 'gae');
      const rewards: number[] = [];
      let kl = 0;
      for (let i = 0; i < 16; i++) {
        const metrics = await rig.iterate(i);
        rewards.push(metrics.reward_mean);
        kl = metrics.kl_mean;
        expect('value_loss' in metrics).toBe(estimator === 'gae');
      }
      // An untrained model answers with an arm 4 times in 13, and one in 4 of these is right.
      expect(mean(rewards.slice(0, 2))).toBeLessThan(-0.4);
      expect(mean(rewards.slice(-2))).toBeGreaterThan(0.2);
      expect(kl).toBeGreaterThan(1);
    },
  );

  test.each(['grpo', 'dr_grpo', 'rloo', 'reinforce++', 'reinforce++-baseline'] as const)(
    '%s leaves the policy as it is, to the bit, when every response earns the same',
    async (estimator) => {
      const gpu = await openTestGpu();
      const rig = await PpoRig.open(gpu, banditConfig('constant', { estimator }));
      const before = await rig.trainer.actor.weights.read();
      for (let i = 0; i < 3; i++) {
        expect(await rig.iterate(i)).toMatchObject({ reward_mean: 1, kl_mean: 0, policy_loss: 0 });
      }
      expect(await rig.trainer.actor.weights.read()).toEqual(before);
    },
  );

  test('GAE leaves the policy near the base when every response earns the same', async () => {
    const gpu = await openTestGpu();
    // A critic that stays at 0 gives every action the same advantage, which whitening takes away.
    const { critic } = smallConfig().ppo;
    const still = { estimator: 'gae', critic: { ...critic, learningRate: 0 } } as const;
    const exact = await PpoRig.open(gpu, banditConfig('constant', still));
    const before = await exact.trainer.actor.weights.read();
    for (let i = 0; i < 3; i++) {
      expect(await exact.iterate(i)).toMatchObject({ reward_mean: 1, kl_mean: 0 });
    }
    expect(await exact.trainer.actor.weights.read()).toEqual(before);

    // One that learns errs by prompt, and whitening brings its errors to unit size whatever theirs:
    // noise that leads nowhere. Learning the right arms takes a KL of 3 in as many iterations.
    const rig = await PpoRig.open(gpu, banditConfig('constant', { estimator: 'gae' }));
    let kl = 0;
    for (let i = 0; i < 16; i++) {
      const metrics = await rig.iterate(i);
      expect(metrics.reward_mean).toBe(1);
      kl = metrics.kl_mean;
    }
    expect(Math.abs(kl)).toBeLessThan(0.4);
  });
});

describe('PPO with weights in f16', () => {
  const config = { ...banditConfig('match', { estimator: 'gae' }), weightStorage: 'f16' } as const;

  test('learns which arm is right, and goes on bit for bit from where it was saved', async () => {
    const gpu = await openTestGpu();
    const [rig, resumed] = [await PpoRig.open(gpu, config), await PpoRig.open(gpu, config)];
    const rewards: number[] = [];
    for (let i = 0; i < 16; i++) {
      const { reward_mean: reward, kl_mean: kl } = await rig.iterate(i);
      rewards.push(reward);
      // The reference is the base in f16 alone, which is what the actor acts by.
      if (i === 0) expect(kl).toBe(0);
      if (i === 13) {
        await resumed.trainer.restore(heldParameters(rig.base), await rig.trainer.save());
      }
      if (i > 13) await resumed.iterate(i);
    }
    expect(mean(rewards.slice(0, 2))).toBeLessThan(-0.4);
    expect(mean(rewards.slice(-2))).toBeGreaterThan(0.2);
    expect(bytesOf(await resumed.trainer.save())).toEqual(bytesOf(await rig.trainer.save()));
  });

  test('updates weights in f32 and acts by the nearest halves', async () => {
    const gpu = await openTestGpu();
    const rig = await PpoRig.open(gpu, config);
    await rig.iterate(0);
    for (const { weights } of [rig.trainer.actor, rig.trainer.critic!]) {
      for (const name of ['layers.0.qkv', 'layers.0.o', 'layers.0.gate_up', 'layers.0.down']) {
        const own = await gpu.read(weights.tensor(name), 'f32');
        const halves = own.map(nearestHalf);
        expect(halves).not.toEqual(own);
        const operand = await gpu.read(weights.linear(name).weight, 'f16');
        expect([...operand]).toEqual(Array.from(halves, bitsOfHalf));
      }
    }
  });

  test('names the weight that has outgrown f16', async () => {
    const gpu = await openTestGpu();
    const rig = await PpoRig.open(gpu, config);
    const { actor } = rig.trainer;
    const name = 'model.layers.0.mlp.down_proj.weight';
    // A step of 0.01 takes some over the edge, at which rounding to the nearest half ends.
    const edge = rig.base.get(name)!.map((_, i) => (i % 2 === 0 ? 65_519.996 : -65_519.996));
    actor.reset(new Map(rig.base).set(name, edge));
    const iterate = async () => {
      for (let i = 0; i < 3; i++) await rig.iterate(i);
    };
    await expect(iterate()).rejects.toThrow(
      new RegExp(
        `^actor, minibatch . of 2: the loss is .*; first weight too large for f16: ${name}$`,
      ),
    );
  });
});

describe('a PPO update', () => {
  test('reports what float64 computes from the same log-probabilities and values', async () => {
    const gpu = await openTestGpu();
    const make = async (updateEpochs: number) => {
      const config = smallConfig({
        ppo: {
          estimator: 'gae',
          lossAggregation: 'sequence-mean',
          minibatches: 1,
          updateEpochs,
          klCoef: 0.1,
          gaeLambda: 0.9,
          gamma: 0.97,
          clipLow: 0.1,
          clipHigh: 0.15,
          valueClip: 0.1,
          valueHeadScale: 8,
        },
      });
      let rig!: PpoRig;
      const tensors = await captureTensors(gpu, async () => {
        rig = await PpoRig.open(gpu, config);
      });
      // The actor is not its reference, so that there is a KL to speak of.
      const random = new RandomStream(8, 'test');
      const moved = [...rig.base].map(
        ([name, data]) => [name, data.map((value) => value + 0.05 * random.normal())] as const,
      );
      rig.trainer.actor.weights.load(new Map(moved));
      const read = async (name: string, count: number): Promise<number[]> =>
        Array.from((await gpu.read(tensors.get(name)!, 'f32')).subarray(0, count));
      return { rig, read, config };
    };
    const one = await make(1);
    const lengths = [
      [1, 4, 8, 2],
      [3, 3, 1, 5],
      [7, 2, 2, 6],
      [4, 1, 8, 3],
    ];
    const flat = lengths.flat();
    const actions = flat.reduce((sum, length) => sum + length, 0);
    const groups = responsesOf(one.rig, lengths);
    const verdicts = paidAs(flat.map((_, i) => [1, -0.5, -1][(i * 5) % 3]));
    const { rewards } = verdicts;
    const options = { seed: 4, iteration: 2 };
    const first = await one.rig.trainer.update(groups, verdicts, options);
    const before = {
      logprobs: await one.read('old_logprobs', actions),
      reference: await one.read('ref_logprobs', actions),
      values: await one.read('old_values', actions),
      advantages: await one.read('advantages', actions),
      returns: await one.read('returns', actions),
    };
    // A second call scores the same responses anew: what the policy thinks after one update.
    await one.rig.trainer.update(groups, verdicts, options);
    const after = {
      logprobs: await one.read('old_logprobs', actions),
      values: await one.read('old_values', actions),
    };

    const { ppo } = one.config;
    const starts = flat.map((_, i) => flat.slice(0, i).reduce((sum, length) => sum + length, 0));
    const cut = (values: readonly number[]): number[][] =>
      flat.map((length, i) => values.slice(starts[i], starts[i] + length));
    const [old, reference, values] = [before.logprobs, before.reference, before.values].map(cut);
    const token = tokenRewardsReference(
      old.map((logprobs, i) => ({ old: logprobs, ref: reference[i], reward: rewards[i] })),
      { estimator: 'k1', coef: ppo.klCoef },
    );
    const estimates = cut(token.rewards).map((own, i) =>
      gaeReference(own, values[i], ppo.gamma, ppo.gaeLambda),
    );
    const raw = estimates.flatMap(({ advantages }) => advantages);
    const returns = estimates.flatMap((estimate) => estimate.returns);
    const advantages = Array.from(whitenReference(raw));
    expect(mean(token.meanKl.map(Math.abs))).toBeGreaterThan(0.05);
    expectClose(before.returns, returns, { abs: 1e-5, rel: 1e-5 });
    expectClose(before.advantages, advantages, { abs: 2e-5, rel: 1e-5 });

    /** Mean over sequences of the mean over each one's actions. */
    const sequenceMean = (losses: readonly number[]): number => mean(cut(losses).map(mean));
    const policy = (logprobs: readonly number[]) =>
      logprobs.map((logprob, a) =>
        policyLossReference(logprob, before.logprobs[a], 0, advantages[a], ppo),
      );
    const value = (now: readonly number[]) =>
      now.map((guess, a) => valueLossReference(guess, before.values[a], returns[a], ppo.valueClip));
    const policies = [policy(before.logprobs), policy(after.logprobs)];
    const critics = [value(before.values), value(after.values)];
    const lossOf = (steps: readonly { loss: number }[]): number =>
      sequenceMean(steps.map(({ loss }) => loss));
    const clipped = policies.map((steps) => mean(steps.map(({ decided }) => Number(decided))));
    expect(clipped[0]).toBe(0);
    expect(clipped[1]).toBeGreaterThan(0.1);
    expect(critics[1].some(({ decided }) => decided)).toBe(true);

    const moments = momentsReference(raw);
    const shared = {
      kl_mean: mean(token.meanKl),
      advantage_mean: moments.mean,
      advantage_std: Math.sqrt(moments.variance),
      reward_mean: mean(Array.from(rewards)),
      response_length_mean: actions / flat.length,
      explained_variance:
        1 -
        momentsReference(returns.map((target, a) => target - before.values[a])).variance /
          momentsReference(returns).variance,
    };
    const close = (got: Record<string, number>, want: Record<string, number>): void => {
      const names = Object.keys(want);
      expectClose(
        names.map((name) => got[name]),
        names.map((name) => want[name]),
        { abs: 2e-5, rel: 2e-5 },
      );
    };
    close(first, {
      ...shared,
      policy_loss: lossOf(policies[0]),
      value_loss: lossOf(critics[0]),
      clip_fraction: 0,
      approx_kl: 0,
    });
    // The same rollout in one iteration of two passes: means over both.
    const { rig: twice } = await make(2);
    const both = await twice.trainer.update(groups, verdicts, options);
    close(both, {
      ...shared,
      policy_loss: mean(policies.map(lossOf)),
      value_loss: mean(critics.map(lossOf)),
      clip_fraction: mean(clipped),
      approx_kl: mean(policies.map((steps) => mean(steps.map(({ kl }) => kl)))),
    });
  });

  test('weights the losses as the aggregation rule says', async () => {
    const gpu = await openTestGpu();
    const update = async (
      lossAggregation: 'token-mean-microbatch' | 'token-mean-step' | 'sequence-mean',
      lengths: readonly number[],
      microbatchSequences = 2,
    ) => {
      const rig = await PpoRig.open(
        gpu,
        smallConfig({
          rollout: { prompts: 1 },
          ppo: {
            estimator: 'dr_grpo',
            klCoef: 0,
            minibatches: 1,
            lossAggregation,
            microbatchSequences,
          },
        }),
      );
      const groups = responsesOf(rig, [lengths]);
      const verdicts = paidAs([1, -0.5, -0.5, 1]);
      return rig.trainer.update(groups, verdicts, { seed: 1, iteration: 0 });
    };
    // Less their mean of 0.25 the rewards are 3/4, -3/4, -3/4, 3/4, on 1, 3, 4 and 2 tokens.
    const lengths = [1, 3, 4, 2];
    const step = await update('token-mean-step', lengths);
    // -(3/4) (1 - 3 - 4 + 2) / 10
    expect(step.policy_loss).toBeCloseTo(0.3, 5);
    const micro = await update('token-mean-microbatch', lengths);
    // -(3/4) ((1 - 3) / 4 + (2 - 4) / 6) / 2
    expect(micro.policy_loss).toBeCloseTo(0.3125, 5);
    const sequence = await update('sequence-mean', lengths);
    expect(sequence.policy_loss).toBeCloseTo(0, 5);

    // The gradient is weighted as the loss is: rules that agree on the weights agree on its norm.
    const norms = [step, micro, sequence].map((metrics) => metrics.actor_grad_norm);
    expect(new Set(norms).size).toBe(3);
    const whole = await update('token-mean-microbatch', lengths, 4);
    expect(whole.actor_grad_norm).toBe(step.actor_grad_norm);
    const single = await update('token-mean-microbatch', lengths, 1);
    expect(single.actor_grad_norm).toBe(sequence.actor_grad_norm);
    const equal = [3, 3, 3, 3];
    const [a, b] = [await update('token-mean-step', equal), await update('sequence-mean', equal)];
    expect(a.actor_grad_norm).toBe(b.actor_grad_norm);
    expect(a.actor_grad_norm).toBeGreaterThan(0);
  });

  test('holds rewards within the clamp and whitens as the config says', async () => {
    const gpu = await openTestGpu();
    const updated = async (ppo: Partial<ExperimentConfig['ppo']>) => {
      const rig = await PpoRig.open(
        gpu,
        smallConfig({ ppo: { estimator: 'reinforce++', klCoef: 0, ...ppo } }),
      );
      const { groups } = await rig.rollout(0);
      // Sequences of length n weigh n times: each prompt has one right answer, the rest have none.
      const verdicts = paidAs(
        groups.flatMap(({ responses }) => responses.map((_, i) => (i === 0 ? 1 : -1))),
      );
      const metrics = await rig.trainer.update(groups, verdicts, { seed: 5, iteration: 0 });
      return { mean: metrics['advantage_mean'], std: metrics['advantage_std'], metrics };
    };
    const usual = await updated({});
    expect(await updated({ rewardClamp: 1, whitenScale: true })).toEqual(usual);
    // Rewards of 1 and -1 become those of 1/4 and -1/4; whitening takes the factor out again.
    const held = await updated({ rewardClamp: 0.25 });
    expect(held.mean).toBeCloseTo(usual.mean / 4, 6);
    expect(held.std).toBeCloseTo(usual.std / 4, 6);
    expect(held.metrics['actor_grad_norm']).toBeCloseTo(usual.metrics['actor_grad_norm'], 3);
    const centred = await updated({ rewardClamp: 0.25, whitenScale: false });
    expect(centred.std).toBe(held.std);
    expect(centred.metrics['policy_loss'] / held.metrics['policy_loss']).toBeCloseTo(held.std, 3);
  });

  test('computes a prompt once per group where minibatches are whole groups', async () => {
    const gpu = await openTestGpu();
    const lengths = [
      [2, 4, 8, 2],
      [3, 3, 1, 5],
      [7, 2, 2, 6],
      [4, 1, 8, 3],
    ];
    const update = async (minibatchUnit: 'group' | 'sequence', minibatches: number) => {
      const rig = await PpoRig.open(
        gpu,
        smallConfig({ ppo: { minibatchUnit, minibatches, lossAggregation: 'token-mean-step' } }),
      );
      const groups = responsesOf(rig, lengths);
      const verdicts = paidAs(lengths.flat().map((_, i) => (i % 3 === 0 ? 1 : -0.5)));
      let metrics: Record<string, number> = {};
      const rows = await rowsUploaded(gpu, async () => {
        metrics = await rig.trainer.update(groups, verdicts, { seed: 2, iteration: 0 });
      });
      return { metrics, rows, prompt: rig.task.maxPromptTokens };
    };
    const grouped = await update('group', 2);
    const shuffled = await update('sequence', 2);
    const { prompt } = grouped;
    // The last token of a response predicts nothing: 61 tokens take 45 rows.
    const own = lengths.flat().reduce((sum, length) => sum + length - 1, 0);
    const total = (rows: readonly number[]): number => rows.reduce((sum, count) => sum + count, 0);
    // Scored once, always by groups, then each network's pass over all in two minibatches.
    const shared = 4 * prompt + own;
    expect(total(grouped.rows)).toBe(3 * shared);
    expect(total(shuffled.rows)).toBe(shared + 2 * (16 * prompt + own));
    expect(total(shuffled.rows)).toBeGreaterThan(1.5 * total(grouped.rows));

    // Over the whole rollout the two are one and the same update.
    const [a, b] = [await update('group', 1), await update('sequence', 1)];
    expect(total(b.rows)).toBeGreaterThan(total(a.rows));
    for (const name of ['policy_loss', 'value_loss', 'actor_grad_norm', 'critic_grad_norm']) {
      expectClose([b.metrics[name]], [a.metrics[name]], { abs: 1e-5, rel: 1e-4 });
    }
  });

  test('computes the same bits however finely its work is cut into submits', async () => {
    const gpu = await openTestGpu();
    const iterate = async (): Promise<{ state: string[]; rewards: string }> => {
      const rig = await PpoRig.open(gpu, smallConfig());
      await rig.iterate(0);
      const { verdicts, groups } = await rig.rollout(1);
      await rig.trainer.update(groups, verdicts, { seed: 5, iteration: 1 });
      return { state: bytesOf(await rig.trainer.save()), rewards: groups.map(String).join() };
    };
    const usual = await iterate();
    const plan = gpu.plan.bind(gpu);
    let submits = 0;
    const { queue } = gpu.device;
    const submit = queue.submit.bind(queue);
    try {
      gpu.plan = (name, steps) => {
        const made = plan(name, steps);
        Object.defineProperty(made, 'stepsPerSubmit', { get: () => 1, set: () => undefined });
        return made;
      };
      queue.submit = (buffers) => {
        submits++;
        submit(buffers);
      };
      expect(await iterate()).toEqual(usual);
    } finally {
      Reflect.deleteProperty(gpu, 'plan');
      Reflect.deleteProperty(queue, 'submit');
    }
    // Two iterations of some six hundred steps.
    expect(submits).toBeGreaterThan(400);
  });

  test('shares memory between rollouts and updates, which need nothing of one another', async () => {
    const gpu = await openTestGpu();
    const usual = await PpoRig.open(gpu, smallConfig());
    const spoilt = await PpoRig.open(gpu, smallConfig());
    const { blocks } = spoilt.memory;
    expect(blocks.length).toBeGreaterThan(10);
    const spoil = (): void => {
      for (const { tensor } of blocks) {
        gpu.upload(tensor, new Float32Array(elementCount(tensor.shape)).fill(NaN));
      }
    };
    for (let iteration = 0; iteration < 2; iteration++) {
      await usual.iterate(iteration);
      spoil();
      const { groups, verdicts } = await spoilt.rollout(iteration);
      spoil();
      await spoilt.trainer.update(groups, verdicts, { seed: 5, iteration, column: 0 });
    }
    expect(bytesOf(await spoilt.trainer.save())).toEqual(bytesOf(await usual.trainer.save()));
  });

  const deeper = smallConfig();
  const twoLayers = { ...deeper, model: { ...deeper.model, layers: 2 } };

  test('takes the old log-probabilities of its own first pass, and one pass less', async () => {
    const gpu = await openTestGpu();
    const settings = { estimator: 'grpo', klCoef: 0, minibatches: 1 } as const;
    const learned = [];
    for (const oldLogprobs of ['pass', 'first-pass'] as const) {
      const rig = await PpoRig.open(gpu, banditConfig('match', { ...settings, oldLogprobs }));
      const rows = await rowsUploaded(gpu, async () => {
        for (let i = 0; i < 3; i++) {
          const { approx_kl, clip_fraction } = await rig.iterate(i);
          if (oldLogprobs === 'first-pass') expect([approx_kl, clip_fraction]).toEqual([0, 0]);
          else expect(Math.abs(approx_kl)).toBeLessThan(1e-6);
        }
      });
      learned.push({ passes: rows.length, weights: await rig.trainer.actor.weights.read() });
    }
    const [pass, first] = learned;
    expect(pass.passes).toBe(2 * first.passes);
    // Rounding alone differs, which Adam amplifies where a gradient is next to nothing.
    for (const [name, data] of first.weights) {
      const off = data.map((value, i) => Math.abs(value - pass.weights.get(name)![i]));
      expect(mean(Array.from(off)), name).toBeLessThan(1e-5);
    }
  });

  test('learns the same, bit for bit, where layers are computed once more', async () => {
    const gpu = await openTestGpu();
    const kept = await PpoRig.open(gpu, twoLayers);
    const again = await PpoRig.open(gpu, { ...twoLayers, gradientCheckpointing: true });
    for (const rig of [kept, again]) {
      await rig.iterate(0);
      await rig.iterate(1);
    }
    expect(bytesOf(await again.trainer.save())).toEqual(bytesOf(await kept.trainer.save()));
  });

  test.each([
    ['', smallConfig()],
    [' with gradient checkpointing', { ...twoLayers, gradientCheckpointing: true }],
  ])('makes nothing on the device and reads back twice in an iteration%s', async (_, config) => {
    const gpu = await openTestGpu();
    const rig = await PpoRig.open(gpu, config);
    await rig.iterate(0);
    const { created, mapped } = await deviceCalls(gpu, async () => {
      await rig.iterate(1);
    });
    expect(created).toEqual([]);
    expect(mapped.filter((label) => !label.startsWith('finished ring'))).toEqual([
      'responses',
      'update metrics',
    ]);
  });
});

describe('an update that is not finite', () => {
  test('is not applied, and the error names the loss and the first bad tensor', async () => {
    const gpu = await openTestGpu();
    const rig = await PpoRig.open(gpu, smallConfig());
    await rig.iterate(0);
    const { groups, verdicts } = await rig.rollout(1);
    gpu.upload(rig.trainer.actor.weights.tensor('layers.0.down'), Float32Array.of(NaN), 7);
    const before = bytesOf(await rig.trainer.save());
    const update = rig.trainer.update(groups, verdicts, { seed: 5, iteration: 1 });
    await expect(update).rejects.toThrow(NonFiniteUpdateError);
    await expect(update).rejects.toThrow(
      'actor, minibatch 1 of 2: the loss is NaN; ' +
        'first non-finite weight: model.layers.0.mlp.down_proj.weight',
    );
    // The actor's part: a critic whose own loss is finite goes its way.
    const count = rig.base.size + 2;
    expect(bytesOf(await rig.trainer.save()).slice(0, count)).toEqual(before.slice(0, count));
  });

  test('is noticed where the loss is finite and the gradient is not', async () => {
    const gpu = await openTestGpu();
    const rig = await PpoRig.open(gpu, smallConfig());
    const { critic } = rig.trainer;
    const { groups, verdicts } = await rig.rollout(0);
    // Values near 1e10: their squares fit f32, those of the gradients below the head do not.
    gpu.upload(critic!.weights.tensor('score'), new Float32Array(16).fill(1e10));
    const update = rig.trainer.update(groups, verdicts, { seed: 5, iteration: 0 });
    await expect(update).rejects.toThrow(
      /^critic, minibatch 1 of 2: the gradient norm is (Infinity|NaN); /,
    );
  });
});
