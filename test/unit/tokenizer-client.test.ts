import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { describe, expect, test } from 'vitest';
import { characterTokenizerJson } from '../../src/formats/character-tokenizer.ts';
import { FormatError } from '../../src/formats/format-error.ts';
import { type ChatMessage, Tokenizer } from '../../src/formats/tokenizer.ts';
import { TokenizerClient, type TokenizerTexts } from '../../src/formats/tokenizer-client.ts';

const folder = 'test/fixtures/models/qwen2-tied';
const read = (name: string): string => readFileSync(`${folder}/${name}`, 'utf8');
const json = (name: string) => JSON.parse(read(name)) as Record<string, unknown>;
const named = (value: unknown, name = 'm/tokenizer.json') => ({
  name,
  text: JSON.stringify(value),
});
const fixture: TokenizerTexts = {
  tokenizer: { name: 'm/tokenizer.json', text: read('tokenizer.json') },
  config: { name: 'm/tokenizer_config.json', text: read('tokenizer_config.json') },
  chatTemplate: read('chat_template.jinja'),
};

/** Runs something with a tokenizer open, and ends its worker. */
async function withTokenizer<T>(
  texts: TokenizerTexts,
  use: (tokenizer: TokenizerClient) => Promise<T>,
  limits?: { readonly open: number; readonly call: number },
): Promise<T> {
  const tokenizer = await TokenizerClient.open(texts, limits);
  try {
    return await use(tokenizer);
  } finally {
    await tokenizer.close();
  }
}

const failureOf = (call: Promise<unknown>): Promise<unknown> =>
  call.then(
    () => 'it came back',
    (error: unknown) => error,
  );

