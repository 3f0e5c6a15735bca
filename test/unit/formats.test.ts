import { describe, expect, test } from 'vitest';
import { bytesSource, readAll, readText, type ByteSource } from '../../src/formats/byte-source.ts';
import { FormatError } from '../../src/formats/format-error.ts';
import { parseJson } from '../../src/formats/json.ts';
import { readJsonLines } from '../../src/formats/json-lines.ts';
import { readParquet, writeParquet } from '../../src/formats/parquet.ts';
import { readPrompts } from '../../src/formats/prompts.ts';
import {
  detectRollouts,
  readRollouts,
  type RolloutFormat,
  type RolloutRow,
} from '../../src/formats/rollouts.ts';
import { flat } from '../support/flat.ts';
import { readScores } from '../../src/formats/score-file.ts';
import { subsetFile } from '../../src/formats/subsets.ts';
import { RandomStream } from '../../src/random.ts';

const source = (content: string | Uint8Array, name = 'f.jsonl'): ByteSource =>
  bytesSource(name, typeof content === 'string' ? new TextEncoder().encode(content) : content);

async function all<T>(items: AsyncIterable<T>): Promise<T[]> {
  const found: T[] = [];
  for await (const item of items) found.push(item);
  return found;
}

const rollouts = (content: string | Uint8Array, format: RolloutFormat): Promise<RolloutRow[]> =>
  all(flat(readRollouts(source(content), format)));

describe('parseJson', () => {
  const lineOf = (text: string): number => {
    try {
      parseJson(text, 'f.json');
    } catch (error) {
      return Number(/^f\.json line (\d+): not JSON: /.exec((error as Error).message)?.[1]);
    }
    throw new Error(`this is JSON: ${text}`);
  };

  test.each([
    ['a bare word', '{\n  "b": [1,\n  2],\n  "a": oops}', 4],
    ['a missing colon', '{\n"a"\n1}', 3],
    ['a missing comma', '[\n1,\n2\n3]', 4],
    ['a comma too many', '{"a": 1,\n}', 2],
    ['a wrong bracket', '{"a": [1\n}\n}', 2],
    ['a line break in a string', '[\n"a\nb"]', 2],
    ['an escape that is none', '[\n"\\u12",\n"\\x"]', 2],
    ['a number that goes on', '[1,\n01]', 2],
    ['single quotes', "{\n\n'a': 1}", 3],
    ['more after the end', '{}\n\n{}', 3],
    ['an early end', '[\n[\n', 3],
    ['an early end in a string', '["a\\"', 1],
    ['nothing', '', 1],
  ])('names the line of %s', (_, text, line) => {
    expect(lineOf(text)).toBe(line);
  });

  test('stops where the engine says that it does', () => {
    const value = { a: [1, -2.5e3, true, null, 'x\n"y"'], b: { c: [], d: {} }, 'é"': [[false]] };
    const whole = JSON.stringify(value, null, 2);
    const stream = new RandomStream(7, 'test');
    let told = 0;
    for (let i = 0; i < 3000; i++) {
      const at = stream.below(whole.length);
      const put = '[]{}",:\\0.-e tx\n'.charAt(stream.below(17));
      const text = whole.slice(0, at) + put + whole.slice(at + stream.below(2));
      let position: string | undefined;
      try {
        JSON.parse(text);
      } catch (error) {
        position = /position (\d+)/.exec((error as Error).message)?.[1];
      }
      if (position === undefined) continue;
      told++;
      expect([text, lineOf(text)]).toEqual([
        text,
        text.slice(0, Number(position)).split('\n').length,
      ]);
    }
    expect(told).toBeGreaterThan(100);
  });

  test('is not exhausted by depth or length', () => {
    expect(lineOf(`${'['.repeat(200_000)}\n!`)).toBe(2);
    expect(lineOf(`["${'\\n'.repeat(1_000_000)}"\n!`)).toBe(2);
  });
});

