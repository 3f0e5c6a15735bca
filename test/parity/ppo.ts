import type { Tensor } from '../../kernels/lib/tensor.ts';
import { tokenRewards } from '../../kernels/token-rewards.ts';
import type { OptimizerConfig } from '../../src/config.ts';
import type { Gpu } from '../../src/gpu/device.ts';
import type { Step } from '../../src/gpu/plan.ts';
import { hfName } from '../../src/model/hugging-face/names.ts';
import { parameterLayout, parameterNames } from '../../src/model/parameters.ts';
import { Trainable } from '../../src/optim/trainable.ts';
import { advantageDispatches } from '../../src/ppo/advantages.ts';
import type { LossAggregation } from '../../src/vocabulary/losses.ts';
import { type Context, sequencesOf, withScope } from './context.ts';
import { Fields } from './fields.ts';
import { Learner, type LearnerTask, type Pass } from './learner.ts';
import { type FixtureModel, openFixtureModel } from './model-files.ts';
import { ExpectedTensors, gradientTolerance } from './tensors.ts';

const file = 'ppo/ppo.json';
const tensorFile = 'ppo/ppo.safetensors';
const allowed = {
  logprobs: 2e-4,
  values: 5e-5,
  advantages: 5e-6,
  loss: 2e-5,
  gradient: 3e-4,
  gradientNorm: 1e-3,
  parameter: 1e-3,
  parameterMean: 1e-6,
};

interface Hyper {
  readonly clip: number;
  readonly valueClip: number;
  readonly gamma: number;
  readonly lambda: number;
  readonly klCoef: number;
  readonly rewardRange: readonly [number, number];
  readonly actor: OptimizerConfig;
  readonly critic: OptimizerConfig;
}

/** A rollout of S episodes, packed: arrays over actions are sequence after sequence. */
interface Rollout {
  readonly prompts: readonly number[][];
  readonly responses: readonly number[][];
  readonly oldLogprobs: Float32Array;
  readonly refLogprobs: Float32Array;
  readonly oldValues: Float32Array;
  readonly rewards: Float32Array;
}

function readHyper(fields: Fields): Hyper {
  const [beta1 = NaN, beta2 = NaN] = fields.numbers('betas');
  const [low = NaN, high = NaN] = fields.numbers('reward_clip_range');
  const optimizer = (learningRate: number): OptimizerConfig => ({
    learningRate,
    warmupUpdates: 0,
    schedule: 'constant',
    horizonUpdates: 1,
    minimumShare: 1,
    beta1,
    beta2,
    epsilon: fields.number('adam_eps'),
    weightDecay: fields.number('weight_decay'),
    maxGradNorm: fields.number('max_norm'),
  });
  const hyper = {
    clip: fields.number('eps_clip'),
    valueClip: fields.number('value_clip'),
    gamma: fields.number('gamma'),
    lambda: fields.number('lambd'),
    klCoef: fields.number('kl_coef'),
    rewardRange: [low, high] as const,
    actor: optimizer(fields.number('actor_lr')),
    critic: optimizer(fields.number('critic_lr')),
  };
  fields.done();
  return hyper;
}

