import { policyLoss } from '../../kernels/policy-loss.ts';
import { samplingDistribution } from '../../kernels/sampling-distribution.ts';
import { scatterActions } from '../../kernels/scatter-actions.ts';
import { tokenRewards } from '../../kernels/token-rewards.ts';
import { rowsOf, type Tensor } from '../../kernels/lib/tensor.ts';
import { Variable } from '../../kernels/lib/variable.ts';
import type { ExperimentConfig } from '../config.ts';
import type { Gpu } from '../gpu/device.ts';
import type { Plan } from '../gpu/plan.ts';
import { Activations } from '../model/activations.ts';
import { LanguageHead, type LogitSteps, ValueHead } from '../model/heads.ts';
import { packGroups, PackedBatch, type PackedSizes } from '../model/packed-batch.ts';
import { attentionOf, trunkForward } from '../model/transformer.ts';
import type { Weights } from '../model/weights.ts';
import { advantageDispatches } from '../ppo/advantages.ts';
import { samplingLanes } from '../rollout/decoder.ts';
import { estimators, needsGroups } from '../vocabulary/estimators.ts';
import { InspectionError } from './calls.ts';

/** Most responses that are examined together. */
export const MOST_RESPONSES = 64;
/** Most tokens of the responses together, unless one response of the task has more. */
const MOST_ACTIONS = 4096;

/** Most numbers of one layer's attention: 64 MiB of them. */
const MOST_ATTENTION = 2 ** 24;

/** Networks of one shape. */
export interface ExaminedNetworks {
  readonly policy: Weights;
  /** The base. */
  readonly reference: Weights;
  /** Undefined for estimators without a critic. */
  readonly critic: Weights | undefined;
}

/** Responses to one prompt. */
export interface Examination {
  readonly prompt: Uint32Array;
  /** None is empty. */
  readonly responses: readonly Uint32Array[];
  /** One of each response; undefined where they have none. */
  readonly rewards: Float32Array | undefined;
  /** Whether the critic's weights are of the policy's training. */
  readonly hasCritic: boolean;
  /** Most probable tokens to name at each place. */
  readonly alternatives: number;
  /** What an update has used, one number of each action of the responses. */
  readonly used?: UsedNumbers | undefined;
}

/** Numbers that an update has used, in place of those that the networks give now. */
export interface UsedNumbers {
  readonly logprobs: Float32Array;
  readonly advantages: Float32Array;
  /** Undefined where the update had no reference. */
  readonly reference: Float32Array | undefined;
}

/** Numbers of each action of the responses, one after another. */
export interface Examined {
  /** What an update has used, if that was given. */
  readonly logprobs: Float32Array;
  readonly reference: Float32Array;
  readonly kl: Float32Array;
  readonly entropy: Float32Array;
  readonly values: Float32Array | undefined;
  readonly rewards: Float32Array | undefined;
  /** Before whitening. */
  readonly advantages: Float32Array | undefined;
  readonly returns: Float32Array | undefined;
  /** Undefined without what an update has used. */
  readonly ratios: Float32Array | undefined;
  /** 1 where the clip decides. */
  readonly clipped: Float32Array | undefined;
  readonly alternatives: readonly (readonly {
    readonly id: number;
    readonly probability: number;
  }[])[];
}

/** How a token is drawn. */
export interface DistributionFilter {
  readonly temperature: number;
  readonly topK: number;
  readonly topP: number;
  readonly minP: number;
}

/** The distribution of a token, f32 (V). */
export interface Distribution {
  /** Probabilities at temperature 1, unfiltered. */
  readonly plain: Float64Array;
  /** Those that a token is drawn with. */
  readonly drawn: Float32Array;
}

type Settings = Pick<ExperimentConfig, 'rollout' | 'ppo'>;

/**
 * What a policy, its reference and its critic say of responses to a prompt, token by token: through the
 * kernels by which the trainer computes the same, in buffers of its own.
 */
