import type { Gpu } from '../../src/gpu/device.ts';
import { AdamW } from '../../src/optim/adamw.ts';
import { rateAt } from '../../src/optim/lr-schedule.ts';
import type { LrScheduleShape } from '../../src/vocabulary/schedules.ts';
import { type Context, withScope } from './context.ts';
import { Fields } from './fields.ts';
import { largest } from './tensors.ts';

const file = 'optim.json';

interface Input {
  readonly lr: number;
  readonly betas: readonly number[];
  readonly eps: number;
  readonly weightDecay: number;
  readonly clipNorm: number | null;
  readonly start: readonly number[];
  readonly grads: readonly number[][];
}

/** A page is a multiple of 64 elements; those past the trace's have gradient 0. */
const pad = (values: readonly number[]): Float32Array => {
  const page = new Float32Array(Math.ceil(values.length / 64) * 64);
  page.set(values);
  return page;
};

const trace = (gpu: Gpu, input: Input) =>
  withScope(gpu, async (scope) => {
    const count = input.start.length;
    const weights = scope.tensor('weights', pad(input.start));
    const shape = weights.shape;
    const page = {
      weights,
      gradients: scope.empty('gradients', shape),
      firstMoments: scope.empty('first_moments', shape),
      secondMoments: scope.empty('second_moments', shape),
      decayEnd: shape[0] ?? 0,
    };
    const [beta1 = NaN, beta2 = NaN] = input.betas;
    const optimizer = new AdamW(gpu, 'trace', [page], scope.empty('losses', [4]), {
      beta1,
      beta2,
      epsilon: input.eps,
      weightDecay: input.weightDecay,
      ...(input.clipNorm === null ? {} : { maxGradNorm: input.clipNorm }),
    });
    const norms: number[] = [];
    const steps: Float32Array[] = [];
    for (const gradient of input.grads) {
      gpu.upload(page.gradients, pad(gradient));
      optimizer.advance(input.lr);
      await scope.run(optimizer.dispatches);
      norms.push((await optimizer.report()).gradNorm);
      steps.push((await gpu.read(weights, 'f32')).slice(0, count));
    }
    const first = (await gpu.read(page.firstMoments, 'f32')).slice(0, count);
    const second = (await gpu.read(page.secondMoments, 'f32')).slice(0, count);
    optimizer.destroy();
    return { norms, steps, first, second };
  });

async function checkTrace(
  { gpu, report, memo }: Context,
  fields: Fields,
  i: number,
): Promise<void> {
  const clip = fields.get('clip_norm');
  const input: Input = {
    lr: fields.number('lr'),
    betas: fields.numbers('betas'),
    eps: fields.number('eps'),
    weightDecay: fields.number('weight_decay'),
    clipNorm: clip === null ? null : fields.number('clip_norm'),
    start: fields.numbers('start'),
    grads: fields.table('grads'),
  };
  const got = await memo.get('adamw', input, () => trace(gpu, input));
  const label = (what: string) => `adamw ${i}: ${what}`;
  const norms = fields.numbers('grad_norms');
  report.equal(file, label('steps with a norm'), got.norms.length, norms.length);
  for (const [k, norm] of norms.entries()) {
    const max = 5e-6 * Math.abs(norm);
    report.close(file, label(`grad_norm of step ${k + 1}`), [got.norms[k] ?? NaN], [norm], { max });
  }
  // Rounding of a weight, five halves of its last place for each step, and a share of the steps. What
  // a float32 torch run measures is half: these traces have weights near 1 and ten steps.
  const want = fields.table('params_after_each_step');
  const weights = Math.max(1, largest(input.start), ...want.map(largest));
  const rounding = 4e-7 * weights * Math.max(1, want.length / 10);
  const max = rounding + 2e-4 * input.lr;
  report.equal(file, label('steps'), got.steps.length, want.length);
  for (const [k, row] of want.entries()) {
    report.close(file, label(`parameters after step ${k + 1}`), got.steps[k] ?? [], row, { max });
  }
  for (const [key, own] of [
    ['exp_avg', got.first],
    ['exp_avg_sq', got.second],
  ] as const) {
    const moments = fields.numbers(key);
    report.close(file, label(key), own, moments, { max: 2e-6 * largest(moments) });
  }
  fields.skip('float32_max_abs_diff');
  fields.done();
}

const shapes: Readonly<Record<string, LrScheduleShape>> = {
  constant: 'constant',
  constant_with_warmup: 'constant',
  linear: 'linear',
  cosine: 'cosine',
  cosine_with_min_lr: 'cosine_with_min_lr',
};

function checkSchedule({ report }: Context, fields: Fields, i: number): void {
  const name = fields.text('schedule');
  const schedule = shapes[name];
  if (!schedule) throw new Error(`${fields.where}: unknown schedule ${name}`);
  const learningRate = fields.number('base_lr');
  let floor = 0;
  if (fields.get('extra') !== null) {
    const extra = fields.object('extra');
    if (extra.has('min_lr')) floor = extra.number('min_lr');
    extra.done();
  }
  const settings = {
    schedule,
    learningRate,
    warmupUpdates: fields.number('warmup_steps'),
    horizonUpdates: fields.number('total_steps'),
    minimumShare: floor / learningRate,
  };
  const want = fields.numbers('lr_used_by_update');
  const got = want.map((_, update) => rateAt(settings, update));
  // Both are float64.
  report.close(file, `schedule ${i}: ${name}`, got, want, { max: 1e-9 * learningRate });
  fields.done();
}

/** AdamW traces and learning-rate schedules. */
export async function checkOptim(context: Context): Promise<void> {
  if (!context.fixtures.has(file)) return;
  const all = new Fields(await context.fixtures.json(file), file);
  all.skip('note');
  for (const [i, fields] of all.objects('adamw').entries()) await checkTrace(context, fields, i);
  for (const [i, fields] of all.objects('lr').entries()) checkSchedule(context, fields, i);
  all.done();
}