/** From log-probabilities and rewards to advantages, through the trainer's own dispatches. */
const computeExperience = (gpu: Gpu, hyper: Hyper, rollout: Rollout) =>
  withScope(gpu, async (scope) => {
    const lengths = rollout.responses.map((response) => response.length);
    const S = lengths.length;
    const A = rollout.oldLogprobs.length;
    const sequences = scope.tensor('sequences', sequencesOf(lengths), [S, 2]);
    const oldLogprobs = scope.tensor('old_logprobs', rollout.oldLogprobs);
    const refLogprobs = scope.tensor('ref_logprobs', rollout.refLogprobs);
    const arrays = {
      tokenRewards: scope.empty('token_rewards', [A]),
      meanKl: scope.empty('mean_kl', [S]),
      rawAdvantages: scope.empty('raw_advantages', [A]),
      advantages: scope.empty('advantages', [A]),
      returns: scope.empty('returns', [A]),
    };
    // With coefficient 1 and no reward, what an action gets is minus its KL estimate.
    const estimate = (estimator: 'k1' | 'k3', minusKl: Tensor): Step =>
      tokenRewards(
        {
          sequences,
          old_logprobs: oldLogprobs,
          ref_logprobs: refLogprobs,
          sequence_rewards: scope.empty('no_rewards', [S]),
          token_rewards: minusKl,
          mean_kl: scope.empty('unused', [S]),
        },
        { sequenceCount: S, kl: { estimator, coef: 1 } },
      );
    const k1 = scope.empty('minus_k1', [A]);
    const k3 = scope.empty('minus_k3', [A]);
    await scope.run([
      estimate('k1', k1),
      estimate('k3', k3),
      ...advantageDispatches(
        'gae',
        {
          ...arrays,
          sequences,
          groups: scope.tensor('groups', Uint32Array.of(0, S), [1, 2]),
          sequenceRewards: scope.tensor('sequence_rewards', rollout.rewards),
          oldLogprobs,
          refLogprobs,
          values: scope.tensor('values', rollout.oldValues),
          shapedRewards: scope.empty('shaped_rewards', [S]),
          momentPartials: scope.empty('moment_partials', [2048, 4]),
          moments: scope.empty('moments', [4]),
        },
        {
          sequenceCount: S,
          groupCount: 1,
          actionCount: A,
          kl: { estimator: 'k1', coef: hyper.klCoef },
          rewardRange: hyper.rewardRange,
          gamma: hyper.gamma,
          gaeLambda: hyper.lambda,
        },
      ),
    ]);
    const negated = async (tensor: Tensor) =>
      (await gpu.read(tensor, 'f32')).map((value) => -value);
    return {
      kl_k1: await negated(k1),
      kl_k3: await negated(k3),
      kl_mean_per_sequence: await gpu.read(arrays.meanKl, 'f32'),
      token_rewards: await gpu.read(arrays.tokenRewards, 'f32'),
      advantages: await gpu.read(arrays.rawAdvantages, 'f32'),
      normalized_advantages: await gpu.read(arrays.advantages, 'f32'),
      returns: await gpu.read(arrays.returns, 'f32'),
    };
  });

type Experience = Awaited<ReturnType<typeof computeExperience>>;

const computeLearner = (
  gpu: Gpu,
  kind: 'actor' | 'critic',
  model: FixtureModel,
  hyper: Hyper,
  rollout: Rollout,
  experience: Experience,
  microBatches: readonly number[][],
) =>
  withScope(gpu, async (scope) => {
    const { directory } = model;
    const task: LearnerTask =
      kind === 'actor'
        ? {
            clip: hyper.clip,
            oldLogprobs: rollout.oldLogprobs,
            advantages: experience.normalized_advantages,
          }
        : {
            valueClip: hyper.valueClip,
            oldValues: rollout.oldValues,
            returns: experience.returns,
          };
    const layout = parameterLayout(directory.config, kind === 'actor' ? 'lm' : 'value');
    const totals = scope.empty('totals', [8]);
    const trainable = new Trainable(gpu, kind, layout, hyper[kind], totals);
    const learner = new Learner(scope, task, rollout, totals, trainable);
    const start = new Map<string, Float32Array>();
    for (const { name } of parameterNames(learner.model.weights.layout)) {
      start.set(name, await directory.read(name));
    }
    const all = [rollout.prompts.map((_, i) => i)];
    /** A pass from the start, and the norm that the optimizer sees of its gradients. */
    const fresh = async (aggregation: LossAggregation, batches: readonly number[][]) => {
      learner.model.reset(start);
      const pass = await learner.pass(aggregation, batches);
      return { ...pass, norm: await learner.update() };
    };
    const padded = await fresh('sequence-mean', all);
    const accumulated = await fresh('token-mean-microbatch', microBatches);
    learner.model.reset(start);
    const trace: { loss: number; norm: number | null }[] = [];
    const packed = await learner.pass('token-mean-microbatch', all);
    let last: Pass = packed;
    for (let step = 0; step < 3; step++) {
      trace.push({ loss: last.loss, norm: await learner.update() });
      last = await learner.pass('token-mean-microbatch', all);
    }
    trace.push({ loss: last.loss, norm: null });
    const { stored, config } = learner.model.weights.layout;
    const decayed = stored
      .filter(({ decay }) => decay)
      .flatMap(({ parts }) => parts.map(({ name }) => hfName(config.architecture, name)));
    const after = await learner.model.weights.read();
    learner.model.destroy();
    return { padded, accumulated, packed, trace, after, decayed };
  });

