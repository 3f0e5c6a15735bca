import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import {
  float32Entry,
  int32Entry,
  readSafetensors,
  SafetensorsError,
  toFloat32,
  toInt32,
  writeSafetensors,
} from '../../src/formats/safetensors.ts';

/** A file with this header text and these data bytes; `length` may lie about the header. */
function file(header: string, dataBytes = 0, length?: bigint): Uint8Array {
  const text = new TextEncoder().encode(header);
  const bytes = new Uint8Array(8 + text.length + dataBytes);
  new DataView(bytes.buffer).setBigUint64(0, length ?? BigInt(text.length), true);
  bytes.set(text, 8);
  return bytes;
}

const read = (header: string, dataBytes = 0, length?: bigint) =>
  readSafetensors(file(header, dataBytes, length), 'x.safetensors');
const slot = (dtype: string, shape: unknown, offsets: unknown) =>
  JSON.stringify({ dtype, shape, data_offsets: offsets });

describe('readSafetensors', () => {
  test('reads what torch wrote', () => {
    const path = 'test/fixtures/models/qwen2-tied/fixture.safetensors';
    const { tensors } = readSafetensors(readFileSync(path), path);
    const ids = tensors.get('nopad.input_ids');
    const logits = tensors.get('nopad.logits');
    if (!ids || !logits) throw new Error('the fixture lost its tensors');
    expect(ids.shape).toEqual([3, 17]);
    expect(logits.shape).toEqual([3, 17, 320]);
    expect(Math.max(...toInt32(ids))).toBeLessThan(320);
    // fixture.json: max_abs_logit of case nopad.
    expect(Math.max(...toFloat32(logits).map(Math.abs))).toBeCloseTo(11.581910303449076, 5);
  });

  test('accepts padding, metadata, scalars and tensors without elements', () => {
    const json = `{"__metadata__":{"format":"pt"},"a":${slot('F32', [], [0, 4])},"b":${slot('F32', [0, 3], [4, 4])}}   `;
    const { tensors, metadata } = read(json, 4);
    expect([...metadata]).toEqual([['format', 'pt']]);
    expect([...tensors.keys()]).toEqual(['a', 'b']);
    expect([...toFloat32(tensors.get('b')!)]).toEqual([]);
  });

  test.each<[string, () => unknown, RegExp]>([
    ['nothing', () => readSafetensors(new Uint8Array(0), 'x'), /too few/],
    ['7 bytes', () => readSafetensors(new Uint8Array(7), 'x'), /too few/],
    ['a header length of 2^62', () => read('{}', 0, 2n ** 62n), /4611686018427387904 exceeds/],
    ['a header length of 2^63', () => read('{}', 0, 2n ** 63n), /exceeds/],
    ['a header length past the file', () => read('{}', 0, 3n), /past the end/],
    ['a header of 25 MB and one byte', () => read('{}', 0, 25_000_001n), /exceeds/],
    ['an empty header', () => read('', 8), /does not start with/],
    ['a list for a header', () => read('[]'), /does not start with/],
    ['a byte order mark', () => read('\ufeff{}'), /does not start with/],
    ['broken JSON', () => read('{"a":'), /not JSON/],
    ['half of the header', () => read(`{"a":${slot('F32', [1], [0, 4])}}`, 4, 20n), /not JSON/],
    ['data cut short', () => read(`{"a":${slot('F32', [2], [0, 8])}}`, 4), /cover 8 bytes/],
    ['data left over', () => read(`{"a":${slot('F32', [1], [0, 4])}}`, 5), /cover 4 bytes/],
    ['data without tensors', () => read('{}', 1), /cover 0 bytes/],
    [
      'an overlap',
      () => read(`{"a":${slot('F32', [2], [0, 8])},"b":${slot('F32', [1], [4, 8])}}`, 8),
      /'b' overlaps/,
    ],
    [
      'two names for one range',
      () => read(`{"a":${slot('F32', [1], [0, 4])},"b":${slot('F32', [1], [0, 4])}}`, 4),
      /overlaps/,
    ],
    [
      'a hole',
      () => read(`{"a":${slot('F32', [1], [0, 4])},"b":${slot('F32', [1], [8, 12])}}`, 12),
      /'b' leaves a hole/,
    ],
    ['a hole at the start', () => read(`{"a":${slot('F32', [1], [4, 8])}}`, 8), /leaves a hole/],
    [
      'a name twice',
      () => read(`{"a":${slot('F32', [1], [0, 4])},"a":${slot('F32', [1], [0, 4])}}`, 4),
      /names "a" twice/,
    ],
    [
      'a name twice, once escaped and spaced',
      () =>
        read(`{"a":${slot('F32', [1], [0, 4])},"\\u0061" \n\t\r :${slot('F32', [1], [0, 4])}}`, 4),
      /names "\\u0061" twice/,
    ],
    [
      'a field twice',
      () => read('{"a":{"dtype":"F32","shape":[1],"shape":[1],"data_offsets":[0,4]}}', 4),
      /names "shape" twice/,
    ],
    ['a shape too large', () => read(`{"a":${slot('F32', [2], [0, 4])}}`, 4), /needs 8 bytes/],
    [
      'a shape whose product wraps 2^64',
      () => read(`{"a":${slot('U8', [2 ** 40, 2 ** 40], [0, 0])}}`),
      /needs 1208925819614629174706176 bytes/,
    ],
    ['a negative size', () => read(`{"a":${slot('F32', [-1], [0, 4])}}`, 4), /whole numbers/],
    ['a fraction of a size', () => read(`{"a":${slot('F32', [0.5], [0, 2])}}`, 2), /whole numbers/],
    [
      'a size past 2^53',
      () => read('{"a":{"dtype":"U8","shape":[1e300],"data_offsets":[0,0]}}'),
      /whole numbers/,
    ],
    ['a shape that is text', () => read(`{"a":${slot('F32', '1', [0, 4])}}`, 4), /whole numbers/],
    ['offsets that run backwards', () => read(`{"a":${slot('F32', [1], [4, 0])}}`, 4), /backwards/],
    ['three offsets', () => read(`{"a":${slot('F32', [1], [0, 4, 8])}}`, 4), /two offsets/],
    [
      'an unknown dtype',
      () => read(`{"a":${slot('F9', [1], [0, 4])}}`, 4),
      /"F9" is not supported/,
    ],
    [
      'a dtype from a prototype',
      () => read(`{"a":${slot('toString', [1], [0, 4])}}`, 4),
      /not supported/,
    ],
    ['no dtype', () => read('{"a":{"shape":[1],"data_offsets":[0,4]}}', 4), /missing/],
    ['a tensor that is null', () => read('{"a":null}'), /'a': must be an object/],
    [
      'an unknown field',
      () => read('{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4],"b":1}}', 4),
      /'b'/,
    ],
    ['metadata that is no text', () => read('{"__metadata__":{"a":1}}'), /'a' must be a string/],
    ['metadata that is a list', () => read('{"__metadata__":[]}'), /must be an object/],
  ])('refuses %s', (_, act, message) => {
    expect(act).toThrow(SafetensorsError);
    expect(act).toThrow(message);
  });

  test('refuses a header that is not UTF-8', () => {
    const bytes = file('{"a ":1}');
    bytes[11] = 0xff;
    expect(() => readSafetensors(bytes, 'x')).toThrow(/not UTF-8/);
  });

  test('takes __proto__ for a name like any other', () => {
    const { tensors } = read(`{"__proto__":${slot('F32', [1], [0, 4])}}`, 4);
    expect(tensors.get('__proto__')?.shape).toEqual([1]);
    expect(Object.getPrototypeOf({})).toBe(Object.prototype);
    expect(({} as Record<string, unknown>).dtype).toBeUndefined();
  });

  test('survives a string of 10 million characters and deep nesting', () => {
    expect(() => read(`{"${'a'.repeat(10_000_000)}":1}`)).toThrow(/must be an object/);
    expect(() => read(`{"a":${'['.repeat(100_000)}${']'.repeat(100_000)}}`)).toThrow(
      SafetensorsError,
    );
  });
});

