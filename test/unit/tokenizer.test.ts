import { existsSync, readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { FormatError } from '../../src/formats/format-error.ts';
import { type ChatMessage, Tokenizer } from '../../src/formats/tokenizer.ts';

const json = (path: string): unknown => JSON.parse(readFileSync(path, 'utf8')) as unknown;

function load(folder: string): Tokenizer {
  const template = `${folder}/chat_template.jinja`;
  return new Tokenizer(
    {
      tokenizer: json(`${folder}/tokenizer.json`),
      config: json(`${folder}/tokenizer_config.json`),
      chatTemplate: existsSync(template) ? readFileSync(template, 'utf8') : undefined,
    },
    folder,
  );
}

interface Golden {
  readonly encode: readonly { text: string; ids: number[]; decoded: string }[];
  readonly chat: readonly {
    messages: ChatMessage[];
    add_generation_prompt: boolean;
    text: string;
  }[];
}

describe('Tokenizer', () => {
  const tokenizer = load('test/fixtures/models/qwen2-tied');

  test('writes U+FFFD for ids without a token where it is asked to', () => {
    const [ids, past] = [tokenizer.encode('Find x'), tokenizer.vocabSize];
    expect(() => tokenizer.decode([...ids, past])).toThrow(`no token has the id ${past}`);
    const text = (...parts: number[][]) => tokenizer.decode(parts.flat(), { unknown: 'replace' });
    expect(text([past], ids, [past, past + 7], ids)).toBe('\uFFFDFind x\uFFFD\uFFFDFind x');
    expect(text(Array<number>(100_000).fill(past))).toBe('\uFFFD'.repeat(100_000));
    expect(text(ids)).toBe('Find x');
  });

  const golden = json('test/fixtures/tokenizer.json') as Golden;

  test.each(golden.encode)(
    'encodes and decodes $text as tokenizers does',
    ({ text, ids, decoded }) => {
      expect(tokenizer.encode(text)).toEqual(ids);
      expect(tokenizer.decode(ids)).toBe(decoded);
    },
  );

  test.each(golden.chat)(
    'renders a chat as transformers does',
    ({ messages, text, ...options }) => {
      const addGenerationPrompt = options.add_generation_prompt;
      expect(tokenizer.renderChat(messages, { addGenerationPrompt })).toBe(text);
    },
  );

  test('leaves special tokens out on request', () => {
    expect(tokenizer.decode([319, 71, 72, 317], { skipSpecialTokens: true })).toBe('hi');
    expect(tokenizer.decode([319, 71, 72, 317])).toBe('<|im_start|>hi<|im_end|>');
  });

  test('knows its ids', () => {
    expect(tokenizer.vocabSize).toBe(320);
    expect(tokenizer.tokenId('<|im_end|>')).toBe(317);
    expect(tokenizer.tokenId('<|nothing|>')).toBeUndefined();
  });

  test('refuses ids outside the vocabulary', () => {
    expect(() => tokenizer.decode([71, 320])).toThrow(FormatError);
    expect(() => tokenizer.decode([71, 320])).toThrow(/no token has the id 320/);
    expect(() => tokenizer.decode([-1])).toThrow(/-1/);
  });

  test.each([
    [null],
    [[]],
    [{}],
    [{ model: 3 }],
    [{ model: { type: 'BPE' } }],
    [{ model: { type: 'Nothing' } }],
  ])('refuses %j for a tokenizer.json', (file) => {
    expect(() => new Tokenizer({ tokenizer: file }, 'x/tokenizer.json')).toThrow(FormatError);
    expect(() => new Tokenizer({ tokenizer: file }, 'x/tokenizer.json')).toThrow(
      /^x\/tokenizer.json: /,
    );
  });

  test.each<[string, Record<string, number>, unknown, RegExp]>([
    [
      'an id of 164,000,000',
      { a: 164_000_000 },
      [],
      /token "a" has the id 164000000, not one below/,
    ],
    ['an id past all others', { a: 0, b: 70_000 }, [], /below 65540 for 2 tokens/],
    ['an added id', { a: 0 }, [{ id: 9e15, content: '<x>' }], /token "<x>" has the id 9000000000/],
    ['a negative id', { a: -1 }, [], /token "a" has the id -1/],
    ['half an id', { a: 0.5 }, [], /token "a" has the id 0.5/],
  ])('refuses %s before it makes a list of them', (_, vocab, added_tokens, message) => {
    const file = { model: { type: 'BPE', vocab, merges: [] }, added_tokens };
    expect(() => new Tokenizer({ tokenizer: file }, 'x')).toThrow(FormatError);
    expect(() => new Tokenizer({ tokenizer: file }, 'x')).toThrow(message);
  });

  test('reads the template of the config, alone or named', () => {
    const file = json('test/fixtures/models/qwen2-tied/tokenizer.json');
    const render = (chat_template: unknown) =>
      new Tokenizer(
        { tokenizer: file, config: { chat_template, bos_token: { content: '<s>' } } },
        'x',
      ).renderChat([{ role: 'user', content: 'hi' }]);
    expect(render('{{ bos_token }}{{ messages[0].content }}')).toBe('<s>hi');
    expect(
      render([
        { name: 'tool', template: '' },
        { name: 'default', template: '{{ messages[0].role }}' },
      ]),
    ).toBe('user');
    expect(() => render(undefined)).toThrow(/x: no chat template/);
    expect(() => render('{% if %}')).toThrow(/x: chat template: /);
  });

  test('gives templates ranges, and none that fills the memory', () => {
    const tokenizerJson = json('test/fixtures/models/qwen2-tied/tokenizer.json');
    const render = (range: string) =>
      new Tokenizer(
        { tokenizer: tokenizerJson, chatTemplate: `\n{% for i in ${range} %}{{ i }},{% endfor %}` },
        'x',
      ).renderChat([]);
    expect(render('range(3)')).toBe('\n0,1,2,');
    expect(render('range(1, 6, 2)')).toBe('\n1,3,5,');
    expect(render('range(3, 0, -2)')).toBe('\n3,1,');
    expect(render('range(2, 1)')).toBe('\n');
    expect(() => render('range(1000000000000)')).toThrow(
      'x: chat template: range() of 1000000000000 numbers, more than the 100000 allowed',
    );
    expect(() => render('range(0, 1, 0)')).toThrow('x: chat template: range() takes no step of 0');
    expect(() => render('range("a")')).toThrow('x: chat template: range() takes whole numbers');
  });

  const stories = '../shared/models/stories260K';
  test('reads a sentencepiece-like tokenizer with byte fallback', (context) => {
    context.skip(!existsSync(stories), `no model at ${stories}`);
    const expected = json(`${stories}/expected.json`) as Record<'prompt' | 'text', string> &
      Record<'prompt_ids' | 'greedy_ids', number[]>;
    const llama = load(stories);
    expect(llama.encode(expected.prompt)).toEqual(expected.prompt_ids);
    expect(llama.encode(expected.prompt, { addSpecialTokens: false })).toEqual(
      expected.prompt_ids.slice(1),
    );
    expect(llama.decode(expected.greedy_ids, { skipSpecialTokens: true })).toBe(expected.text);
    const text = 'Zoë said 中文 😀';
    expect(llama.decode(llama.encode(text), { skipSpecialTokens: true })).toBe(text);
  });
});