type Learned = Awaited<ReturnType<typeof computeLearner>>;

/**
 * Episodes of left-padded prompts and right-padded responses, as the reference's `process_sequences`
 * reads them: an episode begins with its first token that is neither end nor pad, and its end token,
 * an action too, is put behind the last such token, in place of that one where the row is full.
 *
 * @throws Error on an end or pad token before the last one of a response: the reference's padded form
 *   masks the action after it and its packed form does not, so that they are of two minds.
 */
function readEpisodes(
  sequences: readonly number[][],
  promptColumns: number,
  eos: number,
  pad: number,
) {
  const prompts: number[][] = [];
  const responses: number[][] = [];
  const isReal = (id: number): boolean => id !== eos && id !== pad;
  for (const [i, row] of sequences.entries()) {
    const first = row.findIndex(isReal);
    const end = Math.min(row.findLastIndex(isReal) + 1, row.length - 1);
    if (first < 0 || first >= promptColumns || end < promptColumns) {
      throw new Error(`${tensorFile}: input.sequences[${i}] has no prompt, or no response`);
    }
    const said = row.slice(promptColumns, end);
    if (!said.every(isReal)) {
      throw new Error(`${tensorFile}: input.sequences[${i}] has an end token inside its response`);
    }
    prompts.push(row.slice(first, promptColumns));
    responses.push([...said, eos]);
  }
  return { prompts, responses };
}

/** Rows of 0 and 1 with the ones in [from, to). */
const ones = (columns: number, from: number, to: number): number[] =>
  Array.from({ length: columns }, (_, i) => Number(i >= from && i < to));