describe('toFloat32', () => {
  /** IEEE 754 binary16 from its definition. */
  function halfValue(bits: number): number {
    const sign = bits & 0x8000 ? -1 : 1;
    const exponent = (bits >> 10) & 31;
    const fraction = (bits & 1023) / 1024;
    if (exponent === 31) return fraction === 0 ? sign * Infinity : NaN;
    return exponent === 0
      ? sign * fraction * 2 ** -14
      : sign * (1 + fraction) * 2 ** (exponent - 15);
  }
  const everyHalf = Uint16Array.from({ length: 65_536 }, (_, bits) => bits);
  const halves = {
    name: 'h',
    dtype: 'F16',
    shape: [65_536],
    bytes: new Uint8Array(everyHalf.buffer),
  } as const;

  test('reads every f16 exactly', () => {
    const got = toFloat32(halves);
    everyHalf.forEach((bits) => {
      if (!Object.is(got[bits], halfValue(bits))) throw new Error(`${bits}: ${got[bits]}`);
    });
  });

  test('writes back every f16 bit for bit, NaN as some NaN', () => {
    const { bytes } = float32Entry('h', [65_536], toFloat32(halves), 'F16');
    new Uint16Array(bytes.buffer).forEach((bits, i) => {
      if (Number.isNaN(halfValue(i))) expect(halfValue(bits)).toBeNaN();
      else if (bits !== i) throw new Error(`${i} came back as ${bits}`);
    });
  });

  test.each([
    ['halfway down to even', 1 + 2 ** -11, 1],
    ['halfway up to even', 1 + 3 * 2 ** -11, 1 + 2 ** -9],
    ['past halfway', 1 + 2 ** -11 + 2 ** -20, 1 + 2 ** -10],
    ['largest that stays finite', 65_519, 65_504],
    ['first that does not', 65_520, Infinity],
    ['half of the least subnormal', 2 ** -25, 0],
    ['just above it', 2 ** -25 * 1.0001, 2 ** -24],
    ['below the least normal', -(2 ** -14) * (1 - 2 ** -13), -(2 ** -14)],
  ])('rounds %s', (_, value, want) => {
    const entry = float32Entry('h', [1], Float32Array.of(value), 'F16');
    expect(toFloat32(entry)[0]).toBe(want);
  });

  test('reads and writes every bf16 bit for bit', () => {
    const entry = { ...halves, dtype: 'BF16' } as const;
    const floats = toFloat32(entry);
    expect([floats[0x3f80], floats[0xc000], floats[0x7f80]]).toEqual([1, -2, Infinity]);
    const { bytes } = float32Entry('b', [65_536], floats, 'BF16');
    new Uint16Array(bytes.buffer).forEach((bits, i) => {
      if (Number.isNaN(floats[i])) expect(floats[bits]).toBeNaN();
      else if (bits !== i) throw new Error(`${i} came back as ${bits}`);
    });
  });

  test('rounds to the nearest bf16, ties to even', () => {
    const round = (value: number) =>
      toFloat32(float32Entry('b', [1], Float32Array.of(value), 'BF16'))[0];
    expect(round(1 + 2 ** -8)).toBe(1);
    expect(round(1 + 3 * 2 ** -8)).toBe(1 + 2 ** -6);
    expect(round(1 + 2 ** -8 + 2 ** -15)).toBe(1 + 2 ** -7);
    expect(round(3.4e38)).toBe(Infinity);
  });

  test('reads f64, and bytes that start anywhere', () => {
    const bytes = new Uint8Array(33);
    new DataView(bytes.buffer).setFloat64(9, 1 / 3, true);
    const entry = { name: 'd', dtype: 'F64', shape: [2], bytes: bytes.subarray(9, 25) } as const;
    expect([...toFloat32(entry)]).toEqual([Math.fround(1 / 3), 0]);
    expect([
      ...toFloat32({ ...entry, dtype: 'F32', shape: [1], bytes: bytes.subarray(3, 7) }),
    ]).toEqual([0]);
  });

  test('refuses integers', () => {
    expect(() => toFloat32(int32Entry('i', [1], Int32Array.of(1)))).toThrow(
      /'i' must be a floating/,
    );
  });
});

