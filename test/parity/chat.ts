import type { ChatMessage, Tokenizer } from '../../src/formats/tokenizer.ts';
import type { Context } from './context.ts';
import { Fields } from './fields.ts';
import { loadTokenizer } from './tokenizer.ts';

const folder = 'chat';
const file = `${folder}/chat.json`;

/** 1 for each token that begins within one of the marked places of a text. */
function maskOf(
  tokenizer: Tokenizer,
  ids: readonly number[],
  marked: readonly (readonly [number, number])[],
): number[] {
  return ids.map((_, i) => {
    const start = tokenizer.decode(ids.slice(0, i)).length;
    return Number(marked.some(([from, to]) => start >= from && start < to));
  });
}

/** Conversations through the chat template of every family: texts, ids and errors. */
export async function checkChat({ fixtures, report }: Context): Promise<void> {
  if (!fixtures.has(file)) return;
  const all = new Fields(await fixtures.json(file), file);
  all.skip('transformers', 'tokenizers', 'jinja2', 'default_system');
  const now = new Date(all.text('now'));
  const families = all.texts('families');
  report.equal(file, 'families', [...families].sort(), fixtures.folders(folder));
  const tokenizers = new Map<string, Tokenizer>();
  for (const family of families) {
    tokenizers.set(family, await loadTokenizer(fixtures, `${folder}/${family}`));
  }
  for (const [i, row] of all.objects('rows').entries()) {
    const family = row.text('family');
    const label = `${family} ${row.text('name')} (row ${i})`;
    const tokenizer = tokenizers.get(family);
    if (!tokenizer) throw new Error(`${file}: there is no ${family}`);
    const options = {
      addGenerationPrompt: row.flag('add_generation_prompt'),
      variables: row.get('variables') as Readonly<Record<string, unknown>>,
      now,
    };
    const render = () => tokenizer.renderMarked(row.list('messages') as ChatMessage[], options);
    row.skip('note');
    if (row.has('error')) {
      const start = `${folder}/${family}: chat template: `;
      let said = 'no error';
      try {
        render();
      } catch (error) {
        said = error instanceof Error ? error.message : String(error);
      }
      report.equal(file, `${label}: error`, said, start + row.text('error'));
      row.skip('messages');
      row.done();
      continue;
    }
    const { text, generated } = render();
    report.equal(file, `${label}: text`, text, row.text('text'));
    const ids = tokenizer.encode(text, { addSpecialTokens: false });
    report.equal(file, `${label}: ids`, ids, row.numbers('ids'));
    const bare = tokenizer.decode(ids, { skipSpecialTokens: true });
    report.equal(file, `${label}: decoded`, bare, row.text('decoded_without_special'));
    if (row.has('ids_if_bos_were_added_again')) {
      const want = row.numbers('ids_if_bos_were_added_again');
      const start = tokenizer.encode(text).slice(0, want.length);
      report.equal(file, `${label}: ids with special tokens`, start, want);
    }
    if (row.has('assistant_mask')) {
      const mask = maskOf(tokenizer, ids, generated);
      report.equal(file, `${label}: assistant_mask`, mask, row.numbers('assistant_mask'));
    }
    row.done();
  }
  all.done();
}
