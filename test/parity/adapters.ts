import { FrozenStore } from '../../src/model/frozen-store.ts';
import type { Tensor } from '../../kernels/lib/tensor.ts';
import type { OptimizerConfig } from '../../src/config.ts';
import { bytesSource } from '../../src/formats/byte-source.ts';
import type { Gpu } from '../../src/gpu/device.ts';
import { adapterLayout } from '../../src/model/adapters.ts';
import { peftName } from '../../src/model/hugging-face/names.ts';
import { type PeftAdapter, readAdapter } from '../../src/model/hugging-face/peft.ts';
import { loadParameters } from '../../src/model/load-parameters.ts';
import type { ModelConfig } from '../../src/model/config.ts';
import type { Head } from '../../src/model/parameters.ts';
import { Trainable } from '../../src/optim/trainable.ts';
import { Memo } from './context.ts';
import type { Fields } from './fields.ts';
import type { Fixtures } from './folder.ts';
import type { FixtureModel } from './model-files.ts';
import type { Report } from './report.ts';

/** An adapter among the fixtures, and a key that stands for its contents. */
export interface FixtureAdapter {
  readonly adapter: PeftAdapter;
  readonly inputs: readonly unknown[];
}

/** Reads an adapter's folder the way a command does. */
export async function openFixtureAdapter(
  fixtures: Fixtures,
  folder: string,
  config: ModelConfig,
  head: Head,
): Promise<FixtureAdapter> {
  const inputs: unknown[] = [];
  const adapter = await readAdapter(
    async (name) => {
      const path = `${folder}/${name}`;
      if (!fixtures.has(path)) return undefined;
      const bytes = await fixtures.bytes(path);
      inputs.push(name, Memo.digest(bytes));
      return bytesSource(path, bytes);
    },
    config,
    folder,
    { head, training: true },
  );
  return { adapter, inputs };
}

/** What a fixture says of its adapter, against how the adapter was read. */
export function checkAdapterNumbers(report: Report, about: Fields, adapter: PeftAdapter): void {
  const { numbers, plan } = adapter;
  report.equal(about.where, 'r', numbers.rank, about.number('r'));
  report.equal(about.where, 'lora_alpha', numbers.alpha, about.number('lora_alpha'));
  report.equal(about.where, 'use_rslora', numbers.rslora ?? false, about.flag('use_rslora'));
  const scale = about.number('scale');
  const scales = [...plan.values()].map((part) => part.scale);
  report.close(about.where, 'scale', scales, Array(scales.length).fill(scale), { max: 1e-12 });
  const targets = new Set([...plan.keys()].map((part) => `${part.split('.')[2] ?? ''}_proj`));
  report.equal(about.where, 'target_modules', [...targets].sort(), about.texts('target_modules'));
}

/** The optimizer of a fixture of adapters. */
export function readAdapterOptimizer(fields: Fields): {
  optimizer: OptimizerConfig;
  steps: number;
} {
  const [beta1 = NaN, beta2 = NaN] = fields.numbers('betas');
  if (fields.text('schedule') !== 'constant')
    throw new Error(`${fields.where}: schedule is not constant`);
  const found = {
    optimizer: {
      learningRate: fields.number('lr'),
      warmupUpdates: 0,
      schedule: 'constant',
      horizonUpdates: 1,
      minimumShare: 1,
      beta1,
      beta2,
      epsilon: fields.number('eps'),
      weightDecay: fields.number('weight_decay'),
      maxGradNorm: fields.number('max_norm'),
    },
    steps: fields.number('steps'),
  } as const;
  if (fields.has('batch')) fields.skip('batch');
  fields.done();
  return found;
}

/** A frozen base and the adapter over it, to be trained. */
export async function openAdapted(
  gpu: Gpu,
  model: FixtureModel,
  adapter: PeftAdapter,
  head: Head,
  optimizer: OptimizerConfig,
  totals: Tensor,
): Promise<{ base: FrozenStore; trainable: Trainable; reset: () => void }> {
  const { config } = model.directory;
  const base = await loadParameters(gpu, model.directory, 'lm');
  const layout = adapterLayout(config, adapter.plan, { head });
  const adapts = { base, plan: adapter.plan };
  const trainable = new Trainable(gpu, 'adapter', layout, optimizer, totals, { adapts });
  const held = new Map(adapter.tensors);
  if (adapter.score) held.set(peftName(config.architecture, 'score'), adapter.score);
  const reset = (): void => trainable.reset(held);
  reset();
  return { base, trainable, reset };
}

/** The global norm of gradients. */
export function normOf(gradients: ReadonlyMap<string, Float32Array>): number {
  let squares = 0;
  for (const data of gradients.values()) for (const value of data) squares += value ** 2;
  return Math.sqrt(squares);
}

/** The steps of a trace, against the losses and norms before each of them. */
export function checkTrace(
  report: Report,
  about: Fields,
  found: readonly { readonly loss: number; readonly norm: number | null }[],
  allowed: { readonly loss: number; readonly norm: number },
): void {
  const trace = about.objects('trace');
  report.equal(about.where, 'trace: steps', found.length, trace.length);
  for (const [i, step] of trace.entries()) {
    const own = found[i];
    step.skip('step');
    report.close(
      about.where,
      `trace[${i}].loss_before`,
      [own?.loss ?? NaN],
      [step.number('loss_before')],
      { max: allowed.loss },
    );
    const norm = step.get('grad_norm_before_clip');
    if (typeof norm === 'number') {
      report.close(about.where, `trace[${i}].grad_norm_before_clip`, [own?.norm ?? NaN], [norm], {
        max: allowed.norm * norm,
      });
    } else report.equal(about.where, `trace[${i}].grad_norm_before_clip`, own?.norm ?? null, norm);
    step.done();
  }
}
