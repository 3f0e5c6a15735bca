import { parameterLayout } from '../../src/model/parameters.ts';
import { AllLogits } from '../../src/model/all-logits.ts';
import type { Gradients } from '../../src/model/linear.ts';
import { loadParameters } from '../../src/model/load-parameters.ts';
import {
  type LearnedSequence,
  learnedSizes,
  NextTokenLoss,
} from '../../src/model/next-token-loss.ts';
import { ParameterStore } from '../../src/model/parameters.ts';
import type { Weights } from '../../src/model/weights.ts';
import { clearStep } from '../../src/gpu/plan.ts';
import type { Gpu } from '../../src/gpu/device.ts';
import { type Context, withScope } from './context.ts';
import { Fields } from './fields.ts';
import { type Continuations, greedyContinuations } from './greedy.ts';
import { type FixtureModel, openFixtureModel } from './model-files.ts';
import { ExpectedTensors, gradientTolerance, largest } from './tensors.ts';

/** How far numbers of a model may be off. */
export const allowed = { logits: 5e-4, logprobs: 2e-4, loss: 2e-5, gradient: 2e-4 };

/** The README measured logits up to 12; those of a larger model are rounded in proportion. */
export const logitTolerance = (largestLogit: number): number =>
  allowed.logits * Math.max(1, largestLogit / 12);

/** A padded batch and its rows without the padding. */
export interface PaddedBatch {
  readonly ids: readonly number[][];
  readonly mask: readonly number[][];
  readonly sequences: readonly number[][];
}

export const padded = (ids: readonly number[][], mask: readonly number[][]): PaddedBatch => ({
  ids,
  mask,
  sequences: ids.map((row, b) => row.filter((_, t) => mask[b]?.[t] === 1)),
});

/** 1 where a token and the one after it are both real. */
export const pairs = (mask: readonly number[]): number[] =>
  mask.slice(1).map((real, t) => Number(real === 1 && mask[t] === 1));

/** A model under a loss, with the store that its gradients are added to. */
export interface Differentiated {
  readonly weights: Weights;
  readonly store: ParameterStore;
  /** The store, or a view of it that knows what is frozen. */
  readonly gradients: Gradients;
}

/** Sequences of a batch whose loss is its mean next-token loss. */
export function learnedOf({ sequences, mask }: PaddedBatch): LearnedSequence[] {
  const counted = mask.flatMap(pairs).reduce((sum, one) => sum + one, 0);
  return sequences.map((ids, b) => {
    // Of the compacted row: token i + 1 counts after token i if they were neighbours.
    const places = (mask[b] ?? []).flatMap((real, t) => (real === 1 ? [t] : []));
    const next = places.slice(1).map((t, i) => Number(t - (places[i] ?? 0) === 1));
    return { ids, weights: next.map((one) => one / counted) };
  });
}

/** Everything a golden case holds, computed through the kernels. */
export async function computeCase(
  gpu: Gpu,
  { weights, store, gradients }: Differentiated,
  batch: PaddedBatch,
) {
  const { sequences } = batch;
  const longest = Math.max(...sequences.map((row) => row.length));
  const total = sequences.reduce((sum, row) => sum + row.length, 0);
  const logits: Float32Array[] = [];
  for await (const own of new AllLogits(gpu, weights, { longest, total }).of(sequences)) {
    logits.push(own);
  }

  const learned = learnedOf(batch);
  const loss = new NextTokenLoss(gpu, weights, {
    capacity: learnedSizes(learned),
    positions: longest,
  });
  loss.upload(learned);
  const logprobs = await withScope(gpu, async (scope) => {
    await scope.run([...store.pages.map(clearStep), ...loss.forwardBackward(weights, gradients)]);
    return loss.logprobs();
  });
  loss.destroy();
  return {
    logits,
    logprobs,
    weights: learned.flatMap((sequence) => Array.from(sequence.weights)),
    gradients: await store.read(),
  };
}

