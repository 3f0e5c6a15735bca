import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { bytesSource } from '../../src/formats/byte-source.ts';
import { FormatError } from '../../src/formats/format-error.ts';
import { parseJson } from '../../src/formats/json.ts';
import { readPrompts } from '../../src/formats/prompts.ts';
import { recordsOf } from '../../src/formats/records.ts';
import { RandomStream } from '../../src/random.ts';
import { imported } from '../support/rollout-import.ts';

const arrows = join(import.meta.dirname, '../field-cases/arrow');
const bytesOf = (name: string): Uint8Array => new Uint8Array(readFileSync(join(arrows, name)));

async function rowsOf(bytes: Uint8Array | string, name = 'f'): Promise<unknown[]> {
  const content = typeof bytes === 'string' ? new TextEncoder().encode(bytes) : bytes;
  const rows: unknown[] = [];
  for await (const { record } of recordsOf(bytesSource(name, content))) rows.push(record);
  return rows;
}

describe("Python's JSON", () => {
  test('NaN and Infinity are numbers wherever a value may stand, and text in strings', () => {
    expect(parseJson('[NaN, Infinity, -Infinity, {"a":NaN}]', 'f')).toEqual([
      NaN,
      Infinity,
      -Infinity,
      { a: NaN },
    ]);
    expect(parseJson(' NaN ', 'f')).toBeNaN();
    expect(parseJson('{"NaN": "Infinity \\" NaN", "b": [ -Infinity ,1e3]}', 'f')).toEqual({
      NaN: 'Infinity " NaN',
      b: [-Infinity, 1000],
    });
    for (const text of [
      '[nan]',
      '[-NaN]',
      '[+Infinity]',
      '[Inf]',
      '{NaN: 1}',
      '[NaNNaN]',
      '[NaN',
    ]) {
      expect(() => parseJson(text, 'f')).toThrow(/^f line 1: not JSON: /);
    }
  });

  test('names the character and what was due', () => {
    expect(() => parseJson('{"a" 1}', 'f')).toThrow(`f line 1: not JSON: "1" where ':' is due`);
    expect(() => parseJson('[1,\n', 'f')).toThrow('f line 2: not JSON: ends where a value is due');
    expect(() => parseJson('[NaN] x', 'f')).toThrow('f line 1: not JSON: "x" where the end is due');
  });

  test('makes own fields only, and the last of equal names counts', () => {
    const got = parseJson('{"__proto__": {"x": NaN}, "a": 1, "a": NaN}', 'f') as object;
    expect(Object.getPrototypeOf(got)).toBe(Object.prototype);
    expect(Object.keys(got)).toEqual(['__proto__', 'a']);
    expect((got as { x?: unknown }).x).toBeUndefined();
  });

  test('reads what the engine reads', () => {
    const stream = new RandomStream(3, 'test');
    const value = (depth: number): unknown => {
      const kind = stream.below(depth > 3 ? 5 : 7);
      if (kind === 0) return null;
      if (kind === 1) return stream.below(2) === 0;
      if (kind === 2) return (stream.below(2000) - 1000) / 8;
      if (kind === 3) return ['', 'é"\\', 'NaN', '\u2028\n', '🙂'][stream.below(5)];
      if (kind === 4) return 1e-7 * stream.below(100);
      const items = Array.from({ length: stream.below(4) }, () => value(depth + 1));
      return kind === 5 ? items : Object.fromEntries(items.map((item, i) => [`k${i}`, item]));
    };
    for (let i = 0; i < 500; i++) {
      const own = value(0);
      const indent = stream.below(3);
      const text = JSON.stringify([own, 'mark'], null, indent).replace(/"mark"\s*\]$/, 'NaN]');
      expect(parseJson(text, 'f')).toEqual([own, NaN]);
    }
  });

  test('depth and length exhaust nothing', () => {
    expect(parseJson(`${'['.repeat(100_000)}NaN${']'.repeat(100_000)}`, 'f')).toHaveLength(1);
    const many = parseJson(`[${'NaN,'.repeat(300_000)}1]`, 'f') as unknown[];
    expect(many).toHaveLength(300_001);
  });
});

describe('Arrow', () => {
  test('gives prompts with their messages, and leaves out what is of another kind', async () => {
    const { rows, layout } = await readPrompts(bytesSource('p', bytesOf('prompts.arrow')));
    expect(layout).toBe('jsonl');
    expect(rows.map(({ prompt, id, answer }) => [prompt, id, answer])).toEqual([
      ['What is 3 + 4?', 'p0', '7'],
      ['Why?', 'p1', undefined],
      ['A café?', undefined, '0'],
    ]);
    expect(rows[0].messages).toEqual([
      { content: 'Think.', role: 'system' },
      { content: 'What is 3 + 4?', role: 'user' },
    ]);
    expect(Object.keys(rows[0].record)).toEqual(['id', 'context_messages', 'answer']);
  });

  test('gives rollouts of its file form', async () => {
    const got = await imported(join(arrows, 'rollouts.arrow'));
    expect(got.rewards).toEqual([
      [1, null],
      [0, 1],
    ]);
    const reward = await imported(join(arrows, 'rollouts.arrow'), { signal: 'reward' });
    expect(reward.rewards).toEqual([
      [1, 0.5],
      [null, -0.5],
    ]);
  });

  test('any damage gives rows or one typed error', async () => {
    const stream = new RandomStream(5, 'test');
    let refused = 0;
    for (const name of ['prompts.arrow', 'rollouts.arrow']) {
      const whole = bytesOf(name);
      for (let i = 0; i < 3000; i++) {
        const bytes = whole.slice(
          0,
          stream.below(8) === 0 ? stream.below(whole.length) : undefined,
        );
        for (let n = stream.below(4); n >= 0 && bytes.length > 0; n--) {
          bytes[stream.below(bytes.length)] = [0, 255, stream.below(256)][stream.below(3)];
        }
        try {
          await rowsOf(bytes);
        } catch (error) {
          expect(error).toBeInstanceOf(FormatError);
          refused++;
        }
      }
    }
    expect(refused).toBeGreaterThan(500);
  });

  const own = join(import.meta.dirname, '../../../shared/data/limr/limr-train.arrow');
  test("reads LIMR's own split", async (context) => {
    if (!existsSync(own)) context.skip('no ../shared/data/limr here');
    const { rows } = await readPrompts(bytesSource('limr', new Uint8Array(readFileSync(own))));
    expect(rows).toHaveLength(1389);
    expect(rows.every(({ id, answer, messages }) => id && answer && messages?.length === 2)).toBe(
      true,
    );
  });
});

describe('tables and objects', () => {
  test('a JSON object over several lines is no JSONL', async () => {
    const table = { columns: ['prompt', 'reward'], data: [['a', 1]] };
    expect(await rowsOf(JSON.stringify(table, null, 2))).toEqual([{ prompt: 'a', reward: 1 }]);
    expect(await rowsOf(JSON.stringify({ prompt: 'a' }, null, 2))).toEqual([{ prompt: 'a' }]);
    await expect(rowsOf('{\n"a": 1,\n}')).rejects.toThrow('f line 1: not JSON');
    expect(await rowsOf('{"columns": [], "data": []}')).toEqual([]);
  });
});