describe('JSONL', () => {
  test('takes off a byte order mark and CRLF, and skips blank lines but counts them', async () => {
    const got = await all(readJsonLines(source('\uFEFF{"a":1}\r\n\r\n  \n{"a":2}')));
    expect(got).toEqual([
      { line: 1, value: { a: 1 } },
      { line: 4, value: { a: 2 } },
    ]);
  });

  test.each([
    ['broken JSON', '{"a":1}\n{"a":}\n', 'f.jsonl line 2: not JSON'],
    ['a word like NaN', '{"a":Nan}', 'f.jsonl line 1: not JSON'],
    ['a NUL byte', '{}\n{"a":"\0"}', 'f.jsonl line 2: holds a NUL'],
    ['a later byte order mark', '{}\n\uFEFF{}', 'f.jsonl line 2: not JSON'],
    ['half a line at the end', '{}\n{"a"', 'f.jsonl line 2: not JSON'],
  ])('names the line of %s', async (_, text, message) => {
    await expect(all(readJsonLines(source(text)))).rejects.toThrow(message);
    await expect(all(readJsonLines(source(text)))).rejects.toBeInstanceOf(FormatError);
  });

  test('gives the rows before a fault, over the borders of what is read at once', async () => {
    // Lines of 41 bytes: several of them lie across the borders of a mebibyte.
    const rows = Array.from({ length: 60_000 }, (_, i) => ({ row: i, text: 'ä'.repeat(8) }));
    const text = rows.map((row) => JSON.stringify(row).padEnd(40)).join('\n');
    expect(await all(readJsonLines(source(text)))).toEqual(
      rows.map((value, i) => ({ line: i + 1, value })),
    );
    const seen: number[] = [];
    const read = async (): Promise<void> => {
      for await (const { line } of readJsonLines(source(`${text}\nnothing\n{"row":0}`))) {
        seen.push(line);
      }
    };
    await expect(read()).rejects.toThrow('line 60001: ');
    expect(seen).toHaveLength(60_000);
  });

  test('names the line of bytes that are not UTF-8', async () => {
    const bytes = Uint8Array.of(0x7b, 0x7d, 0x0a, 0x22, 0xff, 0x22);
    await expect(all(readJsonLines(source(bytes)))).rejects.toThrow('f.jsonl line 2: not UTF-8');
  });

  test('refuses a line past the limit without holding the rest of the file', async () => {
    // Claims a gigabyte without a newline; a reader that went on would ask for all of it.
    let asked = 0;
    const endless: ByteSource = {
      name: 'endless',
      size: 2 ** 30,
      slice: (start, end) => {
        asked = Math.max(asked, end);
        return Promise.resolve(new Uint8Array(end - start).fill(0x20));
      },
    };
    await expect(all(readJsonLines(endless, { limit: 3 << 20 }))).rejects.toThrow(
      'endless line 1: longer than the 3145728 bytes allowed',
    );
    expect(asked).toBeLessThan(6 << 20);
  });

  test('gives the same rows wherever the reads are cut', async () => {
    const stream = new RandomStream(7, 'test');
    const rows = Array.from({ length: 400 }, (_, i) => ({
      i,
      text: 'é🙂x'.repeat(stream.below(4000)),
    }));
    const text = rows.map((row) => JSON.stringify(row)).join('\n');
    expect(text.length).toBeGreaterThan(2 << 20);
    const got = await all(readJsonLines(source(text)));
    expect(got.map(({ value }) => value)).toEqual(rows);
  });

  test('any bytes give rows or a FormatError, nothing else', async () => {
    const stream = new RandomStream(11, 'test');
    const seed = new TextEncoder().encode('{"prompt":"a","reward":1}\n[{"x":[1,2]}]\n"s"\n');
    for (let i = 0; i < 400; i++) {
      const bytes = seed.slice();
      for (let n = stream.below(4); n >= 0; n--)
        bytes[stream.below(bytes.length)] = stream.below(256);
      for (const format of ['jsonl', 'limr', 'verl', 'trl', 'openrlhf'] as const) {
        try {
          await rollouts(bytes, format);
        } catch (error) {
          expect(error).toBeInstanceOf(FormatError);
        }
      }
    }
  });
});

