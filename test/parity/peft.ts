import { bytesSource } from '../../src/formats/byte-source.ts';
import { float32Entry, writeSafetensors } from '../../src/formats/safetensors.ts';
import type { ModelConfig } from '../../src/model/config.ts';
import { peftName } from '../../src/model/hugging-face/names.ts';
import { adaptableModules } from '../../src/model/hugging-face/peft-targets.ts';
import { adapterFiles, type PeftAdapter, readAdapter } from '../../src/model/hugging-face/peft.ts';
import { mergedTensors } from '../../src/model/merge-adapter.ts';
import type { OpenModelFile } from '../../src/model/model-directory.ts';
import type { Context } from './context.ts';
import { Fields } from './fields.ts';
import { openFixtureModel } from './model-files.ts';
import { ExpectedTensors } from './tensors.ts';

/** How far a merged weight may be off. */
const mergedTolerance = { max: 5e-7 };

/** Modules that PEFT adapts and this engine refuses, by name. */
const vocabulary: ReadonlySet<string> = new Set(['model.embed_tokens', 'lm_head']);

const openOf =
  (files: ReadonlyMap<string, Uint8Array>): OpenModelFile =>
  (name) => {
    const bytes = files.get(name);
    return Promise.resolve(bytes && bytesSource(name, bytes));
  };

/** Adapters of PEFT, read and written again, and what they make of the base's matrices. */
export async function checkPeft(context: Context): Promise<void> {
  const { fixtures } = context;
  for (const name of fixtures.folders('lora')) await checkLanguageAdapter(context, name);
  for (const name of fixtures.folders('lora-critic')) {
    const { directory } = await openFixtureModel(fixtures, `lora/${name}/base`);
    await checkFiles(context, directory.config, `lora-critic/${name}/adapter`, 'value');
  }
  if (fixtures.has('lora/targets.json')) await checkTargets(context);
}

async function checkLanguageAdapter(context: Context, name: string): Promise<void> {
  const { fixtures, report } = context;
  const folder = `lora/${name}`;
  const { directory } = await openFixtureModel(fixtures, `${folder}/base`);
  const adapter = await checkFiles(context, directory.config, `${folder}/adapter`, 'lm');
  const path = `${folder}/fixture.safetensors`;
  const expected = await ExpectedTensors.open(fixtures, path);
  const keys = expected.keys.filter((key) => key.startsWith('merged.'));
  const merged: string[] = [];
  const tensors = await mergedTensors(directory, adapter, 'F32', (matrix) => {
    merged.push(`merged.${matrix.name}`);
  });
  for (const tensor of tensors) {
    const bytes = await tensor.bytes();
    const key = `merged.${tensor.name}`;
    if (!expected.has(key)) continue;
    const { buffer, byteOffset, length } = bytes;
    const got = new Float32Array(buffer, byteOffset, length / 4);
    report.close(path, key, got, expected.f32(key), mergedTolerance);
  }
  report.equal(path, 'merged matrices', merged.sort(), keys.sort());
}

/** Reads an adapter's folder, and writes it again: the tensors as PEFT wrote them, byte for byte. */
async function checkFiles(
  { fixtures, report }: Context,
  config: ModelConfig,
  folder: string,
  head: 'lm' | 'value',
): Promise<PeftAdapter> {
  const files = new Map<string, Uint8Array>();
  for (const name of fixtures.files(folder)) {
    files.set(name, await fixtures.bytes(`${folder}/${name}`));
  }
  const adapter = await readAdapter(openOf(files), config, folder, { head });
  const written = adapterFiles(config, adapter.plan, adapter.tensors, {
    ...adapter,
    baseName: null,
  });
  const weights = 'adapter_model.safetensors';
  const same = (files.get(weights) ?? []).every(
    (byte: number, i: number) => byte === written.get(weights)?.[i],
  );
  const sizes = [files, written].map((all) => all.get(weights)?.length);
  report.equal(
    `${folder}/${weights}`,
    'bytes as written again',
    [same, sizes[1]],
    [true, sizes[0]],
  );
  const again = await readAdapter(openOf(written), config, folder, { head });
  const about = `${folder}/adapter_config.json`;
  report.equal(about, 'adapters as read again', [...again.plan], [...adapter.plan]);
  return adapter;
}

/** Which modules PEFT adapts for a config, with rank and scale, and what it calls their factors. */
async function checkTargets({ fixtures, report }: Context): Promise<void> {
  const file = 'lora/targets.json';
  const all = new Fields(await fixtures.json(file), file);
  all.skip('peft');
  for (const row of all.objects('rows')) {
    const label = row.text('name');
    const { directory } = await openFixtureModel(fixtures, `lora/${row.text('model')}/base`);
    const { config } = directory;
    const fails = row.has('error');
    const adapted = fails ? undefined : row.object('adapted');
    const ranks = new Map<string, number>();
    for (const name of adapted?.keys ?? []) {
      if (!vocabulary.has(name)) ranks.set(name, adapted?.object(name).number('r') ?? 0);
    }
    const read = readAdapter(
      openOf(zeroAdapter(config, row.get('config') as object, ranks)),
      config,
      label,
    );
    const found = await read.catch((error: unknown) => error as Error);
    const isRefused = fails || adapted?.keys.some((name) => vocabulary.has(name)) === true;
    if (isRefused || found instanceof Error) {
      const why = fails ? `matches no module (${row.text('error')})` : 'not implemented';
      const said = found instanceof Error ? found.name : 'no error';
      report.equal(file, `${label}: ${why}`, said, isRefused ? 'ConfigError' : 'no error');
      row.skip('file_keys');
      row.done();
      continue;
    }
    const names = new Map(adaptableModules(config).map(({ part, name }) => [part, name]));
    const got = [...found.plan].map(([part, { rank, scale }]) => [names.get(part), rank, scale]);
    const want = (adapted?.keys ?? []).map((name) => {
      const own = adapted?.object(name);
      return [name, own?.number('r'), own?.number('scale')];
    });
    const byName = (rows: unknown[][]) =>
      rows.sort((a, b) => (String(a[0]) < String(b[0]) ? -1 : 1));
    report.equal(file, `${label}: modules`, byName(got), byName(want));
    report.equal(file, `${label}: keys`, [...found.tensors.keys()].sort(), row.texts('file_keys'));
    row.done();
  }
  all.done();
}

/** An adapter's files with zeros in the factors of each module, of the ranks that PEFT gave them. */
function zeroAdapter(
  config: ModelConfig,
  settings: object,
  ranks: ReadonlyMap<string, number>,
): Map<string, Uint8Array> {
  const entries = adaptableModules(config).flatMap(({ part, name, shape: [outputs, inputs] }) => {
    const rank = ranks.get(name);
    if (rank === undefined) return [];
    const zeros = (factor: 'A' | 'B', rows: number, columns: number) =>
      float32Entry(
        peftName(config.architecture, part, factor),
        [rows, columns],
        new Float32Array(rows * columns),
      );
    return [zeros('A', rank, inputs), zeros('B', outputs, rank)];
  });
  const json = JSON.stringify({ peft_type: 'LORA', ...settings });
  return new Map([
    ['adapter_config.json', new TextEncoder().encode(json)],
    ['adapter_model.safetensors', writeSafetensors(entries, { format: 'pt' })],
  ]);
}
