import {
  float32Entry,
  int32Entry,
  type SafetensorsEntry,
  toFloat32,
  writeSafetensors,
} from '../../src/formats/safetensors.ts';
import { RandomStream } from '../../src/random.ts';
import { adamwReference } from '../reference/adamw.ts';
import {
  type DecoderShape,
  hiddenStates,
  logitsOf,
  Tape,
  type Value,
} from '../reference/decoder.ts';
import { valueOf } from '../reference/decoder.ts';
import { gaeReference } from '../reference/gae.ts';
import { klReference } from '../reference/kl.ts';
import { samplingDistributionReference } from '../reference/sampling-distribution.ts';

type Parameters = Map<string, Value>;

/** A small model whose shape no fixture has. */
interface ModelSpec {
  readonly family: 'qwen2' | 'llama' | 'qwen3';
  readonly stored: 'F32' | 'F16' | 'BF16';
  readonly shape: DecoderShape;
  readonly vocabulary: number;
  readonly middle: number;
  readonly tied: boolean;
  /** Fields that replace those of the config that transformers would write. */
  readonly config?: Readonly<Record<string, unknown>>;
}

const torchNames = { F32: 'float32', F16: 'float16', BF16: 'bfloat16' } as const;
const encode = (json: unknown): Uint8Array => new TextEncoder().encode(JSON.stringify(json));
const f32 = (name: string, shape: readonly number[], data: ArrayLike<number>): SafetensorsEntry =>
  float32Entry(name, shape, Float32Array.from(data));
const i32 = (name: string, rows: readonly (readonly number[])[]): SafetensorsEntry =>
  int32Entry(name, [rows.length, rows[0].length], Int32Array.from(rows.flat()));

/** Random parameters, rounded as their file stores them, and the file. */
function makeParameters(spec: ModelSpec, stream: RandomStream, head: 'lm' | 'value') {
  const { shape, middle, vocabulary } = spec;
  const { width } = shape;
  const [query, key] = [shape.heads * shape.headDim, shape.kvHeads * shape.headDim];
  const entries: SafetensorsEntry[] = [];
  const parameters: Parameters = new Map();
  const add = (name: string, rows: number, columns: number, scale: number, mean = 0): void => {
    const data = Float32Array.from(
      { length: rows * columns },
      () => mean + scale * stream.normal(),
    );
    const dims = /norm\.weight$|\.bias$/.test(name) ? [columns] : [rows, columns];
    const entry = float32Entry(name, dims, data, spec.stored);
    entries.push(entry);
    parameters.set(name, valueOf(rows, columns, toFloat32(entry)));
  };
  const project = (name: string, rows: number, columns: number, bias: boolean): void => {
    add(`${name}.weight`, rows, columns, 1.2 / Math.sqrt(columns));
    if (bias) add(`${name}.bias`, 1, rows, 0.3);
  };
  const norm = (name: string, columns: number) => add(`${name}.weight`, 1, columns, 0.2, 1);
  add('model.embed_tokens.weight', vocabulary, width, 0.7);
  for (let layer = 0; layer < shape.layers; layer++) {
    const at = `model.layers.${layer}`;
    const bias = spec.family === 'qwen2';
    norm(`${at}.input_layernorm`, width);
    project(`${at}.self_attn.q_proj`, query, width, bias);
    project(`${at}.self_attn.k_proj`, key, width, bias);
    project(`${at}.self_attn.v_proj`, key, width, bias);
    project(`${at}.self_attn.o_proj`, width, query, false);
    if (spec.family === 'qwen3') {
      norm(`${at}.self_attn.q_norm`, shape.headDim);
      norm(`${at}.self_attn.k_norm`, shape.headDim);
    }
    norm(`${at}.post_attention_layernorm`, width);
    project(`${at}.mlp.gate_proj`, middle, width, false);
    project(`${at}.mlp.up_proj`, middle, width, false);
    project(`${at}.mlp.down_proj`, width, middle, false);
  }
  norm('model.norm', width);
  if (head === 'value') add('score.weight', 1, width, 0.3);
  else if (!spec.tied) project('lm_head', vocabulary, width, false);
  return { parameters, file: writeSafetensors(entries, { format: 'pt' }) };
}