describe('rollouts', () => {
  test.each([
    [
      'the reward as text',
      '{"prompt":"a","reward":"1"}',
      'line 1: reward must be a finite number, is the string "1"',
    ],
    ['a missing reward', '{"prompt":"a"}', 'line 1: no field reward or rewards or score or scores'],
    ['a missing prompt', '{"reward":1}', 'line 1: no field prompt'],
    [
      'a prompt that is a number',
      '{"prompt":3,"reward":1}',
      'line 1: prompt must be text, is the number 3',
    ],
    [
      'half a surrogate pair',
      '{"prompt":"\\ud800","reward":1}',
      'line 1: prompt holds half a surrogate',
    ],
    ['an escaped NUL', '{"prompt":"\\u0000","reward":1}', 'line 1: prompt holds a NUL'],
    [
      'a fractional step',
      '{"prompt":"a","reward":1,"step":1.5}',
      'line 1: step must be a whole number',
    ],
    ['a row that is no object', '[1]\n', 'f.jsonl row 1: must be an object'],
    [
      'correct as text',
      '{"prompt":"a","reward":1,"correct":"yes"}',
      'line 1: correct must be true or false',
    ],
    ['an inherited field', '{"__proto__":{"prompt":"a"},"reward":1}', 'line 1: no field prompt'],
  ])('names the row of %s', async (_, text, message) => {
    await expect(rollouts(text, 'jsonl')).rejects.toThrow(message);
    await expect(rollouts(text, 'jsonl')).rejects.toBeInstanceOf(FormatError);
  });

  test.each([
    ['limr', '[{"prompt":"a","response":"r","reward":-0.5,"response_length":3}]', -0.5],
    ['verl', '{"input":"a","output":"r","gts":"1","score":1.0,"step":4,"limr_id":"x"}\n', 1],
    ['openrlhf', '{"query":"a","label":"1","reward":0.25}\n', 0.25],
    ['jsonl', '{"prompt":"a","reward":1,"epoch":2}\n', 1],
  ] as const)('knows %s by its fields', async (format, text, reward) => {
    expect(await detectRollouts(source(text))).toBe(format);
    const [row] = await rollouts(text, format);
    expect(row).toMatchObject({ prompt: 'a', reward });
  });

  test('reads a TRL completions table, messages and one reward column', async () => {
    const bytes = await writeParquet([
      { step: 3, prompt: 'a', completion: 'r', accuracy_reward: 1, advantage: 0.5 },
      { step: 3, prompt: 'b', completion: 'r', accuracy_reward: -0.5, advantage: 0.5 },
    ]);
    expect(await detectRollouts(source(bytes))).toBe('trl');
    expect(
      (await rollouts(bytes, 'trl')).map(({ prompt, reward, step }) => [prompt, reward, step]),
    ).toEqual([
      ['a', 1, 3],
      ['b', -0.5, 3],
    ]);
    const several = await writeParquet([{ prompt: 'a', one: 1, two: 2 }]);
    await expect(rollouts(several, 'trl')).rejects.toThrow('(one, two); name one: --reward one');
    const named = await all(
      flat(readRollouts(source(several), 'trl', { reward: [{ name: 'two', weight: 1 }] })),
    );
    expect(named[0]).toMatchObject({ reward: 2 });
  });

  test('takes the last user turn of a chat as its prompt', async () => {
    const chat = [
      { role: 'system', content: 's' },
      { role: 'user', content: 'q' },
    ];
    const [row] = await rollouts(JSON.stringify({ prompt: chat, reward: 1 }), 'jsonl');
    expect(row.prompt).toBe('q');
    await expect(rollouts('{"prompt":[],"reward":1}', 'jsonl')).rejects.toThrow('no user message');
  });

  test('refuses what it does not know, and an empty file', async () => {
    await expect(detectRollouts(source('{"a":1}'))).rejects.toThrow(
      'f.jsonl row 1: no known rollout format has the fields a',
    );
    expect(await detectRollouts(source(''))).toBe('empty');
    await expect(detectRollouts(source('[\n{"prompt": "a",\n"reward" 1}]'))).rejects.toThrow(
      'f.jsonl line 3: not JSON',
    );
  });
});