export class Examiner {
  readonly capacity: PackedSizes;
  readonly #gpu: Gpu;
  readonly #policy: Weights;
  readonly #settings: Settings;
  readonly #vocabulary: number;
  readonly #batch: PackedBatch;
  readonly #activations: Activations;
  readonly #heads: readonly { destroy(): void }[];
  readonly #sequenceCount = new Variable('examined sequences', 0, MOST_RESPONSES);
  readonly #actionCount: Variable;
  readonly #filter = {
    temperature: new Variable('temperature', 1),
    topK: new Variable('top-k', 0),
    topP: new Variable('top-p', 1),
    minP: new Variable('min-p', 0),
  };
  readonly #tensors: ReturnType<typeof tensorsOf>;
  readonly #stats: Tensor<'f32'>;
  readonly #drawn: Tensor<'f32'>;
  readonly #chunks: readonly (Pick<LogitSteps, 'first' | 'logits'> & { readonly plan: Plan })[];
  readonly #plans: Readonly<
    Record<'trunk' | 'policy' | 'ratios' | 'reference' | 'kl' | 'distribution', Plan>
  > & { readonly critic: Plan | undefined; readonly advantages: Plan };

  /** @param limits.maxResponseTokens Of the longest response. */
  constructor(
    gpu: Gpu,
    networks: ExaminedNetworks,
    settings: Settings,
    limits: { readonly maxPromptTokens: number; readonly maxResponseTokens: number },
  ) {
    const { policy, reference, critic } = networks;
    const { ppo, rollout } = settings;
    const { maxPromptTokens, maxResponseTokens } = limits;
    const { config } = policy;
    const most = Math.max(maxResponseTokens, MOST_ACTIONS);
    const actions = Math.min(MOST_RESPONSES * maxResponseTokens, most);
    this.capacity = { rows: maxPromptTokens + actions, actions, sequences: MOST_RESPONSES };
    this.#gpu = gpu;
    this.#policy = policy;
    this.#settings = settings;
    this.#vocabulary = config.vocabSize;
    this.#actionCount = new Variable('examined actions', 0, actions);
    const batch = new PackedBatch(gpu, this.capacity);
    const activations = new Activations(gpu, config, {
      rows: this.capacity.rows,
      positions: maxPromptTokens + maxResponseTokens,
      keep: 'none',
      adapterColumns: policy.adapterColumns,
    });
    this.#batch = batch;
    this.#activations = activations;
    const head = new LanguageHead(gpu, batch, activations, {
      pieceColumns: Math.max(policy.embedding.pieceColumns, reference.embedding.pieceColumns),
    });
    const valueHead = critic && new ValueHead(gpu, batch, activations, head.gathered);
    this.#heads = [head, ...(valueHead ? [valueHead] : [])];
    const tensors = tensorsOf(gpu, actions);
    this.#tensors = tensors;
    this.#stats = gpu.tensor('examined stats', [actions, 4], 'f32', 'activations');
    this.#drawn = gpu.tensor('examined distribution', [1, config.vocabSize], 'f32', 'activations');

    const temperature = rollout.logprobTemperature;
    const [sequenceCount, actionCount] = [this.#sequenceCount, this.#actionCount];
    const scatter = (source: Tensor, destination: Tensor) =>
      scatterActions(
        { source, action_source: batch.actionSource, destination },
        { actionCount: batch.actions },
      );
    this.#chunks = head.forwardByChunk(policy, temperature).map(({ first, logits, steps }) => ({
      first,
      logits,
      plan: gpu.plan('examine logits', steps),
    }));
    const [chunk] = this.#chunks;
    if (!chunk) throw new RangeError('an examiner of no action');
    const kl = { estimator: ppo.klEstimator, coef: ppo.klCoef };
    this.#plans = {
      trunk: gpu.plan('examine policy', trunkForward(policy, batch, activations)),
      policy: gpu.plan('examined policy', [
        scatter(head.logprobs, tensors.logprobs),
        scatter(head.entropy, tensors.entropy),
      ]),
      ratios: gpu.plan('examine ratios', [
        policyLoss(
          {
            logprobs: head.logprobs,
            action_source: batch.actionSource,
            action_weights: batch.actionWeights,
            old_logprobs: tensors.logprobs,
            advantages: tensors.usedAdvantages,
            ref_logprobs: tensors.logprobs,
            grad_logprobs: tensors.scratch,
            action_stats: this.#stats,
          },
          { actionCount: batch.actions, clipLow: ppo.clipLow, clipHigh: ppo.clipHigh },
        ),
      ]),
      reference: gpu.plan('examine reference', [
        ...trunkForward(reference, batch, activations),
        ...head.forward(reference, temperature),
        scatter(head.logprobs, tensors.reference),
      ]),
      critic:
        critic &&
        valueHead &&
        gpu.plan('examine critic', [
          ...trunkForward(critic, batch, activations),
          ...valueHead.forward(critic),
          scatter(valueHead.values, tensors.values),
        ]),
      // A penalty of -1 and no reward leave the estimate itself.
      kl: gpu.plan('examine KL', [
        tokenRewards(
          {
            sequences: tensors.sequences,
            old_logprobs: tensors.logprobs,
            ref_logprobs: tensors.reference,
            sequence_rewards: tensors.noRewards,
            token_rewards: tensors.kl,
            mean_kl: tensors.meanKl,
          },
          { sequenceCount, kl: { estimator: ppo.klEstimator, coef: -1 }, lanes: activations.lanes },
        ),
      ]),
      advantages: gpu.plan(
        'examine advantages',
        advantageDispatches(
          ppo.estimator,
          {
            sequences: tensors.sequences,
            groups: tensors.groups,
            sequenceRewards: tensors.sequenceRewards,
            oldLogprobs: tensors.logprobs,
            refLogprobs: tensors.reference,
            values: tensors.values,
            shapedRewards: tensors.shapedRewards,
            tokenRewards: tensors.tokenRewards,
            meanKl: tensors.meanKl,
            rawAdvantages: tensors.rawAdvantages,
            momentPartials: tensors.momentPartials,
            moments: tensors.moments,
            advantages: tensors.advantages,
            returns: tensors.returns,
          },
          {
            sequenceCount,
            groupCount: 1,
            actionCount,
            kl: ppo.klIn === 'reward' ? kl : { ...kl, coef: 0 },
            rewardRange: [-ppo.rewardClamp, ppo.rewardClamp],
            whitenScale: ppo.whitenScale,
            gamma: ppo.gamma,
            gaeLambda: ppo.gaeLambda,
            lanes: activations.lanes,
          },
        ),
      ),
      distribution: gpu.plan('next token', [
        samplingDistribution(
          {
            logits: rowsOf(chunk.logits, 0, 1),
            stop_ids: tensors.stopIds,
            probabilities: this.#drawn,
          },
          { ...this.#filter, rows: 1, stopCount: 0 },
          samplingLanes(gpu, config.vocabSize),
        ),
      ]),
    };
  }

  /** The distribution of the token behind a prompt. @throws InspectionError on a prompt that is too long. */
  async nextToken(prompt: Uint32Array, filter: DistributionFilter): Promise<Distribution> {
    const [chunk] = this.#chunks;
    if (!chunk) throw new RangeError('an examiner of no action');
    this.#upload(prompt, [Uint32Array.of(0)]);
    for (const [name, value] of Object.entries(filter)) {
      this.#filter[name as keyof DistributionFilter].value = value as number;
    }
    await this.#gpu.run(this.#plans.trunk);
    await this.#gpu.run(chunk.plan);
    await this.#gpu.run(this.#plans.distribution);
    const logits = await this.#gpu.read(rowsOf(chunk.logits, 0, 1), 'f32');
    return { plain: softmax(logits, 1), drawn: await this.#gpu.read(this.#drawn) };
  }

  /** @throws InspectionError on responses that are too many or too long. */
  async examine(of: Examination): Promise<Examined> {
    const gpu = this.#gpu;
    const { ppo, rollout } = this.#settings;
    const { actions } = this.#upload(of.prompt, of.responses);
    await gpu.run(this.#plans.trunk);
    const alternatives: Examined['alternatives'][number][] = [];
    for (const { first, logits, plan } of this.#chunks) {
      const count = Math.min(logits.shape[0] ?? 0, actions - first);
      if (count <= 0) break;
      await gpu.run(plan);
      if (of.alternatives === 0) continue;
      const rows = await gpu.read(rowsOf(logits, 0, count), 'f32');
      for (let row = 0; row < count; row++) {
        const own = rows.subarray(row * this.#vocabulary, (row + 1) * this.#vocabulary);
        const probabilities = softmax(own, rollout.logprobTemperature);
        alternatives.push(
          largest(probabilities, of.alternatives).map((id) => ({
            id,
            probability: probabilities[id] ?? 0,
          })),
        );
      }
    }
    await gpu.run(this.#plans.policy);
    const { used, rewards } = of;
    const tensors = this.#tensors;
    if (used) {
      gpu.upload(tensors.logprobs, used.logprobs);
      gpu.upload(tensors.usedAdvantages, used.advantages);
      await gpu.run(this.#plans.ratios);
    }
    const stats = used && (await this.#read(this.#stats, actions));
    await gpu.run(this.#plans.reference);
    if (used?.reference) gpu.upload(tensors.reference, used.reference);
    const values = of.hasCritic ? this.#plans.critic : undefined;
    if (values) await gpu.run(values);
    const hasValues = values !== undefined;
    const { critic, whitened } = estimators[ppo.estimator];
    const isWhole =
      (!critic || hasValues) && (!needsGroups(ppo.estimator) || of.responses.length > 1);
    if (rewards) {
      gpu.upload(tensors.sequenceRewards, rewards);
      await gpu.run(this.#plans.advantages);
    }
    // Behind the advantages: both write the mean of a sequence.
    await gpu.run(this.#plans.kl);
    const read = (name: keyof ReturnType<typeof tensorsOf>) =>
      this.#read(tensors[name] as Tensor<'f32'>, actions);
    const hasAdvantages = rewards !== undefined && isWhole;
    const hasRewards = hasAdvantages || (rewards !== undefined && !needsGroups(ppo.estimator));
    return {
      logprobs: await read('logprobs'),
      reference: await read('reference'),
      kl: await read('kl'),
      entropy: await read('entropy'),
      values: hasValues ? await read('values') : undefined,
      rewards: hasRewards ? await read('tokenRewards') : undefined,
      advantages: hasAdvantages ? await read(whitened ? 'rawAdvantages' : 'advantages') : undefined,
      returns: hasAdvantages && critic ? await read('returns') : undefined,
      ratios: stats && every(stats, 4, 3, actions),
      clipped: stats && every(stats, 4, 1, actions),
      alternatives,
    };
  }

  /**
   * What a layer of the policy attends to before each token of a response: f32 (heads, tokens of the
   * response, tokens before its last).
   *
   * @param layer From 0.
   * @throws InspectionError on a prompt or response that is too long; AllocationError.
   */
  async attend(prompt: Uint32Array, response: Uint32Array, layer: number): Promise<Float32Array> {
    const gpu = this.#gpu;
    const { heads } = this.#activations.config;
    const { actions } = this.#upload(prompt, [response]);
    const keys = prompt.length + actions - 1;
    if (heads * actions * keys > MOST_ATTENTION) {
      throw new InspectionError(
        `${heads} heads over ${actions} tokens, each of which sees up to ${keys}, are more than the ${MOST_ATTENTION} numbers allowed`,
      );
    }
    const weights = await gpu.allocating(() =>
      gpu.tensor('attention weights', [heads * actions, keys], 'f32', 'activations'),
    );
    const steps = attentionOf(this.#policy, this.#batch, this.#activations, layer, weights);
    const plan = gpu.plan('examine attention', steps);
    try {
      await gpu.run(plan);
      return await gpu.read(weights);
    } finally {
      plan.destroy();
      gpu.destroy(weights);
    }
  }

  /** @throws InspectionError where they do not fit. */
  #upload(prompt: Uint32Array, responses: readonly Uint32Array[]): { readonly actions: number } {
    const { capacity } = this;
    const actions = responses.reduce((sum, { length }) => sum + length, 0);
    const most = capacity.rows - capacity.actions;
    const expectAtMost = (what: string, count: number, limit: number): void => {
      if (count >= 1 && count <= limit) return;
      throw new InspectionError(`${what} must be 1 to ${limit}, are ${count}`);
    };
    expectAtMost('tokens of the prompt', prompt.length, most);
    expectAtMost('responses', responses.length, capacity.sequences);
    expectAtMost('tokens of all responses', actions, capacity.actions);
    this.#batch.upload(packGroups([{ prompt, responses }], true));
    let first = 0;
    const sequences = responses.flatMap(({ length }) => {
      first += length;
      return [first - length, length];
    });
    this.#gpu.upload(this.#tensors.sequences, Uint32Array.from(sequences));
    this.#gpu.upload(this.#tensors.groups, Uint32Array.of(0, responses.length));
    this.#sequenceCount.value = responses.length;
    this.#actionCount.value = actions;
    return { actions };
  }

  #read(tensor: Tensor<'f32'>, actions: number): Promise<Float32Array> {
    const [, ...rest] = tensor.shape;
    return this.#gpu.read({ ...tensor, shape: [actions, ...rest] });
  }

  /** Frees its buffers; the networks stay. */
  destroy(): void {
    for (const { plan } of this.#chunks) plan.destroy();
    for (const plan of Object.values(this.#plans)) plan?.destroy();
    for (const head of this.#heads) head.destroy();
    this.#gpu.destroy(this.#stats, this.#drawn, ...Object.values(this.#tensors));
    this.#batch.destroy();
    this.#activations.destroy();
  }
}

function tensorsOf(gpu: Gpu, actions: number) {
  const f32 = (name: string, ...shape: number[]): Tensor<'f32'> =>
    gpu.tensor(`examined ${name}`, shape, 'f32', 'activations');
  const u32 = (name: string, ...shape: number[]): Tensor<'u32'> =>
    gpu.tensor(`examined ${name}`, shape, 'u32', 'activations');
  return {
    sequences: u32('sequences', MOST_RESPONSES, 2),
    groups: u32('groups', 1, 2),
    stopIds: u32('stop ids', 1),
    sequenceRewards: f32('sequence rewards', MOST_RESPONSES),
    noRewards: f32('no rewards', MOST_RESPONSES),
    shapedRewards: f32('shaped rewards', MOST_RESPONSES),
    meanKl: f32('mean KL', MOST_RESPONSES),
    logprobs: f32('logprobs', actions),
    reference: f32('reference', actions),
    kl: f32('KL', actions),
    entropy: f32('entropy', actions),
    values: f32('values', actions),
    tokenRewards: f32('token rewards', actions),
    rawAdvantages: f32('raw advantages', actions),
    advantages: f32('advantages', actions),
    returns: f32('returns', actions),
    usedAdvantages: f32('used advantages', actions),
    scratch: f32('gradients', actions),
    momentPartials: f32('moment partials', 2048, 4),
    moments: f32('moments', 4),
  };
}

/** One column of rows of `width`. */
const every = (rows: Float32Array, width: number, column: number, count: number): Float32Array =>
  Float32Array.from({ length: count }, (_, row) => rows[row * width + column] ?? NaN);

function softmax(logits: Float32Array, temperature: number): Float64Array {
  let top = -Infinity;
  for (const logit of logits) top = Math.max(top, logit);
  const weights = Float64Array.from(logits, (logit) => Math.exp((logit - top) / temperature));
  let sum = 0;
  for (const weight of weights) sum += weight;
  return weights.map((weight) => weight / sum);
}

/** The indices of the largest values, the largest first; of equal ones, the lowest first. */
export function largest(values: Float64Array, count: number): number[] {
  const found: number[] = [];
  for (const [index, value] of values.entries()) {
    const last = found.at(-1);
    if (found.length === count && (last === undefined || value <= (values[last] ?? 0))) continue;
    let at = found.length;
    while (at > 0 && value > (values[found[at - 1] ?? 0] ?? 0)) at--;
    found.splice(at, 0, index);
    if (found.length > count) found.pop();
  }
  return found;
}