const configOf = ({ family, stored, shape, vocabulary, middle, tied, config }: ModelSpec) => ({
  model_type: family,
  architectures: ['named by its model type'],
  hidden_size: shape.width,
  intermediate_size: middle,
  num_hidden_layers: shape.layers,
  num_attention_heads: shape.heads,
  num_key_value_heads: shape.kvHeads,
  head_dim: shape.headDim,
  hidden_act: 'silu',
  max_position_embeddings: 64,
  rms_norm_eps: shape.epsilon,
  rope_parameters: { rope_theta: shape.theta, rope_type: 'default' },
  tie_word_embeddings: tied,
  vocab_size: vocabulary,
  dtype: torchNames[stored],
  ...config,
});

const ids = (stream: RandomStream, count: number, below: number): number[] =>
  Array.from({ length: count }, () => stream.below(below));
const largest = (values: ArrayLike<number>): number =>
  Array.from(values).reduce((most, value) => Math.max(most, Math.abs(value)), 0);
const shapeOf = (name: string, { rows, columns }: Value): number[] =>
  /norm\.weight$|\.bias$/.test(name) ? [columns] : [rows, columns];

/** Tensors and stated facts of one padded case. The padding is left or right of a row. */
function modelCase(
  name: string,
  spec: ModelSpec,
  parameters: Parameters,
  stream: RandomStream,
  columns: number,
  pads: readonly number[],
  side: 'left' | 'right',
) {
  const { vocabulary: V, shape } = spec;
  const mask = pads.map((pad) =>
    Array.from({ length: columns }, (_, t) =>
      Number(side === 'left' ? t >= pad : t < columns - pad),
    ),
  );
  const rows = mask.map((row) => row.map((real) => (real === 1 ? stream.below(V) : V - 1)));
  const counted = mask.map((row) => row.slice(1).map((real, t) => real * row[t]));
  const total = counted.flat().reduce((sum, one) => sum + one, 0);
  const logits = new Float64Array(rows.length * columns * V);
  const logprobs = new Float64Array(rows.length * (columns - 1));
  let loss = 0;
  for (const value of parameters.values()) value.gradient.fill(0);
  for (const [b, row] of rows.entries()) {
    const first = side === 'left' ? pads[b] : 0;
    const own = row.slice(first, first + columns - pads[b]);
    const tape = new Tape();
    const all = logitsOf(tape, parameters, shape, own);
    logits.set(all.data, (b * columns + first) * V);
    const chosen = tape.logprobs(tape.rows(all, 0, own.length - 1), own.slice(1));
    logprobs.set(chosen.data, b * (columns - 1) + first);
    chosen.gradient.fill(-1 / total);
    loss -= chosen.data.reduce((sum, logprob) => sum + logprob, 0) / total;
    tape.backward();
  }
  const positions = mask.map((row) => {
    let next = 0;
    return row.map((real) => (real === 1 ? next++ : 1));
  });
  return {
    tensors: [
      i32(`${name}.input_ids`, rows),
      i32(`${name}.attention_mask`, mask),
      i32(`${name}.position_ids`, positions),
      i32(`${name}.logprob_mask`, counted),
      f32(`${name}.logits`, [rows.length, columns, V], logits),
      f32(`${name}.logprobs`, [rows.length, columns - 1], logprobs),
      ...[...parameters].map(([key, value]) =>
        f32(`${name}.grad.${key}`, shapeOf(key, value), value.gradient),
      ),
    ],
    stated: {
      loss,
      loss_f32_hf: loss,
      tokens_in_loss: total,
      max_abs_logit: largest(logits),
    },
  };
}

/**
 * Greedy continuations of left-padded prompts. The prompts are drawn again until no greedy choice
 * is close.
 */