describe('TokenizerClient', () => {
  test('gives what the tokenizer gives, whatever the batches', async () => {
    const files = { tokenizer: json('tokenizer.json'), config: json('tokenizer_config.json') };
    const here = new Tokenizer({ ...files, chatTemplate: fixture.chatTemplate }, 'm');
    const golden = JSON.parse(readFileSync('test/fixtures/tokenizer.json', 'utf8')) as {
      readonly encode: readonly { readonly text: string }[];
      readonly chat: readonly { readonly messages: ChatMessage[]; readonly text: string }[];
    };
    // More calls than one, by the number of texts and by the length of one.
    const texts = Array.from({ length: 50 }, () => golden.encode.map(({ text }) => text)).flat();
    texts.push('word '.repeat(20_000), '', 'last');
    await withTokenizer(fixture, async (there) => {
      const ids = await there.encode(texts);
      expect(ids).toEqual(texts.map((text) => here.encode(text)));
      const bare = { addSpecialTokens: false };
      expect(await there.encode(['hi'], bare)).toEqual([here.encode('hi', bare)]);
      const how = { skipSpecialTokens: true, unknown: 'replace' } as const;
      const sequences = [...ids.slice(0, 99), [71, 320, 72]];
      expect(await there.decode(sequences, how)).toEqual(
        sequences.map((sequence) => here.decode(sequence, how)),
      );
      const chats = Array.from({ length: 50 }, () => golden.chat).flat();
      const options = { addGenerationPrompt: true };
      expect(
        await there.renderChats(
          chats.map(({ messages }) => messages),
          options,
        ),
      ).toEqual(chats.map(({ messages }) => here.renderChat(messages, options)));
      expect([await there.encode([]), await there.decode([])]).toEqual([[], []]);
    });
  });

  const limits = { open: 60, call: 0.5 };
  const endless = { Regex: '(a+)+$' };
  const bait = `${'a'.repeat(40)}b`;
  test.each<[string, object]>([
    ['pre_tokenizer', { type: 'Split', pattern: endless, behavior: 'Isolated', invert: false }],
    ['normalizer', { type: 'Replace', pattern: endless, content: '' }],
  ])('ends a %s whose pattern backtracks without end', async (part, value) => {
    const tokenizer = named({ ...json('tokenizer.json'), [part]: value });
    const use = async (client: TokenizerClient): Promise<void> => {
      expect(await client.encode(['b'])).toHaveLength(1);
      patience.call = limits.call;
      const error = await failureOf(client.encode([bait]));
      expect(error).toBeInstanceOf(FormatError);
      expect((error as Error).message).toBe(
        'm/tokenizer.json: encoding took more than 0.5 s: a pattern that backtracks without end?',
      );
      await expect(client.encode(['b'])).rejects.toThrow(/encoding took too long/);
    };
    // A busy machine may take its time over what ends.
    const patience = { open: 60, call: 60 };
    await withTokenizer({ tokenizer }, use, patience);
  });

  test('ends a chat template that loops without end', async () => {
    const loops = Array.from({ length: 4 }, (_, i) => `{% for i${i} in range(10000) %}`).join('');
    const chatTemplate = `${loops}${'{% endfor %}'.repeat(4)}`;
    const render = (client: TokenizerClient) =>
      failureOf(client.renderChats([[{ role: 'user', content: 'hi' }]]));
    const error = await withTokenizer({ ...fixture, chatTemplate }, render, limits);
    expect(error).toBeInstanceOf(FormatError);
    expect((error as Error).message).toBe(
      'm/tokenizer.json: the chat template took more than 0.5 s: a loop without end?',
    );
  });

  test('ends the opening of more than it can open in its time', async () => {
    const file = characterTokenizerJson('abc');
    const merges = Array.from({ length: 300_000 }, () => ['a', 'b']);
    const tokenizer = named({ ...file, model: { ...(file.model as object), merges } });
    const error = await failureOf(TokenizerClient.open({ tokenizer }, { open: 0.02, call: 1 }));
    expect(error).toBeInstanceOf(FormatError);
    expect((error as Error).message).toBe(
      'm/tokenizer.json: opening took more than 0.02 s: too many tokens or merges?',
    );
  });

  test.each<[string, TokenizerTexts, string]>([
    ['no JSON', { tokenizer: { name: 'm/t', text: '{\n!' } }, 'm/t line 2: not JSON'],
    ['no tokenizer', { tokenizer: named({}) }, "m/tokenizer.json: no 'model' object"],
    [
      'a config that is no JSON',
      { ...fixture, config: { name: 'm/c', text: '[' } },
      'm/c line 1: not JSON',
    ],
  ])('refuses %s with a FormatError', async (_, texts, message) => {
    const error = await failureOf(TokenizerClient.open(texts));
    expect(error).toBeInstanceOf(FormatError);
    expect((error as Error).message).toContain(message);
  });

  test('names the text that cannot be encoded, in any batch, and the id without a token', async () => {
    const file = characterTokenizerJson('abc');
    // A token for the unknown that is not in the vocabulary itself.
    const tokenizer = named({ ...file, model: { ...(file.model as object), unk_token: '<unk>' } });
    await withTokenizer({ tokenizer }, async (client) => {
      const texts = [...Array<string>(700).fill('cab'), 'a?c', 'b'];
      const error = await failureOf(client.encode(texts, {}, (i) => `d line ${i + 1}`));
      expect(error).toBeInstanceOf(FormatError);
      expect((error as Error).message).toBe(
        'd line 701: m/tokenizer.json: no token for part 1 of the text',
      );
      await expect(client.decode([[0], [3]])).rejects.toThrow(/^m\/tokenizer.json: no token has/);
      await expect(client.renderChats([[]])).rejects.toThrow('m/tokenizer.json: no chat template');
      expect(await client.encode(['cab'])).toEqual([[2, 0, 1]]);
    });
  });

  // A worker that runs on would keep this process alive.
  test('is ended with the command that opened it, also when that fails', () => {
    const scratch = mkdtempSync(join(tmpdir(), 'limr-tokenizer-'));
    try {
      const [data, out] = [join(scratch, 'd.jsonl'), join(scratch, 'out')];
      writeFileSync(data, '{"text":"ab"}\n{"text":""}\n');
      const main = pathToFileURL('src/cli/main.ts').href;
      const script = join(scratch, 'limr.mjs');
      writeFileSync(
        script,
        `const { main } = await import(${JSON.stringify(main)});
        process.exitCode = await main(process.argv.slice(2));`,
      );
      const argv = ['sft', folder, '--data', data, '--out', out];
      const hooks = ['--import', './scripts/ts-hooks.mjs'];
      const ended = spawnSync(process.execPath, [...hooks, script, ...argv], {
        encoding: 'utf8',
        timeout: 60_000,
      });
      expect(ended.stderr.trim().split('\n').at(-1)).toBe(
        `limr sft: ${data} line 2: the prompt is empty`,
      );
      expect([ended.status, ended.signal]).toEqual([2, null]);
    } finally {
      rmSync(scratch, { recursive: true });
    }
  }, 90_000);
});
