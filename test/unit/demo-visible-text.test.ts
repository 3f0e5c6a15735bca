import { describe, expect, test } from 'vitest';
import { visibleString, visibleText } from '../../demo/visible-text.ts';

describe('text of a model', () => {
  test('stays as it is where every character can be seen', () => {
    for (const text of ['7-3*4=', '4,6#6;', 'ä 漢 🙂', '<b>&amp;</b>']) {
      expect(visibleText(text)).toEqual([{ text, hidden: false }]);
    }
    expect(visibleText('')).toEqual([]);
  });

  test('spells out what turns the text around it, or cannot be seen', () => {
    expect(visibleText('a\u202eb')).toEqual([
      { text: 'a', hidden: false },
      { text: 'U+202E', hidden: true },
      { text: 'b', hidden: false },
    ]);
  });

  test.each([
    ['\u0000', '[U+0000]'],
    ['\n', '[U+000A]'],
    ['\u007f', '[U+007F]'],
    ['\u00a0', '[U+00A0]'],
    ['\u00ad', '[U+00AD]'],
    ['\u061c', '[U+061C]'],
    ['\u200b\u200f', '[U+200B][U+200F]'],
    ['\u2028', '[U+2028]'],
    ['\u2066x\u2069', '[U+2066]x[U+2069]'],
    ['\u3000', '[U+3000]'],
    ['\ufeff', '[U+FEFF]'],
    ['\ue000', '[U+E000]'],
    ['\ud800', '[U+D800]'],
    ['\u{e0041}', '[U+E0041]'],
  ])('spells out %j', (text, shown) => {
    expect(visibleString(text)).toBe(shown);
  });
});