function greedyCase(
  spec: ModelSpec,
  parameters: Parameters,
  stream: RandomStream,
  columns: number,
  pads: readonly number[],
  count: number,
) {
  const V = spec.vocabulary;
  for (;;) {
    const prompts = pads.map((pad) => ids(stream, columns - pad, V));
    let margin = Infinity;
    const logprobs: number[] = [];
    const added = prompts.map((prompt) => {
      const own: number[] = [];
      for (let t = 0; t < count; t++) {
        const all = logitsOf(new Tape(), parameters, spec.shape, [...prompt, ...own]).data;
        const last = [...all.subarray(all.length - V)];
        const sorted = last.toSorted((a, b) => b - a);
        margin = Math.min(margin, sorted[0] - sorted[1]);
        own.push(last.indexOf(sorted[0]));
        logprobs.push(-Math.log(last.reduce((sum, logit) => sum + Math.exp(logit - sorted[0]), 0)));
      }
      return own;
    });
    if (margin < 5e-3) continue;
    return {
      tensors: [
        i32(
          'greedy.prompt_ids',
          prompts.map((prompt, b) => [...Array<number>(pads[b]).fill(V - 1), ...prompt]),
        ),
        i32(
          'greedy.attention_mask',
          pads.map((pad) => Array.from({ length: columns }, (_, t) => Number(t >= pad))),
        ),
        i32('greedy.new_ids', added),
        f32('greedy.new_logprobs', [pads.length, count], logprobs),
      ],
      stated: { new_tokens: count, min_top1_top2_margin: margin, eos_ignored: true, note: '' },
    };
  }
}

/** The shape of a rollout for PPO, by episode. */
interface PpoSpec {
  readonly promptLengths: readonly number[];
  readonly responseLengths: readonly number[];
  readonly promptColumns: number;
  readonly actionColumns: number;
  readonly microBatches: readonly (readonly number[])[];
}

const hyper = {
  eps_clip: 0.2,
  value_clip: 0.3,
  gamma: 0.99,
  lambd: 0.9,
  kl_coef: 0.02,
  reward_clip_range: [-10, 10],
  actor_lr: 7e-4,
  critic_lr: 1.5e-3,
  betas: [0.9, 0.95] as const,
  adam_eps: 1e-8,
  weight_decay: 0.03,
  max_norm: 0.7,
};

