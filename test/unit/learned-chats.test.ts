import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { bytesSource } from '../../src/formats/byte-source.ts';
import { readLearningRows } from '../../src/formats/learning-rows.ts';
import { type ChatMessage, Tokenizer } from '../../src/formats/tokenizer.ts';
import { TokenizerClient } from '../../src/formats/tokenizer-client.ts';
import golden from '../fixtures/chat/chat.json';

interface Row {
  readonly family: string;
  readonly name: string;
  readonly messages: ChatMessage[];
  readonly add_generation_prompt: boolean;
  readonly variables: object;
  readonly ids?: number[];
  readonly assistant_mask?: number[];
}
const now = new Date(golden.now);
const rows = golden.rows as unknown as Row[];

const textOf = (family: string, name: string) =>
  readFileSync(`test/fixtures/chat/${family}/${name}`, 'utf8');
const json = (text: string) => JSON.parse(text) as Record<string, unknown>;

/** The tokenizer of a family, with another chat template where one is given. */
function tokenizerOf(family: string, chatTemplate = textOf(family, 'chat_template.jinja')) {
  const files = {
    tokenizer: json(textOf(family, 'tokenizer.json')),
    config: json(textOf(family, 'tokenizer_config.json')),
    chatTemplate,
  };
  return new Tokenizer(files, family);
}

const user = (content: string): ChatMessage => ({ role: 'user', content });
const assistant = (content: string): ChatMessage => ({ role: 'assistant', content });

describe('Tokenizer.learnedChat', () => {
  const marked = rows.filter((row) => row.assistant_mask && !row.add_generation_prompt);

  test.each(marked.map((row) => [row.name, row] as const))(
    'learns what the generation tag of chatml holds: %s',
    (_, row) => {
      const { ids, learned } = tokenizerOf('chatml').learnedChat(row.messages, [], now);
      expect(ids).toEqual(row.ids);
      const mask = ids.map((__, i) => Number(learned.some(([from, to]) => i >= from && i < to)));
      expect(mask).toEqual(row.assistant_mask);
    },
  );

  test('has rows to compare with', () => expect(marked.length).toBeGreaterThan(2));

  const last = rows.filter(
    ({ family, ids, messages, add_generation_prompt: prompted, variables }) =>
      family !== 'chatml' &&
      ids !== undefined &&
      !prompted &&
      Object.keys(variables).length === 0 &&
      messages.at(-1)?.role === 'assistant',
  );
  test.each(last.map((row) => [row.family, row.name, row] as const))(
    'learns the last turn up to its end token, where nothing is marked: %s %s',
    (family, _, { messages, ids: want }) => {
      const tokenizer = tokenizerOf(family);
      const end = json(textOf(family, 'tokenizer_config.json')).eos_token as string;
      const endId = tokenizer.tokenId(end)!;
      const { ids, learned } = tokenizer.learnedChat(messages, [endId], now);
      expect(ids).toEqual(want!.slice(0, want!.lastIndexOf(endId) + 1));
      const [[from, to]] = learned;
      expect([learned.length, to]).toEqual([1, ids.length]);
      const said = tokenizer.decode(ids.slice(from, to));
      const content = (messages.at(-1)!.content as string).trim();
      expect(said.endsWith(end)).toBe(true);
      expect(said).toContain(content.replace(/^<think>\s*/, ''));
      const prompt = tokenizer.renderChat(messages.slice(0, -1), {
        addGenerationPrompt: true,
        now,
      });
      expect(tokenizer.decode(ids.slice(0, from))).toBe(prompt);
    },
  );

  test('has such rows of every family', () => {
    expect([...new Set(last.map(({ family }) => family))].sort()).toEqual([
      'gemma3',
      'llama3',
      'mistral',
      'qwen25',
      'qwen3',
    ]);
  });

  test('learns every turn that is marked, and a token that a mark divides', () => {
    const template =
      "{% for m in messages %}{% if m.role == 'assistant' %}h{% generation %}i{{ m.content }}" +
      '{% endgeneration %}{% else %}{{ m.content }}{% endif %}{% endfor %}';
    const tokenizer = tokenizerOf('chatml', template);
    const { ids, learned } = tokenizer.learnedChat(
      [user('u'), assistant(' a'), user('u'), assistant(' b')],
      [],
      now,
    );
    expect(tokenizer.decode(ids)).toBe('uhi auhi b');
    const texts = learned.map(([from, to]) => tokenizer.decode(ids.slice(from, to)));
    expect(texts).toHaveLength(2);
    for (const [i, said] of texts.entries()) expect(said).toContain(['i a', 'i b'][i]);
  });

  test('refuses a conversation whose last turn is not the assistant or cannot be found', () => {
    const tokenizer = tokenizerOf('qwen25');
    expect(() => tokenizer.learnedChat([user('1')], [], now)).toThrow(
      /the last message is of the user, must be the assistant's/,
    );
    const odd = tokenizerOf('qwen25', '{{ messages | length }}{{ add_generation_prompt }}');
    expect(() => odd.learnedChat([user('1'), assistant('2')], [], now)).toThrow(
      /begins the assistant's turn otherwise than a prompt ends/,
    );
  });
});