describe('toInt32', () => {
  const entry = (
    dtype: 'I64' | 'U64' | 'I16' | 'U16' | 'I8' | 'U8' | 'U32',
    view: ArrayBufferView,
  ) => ({
    name: 'i',
    dtype,
    shape: [2],
    bytes: new Uint8Array(view.buffer),
  });

  test.each([
    ['I64', BigInt64Array.of(-5n, 2n ** 31n - 1n), [-5, 2 ** 31 - 1]],
    ['U64', BigUint64Array.of(0n, 9n), [0, 9]],
    ['I16', Int16Array.of(-1, 3), [-1, 3]],
    ['U16', Uint16Array.of(65_535, 3), [65_535, 3]],
    ['I8', Int8Array.of(-1, 3), [-1, 3]],
    ['U8', Uint8Array.of(255, 3), [255, 3]],
  ] as const)('reads %s', (dtype, view, want) => {
    expect([...toInt32(entry(dtype, view))]).toEqual(want);
  });

  test('refuses what does not fit, and floats', () => {
    expect(() => toInt32(entry('I64', BigInt64Array.of(0n, 2n ** 31n)))).toThrow(/2147483648/);
    expect(() => toInt32(entry('U32', Uint32Array.of(0, 2 ** 31)))).toThrow(/2147483648/);
    expect(() => toInt32(float32Entry('f', [1], Float32Array.of(1)))).toThrow(/is F32/);
  });
});

