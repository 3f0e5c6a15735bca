import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import {
  BlockError,
  blocksOf,
  numbersOfBlocks as numbersOnHost,
} from '../../kernels/lib/blocks.ts';
import { readSafetensors, toFloat32, toInt32 } from '../../src/formats/safetensors.ts';
import { numbersOfBlocks } from '../reference/blocks.ts';

const file = readSafetensors(readFileSync('test/fixtures/quant/quant.safetensors'), 'quant');
const kinds = ['int8', 'int4'] as const;

describe('blocksOf', () => {
  test.each(
    ['weights', 'ragged', 'edges'].flatMap((matrix) =>
      kinds.map((kind) => [matrix, kind] as const),
    ),
  )('gives the words of the fixture: %s in %s', (matrix, kind) => {
    const input = file.tensors.get(`${matrix}.input`)!;
    const width = input.shape[1];
    const words = blocksOf(kind, toFloat32(input), width);
    const wanted = toInt32(file.tensors.get(`${matrix}.${kind}.words`)!);
    expect([...new Int32Array(words.buffer)]).toEqual([...wanted]);
    const numbers = toFloat32(file.tensors.get(`${matrix}.${kind}.dequantized`)!);
    expect(numbersOfBlocks(kind, words, width)).toEqual(numbers);
    expect(numbersOnHost(kind, words, width)).toEqual(numbers);
  });

  test.each(kinds)('keeps each number within half a scale, in %s', (kind) => {
    const numbers = Float32Array.from(
      { length: 7 * 50 },
      (_, i) => Math.sin(i * i) * 0.7 ** (i % 9),
    );
    const back = numbersOfBlocks(kind, blocksOf(kind, numbers, 50), 50);
    const steps = kind === 'int8' ? 127 : 15;
    for (const [i, number] of numbers.entries()) {
      const range = kind === 'int8' ? 1 : 2;
      expect(Math.abs(back[i] - number)).toBeLessThan(((range / steps) * 1.002) / 2);
    }
  });

  test.each([
    ['int8', NaN, 'holds NaN'],
    ['int4', NaN, 'holds NaN'],
    ['int8', -Infinity, 'holds Infinity'],
    ['int4', Infinity, 'holds Infinity'],
    ['int8', 1e7, 'holds a block whose scale or minimum is 78740.15625'],
    ['int4', -7e4, 'holds a block whose scale or minimum is 70000'],
  ] as const)('refuses in %s the number %f', (kind, number, message) => {
    const numbers = new Float32Array(40).fill(0.5);
    numbers[33] = number;
    expect(() => blocksOf(kind, numbers, 40)).toThrow(BlockError);
    expect(() => blocksOf(kind, numbers, 40)).toThrow(message);
  });
});