describe('parquet', () => {
  test('gives back what was written', async () => {
    const rows = [
      { prompt: 'é', score: 0.5, kept: true, chat: [{ role: 'user' }] },
      { prompt: 'b', score: -1, kept: false, chat: [] },
    ];
    expect(await all(readParquet(source(await writeParquet(rows))))).toEqual(rows);
  });

  test('truncated or damaged: a FormatError or rows, never another error', async () => {
    const whole = await writeParquet([{ prompt: 'abc', reward: 1, step: 1 }]);
    const stream = new RandomStream(5, 'test');
    for (let i = 0; i < 6; i++) {
      const bytes = whole.slice(0, i % 2 === 0 ? stream.below(whole.length) : whole.length);
      if (i % 2 === 1) bytes[100 + stream.below(bytes.length - 100)] ^= 1 << stream.below(8);
      try {
        await all(readParquet(source(bytes), 5));
      } catch (error) {
        expect(error).toBeInstanceOf(FormatError);
      }
    }
  }, 120_000);

  test('a page whose header is none is refused before it is read', async () => {
    const bytes = await writeParquet([{ prompt: 'abc', reward: 1, step: 1 }]);
    bytes[11] ^= 4; // found by flipping every bit: hyparquet 1.31 never returns
    await expect(all(readParquet(source(bytes), 20))).rejects.toThrow(
      'f.jsonl: not readable as parquet: row group 1: column prompt: a page has no values',
    );
  }, 60_000);

  test('a reader that takes too long is given up', async () => {
    const rows = Array.from({ length: 2000 }, (_, i) => ({ prompt: `prompt ${i}` }));
    await expect(all(readParquet(source(await writeParquet(rows)), 0))).rejects.toThrow(
      'f.jsonl: not readable as parquet: took more than 0 s: damaged, or too large',
    );
  }, 60_000);

  /** A file whose footer gives its rows as others. */
  async function claiming(rows: number, claimed: number): Promise<Uint8Array> {
    const bytes = await writeParquet(
      Array.from({ length: rows }, (_, i) => ({ prompt: `What is ${i}?`, reward: i % 2, step: 1 })),
    );
    const size = new DataView(bytes.buffer, bytes.byteOffset).getUint32(bytes.length - 8, true);
    const footer = [...bytes.subarray(bytes.length - 8 - size, bytes.length - 8)];
    const varint = (value: number): number[] =>
      value < 128 ? [value] : [(value & 127) | 128, ...varint(Math.floor(value / 128))];
    // A field of 64 bits, the next one behind another: rows of the file, of a group, of a column.
    const [find, put] = [rows, claimed].map((count) => [0x16, ...varint(2 * count)]);
    const patched: number[] = [];
    for (let i = 0; i < footer.length;) {
      const found = find.every((byte, k) => footer[i + k] === byte);
      patched.push(...(found ? put : [footer[i]]));
      i += found ? find.length : 1;
    }
    const end = new Uint8Array(8);
    new DataView(end.buffer).setUint32(0, patched.length, true);
    end.set([0x50, 0x41, 0x52, 0x31], 4);
    return Uint8Array.from([...bytes.subarray(0, bytes.length - 8 - size), ...patched, ...end]);
  }

  test('claims of its footer are held against its pages', async () => {
    expect(await all(readParquet(source(await claiming(300, 300))))).toHaveLength(300);
    for (const claimed of [301, 5_000_000, 100_000_000, 2 ** 40]) {
      const bytes = await claiming(300, claimed);
      expect(bytes.length).toBeLessThan(8192);
      await expect(all(readParquet(source(bytes)))).rejects.toThrow(
        `f.jsonl: not readable as parquet: row group 1 claims ${claimed} rows and ${claimed} values ` +
          'of prompt, its pages hold 300',
      );
    }
  }, 60_000);

  test('more rows than its bytes can be worth are refused', async () => {
    const rows = Array.from({ length: 200_000 }, () => ({ right: true }));
    await expect(all(readParquet(source(await writeParquet(rows))))).rejects.toThrow(
      /row group \d claims \d+ values in \d+ bytes, more than the \d+ allowed/,
    );
  }, 60_000);

  test('rows come whole over the boundary of the worker, however many', async () => {
    const rows = Array.from({ length: 5000 }, (_, i) => ({ prompt: `prompt ${i}`, n: i }));
    expect(await all(readParquet(source(await writeParquet(rows))))).toEqual(rows);
  }, 60_000);
});