async function computeModelCase(gpu: Gpu, model: FixtureModel, batch: PaddedBatch) {
  const weights = await loadParameters(gpu, model.directory, 'lm');
  const store = new ParameterStore(
    gpu,
    parameterLayout(weights.config, 'lm'),
    'gradients',
    'gradients',
  );
  const found = await computeCase(gpu, { weights, store, gradients: store }, batch);
  weights.destroy();
  store.destroy();
  return found;
}

/** Spreads packed values, one row of `width` per real place, over a padded batch; 0 elsewhere. */
export function spread(
  values: ArrayLike<number>,
  places: readonly (readonly number[])[],
  width: number,
): Float32Array {
  const columns = places[0]?.length ?? 0;
  const found = new Float32Array(places.length * columns * width);
  let from = 0;
  for (const [b, row] of places.entries()) {
    for (const [t, real] of row.entries()) {
      if (real !== 1) continue;
      const to = (b * columns + t) * width;
      for (let i = 0; i < width; i++) found[to + i] = values[from + i] ?? NaN;
      from += width;
    }
  }
  return found;
}

/** What a case comes to, for the numbers that a fixture states of it. */
interface CaseFound {
  readonly loss: number;
  readonly tokensInLoss: number;
  readonly largestLogit: number;
}

/**
 * The tensors of a golden case against what the kernels compute.
 *
 * @param options.someGradients Whether the fixture leaves gradients of some parameters out.
 */
export async function checkCaseTensors(
  { gpu, report, memo }: Context,
  model: FixtureModel,
  name: string,
  tensors: ExpectedTensors,
  options: { readonly someGradients?: boolean } = {},
): Promise<CaseFound> {
  const file = tensors.where;
  const batch = padded(tensors.rows(`${name}.input_ids`), tensors.rows(`${name}.attention_mask`));
  const { mask } = batch;
  const { vocabSize } = model.directory.config;
  const got = await memo.get('model case', [model.inputs, batch], () =>
    computeModelCase(gpu, model, batch),
  );
  const positions = mask.map((row) => {
    let next = 0;
    return row.map((real) => (real === 1 ? next++ : 1));
  });
  report.equal(file, `${name}.position_ids`, positions, tensors.rows(`${name}.position_ids`));
  const counted = mask.map(pairs);
  report.equal(file, `${name}.logprob_mask`, counted, tensors.rows(`${name}.logprob_mask`));

  const logits = got.logits.flatMap((own) => [...own]);
  if (tensors.has(`${name}.logits`)) {
    const want = tensors.f32(`${name}.logits`);
    const all = spread(logits, mask, vocabSize);
    report.close(file, `${name}.logits`, all, want, { max: logitTolerance(largest(want)) });
  }
  const used = [...got.logprobs].filter((_, i) => got.weights[i] !== 0);
  report.close(
    file,
    `${name}.logprobs`,
    spread(used, counted, 1),
    tensors.f32(`${name}.logprobs`),
    { max: allowed.logprobs },
  );
  const gradientPrefix = `${name}.grad.`;
  const gradientKeys = tensors.keys.filter((key) => key.startsWith(gradientPrefix));
  const gradients = gradientKeys.map((key) => tensors.f32(key));
  const tolerance = gradientTolerance(gradients, allowed.gradient);
  for (const [i, key] of gradientKeys.entries()) {
    const want = gradients[i] ?? [];
    const own = got.gradients.get(key.slice(gradientPrefix.length)) ?? [];
    report.close(file, key, own, want, { max: tolerance(want) });
  }
  if (gradientKeys.length > 0 && !options.someGradients) {
    const names = gradientKeys.map((key) => key.slice(gradientPrefix.length)).sort();
    report.equal(file, `${name}: parameters`, [...got.gradients.keys()].sort(), names);
  }

  const loss = used.reduce((sum, logprob) => sum - logprob, 0) / used.length;
  return { loss, tokensInLoss: used.length, largestLogit: largest(logits) };
}

/** How far a loss may be off. */
export const lossTolerance = { max: allowed.loss };

