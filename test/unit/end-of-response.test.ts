import { describe, expect, test } from 'vitest';
import { endOf, knownEndTokens } from '../../src/tasks/end-of-response.ts';

describe('endOf', () => {
  test.each(knownEndTokens.map((token) => [token]))(
    '%s ends a response, once or often',
    (token) => {
      for (const tail of [token, `${token}\n`, `${token}${token}`, `${token} ${token}\n\n`]) {
        expect(endOf(`four${tail}`)).toEqual({ text: 'four', finished: true });
      }
    },
  );

  test.each([
    ['four', 'four', false],
    ['', '', false],
    ['</s>', '', true],
    ['four <|endoftext|></s>', 'four ', true],
    ['four</s><|im_end|>', 'four', true],
    ['four</s><pad><pad>', 'four', true],
    ['four<pad>', 'four<pad>', false],
    // What a mark ends is over; </s> is also HTML.
    ['four<|eot_id|><|start_header_id|>user<|end_header_id|>', 'four', true],
    ['four<end_of_turn>\n<start_of_turn>user\nfive', 'four', true],
    ['<s>three</s> four', '<s>three</s> four', false],
    // Tokens of families that are not known.
    ['four<|end|>', 'four<|end|>', false],
    ['four[/INST]', 'four[/INST]', false],
  ])('of %j is %j, finished %s', (response, text, finished) => {
    expect(endOf(response)).toEqual({ text, finished });
  });

  test.each([
    ['four<|end|>', '<|end|>'],
    ['four<|end|><|user|>', '<|end|>'],
    ['four<\uff5cend\u2581of\u2581sentence\uff5c>', '<\uff5cend\u2581of\u2581sentence\uff5c>'],
    ['four</answer>\n', '</answer>'],
    ['four\n\n', '\n\n'],
  ])('%j ends with a token given', (response, token) => {
    expect(endOf(response, { endTokens: [token] })).toEqual({ text: 'four', finished: true });
  });

  test('believes who knows, and takes the token off all the same', () => {
    expect(endOf('four</s>', { finished: false })).toEqual({ text: 'four', finished: false });
    expect(endOf('four', { finished: true })).toEqual({ text: 'four', finished: true });
    expect(endOf('four<|im_end|>\n', { finished: true })).toEqual({ text: 'four', finished: true });
  });
});
