import { describe, expect, test } from 'vitest';
import { expectShallow } from '../../src/formats/json-depth.ts';

const nested = (depth: number): string => '['.repeat(depth) + ']'.repeat(depth);

describe('the depth of a JSON text', () => {
  test('is held, and what lies beyond is named by its line', () => {
    expectShallow(nested(4), 'x.json', 4);
    expect(() => expectShallow(`[\n\n${nested(4)}]`, 'x.json', 4)).toThrow(
      'x.json line 3: nested more than 4 deep',
    );
    expect(() => expectShallow('{"a":'.repeat(5), 'x.json', 4)).toThrow('nested more than 4 deep');
  });

  test('is that of what is open at once', () => {
    expectShallow(`[${Array.from({ length: 1000 }, () => '[[{}]]').join()}]`, 'x.json', 4);
  });

  test('does not count brackets inside texts', () => {
    expectShallow(JSON.stringify(['[[[[', '\\"[[[', '{{{{\\', '"[[[[']), 'x.json', 1);
  });
});
