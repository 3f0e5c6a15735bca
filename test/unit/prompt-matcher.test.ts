import { describe, expect, test } from 'vitest';
import { PromptMatcher } from '../../src/lim/prompt-matcher.ts';
import { RandomStream } from '../../src/random.ts';

const matcherOf = (...prompts: string[]): PromptMatcher => {
  const matcher = new PromptMatcher();
  for (const [i, prompt] of prompts.entries()) matcher.add(i, { prompt });
  return matcher;
};
const at = { where: 'row 1' };

describe('PromptMatcher', () => {
  test.each([
    [
      'Llama 3 with system text that runs into the header',
      'system\n\nThink.user\n\nQassistant\n\n',
    ],
    ['ChatML without its tokens', 'system\nThink.\nuser\nQ\nassistant\n'],
    ['Gemma without its tokens', 'user\nQ\nmodel\n'],
    ['Llama 2 with a system text', '[INST] <<SYS>>\nThink [INST].\n<</SYS>>\n\nQ [/INST]'],
    ['Mistral after an example', '[INST] Two? [/INST]2</s>[INST] Q [/INST]'],
    ['DeepSeek', '<｜begin▁of▁sentence｜>Think.<｜User｜>Q<｜Assistant｜>'],
    ['Gemma', '<bos><start_of_turn>user\nQ<end_of_turn>\n<start_of_turn>model\n'],
  ])('takes off the template of %s', (_, template) => {
    const prompts = ['What is 3 + 4?', 'What is 3 + 4? Write it in words.', 'user\n\nwhat?'];
    const matcher = matcherOf(...prompts);
    for (const [index, prompt] of prompts.entries()) {
      expect(matcher.find(template.replace('Q', prompt), at)).toEqual({ index, by: 'template' });
    }
  });

  test('words of the markup inside a prompt do not cut it', () => {
    const matcher = matcherOf('Explain the line\nuser\nin this log, assistant\n\nplease.');
    const prompt = 'Explain the line\nuser\nin this log, assistant\n\nplease.';
    const index = { index: 0, by: 'template' };
    expect(matcher.find(`system\nHelp.\nuser\n${prompt}\nassistant\n`, at)).toEqual(index);
    expect(matcher.find(`system\n\nHelp.user\n\n${prompt}assistant\n\n`, at)).toEqual(index);
  });

  test('where the response follows, a prompt in it does not count', () => {
    const matcher = matcherOf('How many legs have 3 dogs?', 'How many arms have 3 people?');
    const text =
      'system\nHelp.\nuser\nHow many legs have 3 dogs?\nassistant\n' +
      'As with How many arms have 3 people? it is 12.\nuser\nno';
    expect(matcher.find(text, { ...at, answered: true })).toEqual({ index: 0, by: 'template' });
    const loose = `Question: How many legs have 3 dogs?\nAnswer: How many arms have 3 people?`;
    expect(matcher.find(loose, { ...at, answered: true })).toMatchObject({ index: 0 });
    expect(() => matcher.find(loose, at)).toThrow('several prompts');
  });

  test('of prompts that begin alike the longest one that is there counts', () => {
    const base = 'What is the least number that';
    const matcher = matcherOf(base, `${base} divides`, `${base} divides 12`, `${base} divides 120`);
    const find = (text: string) => matcher.find(`Say: ${text} Now.`, at)?.index;
    expect(find(base)).toBe(0);
    expect(find(`${base} divides`)).toBe(1);
    expect(find(`${base} divides 12.`)).toBe(2);
    expect(find(`${base} divides 120.`)).toBe(3);
    expect(find(`${base} divides 13.`)).toBe(1);
    expect(find(`${base} divided.`)).toBe(0);
  });

  test('finds what a search one by one finds', () => {
    const stream = new RandomStream(9, 'test');
    const word = (): string => 'ab '.charAt(stream.below(3));
    const text = (length: number): string => Array.from({ length }, word).join('');
    const start = 'aaaa bbbb aaaa bbbb cc '; // what all begin with
    for (let round = 0; round < 200; round++) {
      const prompts = [
        ...new Set(Array.from({ length: 6 }, () => `${start}${text(stream.below(5))}`.trim())),
      ];
      const body = `${text(5)}${start}${text(4)} ${text(3)}`;
      const found = prompts.filter((prompt) => {
        for (let i = body.indexOf(prompt); i >= 0; i = body.indexOf(prompt, i + 1)) {
          const before = /\w/.test(body.charAt(i - 1)) && /\w/.test(prompt.charAt(0));
          const end = i + prompt.length;
          if (!before && !(/\w/.test(body.charAt(end - 1)) && /\w/.test(body.charAt(end))))
            return true;
        }
        return false;
      });
      const longest = found.reduce(
        (most, prompt) => (prompt.length > most.length ? prompt : most),
        '',
      );
      const got = matcherOf(...prompts).find(body, at)?.index;
      expect([body, prompts, got === undefined ? '' : prompts[got]]).toEqual([
        body,
        prompts,
        longest,
      ]);
    }
  });

  // Each of these took longer than anybody waited, with work that went with the square of the text.
  test('work goes with the length of a text', () => {
    const runs = Array.from({ length: 50 }, (_, i) => '!'.repeat(20 + i));
    expect(matcherOf(...runs).find(`x ${'!'.repeat(20_000)}`, at)).toEqual({
      index: 49,
      by: 'containment',
    });
    const many = '[INST]<<SYS>>'.repeat(300_000);
    expect(matcherOf('What is 3 + 4, all in all?').find(many, at)).toBeUndefined();
    const closed = `${many}<</SYS>> What is 3 + 4, all in all? [/INST]`;
    expect(matcherOf('What is 3 + 4, all in all?').find(closed, at)?.by).toBe('template');
    const blanks = `[INST]${' '.repeat(1000)}`.repeat(2000);
    expect(matcherOf('What is 3 + 4, all in all?').find(blanks, at)).toBeUndefined();
    const headers = 'user\n\nassistant\n\n'.repeat(100_000);
    expect(matcherOf('What is 3 + 4, all in all?').find(headers, at)).toBeUndefined();
    const lines = matcherOf(...Array.from({ length: 500 }, (_, i) => `${'a '.repeat(10)}${i}`));
    const found = `${'a '.repeat(10)}7\n`.repeat(30_000);
    expect(lines.find(found, at)).toEqual({ index: 7, by: 'containment' });
  }, 30_000);

  test('a text that begins like long prompts everywhere is refused by its row', () => {
    const matcher = matcherOf('!'.repeat(20_000), '!'.repeat(19_999));
    expect(() => matcher.find('!'.repeat(100_000), { where: 'dump.jsonl line 3' })).toThrow(
      'dump.jsonl line 3: too much of the text begins like prompts of the prompt file',
    );
  });
});