/** Everything in ppo/: rewards, advantages, losses, gradients, and three optimizer steps. */
export async function checkPpo(context: Context): Promise<void> {
  const { gpu, fixtures, report, memo } = context;
  if (fixtures.files('ppo').length === 0) return;
  const about = new Fields(await fixtures.json(file), file);
  const tensors = await ExpectedTensors.open(fixtures, tensorFile);
  const hyper = readHyper(about.object('hyper'));
  // Folders among the fixtures: nothing outside them can be named.
  const actor = await openFixtureModel(fixtures, about.text('actor'));
  const critic = await openFixtureModel(fixtures, about.text('critic'));

  const promptColumns = about.number('prompt_len_padded');
  const actionColumns = about.number('action_len_padded');
  const sequences = tensors.rows('input.sequences');
  const [eos, pad] = [about.number('eos_id'), about.number('pad_id')];
  const { prompts, responses } = readEpisodes(sequences, promptColumns, eos, pad);
  const promptLengths = prompts.map(({ length }) => length);
  const lengths = responses.map(({ length }) => length);
  report.equal(file, 'prompt_lens', promptLengths, about.numbers('prompt_lens'));
  report.equal(file, 'response_lens_with_eos', lengths, about.numbers('response_lens_with_eos'));
  const columns = promptColumns + actionColumns;
  report.equal(
    tensorFile,
    'expect.attention_mask',
    lengths.map((length, i) =>
      ones(columns, promptColumns - (promptLengths[i] ?? 0), promptColumns + length),
    ),
    tensors.rows('expect.attention_mask'),
  );
  report.equal(
    tensorFile,
    'expect.action_mask',
    lengths.map((length) => ones(actionColumns, 0, length)),
    tensors.rows('expect.action_mask'),
  );

  /** The actions of a padded (S, columns) array, packed. */
  const packed = (key: string): Float32Array => {
    const values = tensors.f32(key);
    return Float32Array.from(
      lengths.flatMap((length, i) => [
        ...values.subarray(i * actionColumns, i * actionColumns + length),
      ]),
    );
  };
  /** The other way round; 0 where there is no action. */
  const unpacked = (values: ArrayLike<number>): Float32Array => {
    const found = new Float32Array(lengths.length * actionColumns);
    let from = 0;
    for (const [i, length] of lengths.entries()) {
      for (let t = 0; t < length; t++) found[i * actionColumns + t] = values[from++] ?? NaN;
    }
    return found;
  };
  const rollout: Rollout = {
    prompts,
    responses,
    oldLogprobs: packed('input.old_log_probs'),
    refLogprobs: packed('input.ref_log_probs'),
    oldValues: packed('input.old_values'),
    rewards: tensors.f32('input.rewards'),
  };
  const arrays = [
    rollout.oldLogprobs,
    rollout.refLogprobs,
    rollout.oldValues,
    rollout.rewards,
    sequences,
  ];
  const inputs = [hyper, promptColumns, eos, pad, arrays];
  const experience = await memo.get('experience', inputs, () =>
    computeExperience(gpu, hyper, rollout),
  );
  const perAction = [
    'kl_k1',
    'kl_k3',
    'token_rewards',
    'advantages',
    'normalized_advantages',
    'returns',
  ] as const;
  for (const name of perAction) {
    const key = `expect.${name}`;
    report.close(tensorFile, key, unpacked(experience[name]), tensors.f32(key), {
      max: allowed.advantages,
      relative: 2e-6,
    });
  }
  const kl = 'expect.kl_mean_per_sequence';
  report.close(tensorFile, kl, experience.kl_mean_per_sequence, tensors.f32(kl), {
    max: allowed.advantages,
    relative: 2e-6,
  });

  const scalars = about.object('scalars');
  const accumulation = scalars.object('accumulation');
  const trace = about.object('adamw_trace');
  const learn = async (kind: 'actor' | 'critic', model: FixtureModel, loss: 'policy' | 'value') => {
    const accumulated = accumulation.object(loss);
    const batches = accumulated.table('micro_batches');
    const got = await memo.get(kind, [inputs, model.inputs, batches], () =>
      computeLearner(gpu, kind, model, hyper, rollout, experience, batches),
    );
    checkLearner(context, tensors, kind, got);
    checkScalars(context, scalars, accumulated, trace.objects(loss), loss, got);
    return got;
  };
  const policy = await learn('actor', actor, 'policy');
  const value = await learn('critic', critic, 'value');
  accumulation.done();
  trace.done();
  report.close(
    tensorFile,
    'expect.current_log_probs',
    unpacked(policy.packed.outputs),
    tensors.f32('expect.current_log_probs'),
    { max: allowed.logprobs },
  );
  report.close(
    tensorFile,
    'expect.current_values',
    unpacked(value.packed.outputs),
    tensors.f32('expect.current_values'),
    { max: allowed.values },
  );

  checkClipped(context, hyper.clip, rollout, policy.packed.outputs, scalars);
  // Packing changes nothing: ours has no padded form, so its own difference is 0.
  const difference = [scalars.number('packed_vs_padded_logprob_max_abs')];
  report.close(file, 'packed_vs_padded_logprob_max_abs', [0], difference, {
    max: allowed.logprobs,
  });
  const decayed = scalars.texts('actor_params_with_weight_decay');
  report.equal(
    file,
    'actor_params_with_weight_decay',
    [...policy.decayed].sort(),
    [...decayed].sort(),
  );
  scalars.done();
  // How far float32 was off on another machine: measured, not expected of us.
  about.skip('float32_vs_float64');
  about.done();
  tensors.done();
}

/** The share of clipped actions; those whose ratio is the clip's edge but for rounding may be either. */
function checkClipped(
  { report }: Context,
  clip: number,
  { oldLogprobs }: Rollout,
  logprobs: Float32Array,
  scalars: Fields,
): void {
  const past = [...oldLogprobs].map(
    (old, i) => Math.abs(Math.exp((logprobs[i] ?? NaN) - old) - 1) - clip,
  );
  // A log-probability is off by up to its tolerance, and a ratio near 1 by about as much.
  const surely = past.filter((distance) => distance > allowed.logprobs).length;
  const maybe = past.filter((distance) => Math.abs(distance) <= allowed.logprobs).length;
  const key = 'fraction_of_ratios_outside_clip';
  const stated = scalars.number(key);
  const count = Math.min(surely + maybe, Math.max(surely, Math.round(stated * past.length)));
  report.close(file, key, [count / past.length], [stated], { max: 1e-9 });
}

