import { actionMeans } from '../../kernels/action-stats.ts';
import type { Tensor } from '../../kernels/lib/tensor.ts';
import { Variable } from '../../kernels/lib/variable.ts';
import { rewardRecord } from '../../kernels/reward-record.ts';
import { scatterActions } from '../../kernels/scatter-actions.ts';
import type { ExperimentConfig } from '../config.ts';
import { needsCritic } from '../vocabulary/estimators.ts';
import type { Gpu } from '../gpu/device.ts';
import { bindingElements } from '../gpu/memory.ts';
import { type Plan, type Step } from '../gpu/plan.ts';
import type { MemoryTurn } from '../gpu/shared-memory.ts';
import { Readback, readBytes } from '../gpu/readback.ts';
import { adapterLayout, type AdapterPlan, freshAdapters, planOf } from '../model/adapters.ts';
import type { ModelConfig } from '../model/config.ts';
import { LanguageHead, ValueHead } from '../model/heads.ts';
import { peftName } from '../model/hugging-face/names.ts';
import { PackedBatch, packGroups, type PromptGroup } from '../model/packed-batch.ts';
import { criticFromActor, type ParameterSource, valueHead } from '../model/parameter-source.ts';
import { FrozenStore } from '../model/frozen-store.ts';
import { type Head, parameterLayout, sharedPages, trainedStorage } from '../model/parameters.ts';
import { Activations, keepForTraining } from '../model/activations.ts';
import { trunkForward } from '../model/transformer.ts';
import { updateReport } from '../optim/adamw.ts';
import { Trainable, type TrainableState } from '../optim/trainable.ts';
import { RandomStream } from '../random.ts';
import type { Verdicts } from '../tasks/verification.ts';
import { advantageDispatches } from './advantages.ts';
import { sequenceWeights } from './aggregation.ts';
import { flagsOf } from './reward-recorder.ts';
import { actorNetwork, criticNetwork, type Network, type UpdateBuffers } from './networks.ts';

/** Responses to a list of prompts, group after group, as token ids. */
export interface RolloutGroup {
  /** Row of the reward matrix. */
  readonly promptIndex: number;
  readonly prompt: Uint32Array;
  /** Never empty: a response has at least the token that ends it. */
  readonly responses: readonly Uint32Array[];
  /**
   * Log-probabilities of the responses' tokens as the sampler computed them, at temperature 1 and
   * unfiltered. A trainer of adapters tells how far its own are from them.
   */
  readonly logprobs?: readonly Float32Array[] | undefined;
}

/** The parts of a config that a trainer reads. */
export type TrainerConfig = Pick<
  ExperimentConfig,
  'rollout' | 'ppo' | 'gradientCheckpointing' | 'weightStorage' | 'adapter'
>;

/** Lengths in tokens that fix the trainer's buffers. */
export interface TaskLimits {
  readonly maxPromptTokens: number;
  readonly maxResponseTokens: number;
  /**
   * Most token rows of one pass; at least a longest prompt with one longest response, even where
   * this is less. Groups that are longer are split between responses, and sums are then made in
   * another order. Default: a whole group at least, and a minibatch up to 8,192 rows.
   */
  readonly microRows?: number | undefined;
}

/** The state of a trainer that a checkpoint keeps: of adapters, never of their base. */
export interface PpoState {
  readonly actor: TrainableState;
  readonly critic: TrainableState | null;
}

/**
 * The reward matrix in GPU buffers, each (P, K): sums over samples in f32, and the number of
 * samples in u32.
 */
export interface RewardMatrixTensors {
  readonly accuracySums: Tensor;
  readonly rewardSums: Tensor;
  readonly samples: Tensor;
}

/** A response of the last rollout, with one number of each kind for each of its actions. */
export interface RolledOut {
  readonly response: Uint32Array;
  /** The verifier's verdict. */
  readonly reward: number;
  readonly correct: boolean;
  readonly formatted: boolean;
  readonly numbers: {
    /** Log-probabilities before the update. */
    readonly logprobs: Float32Array;
    /** Rewards of the actions, penalties in the reward included. */
    readonly rewards: Float32Array;
    /** As the policy's loss took them: whitened where the estimator whitens. */
    readonly advantages: Float32Array;
    /** Log-probabilities under the reference; undefined without a penalty on the KL divergence. */
    readonly reference?: Float32Array;
    /** The critic's values before the update, and its targets; undefined without a critic. */
    readonly values?: Float32Array;
    readonly returns?: Float32Array;
    /** Entropy before the update; undefined where the update itself finds the log-probabilities. */
    readonly entropy?: Float32Array;
  };
}