describe('sources', () => {
  test('a size cap is checked before anything is read', async () => {
    const huge: ByteSource = {
      name: 'huge',
      size: 2 ** 40,
      slice: () => Promise.reject(new Error('was read')),
    };
    await expect(readAll(huge, 1000)).rejects.toThrow(
      'huge: 1099511627776 bytes, more than the 1000',
    );
    await expect(readText(source(Uint8Array.of(0xff)), 10)).rejects.toThrow('not UTF-8');
  });
});

describe('score files', () => {
  test('null is a prompt without a score', async () => {
    const { rows } = await readScores(source('[{"prompt":"a","score":null,"rewards":[null,0.5]}]'));
    expect(rows[0].score).toBeNaN();
    expect(rows[0].curve).toEqual([NaN, 0.5]);
  });

  test("Python's NaN is one too", async () => {
    const text =
      '[{"prompt":"a","score":NaN,"rewards":[NaN,0.5]},{"prompt":"b","score":1,"rewards":[1,1]}]';
    const { rows } = await readScores(source(text));
    expect(rows.map(({ score }) => score)).toEqual([NaN, 1]);
    expect(rows[0].curve).toEqual([NaN, 0.5]);
  });

  test.each([
    ['[{"prompt":"a"}]', 'row 1: score must be a finite number, is missing'],
    ['[{"prompt":"a","score":"0.6"}]', 'row 1: score must be a finite number, is the string "0.6"'],
    ['[{"prompt":"a","score":1,"rewards":[1,"x"]}]', 'row 1: rewards[1] must be a finite number'],
    [
      '[{"prompt":"a","score":1,"rewards":[1]},{"prompt":"b","score":1}]',
      'row 2: rewards must hold 1',
    ],
    ['[{"score":1}]', 'row 1: prompt must be text, is missing'],
  ])('%s is refused', async (text, message) => {
    await expect(readScores(source(text))).rejects.toThrow(message);
  });
});

describe('subsets', () => {
  const rows = async (text: string) => readPrompts(source(text));
  const written = async (content: Uint8Array | Iterable<string>) =>
    content instanceof Uint8Array ? content : [...content].join('');

  test('come back row by row in the layout of the input', async () => {
    for (const text of [
      '[\n  {\n    "prompt": "a",\n    "answer": "1"\n  },\n  {\n    "prompt": "b\\nc",\n    "x": null\n  }\n]\n',
      '{"prompt":"a","answer":"1"}\n{"prompt":"b","extra":[1]}\n',
    ]) {
      const prompts = await rows(text);
      expect(await written(await subsetFile(prompts.rows, prompts.layout))).toBe(text);
    }
    expect(await written(await subsetFile([], 'json'))).toBe('[]\n');
  });

  test('speak the fields of other engines', async () => {
    const prompts = await rows('{"id":"p1","prompt":"q","answer":"4","source":"math"}');
    const as = async (format: 'openrlhf' | 'trl' | 'verl'): Promise<unknown> =>
      JSON.parse((await written(await subsetFile(prompts.rows, 'json', format))) as string);
    expect(await as('openrlhf')).toEqual({ id: 'p1', input: 'q', label: '4' });
    expect(await as('trl')).toEqual({
      limr_id: 'p1',
      prompt: [{ role: 'user', content: 'q' }],
      answer: '4',
    });
    expect(await as('verl')).toEqual({
      data_source: 'math',
      prompt: [{ role: 'user', content: 'q' }],
      ability: 'math',
      reward_model: { style: 'rule', ground_truth: '4' },
      extra_info: { split: 'train', index: 0, limr_id: 'p1' },
    });
    const without = await rows('{"prompt":"q"}');
    await expect(subsetFile(without.rows, 'json', 'verl')).rejects.toThrow(
      /f\.jsonl line 1: verl needs an answer .*--prompts/,
    );
  });

  test('as parquet hold the same rows', async () => {
    const prompts = await rows('{"prompt":"q","n":3}\n{"prompt":"r","n":4}');
    const bytes = await subsetFile(prompts.rows, 'jsonl', 'parquet');
    const again = await readPrompts(source(bytes as Uint8Array));
    expect(again.layout).toBe('parquet');
    expect(again.rows.map(({ record }) => record)).toEqual(
      prompts.rows.map(({ record }) => record),
    );
  });
});