function checkLearner(
  { report }: Context,
  tensors: ExpectedTensors,
  kind: 'actor' | 'critic',
  got: Learned,
): void {
  for (const [mode, { gradients }] of Object.entries({ packed: got.packed, padded: got.padded })) {
    const prefix = `expect.${mode}.${kind}.grad.`;
    const keys = tensors.keys.filter((key) => key.startsWith(prefix));
    const expected = keys.map((key) => tensors.f32(key));
    const tolerance = gradientTolerance([...gradients.values()], allowed.gradient);
    for (const [i, key] of keys.entries()) {
      const want = expected[i] ?? [];
      const own = gradients.get(key.slice(prefix.length)) ?? [];
      report.close(tensorFile, key, own, want, { max: tolerance(want) });
    }
    if (mode === 'padded') continue; // Holds some of the parameters only.
    const names = keys.map((key) => key.slice(prefix.length)).sort();
    report.equal(tensorFile, `${prefix}*: parameters`, [...gradients.keys()].sort(), names);
  }
  const prefix = `expect.after3.${kind}.`;
  const keys = tensors.keys.filter((key) => key.startsWith(prefix));
  const allOwn: number[] = [];
  const allWant: number[] = [];
  for (const key of keys) {
    const own = got.after.get(key.slice(prefix.length)) ?? [];
    const want = tensors.f32(key);
    report.close(tensorFile, key, own, want, { max: allowed.parameter });
    for (const value of own) allOwn.push(value);
    for (const value of want) allWant.push(value);
  }
  // Adam amplifies the rounding of gradients that are 0 but for it, a key bias's for one: tensor by
  // tensor the mean error says little, over the model it does.
  report.close(tensorFile, `${prefix}*: mean error`, allOwn, allWant, {
    max: allowed.parameter,
    mean: allowed.parameterMean,
  });
  const names = keys.map((key) => key.slice(prefix.length)).sort();
  report.equal(tensorFile, `${prefix}*: parameters`, [...got.after.keys()].sort(), names);
}

function checkScalars(
  { report }: Context,
  scalars: Fields,
  accumulated: Fields,
  trace: readonly Fields[],
  loss: 'policy' | 'value',
  got: Learned,
): void {
  // The README measured norms near 16.
  const close = (what: string, own: number, want: number, max: number): void => {
    report.close(file, what, [own], [want], { max, relative: max / 16 });
  };
  const norm = got.trace[0]?.norm ?? NaN;
  const modes = [
    ['packed', got.packed.loss, norm],
    ['padded', got.padded.loss, got.padded.norm],
  ] as const;
  for (const [mode, ownLoss, ownNorm] of modes) {
    const key = `${mode}.${loss}`;
    close(`${key}_loss`, ownLoss, scalars.number(`${key}_loss`), allowed.loss);
    close(`${key}_grad_norm`, ownNorm, scalars.number(`${key}_grad_norm`), allowed.gradientNorm);
  }
  const label = `accumulation ${loss}`;
  const micro = accumulated.numbers('micro_losses');
  report.close(file, `${label}: micro_losses`, got.accumulated.losses, micro, {
    max: allowed.loss,
  });
  const meanNorm = accumulated.number('grad_norm_of_mean');
  close(`${label}: grad_norm_of_mean`, got.accumulated.norm, meanNorm, allowed.gradientNorm);
  accumulated.done();

  report.equal(file, `adamw_trace ${loss}: entries`, got.trace.length, trace.length);
  for (const [i, fields] of trace.entries()) {
    const own = got.trace[i];
    const at = `adamw_trace ${loss} ${i}`;
    report.equal(file, `${at}: step`, i < trace.length - 1 ? i + 1 : 'after', fields.get('step'));
    close(`${at}: loss_before`, own?.loss ?? NaN, fields.number('loss_before'), allowed.loss);
    if (own?.norm === null) {
      report.equal(file, `${at}: grad_norm`, null, fields.get('grad_norm_before_clip'));
    } else {
      const want = fields.number('grad_norm_before_clip');
      close(`${at}: grad_norm`, own?.norm ?? NaN, want, allowed.gradientNorm);
    }
    fields.done();
  }
}
