import type { OptimizerConfig } from '../../src/config.ts';
import type { Gpu } from '../../src/gpu/device.ts';
import { Activations } from '../../src/model/activations.ts';
import { ValueHead } from '../../src/model/heads.ts';
import type { PeftAdapter } from '../../src/model/hugging-face/peft.ts';
import { packedSizes, packGroups, PackedBatch } from '../../src/model/packed-batch.ts';
import { trunkForward } from '../../src/model/transformer.ts';
import type { Weights } from '../../src/model/weights.ts';
import {
  checkAdapterNumbers,
  checkTrace,
  normOf,
  openAdapted,
  openFixtureAdapter,
  readAdapterOptimizer,
} from './adapters.ts';
import { type Context, type Scope, withScope } from './context.ts';
import { Fields } from './fields.ts';
import { Learner } from './learner.ts';
import { type FixtureModel, openFixtureModel } from './model-files.ts';
import { spread } from './models.ts';
import { ExpectedTensors, gradientTolerance } from './tensors.ts';

const allowed = {
  values: 5e-5,
  loss: 5e-6,
  gradient: 3e-4,
  traceLoss: 2e-4,
  norm: 1e-4,
  parameter: 3e-3,
  parameterMean: 1e-6,
};

interface Task {
  /** Whole sequences, prompt and response. */
  readonly sequences: readonly number[][];
  readonly prompts: readonly number[][];
  readonly responses: readonly number[][];
  readonly oldValues: Float32Array;
  readonly returns: Float32Array;
  readonly valueClip: number;
  readonly optimizer: OptimizerConfig;
  readonly steps: number;
}

/** The value at each token of each sequence. */
async function valuesOf(scope: Scope, weights: Weights, sequences: readonly number[][]) {
  const { gpu } = scope;
  // The state before an action is at the token before it: one action more reaches the last token.
  const groups = sequences.map((ids) => ({
    prompt: ids.slice(0, 1),
    responses: [[...ids.slice(1), 0]],
  }));
  const sizes = packedSizes(groups, true);
  const batch = new PackedBatch(gpu, sizes);
  batch.upload(packGroups(groups, true));
  const { config } = weights;
  const activations = new Activations(gpu, config, {
    rows: sizes.rows,
    positions: Math.max(...sequences.map((ids) => ids.length)) + 1,
    keep: 'none',
    adapterColumns: weights.adapterColumns,
  });
  const head = new ValueHead(gpu, batch, activations);
  await scope.run([...trunkForward(weights, batch, activations), ...head.forward(weights)]);
  const values = (await gpu.read(head.values, 'f32')).slice(0, batch.actions.value);
  head.destroy();
  activations.destroy();
  batch.destroy();
  return values;
}

const computeCritic = (gpu: Gpu, model: FixtureModel, adapter: PeftAdapter, task: Task) =>
  withScope(gpu, async (scope) => {
    const totals = scope.empty('totals', [8]);
    const opened = await openAdapted(gpu, model, adapter, 'value', task.optimizer, totals);
    const { trainable } = opened;
    const values = await valuesOf(scope, trainable.network, task.sequences);
    const learner = new Learner(scope, task, task, totals, trainable);
    const all = [task.prompts.map((_, i) => i)];
    const pass = () => learner.pass('token-mean-microbatch', all);
    const first = await pass();
    const trace: { loss: number; norm: number | null }[] = [];
    let last = first;
    for (let step = 0; step < task.steps; step++) {
      trace.push({ loss: last.loss, norm: await learner.update() });
      last = await pass();
    }
    trace.push({ loss: last.loss, norm: null });
    const after = await trainable.weights.read();
    trainable.destroy();
    opened.base.destroy();
    return { values, first, trace, after };
  });

