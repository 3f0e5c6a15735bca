import { ropeTable } from '../../kernels/rope.ts';
import { parseHfConfig } from '../../src/model/hugging-face/config.ts';
import { ropeOf } from '../../src/model/rope.ts';
import type { Context } from './context.ts';
import { Fields } from './fields.ts';
import { openFixtureModel } from './model-files.ts';
import { checkCaseTensors, lossTolerance } from './models.ts';
import { ExpectedTensors } from './tensors.ts';

const folder = 'rope';
const file = `${folder}/tables.json`;

/** Tables are made in float64 and rounded once. */
const tableTolerance = { max: 1e-6 };
const frequencyTolerance = { max: 0, relative: 1e-6 };

/** The config of a model with a set's rotary embedding, in either spelling. */
function configOf(set: Fields, isFormer: boolean) {
  const rope = set.get('rope') as Readonly<Record<string, unknown>>;
  const { rope_theta, rope_type, ...scaling } = rope;
  const json = {
    model_type: 'llama',
    vocab_size: 8,
    hidden_size: 64,
    intermediate_size: 8,
    num_hidden_layers: 1,
    num_attention_heads: 1,
    head_dim: set.number('head_dim'),
    max_position_embeddings: set.number('max_position_embeddings'),
    ...(isFormer
      ? { rope_theta, rope_scaling: { type: rope_type, ...scaling } }
      : { rope_parameters: rope }),
  };
  return parseHfConfig(json, `${set.where}: rope`);
}

/** Tables of every scaling, and models that have one. */
export async function checkRope(context: Context): Promise<void> {
  const { fixtures, report } = context;
  if (fixtures.has(file)) await checkTables(context);
  for (const name of fixtures.folders(folder)) {
    const path = `${folder}/${name}`;
    const about = new Fields(await fixtures.json(`${path}/fixture.json`), `${path}/fixture.json`);
    report.equal(about.where, 'model', name, about.text('model'));
    const model = await openFixtureModel(fixtures, path);
    const tensors = await ExpectedTensors.open(fixtures, `${path}/fixture.safetensors`);
    for (const key of tensors.keys.filter((one) => one.endsWith('.input_ids'))) {
      const label = key.slice(0, -'.input_ids'.length);
      const found = await checkCaseTensors(context, model, label, tensors, { someGradients: true });
      report.close(about.where, 'loss', [found.loss], [about.number('loss')], lossTolerance);
      const counted = about.number('tokens_in_loss');
      report.equal(about.where, 'tokens_in_loss', found.tokensInLoss, counted);
    }
    tensors.done();
    if (fixtures.has(`${path}/config.legacy.json`)) {
      const former = await openFixtureModel(fixtures, path, 'config.legacy.json');
      const [own, other] = [model.directory.config, former.directory.config];
      const areEqual = JSON.stringify(other) === JSON.stringify(own);
      report.equal(`${path}/config.legacy.json`, 'the config read from it', other, own);
      const stated = about.flag('legacy_config_logits_equal');
      report.equal(about.where, 'legacy_config_logits_equal', areEqual, stated);
    }
    // Of the fixture itself: how much its scaling matters, and what other arithmetic was off by.
    about.skip('transformers', 'torch', 'rope', 'frequencies', 'without_scaling', 'f32_vs_f64');
    about.done();
  }
}

async function checkTables({ fixtures, report }: Context): Promise<void> {
  const all = new Fields(await fixtures.json(file), file);
  const tensors = await ExpectedTensors.open(fixtures, `${folder}/tables.safetensors`);
  const positions = all.numbers('positions');
  const [count = 0] = tensors.shape('positions');
  report.equal(file, 'positions', positions, [...tensors.i32('positions').subarray(0, count)]);
  const longest = Math.max(...positions) + 1;
  for (const set of all.objects('sets')) {
    const name = set.text('name');
    const config = configOf(set, false);
    report.equal(file, `${name}: in the former spelling`, configOf(set, true), config);
    const asked = set.get('seq_len');
    const { frequencies, scale } = ropeOf(config, typeof asked === 'number' ? asked : undefined);
    const want = set.numbers('inv_freq');
    report.close(file, `${name}: inv_freq`, frequencies, want, frequencyTolerance);
    const stored = tensors.f32(`${name}.inv_freq`);
    report.close(tensors.where, `${name}.inv_freq`, frequencies, stored, frequencyTolerance);
    const scaling = set.number('attention_scaling');
    report.close(file, `${name}: attention_scaling`, [scale], [scaling], { max: 1e-12 });
    const table = ropeTable(longest, frequencies, scale);
    const half = frequencies.length;
    for (const [part, first] of [
      ['cos', 0],
      ['sin', half],
    ] as const) {
      const got = positions.flatMap((position) => {
        const start = position * 2 * half + first;
        return [...table.subarray(start, start + half)];
      });
      const key = `${name}.${part}`;
      report.close(tensors.where, key, got, tensors.f32(key), tableTolerance);
    }
    set.skip('inv_freq_f32_relative_error', 'f32_angles_max_abs_error');
    set.done();
  }
  all.skip('transformers', 'torch');
  all.done();
  tensors.done();
}