describe('readLearningRows', () => {
  const read = async (
    lines: readonly unknown[],
    system?: string,
    family = 'chatml',
    endTokens: readonly number[] = [],
  ) => {
    const client = await TokenizerClient.open({
      tokenizer: { name: 't', text: textOf(family, 'tokenizer.json') },
      config: { name: 'c', text: textOf(family, 'tokenizer_config.json') },
      chatTemplate: textOf(family, 'chat_template.jinja'),
    });
    try {
      const text = lines.map((row) => JSON.stringify(row)).join('\n');
      const source = bytesSource('d.jsonl', new TextEncoder().encode(text));
      return await readLearningRows(
        source,
        client,
        { endTokens, longest: 500, vocabSize: 330 },
        { system },
      );
    } finally {
      await client.close();
    }
  };

  test('puts messages into the template; of several turns, those between do not count', async () => {
    const tokenizer = tokenizerOf('chatml');
    const messages = [user('a'), assistant('b'), user('c'), assistant('d')];
    const sharegpt = {
      conversations: [
        { from: 'human', value: 'a' },
        { from: 'gpt', value: 'b' },
      ],
    };
    const [several, text, single] = await read(
      [{ messages }, { prompt: 'x', response: 'y' }, sharegpt],
      'Be brief.',
    );
    expect(text).not.toHaveProperty('counted');
    expect(single).not.toHaveProperty('counted');
    expect(tokenizer.decode(single.prompt)).toBe(
      '<|im_start|>system\nBe brief.<|im_end|>\n<|im_start|>user\na<|im_end|>\n<|im_start|>assistant\n',
    );
    expect(tokenizer.decode(single.response)).toBe('b<|im_end|>');
    const counted = several.response.filter((_, i) => several.counted![i]);
    expect(tokenizer.decode(counted)).toBe('b<|im_end|>d<|im_end|>');
    expect(tokenizer.decode(several.response)).toBe(
      'b<|im_end|>\n<|im_start|>user\nc<|im_end|>\n<|im_start|>assistant\nd<|im_end|>',
    );
  });

  test('gives the same rows every day, also where the template names the date', async () => {
    const [row] = await read(
      [{ messages: [user('a'), assistant('b')] }],
      undefined,
      'llama3',
      [329],
    );
    const text = tokenizerOf('llama3').decode([...row.prompt, ...row.response]);
    expect(text).toContain('26 Jul 2024');
    expect(text).toMatch(/b<\|eot_id\|>$/);
  });

  test('keeps a system message that a conversation has', async () => {
    const [row] = await read(
      [{ messages: [{ role: 'system', content: 'own' }, user('a'), assistant('b')] }],
      'other',
    );
    expect(tokenizerOf('chatml').decode(row.prompt)).toMatch(
      /^<\|im_start\|>system\nown<\|im_end\|>/,
    );
  });

  test.each<[string, unknown, string | undefined, RegExp]>([
    [
      'messages that are no list',
      { messages: 'hi' },
      undefined,
      /^d\.jsonl line 2: messages must be a list/,
    ],
    [
      'no user',
      { messages: [assistant('b')] },
      undefined,
      /^d\.jsonl line 2: messages has no user message/,
    ],
    [
      'no assistant',
      { messages: [user('a')] },
      undefined,
      /^d\.jsonl line 2: the last message is of the user/,
    ],
  ])('refuses %s, by its line', async (_, row, system, why) => {
    const good = { messages: [user('a'), assistant('b')] };
    await expect(read([good, row], system)).rejects.toThrow(why);
  });

  test('refuses a system text that no row takes', async () => {
    await expect(read([{ text: 'abc' }], 'Be brief.')).rejects.toThrow(
      /^d\.jsonl: no row has messages, which a system text needs/,
    );
  });
});