function makePpo(
  actor: { spec: ModelSpec; parameters: Parameters; folder: string },
  critic: { spec: ModelSpec; parameters: Parameters; folder: string },
  spec: PpoSpec,
  stream: RandomStream,
): { tensors: Uint8Array; json: unknown } {
  const { promptLengths, responseLengths, promptColumns, actionColumns } = spec;
  const V = Math.min(actor.spec.vocabulary, critic.spec.vocabulary);
  const [eos, pad] = [V - 1, V - 2];
  const prompts = promptLengths.map((length) => ids(stream, length, V - 2));
  const responses = responseLengths.map((length) => [...ids(stream, length - 1, V - 2), eos]);
  // An end token inside a prompt, as in chats, must not end anything.
  if (prompts[0].length > 2) prompts[0][1] = eos;
  const episodes = prompts.map((_, i) => i);

  const outputsOf = (kind: 'actor' | 'critic', tape: Tape, i: number): Value => {
    const { spec: model, parameters } = kind === 'actor' ? actor : critic;
    const own = [...prompts[i], ...responses[i].slice(0, -1)];
    const of = (all: Value) => tape.rows(all, prompts[i].length - 1, responses[i].length);
    if (kind === 'actor') {
      return tape.logprobs(of(logitsOf(tape, parameters, model.shape, own)), responses[i]);
    }
    const score = parameters.get('score.weight')!;
    return tape.linear(of(hiddenStates(tape, parameters, model.shape, own)), score);
  };
  const logprobs = episodes.map((i) => [...outputsOf('actor', new Tape(), i).data]);
  const values = episodes.map((i) => [...outputsOf('critic', new Tape(), i).data]);
  const noisy = (rows: readonly number[][], scale: number) =>
    rows.map((row) => row.map((value) => Math.fround(value + scale * stream.normal())));
  // Drawn again until no ratio is at the edge of the clip.
  let old = noisy(logprobs, 0.25);
  const ratios = () => logprobs.flatMap((row, i) => row.map((own, t) => Math.exp(own - old[i][t])));
  while (ratios().some((ratio) => Math.abs(Math.abs(ratio - 1) - hyper.eps_clip) < 1e-3)) {
    old = noisy(logprobs, 0.25);
  }
  const reference = noisy(logprobs, 1);
  const oldValues = noisy(values, 0.3);
  const rewards = episodes.map((i) => [1, -0.5, -1][i % 3]);

  const both = <T>(use: (i: number, t: number) => T): T[][] =>
    responses.map((response, i) => response.map((_, t) => use(i, t)));
  const k1 = both((i, t) => klReference('k1', old[i][t] - reference[i][t]));
  const k3 = both((i, t) => klReference('k3', old[i][t] - reference[i][t]));
  const tokenRewards = both(
    (i, t) => -hyper.kl_coef * k1[i][t] + (t === responses[i].length - 1 ? rewards[i] : 0),
  );
  const estimates = episodes.map((i) =>
    gaeReference(tokenRewards[i], oldValues[i], hyper.gamma, hyper.lambd),
  );
  const advantages = estimates.map((own) => own.advantages);
  const returns = estimates.map((own) => own.returns);
  const whitened = whitenedRows(advantages);

  /** Loss and d(loss)/d(output) of one action. */
  const policy = (output: number, i: number, t: number): [number, number] => {
    const ratio = Math.exp(output - old[i][t]);
    const clipped = Math.min(Math.max(ratio, 1 - hyper.eps_clip), 1 + hyper.eps_clip);
    const [plain, bound] = [ratio * whitened[i][t], clipped * whitened[i][t]];
    return plain <= bound ? [-plain, -plain] : [-bound, 0];
  };
  const value = (output: number, i: number, t: number): [number, number] => {
    const from = oldValues[i][t];
    const off = Math.min(Math.max(output - from, -hyper.value_clip), hyper.value_clip);
    const [plain, bound] = [output - returns[i][t], from + off - returns[i][t]];
    return plain ** 2 >= bound ** 2 || off === output - from
      ? [plain ** 2 / 2, plain]
      : [bound ** 2 / 2, 0];
  };
  /** Gradients of the mean over micro-batches, each the mean over its actions. */
  const pass = (
    kind: 'actor' | 'critic',
    batches: readonly (readonly number[])[],
    mode: 'packed' | 'padded' = 'packed',
  ) => {
    const { parameters } = kind === 'actor' ? actor : critic;
    for (const own of parameters.values()) own.gradient.fill(0);
    const losses = batches.map((batch) => {
      const tokens = batch.reduce((sum, i) => sum + responses[i].length, 0);
      let sum = 0;
      for (const i of batch) {
        const tape = new Tape();
        const outputs = outputsOf(kind, tape, i);
        const share = 1 / (mode === 'packed' ? tokens : batch.length * responses[i].length);
        for (const [t, output] of outputs.data.entries()) {
          const [loss, slope] = (kind === 'actor' ? policy : value)(output, i, t);
          sum += loss * share;
          outputs.gradient[t] = (slope * share) / batches.length;
        }
        tape.backward();
      }
      return sum;
    });
    const squares = [...parameters.values()].map(({ gradient }) =>
      gradient.reduce((sum, g) => sum + g * g, 0),
    );
    return { losses, norm: Math.sqrt(squares.reduce((sum, own) => sum + own, 0)) };
  };

  const padded = (name: string, rows: readonly (readonly number[])[]): SafetensorsEntry =>
    f32(
      name,
      [rows.length, actionColumns],
      rows.flatMap((row) => [...row, ...Array<number>(actionColumns - row.length).fill(0)]),
    );
  const columns = promptColumns + actionColumns;
  const ones = (from: number, to: number, width: number): number[] =>
    Array.from({ length: width }, (_, t) => Number(t >= from && t < to));
  const tensors = [
    i32(
      'input.sequences',
      episodes.map((i) => [
        ...Array<number>(promptColumns - prompts[i].length).fill(pad),
        ...prompts[i],
        ...responses[i],
        ...Array<number>(actionColumns - responses[i].length).fill(pad),
      ]),
    ),
    padded('input.old_log_probs', old),
    padded('input.ref_log_probs', reference),
    padded('input.old_values', oldValues),
    f32('input.rewards', [episodes.length], rewards),
    i32(
      'expect.attention_mask',
      episodes.map((i) =>
        ones(promptColumns - prompts[i].length, promptColumns + responses[i].length, columns),
      ),
    ),
    i32(
      'expect.action_mask',
      responses.map(({ length }) => ones(0, length, actionColumns)),
    ),
    padded('expect.current_log_probs', logprobs),
    padded('expect.current_values', values),
    padded('expect.kl_k1', k1),
    padded('expect.kl_k3', k3),
    f32(
      'expect.kl_mean_per_sequence',
      [episodes.length],
      k1.map((row) => row.reduce((sum, own) => sum + own, 0) / row.length),
    ),
    padded('expect.token_rewards', tokenRewards),
    padded('expect.advantages', advantages),
    padded('expect.returns', returns),
    padded('expect.normalized_advantages', whitened),
  ];
  const scalars: Record<string, unknown> = {
    packed_vs_padded_logprob_max_abs: 0,
    fraction_of_ratios_outside_clip:
      ratios().filter((ratio) => Math.abs(ratio - 1) > hyper.eps_clip).length / ratios().length,
  };
  const accumulation: Record<string, unknown> = {};
  const traces: Record<string, unknown> = {};
  for (const [kind, name, model, learningRate] of [
    ['actor', 'policy', actor, hyper.actor_lr],
    ['critic', 'value', critic, hyper.critic_lr],
  ] as const) {
    const { parameters } = model;
    const gradients = (mode: string, keep: (at: number) => boolean): void => {
      for (const [at, [key, own]] of [...parameters].entries()) {
        if (!keep(at)) continue;
        tensors.push(f32(`expect.${mode}.${kind}.grad.${key}`, shapeOf(key, own), own.gradient));
      }
    };
    const alone = pass(kind, [episodes], 'padded');
    gradients('padded', (at) => kind === 'actor' && at % 7 === 1);
    scalars[`padded.${name}_loss`] = alone.losses[0];
    scalars[`padded.${name}_grad_norm`] = alone.norm;
    const micro = pass(kind, spec.microBatches);
    accumulation[name] = {
      micro_batches: spec.microBatches,
      micro_losses: micro.losses,
      grad_norm_of_mean: micro.norm,
    };
    const start = new Map([...parameters].map(([key, { data }]) => [key, data.slice()]));
    const moments = new Map(
      [...parameters].map(([key, { data }]) => [
        key,
        { first: new Float64Array(data.length), second: new Float64Array(data.length) },
      ]),
    );
    const isDecayed = (key: string): boolean => !/bias$|norm\.weight/.test(key);
    if (kind === 'actor') {
      scalars.actor_params_with_weight_decay = [...parameters.keys()].filter(isDecayed);
    }
    const trace: unknown[] = [];
    for (let update = 1; update <= 3; update++) {
      const { losses, norm } = pass(kind, [episodes]);
      if (update === 1) {
        gradients('packed', () => true);
        scalars[`packed.${name}_loss`] = losses[0];
        scalars[`packed.${name}_grad_norm`] = norm;
      }
      trace.push({ step: update, loss_before: losses[0], grad_norm_before_clip: norm });
      for (const [key, own] of parameters) {
        adamwReference({ weights: own.data, ...moments.get(key)! }, own.gradient, {
          update,
          learningRate,
          betas: hyper.betas,
          epsilon: hyper.adam_eps,
          weightDecay: hyper.weight_decay,
          decayEnd: isDecayed(key) ? own.data.length : 0,
          scale: Math.min(1, hyper.max_norm / (norm + 1e-6)),
        });
      }
    }
    const { losses } = pass(kind, [episodes]);
    trace.push({ step: 'after', loss_before: losses[0], grad_norm_before_clip: null });
    traces[name] = trace;
    for (const [key, own] of parameters) {
      tensors.push(f32(`expect.after3.${kind}.${key}`, shapeOf(key, own), own.data));
      own.data.set(start.get(key)!);
    }
  }
  return {
    tensors: writeSafetensors(tensors),
    json: {
      actor: actor.folder,
      critic: critic.folder,
      hyper,
      eos_id: eos,
      pad_id: pad,
      prompt_len_padded: promptColumns,
      action_len_padded: actionColumns,
      prompt_lens: promptLengths,
      response_lens_with_eos: responseLengths,
      scalars: { ...scalars, accumulation },
      adamw_trace: traces,
    },
  };
}

