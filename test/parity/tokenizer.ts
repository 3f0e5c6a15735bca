import { type ChatMessage, Tokenizer } from '../../src/formats/tokenizer.ts';
import type { Context } from './context.ts';
import { Fields } from './fields.ts';
import type { Fixtures } from './folder.ts';

const file = 'tokenizer.json';

/** The tokenizer of a model folder. */
export async function loadTokenizer(fixtures: Fixtures, folder: string): Promise<Tokenizer> {
  const [config, template] = [`${folder}/tokenizer_config.json`, `${folder}/chat_template.jinja`];
  return new Tokenizer(
    {
      tokenizer: await fixtures.json(`${folder}/tokenizer.json`),
      ...(fixtures.has(config) ? { config: await fixtures.json(config) } : {}),
      chatTemplate: fixtures.has(template) ? await fixtures.text(template) : undefined,
    },
    folder,
  );
}

/** Text to ids and back, and chats, of every model folder that has a tokenizer. */
export async function checkTokenizer({ fixtures, report }: Context): Promise<void> {
  if (!fixtures.has(file)) return;
  const all = new Fields(await fixtures.json(file), file);
  // "models/NAME", and in brackets what else shares it.
  const named = all.text('tokenizer_of').split(' ')[0] ?? '';
  const shared = all.text('tokenizer_of').includes('all models');
  const folders = shared ? fixtures.folders('models').map((name) => `models/${name}`) : [named];
  if (!folders.includes(named)) throw new Error(`${file}: there is no ${named}`);
  const encode = all.objects('encode');
  const chat = all.objects('chat');
  for (const folder of folders) {
    const tokenizer = await loadTokenizer(fixtures, folder);
    const config = new Fields(
      await fixtures.json(`${folder}/config.json`),
      `${folder}/config.json`,
    );
    for (const [i, fields] of encode.entries()) {
      const ids = fields.numbers('ids');
      const label = `${folder}: text ${i}`;
      report.equal(file, `${label}: ids`, tokenizer.encode(fields.text('text')), ids);
      report.equal(file, `${label}: decoded`, tokenizer.decode(ids), fields.text('decoded'));
      fields.done();
    }
    for (const [i, fields] of chat.entries()) {
      const text = tokenizer.renderChat(fields.list('messages') as ChatMessage[], {
        addGenerationPrompt: fields.flag('add_generation_prompt'),
      });
      report.equal(file, `${folder}: chat ${i}`, text, fields.text('text'));
      if (fields.has('ids')) {
        const got = tokenizer.encode(text, { addSpecialTokens: false });
        report.equal(file, `${folder}: chat ${i}: ids`, got, fields.numbers('ids'));
      }
      fields.done();
    }
    // A config may have several end tokens, and no pad token: Llama's do.
    for (const [label, key] of [
      ['pad_id', 'pad_token_id'],
      ['eos_id', 'eos_token_id'],
    ] as const) {
      const want = all.get(label);
      const own = config.has(key) ? config.get(key) : null;
      const isListed = Array.isArray(own) && own.includes(want);
      const isUnset = own === null && key === 'pad_token_id';
      if (!isListed && !isUnset) report.equal(file, `${folder}: ${label}`, own, want);
    }
  }
  all.done();
}
