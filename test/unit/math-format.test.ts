import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { RandomStream } from '../../src/random.ts';
import { lastBoxed, mathFormat } from '../../src/tasks/math-format.ts';

interface Row {
  readonly kind: string;
  readonly completion: string;
  readonly extracted: string | null;
  readonly reward: number;
}
const { rows } = JSON.parse(readFileSync('test/fixtures/reward.json', 'utf8')) as { rows: Row[] };

describe('mathFormat', () => {
  test('agrees with the released server on every row', () => {
    expect(rows.length).toBeGreaterThan(500);
    for (const { kind, completion, reward, extracted } of rows) {
      const got = mathFormat(completion);
      expect([kind, got.formatted]).toEqual([kind, reward !== -1]);
      if (got.formatted) expect([kind, got.extracted]).toEqual([kind, extracted]);
    }
  });

  test.each([
    ['\\boxed{1}', 'unfinished'],
    ['1<|im_end|>', 'boxes'],
    [`${'\\boxed{1}\n'.repeat(5)}<|im_end|>`, 'boxes'],
    ['\u4e2d'.repeat(9) + '\\boxed{1}<|im_end|>', 'garbled'],
    [`${'abcde'.repeat(5)}\\boxed{1}<|im_end|>`, 'repetition'],
    ['\\boxed 5<|im_end|>', 'no answer'],
    ['\\boxed{5}<|endoftext|>', null],
  ])('finds in %j what is wrong: %s', (text, reason) => {
    expect(mathFormat(text).reason).toBe(reason);
  });

  test('passes exactly 30 % of unusual characters', () => {
    // \boxed{1} has 9 usual characters: with 5 more they are 14 of 20.
    expect(mathFormat(`${'\u4e2d'.repeat(6)}words\\boxed{1}<|im_end|>`).reason).toBeNull();
    expect(mathFormat(`${'\u4e2d'.repeat(7)}words\\boxed{1}<|im_end|>`).reason).toBe('garbled');
  });

  test('counts characters, not halves of surrogate pairs', () => {
    expect(mathFormat('\u{1f600}'.repeat(6) + 'words\\boxed{1}<|im_end|>').reason).toBeNull();
    const four = '\u{1f600}\u{1f601}\u{1f602}\u{1f603}';
    const words =
      'some more words to keep the share low, many of them as it needs some more of usual ones';
    expect(mathFormat(`${four.repeat(7)}${words}\\boxed{1}<|im_end|>`).reason).toBeNull();
  });

  test('does not let a repetition cross a newline', () => {
    expect(mathFormat(`${'abcd\n'.repeat(9)}\\boxed{1}<|im_end|>`).reason).toBeNull();
    expect(mathFormat(`${'abcd '.repeat(5)}\\boxed{1}<|im_end|>`).reason).toBe('repetition');
  });

  test('looks at nothing behind the first end token', () => {
    expect(mathFormat('x<|im_end|>\n<|im_start|>assistant\n\\boxed{1}<|im_end|>').reason).toBe(
      'boxes',
    );
    expect(mathFormat('\\boxed{1}<|endoftext|>\\boxed{2}<|im_end|>').extracted).toBe('1');
  });

  test('judges long texts in time that grows with their length, not with its square', () => {
    const random = new RandomStream(1, 'test');
    const text = Array.from({ length: 200_000 }, () => 'abcdefg'[random.below(7)]).join('');
    const begun = process.cpuUsage();
    expect(mathFormat(`${text}\\boxed{1}<|im_end|>`).reason).toBeNull();
    const { user } = process.cpuUsage(begun);
    // A tenth of a second; with the square it would be minutes.
    expect(user).toBeLessThan(10e6);
  });
});

describe('lastBoxed', () => {
  test.each([
    ['\\boxed{1} \\boxed{2}', '2'],
    ['\\boxed{a{b{c{d}}}}', 'a{b{c{d}}}'],
    ['\\boxed{a{b{c{d{e}}}}}', null],
    ['\\boxed{1 \\boxed{2}', '2'],
    ['\\boxed{\\boxed{2}}', '\\boxed{2}'],
    ['\\boxed{}', ''],
    ['\\boxed{', null],
    ['boxed{1}', null],
  ])('of %s is %j', (text, want) => {
    expect(lastBoxed(text)).toBe(want);
  });
});