/** Subtracts the mean of all numbers from the rows, and divides by their deviation. */
function whitenedRows(rows: readonly (readonly number[])[]): number[][] {
  const all = rows.flat();
  const mean = all.reduce((sum, own) => sum + own, 0) / all.length;
  const variance = all.reduce((sum, own) => sum + (own - mean) ** 2, 0) / all.length;
  return rows.map((row) => row.map((own) => (own - mean) / Math.sqrt(Math.max(variance, 1e-8))));
}

function makeGae(stream: RandomStream): unknown {
  const normals = (count: number) =>
    Array.from({ length: count }, () => Math.fround(2 * stream.normal()));
  const cases = (
    [
      [1, 0.95, [3, 40, 2]],
      [0.9, 1, [1]],
      [0.5, 0.5, [21, 1, 1, 7]],
    ] as const
  ).map(([gamma, lambda, lengths]) => {
    const values = lengths.map(normals);
    const rewards = lengths.map(normals);
    const estimates = rewards.map((row, i) => gaeReference(row, values[i], gamma, lambda));
    const advantages = estimates.map((own) => own.advantages);
    return {
      ...{ gamma, lambda, lengths, values, rewards, advantages },
      returns: estimates.map((own) => own.returns),
      normalized: whitenedRows(advantages),
      cumulative_returns: rewards.map((row) =>
        row.map((_, t) => row.slice(t).reduce((sum, own, l) => sum + gamma ** l * own, 0)),
      ),
    };
  });
  return { note: '', cases };
}