/** Scalars of one update, by the keys of `src/metrics.ts`. */
export type UpdateMetrics = Record<string, number>;

/** The loss or gradient of an update was not finite. The update was not applied. */
export class NonFiniteUpdateError extends Error {
  override readonly name = 'NonFiniteUpdateError';
}

/** Most token rows of one forward or backward pass; longer minibatches are accumulated. */
const MICRO_ROWS = 8192;

/**
 * PPO on rollouts: scores them under actor, reference and critic, turns rewards into advantages on
 * the GPU, and takes the optimizer updates. Everything between the upload of token ids and the
 * metrics at the end stays on the device. Sampling belongs to the rollout.
 *
 * Actor and critic are whole models, or adapters over one frozen base, which is then the reference
 * too. Without a penalty on the KL divergence no reference is computed, and where whole models are
 * trained, none is held.
 */
export class PpoTrainer {
  readonly actor: Trainable;
  /** Absent for estimators without a critic. */
  readonly critic: Trainable | undefined;
  /** The base as it was given: what adapters are over, and the reference. */
  readonly base: FrozenStore | undefined;
  readonly #gpu: Gpu;
  readonly #model: ModelConfig;
  readonly #config: TrainerConfig;
  readonly #batch: PackedBatch;
  readonly #sequenceCount: Variable;
  readonly #groupCount: Variable;
  readonly #actionCount: Variable;
  readonly #column: Variable;
  readonly #experience: Readonly<
    Record<
      | 'oldLogprobs'
      | 'refLogprobs'
      | 'values'
      | 'advantages'
      | 'returns'
      | 'entropy'
      | 'sequenceRewards'
      | 'tokenRewards'
      | 'meanKl'
      | 'moments',
      Tensor<'f32'>
    > &
      Record<'sequences' | 'sequenceFlags' | 'groups' | 'groupPrompts', Tensor<'u32'>>
  >;
  /** Adapters of actor and critic; undefined where whole models are trained. */
  readonly #plan: AdapterPlan | undefined;
  /** What `base` was loaded from. */
  #loaded: ParameterSource | undefined;
  readonly #readback: Readback;
  /** The rollout of the last update; undefined before the first one of a training. */
  #last: Experience | undefined;
  /** For each network, sums over the actions of all its updates. */
  readonly #totals: Readonly<Record<'actor' | 'critic', Tensor<'f32'>>>;
  readonly #networks: { readonly actor: Network; readonly critic: Network | undefined };
  readonly #plans: {
    /** Undefined where nothing need be known before the update. */
    readonly score: Plan | undefined;
    readonly advantages: Plan;
    readonly record: Plan | undefined;
  };

  /**
   * @param matrix Records the rewards of rollouts; absent for runs without LIM.
   * @param memory Memory for tensors that need not outlive an update; own memory when left out.
   */
  constructor(
    gpu: Gpu,
    model: ModelConfig,
    config: TrainerConfig,
    limits: TaskLimits,
    matrix?: RewardMatrixTensors,
    memory?: MemoryTurn,
  ) {
    this.#gpu = gpu;
    this.#model = model;
    this.#config = config;
    const { rollout, ppo } = config;
    const capacity = trainerCapacity(config, limits);
    const { rows, actions, sequences } = capacity.micro;
    const totalSequences = rollout.prompts * rollout.samples;
    const totalActions = totalSequences * limits.maxResponseTokens;
    const f32 = (name: string, ...shape: number[]): Tensor<'f32'> =>
      gpu.tensor(name, shape, 'f32', 'rollout');
    const u32 = (name: string, ...shape: number[]): Tensor<'u32'> =>
      gpu.tensor(name, shape, 'u32', 'rollout');

    this.#sequenceCount = new Variable('sequences', 0, totalSequences);
    this.#groupCount = new Variable('groups', 0, rollout.prompts);
    this.#actionCount = new Variable('actions of the rollout', 0, totalActions);
    this.#column = new Variable(
      'data epoch',
      0,
      matrix ? (matrix.accuracySums.shape[1] ?? 1) - 1 : 0,
    );
    const penalised = ppo.klCoef !== 0;
    const oldLogprobs = f32('old_logprobs', totalActions);
    const experience = {
      oldLogprobs,
      // A policy that is its own reference has a divergence of 0.
      refLogprobs: penalised ? f32('ref_logprobs', totalActions) : oldLogprobs,
      values: f32('old_values', totalActions),
      advantages: f32('advantages', totalActions),
      returns: f32('returns', totalActions),
      entropy: f32('rollout_entropy', totalActions),
      sequenceRewards: f32('sequence_rewards', totalSequences),
      sequenceFlags: u32('sequence_flags', totalSequences),
      meanKl: f32('mean_kl', totalSequences),
      tokenRewards: f32('token_rewards', totalActions),
      moments: f32('moments', 4),
      sequences: u32('sequences', totalSequences, 2),
      groups: u32('groups', rollout.prompts, 2),
      groupPrompts: u32('group_prompts', rollout.prompts),
    };
    this.#experience = experience;

    const totals = { actor: f32('actor totals', 8), critic: f32('critic totals', 8) };
    this.#totals = totals;
    const pageLimit = bindingElements(gpu.limits);
    const plan = config.adapter ? planOf(config.adapter, model) : undefined;
    this.#plan = plan;
    const layoutOf = (head: Head) =>
      plan
        ? adapterLayout(model, plan, { head, pageLimit })
        : parameterLayout(model, head, pageLimit, trainedStorage(config.weightStorage));
    const actorLayout = layoutOf('lm');
    const withCritic = needsCritic(ppo.estimator);
    const criticLayout = withCritic ? layoutOf('value') : undefined;
    const layouts = [actorLayout, ...(criticLayout ? [criticLayout] : [])];
    // An update begins by clearing the gradients: no network's gradients outlive its own update.
    const gradientPages = sharedPages(gpu, layouts, 'gradients', 'gradients');
    // An actor that is a whole model looks its tokens up in f32, and so must its reference.
    const frozen = (label: string) =>
      new FrozenStore(gpu, model, 'lm', label, {
        storage: config.weightStorage,
        floatTable: plan === undefined,
      });
    const adapts = plan && { base: frozen('base'), plan };
    const shared = { gradientPages, adapts };
    this.actor = new Trainable(gpu, 'actor', actorLayout, ppo.actor, totals.actor, shared);
    this.base = adapts?.base ?? (penalised ? frozen('reference') : undefined);
    this.critic =
      criticLayout && new Trainable(gpu, 'critic', criticLayout, ppo.critic, totals.critic, shared);

    const batch = new PackedBatch(gpu, { rows, actions, sequences });
    this.#batch = batch;
    const activations = new Activations(gpu, model, {
      rows,
      positions: limits.maxPromptTokens + limits.maxResponseTokens,
      keep: keepForTraining(config.gradientCheckpointing),
      adapterColumns: this.actor.network.adapterColumns,
      memory,
    });
    const networks = [this.actor.network, ...(this.base ? [this.base] : [])];
    const head = new LanguageHead(gpu, batch, activations, {
      pieceColumns: Math.max(...networks.map(({ embedding }) => embedding.pieceColumns)),
    });
    const criticHead = withCritic
      ? new ValueHead(gpu, batch, activations, head.gathered)
      : undefined;
    const stats = gpu.tensor('action stats', [actions, 4], 'f32', 'activations');
    const temperature = rollout.logprobTemperature;
    const scatter = (source: Tensor, destination: Tensor): Step =>
      scatterActions(
        { source, action_source: batch.actionSource, destination },
        { actionCount: batch.actions },
      );

    const { actor, critic } = this;
    const reference = penalised ? this.base : undefined;
    this.#readback = new Readback(gpu, 'update metrics', readBytes(this.#readParts()));
    const kl = { estimator: ppo.klEstimator, coef: ppo.klCoef };
    // The first pass of the only update finds the old log-probabilities itself.
    const inUpdate = ppo.oldLogprobs === 'first-pass';
    const scored: readonly Step[] = [
      ...(inUpdate
        ? []
        : [
            ...trunkForward(actor.network, batch, activations),
            ...head.forward(actor.network, temperature),
            scatter(head.logprobs, experience.oldLogprobs),
            scatter(head.entropy, experience.entropy),
          ]),
      ...(reference
        ? [
            ...trunkForward(reference, batch, activations),
            ...head.forward(reference, temperature),
            scatter(head.logprobs, experience.refLogprobs),
          ]
        : []),
      ...(critic && criticHead
        ? [
            ...trunkForward(critic.network, batch, activations),
            ...criticHead.forward(critic.network),
            scatter(criticHead.values, experience.values),
          ]
        : []),
    ];
    const score = scored.length > 0 ? gpu.plan('score', scored) : undefined;
    const advantages = gpu.plan(
      'advantages',
      advantageDispatches(
        ppo.estimator,
        {
          ...experience,
          shapedRewards: f32('shaped_rewards', totalSequences),
          rawAdvantages: f32('raw_advantages', totalActions),
          momentPartials: f32('moment_partials', 2048, 4),
        },
        {
          sequenceCount: this.#sequenceCount,
          groupCount: this.#groupCount,
          actionCount: this.#actionCount,
          kl: ppo.klIn === 'reward' ? kl : { ...kl, coef: 0 },
          rewardRange: [-ppo.rewardClamp, ppo.rewardClamp],
          whitenScale: ppo.whitenScale,
          gamma: ppo.gamma,
          gaeLambda: ppo.gaeLambda,
          lanes: activations.lanes,
        },
      ),
    );
    const buffers: UpdateBuffers = { batch, activations, stats, experience };
    this.#networks = {
      actor: actorNetwork(gpu, actor, totals.actor, head, buffers, config),
      critic:
        critic &&
        criticHead &&
        criticNetwork(gpu, critic, totals.critic, criticHead, buffers, config),
    };
    this.#plans = {
      score,
      advantages,
      record:
        matrix &&
        gpu.plan('record rewards', [
          rewardRecord(
            {
              groups: experience.groups,
              group_prompts: experience.groupPrompts,
              sequence_rewards: experience.sequenceRewards,
              sequence_flags: experience.sequenceFlags,
              accuracy_sums: matrix.accuracySums,
              reward_sums: matrix.rewardSums,
              samples: matrix.samples,
            },
            { groupCount: this.#groupCount, column: this.#column },
          ),
        ]),
    };
  }

  /**
   * Starts anew: actor and reference from the base, the critic from the base's trunk, moments zero.
   * Adapters begin as `freshAdapters`, so that actor and critic compute as the base does.
   *
   * @param base Read once where it is the source of the call before and adapters are trained.
   */
  async reset(base: ParameterSource, seed: number): Promise<void> {
    this.#last = undefined;
    const model = this.#model;
    const scale = this.#config.ppo.valueHeadScale / (model.hiddenSize + 1);
    await this.#loadBase(base);
    if (!this.#plan) {
      await this.actor.resetFrom(base);
      await this.critic?.resetFrom(criticFromActor(base, model, seed, scale));
      return;
    }
    this.actor.reset(freshAdapters(model, this.#plan, seed, 'actor'));
    const critic = freshAdapters(model, this.#plan, seed, 'critic');
    critic.set(peftName(model.architecture, 'score'), valueHead(model, seed, scale));
    this.critic?.reset(critic);
  }

  async #loadBase(base: ParameterSource): Promise<void> {
    if (this.#loaded === base) return;
    this.#loaded = undefined;
    await this.base?.loadFrom(base);
    this.#loaded = base;
  }

  async save(): Promise<PpoState> {
    return { actor: await this.actor.save(), critic: (await this.critic?.save()) ?? null };
  }

  /** Continues from a state. The reference is always the base, and adapters are over it. */
  async restore(base: ParameterSource, state: PpoState): Promise<void> {
    this.#last = undefined;
    await this.#loadBase(base);
    this.actor.restore(state.actor);
    if (state.critic) this.critic?.restore(state.critic);
  }

  /**
   * One PPO iteration's update from a judged rollout.
   *
   * @param verdicts Verdicts on all responses, group after group.
   * @param options.column Data epoch under which the verdicts are recorded; when left out, nothing
   *   is recorded.
   * @param options.iteration `options.iteration` and `options.seed` key the order of minibatches.
   * @returns The update's scalars, read once at its end.
   * @throws NonFiniteUpdateError when an optimizer update was not finite; it was not applied.
   */
  async update(
    rollout: readonly RolloutGroup[],
    verdicts: Verdicts,
    options: { readonly seed: number; readonly iteration: number; readonly column?: number },
  ): Promise<UpdateMetrics> {
    const gpu = this.#gpu;
    this.#last = undefined;
    const experience = this.#describe(rollout, verdicts);
    if (options.column !== undefined && this.#plans.record) {
      this.#column.value = options.column;
      await gpu.run(this.#plans.record);
    }
    await this.#score(experience);
    await gpu.run(this.#plans.advantages);

    const { ppo } = this.#config;
    const { actor, critic } = this.#networks;
    gpu.clear(this.#totals.actor, this.#totals.critic);
    const taken: TakenUpdates = { actor: [], critic: [] };
    for (let updateEpoch = 0; updateEpoch < ppo.updateEpochs; updateEpoch++) {
      // Each network shuffles on its own, as the reference's two trainers do.
      const order = (purpose: 'minibatchOrder' | 'criticMinibatchOrder') =>
        this.#minibatches(
          experience,
          new RandomStream(options.seed, purpose, options.iteration, updateEpoch),
        );
      for (const minibatch of order('minibatchOrder')) {
        const rate = await this.#take(minibatch, actor);
        taken.actor.push({ minibatch, rate });
      }
      if (!critic) continue;
      for (const minibatch of order('criticMinibatchOrder')) {
        const rate = await this.#take(minibatch, critic);
        taken.critic.push({ minibatch, rate });
      }
    }
    const metrics = await this.#metrics(experience, taken);
    this.#last = experience;
    return metrics;
  }

  /** The prompts of the last update's rollout, by `promptIndex`, in their order; none before it. */
  get rolloutPrompts(): readonly number[] {
    return [...new Set(unitsOf(this.#last).map(({ group }) => group.promptIndex))];
  }

  /**
   * The responses to a prompt in the rollout of the last update, with the numbers that the update was
   * made from, as they lie on the device. Not for use inside an update.
   *
   * @param promptIndex As in `RolloutGroup`.
   * @returns Empty where that rollout has no response to the prompt, and before the first update.
   */
  async rolloutOf(promptIndex: number): Promise<readonly RolledOut[]> {
    const { ppo } = this.#config;
    const experience = this.#experience;
    const verdicts = this.#last?.verdicts;
    const found: RolledOut[] = [];
    for (const [place, { group, response, firstAction }] of unitsOf(this.#last).entries()) {
      if (group.promptIndex !== promptIndex) continue;
      const own = (tensor: Tensor<'f32'>): Tensor<'f32'> => ({
        ...tensor,
        shape: [response.length],
        offset: tensor.offset + 4 * firstAction,
      });
      const parts = {
        logprobs: own(experience.oldLogprobs),
        rewards: own(experience.tokenRewards),
        advantages: own(experience.advantages),
        ...(ppo.klCoef !== 0 ? { reference: own(experience.refLogprobs) } : {}),
        ...(this.critic
          ? { values: own(experience.values), returns: own(experience.returns) }
          : {}),
        ...(ppo.oldLogprobs !== 'first-pass' ? { entropy: own(experience.entropy) } : {}),
      };
      const staging = new Readback(this.#gpu, 'rollout numbers', readBytes(parts));
      try {
        found.push({
          response,
          reward: verdicts?.rewards[place] ?? NaN,
          correct: verdicts?.correct[place] === 1,
          formatted: verdicts?.formatted[place] === 1,
          numbers: await staging.read(parts),
        });
      } finally {
        staging.destroy();
      }
    }
    return found;
  }

  /** One optimizer update. Submits work and does not wait for it. @returns The learning rate. */
  async #take(minibatch: Minibatch, network: Network): Promise<number> {
    await this.#gradients(minibatch, network);
    const rate = network.trainable.advance();
    await this.#gpu.run(network.update);
    return rate;
  }

  async #gradients(minibatch: Minibatch, network: Network): Promise<void> {
    await this.#gpu.run(network.clear);
    for (const piece of this.#pieces(minibatch)) {
      this.#batch.upload(packGroups(piece, true));
      await this.#gpu.run(network.gradients);
    }
  }

  /** Lays out the rollout's sequences and actions, and uploads the arrays that all passes share. */
  #describe(rollout: readonly RolloutGroup[], verdicts: Verdicts): Experience {
    const sequences: number[] = [];
    const groups: number[] = [];
    const units: SequenceUnit[][] = [];
    let action = 0;
    let sequence = 0;
    for (const group of rollout) {
      groups.push(sequence, group.responses.length);
      units.push(
        group.responses.map((response, i) => {
          const sampled = group.logprobs?.[i]?.subarray(0, response.length);
          const unit = { group, response, sampled, firstAction: action };
          sequences.push(action, response.length);
          action += response.length;
          sequence++;
          return unit;
        }),
      );
    }
    this.#sequenceCount.value = sequence;
    this.#groupCount.value = rollout.length;
    this.#actionCount.value = action;
    const gpu = this.#gpu;
    gpu.upload(this.#experience.sequences, Uint32Array.from(sequences));
    gpu.upload(this.#experience.groups, Uint32Array.from(groups));
    gpu.upload(
      this.#experience.groupPrompts,
      Uint32Array.from(rollout, (group) => group.promptIndex),
    );
    gpu.upload(this.#experience.sequenceRewards, verdicts.rewards);
    gpu.upload(this.#experience.sequenceFlags, flagsOf(verdicts));
    return { units, sequences: sequence, actions: action, verdicts };
  }

  /** Log-probabilities, values and entropy of every action under the policies before the update. */
  async #score(experience: Experience): Promise<void> {
    const { score } = this.#plans;
    if (!score) return;
    for (const piece of this.#pieces(experience.units.map((units) => ({ units, weights: [] })))) {
      this.#batch.upload(packGroups(piece, true));
      await this.#gpu.run(score);
    }
  }

  *#minibatches(experience: Experience, order: RandomStream): Generator<Minibatch> {
    const { ppo } = this.#config;
    const whole = ppo.minibatchUnit === 'group';
    const units = whole
      ? experience.units
      : experience.units.flatMap((group) => group.map((unit) => [unit]));
    const shuffled = order.shuffle([...units]);
    const size = Math.ceil(shuffled.length / ppo.minibatches);
    for (let first = 0; first < shuffled.length; first += size) {
      const chosen = shuffled.slice(first, first + size);
      const weights = sequenceWeights(
        ppo.lossAggregation,
        chosen.flatMap((group) => group.map((unit) => unit.response.length)),
        ppo.microbatchSequences,
      );
      let at = 0;
      yield chosen.map((group) => ({
        units: group,
        weights: group.map(() => weights[at++] ?? 0),
      }));
    }
  }

  /**
   * Cuts groups into pieces that fit the micro-batch buffers. A group that no piece holds is cut
   * between responses; each part repeats the prompt.
   */
  #pieces(groups: readonly WeightedGroup[]): PromptGroup[][] {
    const { rows: mostRows, actions: mostActions } = this.#batch.capacity;
    const pieces: PromptGroup[][] = [];
    let piece: PromptGroup[] = [];
    let rows = 0;
    let actions = 0;
    for (const group of groups.flatMap((whole) => partsOf(whole, mostRows, mostActions))) {
      const [first] = group.units;
      if (!first) continue;
      const own = sizeOf(group);
      if (piece.length > 0 && (rows + own.rows > mostRows || actions + own.actions > mostActions)) {
        pieces.push(piece);
        piece = [];
        rows = 0;
        actions = 0;
      }
      rows += own.rows;
      actions += own.actions;
      piece.push({
        prompt: first.group.prompt,
        responses: group.units.map((unit) => unit.response),
        firstActions: group.units.map((unit) => unit.firstAction),
        ...(group.weights.length > 0 ? { weights: group.weights } : {}),
      });
    }
    if (piece.length > 0) pieces.push(piece);
    return pieces;
  }

  /**
   * Whether updates tell how far the sampler is from the trainer. With another temperature than the
   * sampler's they are of different things.
   */
  get #tellsSamplerGap(): boolean {
    return this.#plan !== undefined && this.#config.rollout.logprobTemperature === 1;
  }

  /** The tensors that an update's metrics are computed from. */
  #readParts() {
    const { actor, critic } = this;
    const { moments, meanKl, oldLogprobs, values, returns } = this.#experience;
    return {
      ...(this.#tellsSamplerGap ? { oldLogprobs } : {}),
      actorTotals: this.#totals.actor,
      moments,
      meanKl,
      actorState: actor.optimizer.state,
      ...(critic
        ? {
            criticTotals: this.#totals.critic,
            criticState: critic.optimizer.state,
            values,
            returns,
          }
        : {}),
    };
  }

  async #metrics(experience: Experience, taken: TakenUpdates): Promise<UpdateMetrics> {
    const { ppo } = this.#config;
    const found = await this.#readback.read(this.#readParts());
    const { moments, meanKl, criticTotals, criticState, values, returns } = found;
    const actor = actionMeans(found.actorTotals);
    const critic = criticTotals && actionMeans(criticTotals);
    const actorReport = updateReport(found.actorState);
    const criticReport = criticState && updateReport(criticState);
    for (const [name, report, loss] of [
      ['actor', actorReport, actor.weightedLoss],
      ['critic', criticReport, critic?.weightedLoss],
    ] as const) {
      if (!report || report.applied) continue;
      const first = taken[name].length - report.skipped;
      const what = Number.isFinite(loss)
        ? `the gradient norm is ${report.gradNorm}`
        : `the loss is ${loss}`;
      throw new NonFiniteUpdateError(
        `${name}, minibatch ${first + 1} of ${taken[name].length}: ${what}; ` +
          (await this.#firstBad(name, taken[name][first]?.minibatch)),
      );
    }
    const kls = meanKl.subarray(0, experience.sequences);
    const [advantageMean = 0, advantageVariance = 0] = moments;
    return {
      ...rewardMetrics(experience.units, experience.verdicts),
      response_length_mean: experience.actions / experience.sequences,
      ...(ppo.klCoef === 0 ? {} : { kl_mean: mean(kls) }),
      policy_loss: actor.weightedLoss / taken.actor.length,
      clip_fraction: actor.stats[0],
      approx_kl: actor.stats[1],
      entropy: actor.extra,
      ...samplerGap(experience.units, found.oldLogprobs),
      actor_grad_norm: actorReport.gradNorm,
      actor_lr: taken.actor.at(-1)?.rate ?? 0,
      ...(critic && criticReport
        ? {
            value_loss: critic.weightedLoss / taken.critic.length,
            explained_variance: explainedVariance(values, returns, experience.actions),
            critic_grad_norm: criticReport.gradNorm,
            critic_lr: taken.critic.at(-1)?.rate ?? 0,
          }
        : {}),
      advantage_mean: advantageMean,
      advantage_std: Math.sqrt(Math.max(0, advantageVariance)),
    };
  }

  /**
   * The first parameter whose weight or gradient is not finite, for the message of a failed run.
   * The weights have not changed since the bad update, so its gradients are computed again.
   */
  async #firstBad(name: 'actor' | 'critic', minibatch?: Minibatch): Promise<string> {
    const network = this.#networks[name];
    if (!network || !minibatch) return 'its minibatch is not known';
    await this.#gradients(minibatch, network);
    return (
      (await network.trainable.firstNonFinite()) ??
      'all weights and gradients are finite by themselves'
    );
  }
}

interface SequenceUnit {
  readonly group: RolloutGroup;
  readonly response: Uint32Array;
  /** Log-probabilities of the response's tokens, by the sampler. */
  readonly sampled: Float32Array | undefined;
  readonly firstAction: number;
}

interface WeightedGroup {
  readonly units: readonly SequenceUnit[];
  /** One weight per unit; empty where there is no loss. */
  readonly weights: readonly number[];
}

/** The responses of a rollout, in order. */
const unitsOf = (experience: Experience | undefined): readonly SequenceUnit[] =>
  experience?.units.flat() ?? [];

type Minibatch = readonly WeightedGroup[];

/** Token rows and actions of a group whose prompt comes once. */
function sizeOf({ units }: Pick<WeightedGroup, 'units'>): { rows: number; actions: number } {
  const actions = units.reduce((sum, { response }) => sum + response.length, 0);
  const prompt = units[0]?.group.prompt.length ?? 0;
  return { rows: prompt + actions - units.length, actions };
}

/** A group as it is where it fits; else parts of it, each with as many responses as fit. */
function partsOf(group: WeightedGroup, mostRows: number, mostActions: number): WeightedGroup[] {
  const fits = (units: readonly SequenceUnit[]): boolean => {
    const { rows, actions } = sizeOf({ units });
    return rows <= mostRows && actions <= mostActions;
  };
  if (fits(group.units)) return [group];
  const parts: WeightedGroup[] = [];
  let first = 0;
  for (let end = 1; end <= group.units.length; end++) {
    if (end < group.units.length && fits(group.units.slice(first, end + 1))) continue;
    parts.push({ units: group.units.slice(first, end), weights: group.weights.slice(first, end) });
    first = end;
  }
  return parts;
}

/** The optimizer updates of one iteration, in order, with their learning rates. */
type TakenUpdates = Readonly<
  Record<'actor' | 'critic', { readonly minibatch: Minibatch; readonly rate: number }[]>
>;

interface Experience {
  readonly units: readonly (readonly SequenceUnit[])[];
  readonly sequences: number;
  readonly actions: number;
  readonly verdicts: Verdicts;
}

const mean = (values: ArrayLike<number>): number => {
  let sum = 0;
  for (let i = 0; i < values.length; i++) sum += values[i] ?? 0;
  return values.length === 0 ? 0 : sum / values.length;
};

/**
 * How far the sampler's log-probabilities are from the trainer's, at most. Nothing where either is
 * not there.
 */
function samplerGap(
  units: readonly (readonly SequenceUnit[])[],
  scored: Float32Array | undefined,
): UpdateMetrics {
  if (!scored) return {};
  let gap = 0;
  for (const { sampled, firstAction } of units.flat()) {
    if (!sampled) return {};
    for (const [i, value] of sampled.entries()) {
      gap = Math.max(gap, Math.abs(value - (scored[firstAction + i] ?? NaN)));
    }
  }
  return { sampler_gap: gap };
}

/** 1 - var(returns - values) / var(returns): 1 for a perfect critic, 0 for a constant one. */
function explainedVariance(
  values: Float32Array = new Float32Array(0),
  returns: Float32Array = new Float32Array(0),
  count: number,
): number {
  const variance = (data: Float64Array): number => {
    const centre = mean(data);
    return mean(data.map((value) => (value - centre) ** 2));
  };
  const wanted = Float64Array.from(returns.subarray(0, count));
  const total = variance(wanted);
  if (total === 0) return 0;
  return 1 - variance(wanted.map((value, i) => value - (values[i] ?? 0))) / total;
}

function rewardMetrics(
  units: readonly (readonly SequenceUnit[])[],
  { rewards, correct, formatted }: Verdicts,
): UpdateMetrics {
  let at = 0;
  let informative = 0;
  for (const group of units) {
    const right = correct.subarray(at, at + group.length).filter((flag) => flag === 1).length;
    if (right > 0 && right < group.length) informative++;
    at += group.length;
  }
  return {
    reward_mean: mean(rewards.subarray(0, at)),
    accuracy_mean: mean(correct.subarray(0, at)),
    format_error_rate: mean(formatted.subarray(0, at).map((flag) => 1 - flag)),
    informative_groups: units.length === 0 ? 0 : informative / units.length,
  };
}

/**
 * Buffer sizes of a trainer. A micro-batch holds a minibatch, or as much of it as `MICRO_ROWS` or
 * the limit on rows allows.
 */
export function trainerCapacity(
  config: Pick<ExperimentConfig, 'rollout' | 'ppo'>,
  limits: TaskLimits,
): { readonly micro: { rows: number; actions: number; sequences: number } } {
  const { rollout, ppo } = config;
  const { maxPromptTokens, maxResponseTokens, microRows = Infinity } = limits;
  const grouped = ppo.minibatchUnit === 'group';
  const perUnit = grouped ? rollout.samples : 1;
  const units = (rollout.prompts * (grouped ? 1 : rollout.samples)) / ppo.minibatches;
  const rowsOf = (responses: number): number =>
    maxPromptTokens + responses * (maxResponseTokens - 1);
  const whole = Math.max(
    rowsOf(rollout.samples),
    Math.min(MICRO_ROWS, Math.ceil(units) * rowsOf(perUnit)),
  );
  const sequences = Math.max(rollout.samples, Math.ceil(units) * perUnit);
  const rows = Math.min(whole, Math.max(microRows, rowsOf(1)));
  // A sequence of n actions takes at least n - 1 rows; its prompt may be shared.
  const most = rows < whole ? rows + sequences : 2 * rows + sequences;
  return { micro: { rows, actions: Math.min(sequences * maxResponseTokens, most), sequences } };
}
