import { describe, expect, test } from 'vitest';
import { bytesOption } from '../../src/cli/arguments.ts';
import { promptIds } from '../../src/cli/prompt-ids.ts';
import { bytesSource } from '../../src/formats/byte-source.ts';
import { readPrompts } from '../../src/formats/prompts.ts';
import { characterTokenizerJson } from '../../src/formats/character-tokenizer.ts';
import { TokenizerClient } from '../../src/formats/tokenizer-client.ts';

const alphabet = 'abcdefghijklmnopqrstuvwxyz [](),|';
const template =
  '{% for m in messages %}[{{ m.role }}]{% if m.content is string %}{{ m.content }}{% else %}{% for p in m.content %}({{ p.text }}){% endfor %}{% endif %}{% if m.name is defined %}|{{ m.name }}{% endif %}{% endfor %}';

/** Rendered prompts of rows, with the options of a command. */
async function rendered(
  rows: readonly unknown[],
  options: { readonly chat?: boolean; readonly system?: string },
): Promise<string[]> {
  const text = rows.map((row) => JSON.stringify(row)).join('\n');
  const read = await readPrompts(bytesSource('d.jsonl', new TextEncoder().encode(text)));
  const json = JSON.stringify(characterTokenizerJson(alphabet));
  const tokenizer = await TokenizerClient.open({
    tokenizer: { name: 'tokenizer.json', text: json },
    chatTemplate: template,
  });
  try {
    const ids = await promptIds(tokenizer, read.rows, options, (i) => read.rows[i].where);
    return ids.map((row) => row.map((id) => alphabet[id]).join(''));
  } finally {
    await tokenizer.close();
  }
}

const turn = (role: string, content: unknown, more = {}) => ({ role, content, ...more });
const talk = [turn('user', 'hi'), turn('assistant', 'yes'), turn('user', 'more')];

describe('promptIds', () => {
  test('renders every turn of a conversation', async () => {
    expect(await rendered([{ prompt: talk }, { prompt: 'plain' }], { chat: true })).toEqual([
      '[user]hi[assistant]yes[user]more',
      '[user]plain',
    ]);
    const parts = [
      turn('user', [
        { type: 'text', text: 'a' },
        { type: 'text', text: 'b' },
      ]),
    ];
    expect(
      await rendered([{ prompt: [...parts, turn('user', 'c', { name: 'n' })] }], { chat: true }),
    ).toEqual(['[user](a)(b)[user]c|n']);
  });

  test('puts the system text before prompts that have none', async () => {
    const own = [turn('system', 'own'), turn('user', 'hi')];
    const rows = [{ prompt: own }, { prompt: talk }, { question: 'plain' }];
    expect(await rendered(rows, { chat: true, system: 'be kind' })).toEqual([
      '[system]own[user]hi',
      '[system]be kind[user]hi[assistant]yes[user]more',
      '[system]be kind[user]plain',
    ]);
  });

  test('leaves the answer at the end of a whole conversation out', async () => {
    const rows = [{ messages: [...talk, turn('assistant', 'the answer')] }];
    expect(await rendered(rows, { chat: true })).toEqual(['[user]hi[assistant]yes[user]more']);
  });

  test('refuses what would be lost', async () => {
    await expect(rendered([{ prompt: talk }], {})).rejects.toThrow(
      "d.jsonl line 1: 3 messages are no plain text: --chat puts them into the model's template",
    );
    expect(await rendered([{ prompt: [turn('user', 'hi')] }], {})).toEqual(['hi']);
    await expect(rendered([{ prompt: 'a' }], { system: 'b' })).rejects.toThrow(
      '--system needs --chat',
    );
    await expect(
      rendered([{ prompt: [turn('user', 'a'), { content: 'b' }] }], { chat: true }),
    ).rejects.toThrow(/d.jsonl line 1: prompt: message 2: role must be text/);
  });
});

describe('bytesOption', () => {
  test.each([
    ['4000000000', 4e9],
    ['4GiB', 2 ** 32],
    ['512MiB', 2 ** 29],
    ['3.5 GiB', 3.5 * 2 ** 30],
    ['8gb', 8e9],
    ['1KiB', 1024],
    ['7B', 7],
    ['.5tib', 2 ** 39],
  ])('reads %s', (text, bytes) => {
    expect(bytesOption('memory', text)).toBe(bytes);
  });

  test.each(['', '0', '-1', '4 gigs', 'GiB', '1e9', '0x10', '9999999TiB', '4GiB2', 'Infinity'])(
    'refuses %j',
    (text) => {
      expect(() => bytesOption('memory', text)).toThrow(/^--memory must be bytes, such as/);
    },
  );
});