function makeSampling(stream: RandomStream): unknown {
  const cases = (
    [
      [0.1, 0, 1, 0, 57],
      [1.5, 3, 0.9, 0, 300],
      [0.8, 0, 0.5, 0.02, 33],
      [2, 0, 1, 0.3, 129],
    ] as const
  ).map(([temperature, topK, topP, minP, size]) => {
    const logits = Array.from({ length: size }, () => Math.fround(4 * stream.normal()));
    const filter = { temperature, topK, topP, minP };
    const probs = [...samplingDistributionReference(logits, filter)];
    return { temperature, top_k: topK, top_p: topP, min_p: minP, logits, probs };
  });
  return { note: '', cases };
}

function makeOptim(stream: RandomStream): unknown {
  const adamw = (
    [
      [3e-3, [0.8, 0.99], 1e-6, 0.2, 2, 130, 20],
      [0.1, [0, 0.5], 1e-8, 0.01, null, 3, 1],
    ] as const
  ).map(([lr, betas, eps, decay, clip, size, scale]) => {
    const start = Array.from({ length: size }, () => Math.fround(scale * stream.normal()));
    const grads = Array.from({ length: 4 }, (_, step) =>
      start.map(() => (step === 2 ? 0 : Math.fround(stream.normal()))),
    );
    const page = {
      weights: Float64Array.from(start),
      first: new Float64Array(size),
      second: new Float64Array(size),
    };
    const norms = grads.map((row) => Math.hypot(...row));
    const steps = grads.map((row, k) => {
      adamwReference(page, row, {
        update: k + 1,
        learningRate: lr,
        betas,
        epsilon: eps,
        weightDecay: decay,
        decayEnd: size,
        scale: clip === null ? 1 : Math.min(1, clip / (norms[k] + 1e-6)),
      });
      return [...page.weights];
    });
    return {
      ...{ lr, betas, eps, start, grads, weight_decay: decay, clip_norm: clip, grad_norms: norms },
      params_after_each_step: steps,
      exp_avg: [...page.first],
      exp_avg_sq: [...page.second],
    };
  });
  const lr = [
    {
      ...{ schedule: 'linear', warmup_steps: 2, total_steps: 6, base_lr: 0.01, extra: null },
      lr_used_by_update: [0, 0.005, 0.01, 0.0075, 0.005, 0.0025, 0, 0],
    },
    {
      ...{ schedule: 'constant', warmup_steps: 0, total_steps: 3, base_lr: 0.5, extra: null },
      lr_used_by_update: [0.5, 0.5, 0.5, 0.5],
    },
  ];
  return { note: '', adamw, lr };
}

/**
 * A folder in the layout of `test/fixtures`, with other models, names, shapes, padding, storage and
 * micro-batches. It is made from float64 references only.
 */