describe('writeSafetensors', () => {
  test('writes what it reads, whatever the names', () => {
    const entries = [
      float32Entry('__proto__', [2], Float32Array.of(1, -2.5)),
      float32Entry('h', [3], Float32Array.of(0.5, 1, 2), 'BF16'),
      int32Entry('7', [1], Int32Array.of(-9)),
      float32Entry('', [], Float32Array.of(4)),
      float32Entry('é"\\', [0, 2], new Float32Array(0), 'F16'),
    ];
    const { tensors, metadata } = readSafetensors(
      writeSafetensors(entries, { b: '1', a: 'é' }),
      'x',
    );
    expect([...metadata]).toEqual([
      ['a', 'é'],
      ['b', '1'],
    ]);
    expect(tensors.size).toBe(entries.length);
    for (const entry of entries) {
      const got = tensors.get(entry.name)!;
      expect([got.dtype, got.shape, [...got.bytes]]).toEqual([
        entry.dtype,
        entry.shape,
        [...entry.bytes],
      ]);
      expect(got.bytes.byteOffset % (got.dtype.length > 3 || got.dtype === 'F16' ? 2 : 4)).toBe(0);
    }
  });

  test('gives the same bytes whatever the order', () => {
    const a = float32Entry('a', [1], Float32Array.of(1));
    const b = float32Entry('b', [1], Float32Array.of(2), 'F16');
    expect(writeSafetensors([a, b])).toEqual(writeSafetensors([b, a]));
  });

  test('refuses a name twice and a shape that the bytes do not fill', () => {
    const a = float32Entry('a', [1], Float32Array.of(1));
    expect(() => writeSafetensors([a, a])).toThrow(/'a' occurs twice/);
    expect(() => writeSafetensors([{ ...a, shape: [2] }])).toThrow(/is not 4 bytes/);
  });
});