async function checkCase(
  context: Context,
  model: FixtureModel,
  name: string,
  tensors: ExpectedTensors,
  stated: Fields,
): Promise<void> {
  const { report } = context;
  const found = await checkCaseTensors(context, model, name, tensors);
  const { loss, tokensInLoss, largestLogit } = found;
  const about = stated.where.split(': ')[0] ?? '';
  const label = `cases.${name}`;
  for (const key of ['loss', 'loss_f32_hf']) {
    report.close(about, `${label}.${key}`, [loss], [stated.number(key)], lossTolerance);
  }
  report.equal(about, `${label}.tokens_in_loss`, tokensInLoss, stated.number('tokens_in_loss'));
  const top = stated.number('max_abs_logit');
  report.close(about, `${label}.max_abs_logit`, [largestLogit], [top], {
    max: logitTolerance(top),
  });
  // How far other arithmetic was off on another machine: measured, not expected of us.
  stated.skip('f32_vs_f64', 'bf16_compute_vs_f64');
  stated.done();
}

/** Greedy ids as the decoder makes them, their log-probabilities, and how close the choices were. */
export async function checkGreedy(
  { report, memo }: Context,
  model: {
    /** Everything that the continuations depend on, beside the prompts. */
    readonly inputs: readonly unknown[];
    readonly continuations: (prompts: readonly number[][], count: number) => Promise<Continuations>;
  },
  tensors: ExpectedTensors,
  stated: Fields,
): Promise<void> {
  const file = tensors.where;
  const { sequences: prompts } = padded(
    tensors.rows('greedy.prompt_ids'),
    tensors.rows('greedy.attention_mask'),
  );
  const want = tensors.rows('greedy.new_ids');
  const count = want[0]?.length ?? 0;
  const got = await memo.get('greedy', [model.inputs, prompts, count], () =>
    model.continuations(prompts, count),
  );
  report.equal(file, 'greedy.new_ids', got.ids, want);
  report.close(
    file,
    'greedy.new_logprobs',
    got.logprobs.flat(),
    tensors.f32('greedy.new_logprobs'),
    {
      max: allowed.logprobs,
    },
  );
  const about = stated.where.split(': ')[0] ?? '';
  report.equal(about, 'greedy.new_tokens', count, stated.number('new_tokens'));
  report.equal(about, 'greedy.eos_ignored', true, stated.flag('eos_ignored'));
  report.close(
    about,
    'greedy.min_top1_top2_margin',
    [got.margin],
    [stated.number('min_top1_top2_margin')],
    { max: allowed.logits },
  );
  stated.skip('note');
  stated.done();
}

/** Logits, log-probabilities, losses, gradients and greedy ids of every model folder. */
export async function checkModels(context: Context): Promise<void> {
  const { fixtures, report } = context;
  for (const name of fixtures.folders('models')) {
    const folder = `models/${name}`;
    const path = `${folder}/fixture.safetensors`;
    const model = await openFixtureModel(fixtures, folder);
    const tensors = await ExpectedTensors.open(fixtures, path);
    const about = new Fields(
      await fixtures.json(`${folder}/fixture.json`),
      `${folder}/fixture.json`,
    );
    report.equal(about.where, 'model', name, about.text('model'));
    about.skip('transformers', 'torch');
    const config = new Fields(
      await fixtures.json(`${folder}/config.json`),
      `${folder}/config.json`,
    );
    const dtype = config.text(config.has('dtype') ? 'dtype' : 'torch_dtype');
    report.equal(about.where, 'weights_dtype', dtype, about.text('weights_dtype'));
    const cases = tensors.keys
      .filter((key) => key.endsWith('.input_ids'))
      .map((key) => key.slice(0, -'.input_ids'.length));
    const stated = about.object('cases');
    for (const label of cases) {
      await checkCase(context, model, label, tensors, stated.object(label));
    }
    stated.done();
    const continuations = async (prompts: readonly number[][], count: number) => {
      const weights = await loadParameters(context.gpu, model.directory, 'lm');
      try {
        return await greedyContinuations(context.gpu, weights, prompts, count);
      } finally {
        weights.destroy();
      }
    };
    const { inputs } = model;
    await checkGreedy(context, { inputs, continuations }, tensors, about.object('greedy'));
    about.done();
    tensors.done();
  }
}