async function checkCritic(context: Context, name: string): Promise<void> {
  const { gpu, fixtures, report, memo } = context;
  const folder = `lora-critic/${name}`;
  const path = `${folder}/fixture.safetensors`;
  const where = `${folder}/fixture.json`;
  const about = new Fields(await fixtures.json(where), where);
  const tensors = await ExpectedTensors.open(fixtures, path);
  // A folder among the fixtures: nothing outside them can be named.
  const model = await openFixtureModel(fixtures, about.text('base'));
  const { config } = model.directory;
  const { adapter, inputs } = await openFixtureAdapter(
    fixtures,
    `${folder}/adapter`,
    config,
    'value',
  );
  checkAdapterNumbers(report, about, adapter);
  about.skip('transformers', 'peft', 'torch', 'pad_id', 'eos_id');
  about.skip('f32_vs_f64', 'after3_f32_vs_f64');
  const { optimizer, steps } = readAdapterOptimizer(about.object('optimizer'));

  const columns = about.number('prompt_len_padded');
  const ids = tensors.rows('input.sequences');
  const mask = tensors.rows('input.attention_mask');
  const actionMask = tensors.rows('input.action_mask');
  const real = (from: number, to?: number) =>
    ids.map((row, b) => row.slice(from, to).filter((_, t) => mask[b]?.[from + t] === 1));
  const [prompts, responses] = [real(0, columns), real(columns)];
  const lengths = (rows: readonly number[][]) => rows.map((row) => row.length);
  report.equal(where, 'prompt_lens', lengths(prompts), about.numbers('prompt_lens'));
  report.equal(
    where,
    'response_lens_with_eos',
    lengths(responses),
    about.numbers('response_lens_with_eos'),
  );
  report.equal(
    where,
    'action_len_padded',
    actionMask[0]?.length,
    about.number('action_len_padded'),
  );
  report.equal(
    path,
    'input.action_mask',
    mask.map((row) => row.slice(columns)),
    actionMask,
  );
  const packed = (key: string) => {
    const flat = actionMask.flat();
    return tensors.f32(key).filter((_, i) => flat[i] === 1);
  };
  const task: Task = {
    sequences: real(0),
    prompts,
    responses,
    oldValues: packed('input.old_values'),
    returns: packed('input.returns'),
    valueClip: about.number('value_clip'),
    optimizer,
    steps,
  };
  const got = await memo.get('critic adapter', [model.inputs, inputs, task], () =>
    computeCritic(gpu, model, adapter, task),
  );

  const { values, first } = got;
  const tolerance = { max: allowed.values };
  report.close(
    path,
    'expect.values',
    spread(values, mask, 1),
    tensors.f32('expect.values'),
    tolerance,
  );
  const actions = spread(first.outputs, actionMask, 1);
  report.close(
    path,
    'expect.action_values',
    actions,
    tensors.f32('expect.action_values'),
    tolerance,
  );
  report.close(where, 'value_loss', [first.loss], [about.number('value_loss')], {
    max: allowed.loss,
  });
  const norm = about.number('grad_norm');
  report.close(where, 'grad_norm', [normOf(first.gradients)], [norm], { max: allowed.norm * norm });
  const outside = first.outputs.filter(
    (value, i) => Math.abs(value - (task.oldValues[i] ?? NaN)) > task.valueClip,
  );
  const share = about.number('share_of_values_outside_clip');
  report.close(
    where,
    'share_of_values_outside_clip',
    [outside.length / first.outputs.length],
    [share],
    { max: 1e-9 },
  );

  const prefix = 'expect.grad.';
  const keys = tensors.keys.filter((key) => key.startsWith(prefix));
  const gradients = keys.map((key) => tensors.f32(key));
  const ofGradient = gradientTolerance(gradients, allowed.gradient);
  for (const [i, key] of keys.entries()) {
    const want = gradients[i] ?? [];
    const mine = first.gradients.get(key.slice(prefix.length)) ?? [];
    report.close(path, key, mine, want, { max: ofGradient(want) });
  }
  const names = keys.map((key) => key.slice(prefix.length)).sort();
  report.equal(path, 'factors and head', [...first.gradients.keys()].sort(), names);
  checkTrace(report, about, got.trace, { loss: allowed.traceLoss, norm: allowed.norm });
  for (const key of tensors.keys.filter((one) => one.startsWith('expect.after3.'))) {
    const mine = got.after.get(key.slice('expect.after3.'.length)) ?? [];
    report.close(path, key, mine, tensors.f32(key), {
      max: allowed.parameter,
      mean: allowed.parameterMean,
    });
  }
  about.done();
  tensors.done();
}

/** Values, loss, gradients and training of every critic that is an adapter and a head. */
export async function checkLoraCritic(context: Context): Promise<void> {
  for (const name of context.fixtures.folders('lora-critic')) await checkCritic(context, name);
}
