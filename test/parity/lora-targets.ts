import { bytesSource } from '../../src/formats/byte-source.ts';
import { float32Entry, writeSafetensors } from '../../src/formats/safetensors.ts';
import { hfName } from '../../src/model/hugging-face/names.ts';
import { readAdapter } from '../../src/model/hugging-face/peft.ts';
import { adaptableModules } from '../../src/model/hugging-face/peft-targets.ts';
import type { ModelConfig } from '../../src/model/config.ts';
import type { Context } from './context.ts';
import { Fields } from './fields.ts';
import { openFixtureModel } from './model-files.ts';

const file = 'lora/targets.json';

/** Modules outside the layers, whose adapters are refused. */
const vocabulary = /^(?:lm_head|model\.embed_tokens)$/;

/** An adapter with the settings of a row, and zeros in the factors that PEFT made. */
function filesOf(settings: unknown, adapted: Fields | undefined, config: ModelConfig) {
  const shapes = new Map(adaptableModules(config).map(({ name, shape }) => [name, shape]));
  const entries = (adapted?.keys ?? []).flatMap((name) => {
    const rank = adapted?.object(name).number('r') ?? 0;
    const [outputs = 1, inputs = 1] = shapes.get(name) ?? [];
    const factor = (which: string, ...shape: number[]) =>
      float32Entry(
        `base_model.model.${name}.lora_${which}.weight`,
        shape,
        new Float32Array(shape.reduce((a, b) => a * b, 1)),
      );
    return [factor('A', rank, inputs), factor('B', outputs, rank)];
  });
  const text = JSON.stringify({ peft_type: 'LORA', ...(settings as object) });
  return new Map([
    ['adapter_config.json', new TextEncoder().encode(text)],
    ['adapter_model.safetensors', writeSafetensors(entries)],
  ]);
}

/** Which modules a config of PEFT adapts, with which rank and scale. */
export async function checkTargets({ fixtures, report }: Context): Promise<void> {
  if (!fixtures.has(file)) return;
  const about = new Fields(await fixtures.json(file), file);
  about.skip('peft');
  for (const row of about.objects('rows')) {
    const what = row.text('name');
    const { config } = (await openFixtureModel(fixtures, `lora/${row.text('model')}/base`))
      .directory;
    const adapted = row.has('adapted') ? row.object('adapted') : undefined;
    const files = filesOf(row.get('config'), adapted, config);
    const found = await readAdapter(
      (name) => {
        const bytes = files.get(name);
        return Promise.resolve(bytes && bytesSource(name, bytes));
      },
      config,
      what,
    ).catch((error: unknown) => (error instanceof Error ? error : new Error(String(error))));
    const refused = !adapted || adapted.keys.some((name) => vocabulary.test(name));
    if (found instanceof Error || refused) {
      report.equal(file, `${what}: refused`, found instanceof Error, refused);
      row.skip('error', 'file_keys');
      continue;
    }
    const own = [...found.plan].map(([part, { rank, scale }]) => {
      const name = hfName(config.architecture, part).replace(/\.weight$/, '');
      return [name, { r: rank, scale }] as const;
    });
    const sorted = own.sort(([a], [b]) => (a < b ? -1 : 1));
    const names = [...adapted.keys].sort();
    report.equal(
      file,
      `${what}: adapted`,
      sorted.map(([name]) => name),
      names,
    );
    for (const name of names) {
      const want = adapted.object(name);
      const got = Object.fromEntries(own)[name];
      report.equal(file, `${what}: ${name}.r`, got?.r, want.number('r'));
      report.close(file, `${what}: ${name}.scale`, [got?.scale ?? NaN], [want.number('scale')], {
        max: 1e-12,
      });
    }
    report.equal(
      file,
      `${what}: file_keys`,
      [...found.tensors.keys()].sort(),
      row.texts('file_keys'),
    );
    row.done();
  }
  about.done();
}