export function otherFixtures(seed: number): Map<string, Uint8Array> {
  const stream = new RandomStream(seed, 'test');
  const files = new Map<string, Uint8Array>();
  const shape = (
    width: number,
    layers: number,
    heads: number,
    kvHeads: number,
    headDim: number,
    theta: number,
  ): DecoderShape => ({ width, layers, heads, kvHeads, headDim, theta, epsilon: 1e-5 });
  const actor: ModelSpec = {
    ...{ family: 'qwen2', stored: 'F32', vocabulary: 41, middle: 20, tied: true },
    shape: shape(24, 3, 6, 3, 4, 1e5),
    config: { eos_token_id: [40, 3], pad_token_id: null },
  };
  const llama: ModelSpec = {
    ...{ family: 'llama', stored: 'F16', vocabulary: 67, middle: 28, tied: false },
    shape: shape(20, 1, 3, 1, 8, 5e5),
    config: {
      rope_parameters: undefined,
      rope_theta: 5e5,
      dtype: undefined,
      torch_dtype: 'float16',
    },
  };
  const qwen3: ModelSpec = {
    ...{ family: 'qwen3', stored: 'BF16', vocabulary: 53, middle: 36, tied: true },
    shape: shape(20, 2, 5, 5, 8, 1e6),
  };
  const put = (spec: ModelSpec, name: string, cases: readonly PaddedCase[], greedy: GreedyCase) => {
    const { parameters, file } = makeParameters(spec, stream, 'lm');
    const made = cases.map(([label, columns, pads, side]) => ({
      label,
      ...modelCase(label, spec, parameters, stream, columns, pads, side),
    }));
    const told = greedyCase(spec, parameters, stream, ...greedy);
    const folder = `models/${name}`;
    files.set(`${folder}/config.json`, encode(configOf(spec)));
    files.set(`${folder}/model.safetensors`, file);
    files.set(
      `${folder}/fixture.safetensors`,
      writeSafetensors([...made.flatMap(({ tensors }) => tensors), ...told.tensors]),
    );
    const about = {
      model: name,
      weights_dtype: torchNames[spec.stored],
      cases: Object.fromEntries(made.map(({ label, stated }) => [label, stated])),
      greedy: told.stated,
    };
    files.set(`${folder}/fixture.json`, encode(about));
    return { spec, parameters, folder };
  };
  const trained = put(
    actor,
    'the-actor',
    [
      ['short', 5, [0, 2], 'left'],
      ['ragged', 13, [0, 3, 11, 8, 1], 'left'],
    ],
    [7, [0, 2, 6], 9],
  );
  put(llama, 'some.llama', [['one row', 20, [4], 'left']], [6, [0, 5], 12]);
  put(qwen3, 'third_3', [['right', 9, [2, 0, 7, 1], 'right']], [4, [0, 0, 3, 1], 5]);

  const valued: ModelSpec = {
    ...actor,
    vocabulary: 43,
    middle: 12,
    shape: shape(16, 2, 4, 4, 4, 1e4),
  };
  const critic = makeParameters(valued, stream, 'value');
  files.set('ppo/critic/config.json', encode(configOf(valued)));
  files.set('ppo/critic/model.safetensors', critic.file);
  const ppo = makePpo(
    trained,
    { spec: valued, parameters: critic.parameters, folder: 'ppo/critic' },
    {
      promptLengths: [8, 2, 5, 1, 7],
      responseLengths: [3, 11, 1, 6, 9],
      promptColumns: 8,
      actionColumns: 11,
      microBatches: [
        [0, 1, 2],
        [3, 4],
      ],
    },
    stream,
  );
  files.set('ppo/ppo.safetensors', ppo.tensors);
  files.set('ppo/ppo.json', encode(ppo.json));
  files.set('gae.json', encode(makeGae(stream)));
  files.set('sampling.json', encode(makeSampling(stream)));
  files.set('optim.json', encode(makeOptim(stream)));
  return files;
}

type PaddedCase = readonly [
  label: string,
  columns: number,
  pads: readonly number[],
  side: 'left' | 'right',
];
type GreedyCase = readonly [columns: number, pads: readonly number[], count: number];
