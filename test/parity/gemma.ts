import type { Context } from './context.ts';
import { openFixtureModel } from './model-files.ts';
import { checkModel } from './models.ts';

const part = 'gemma3';

/** Models with sliding layers, whose config has two spellings. */
export async function checkGemma(context: Context): Promise<void> {
  const { fixtures, report } = context;
  for (const name of fixtures.folders(part)) {
    const { about, model } = await checkModel(context, part, name);
    const { config } = model.directory;
    const factor = about.number('embedding_factor');
    const own = Math.sqrt(config.hiddenSize);
    report.close(about.where, 'embedding_factor', [own], [factor], { max: 1e-12 });
    const path = `${part}/${name}`;
    const former = await openFixtureModel(fixtures, path, 'config.legacy.json');
    const read = former.directory.config;
    report.equal(`${path}/config.legacy.json`, 'the config read from it', read, config);
    about.done();
  }
}
