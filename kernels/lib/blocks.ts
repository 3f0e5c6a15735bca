import { blockBytes, blockNumbers, type BlockType } from './tensor.ts';

/** The largest finite number of a half. */
const largestHalf = 65_504;

/** A matrix holds a number that blocks cannot hold. */
export class BlockError extends Error {
  override readonly name = 'BlockError';
}

const float = new Float32Array(1);
const floatBits = new Uint32Array(float.buffer);

/** Words of a row of `width` numbers. */
export const rowWords = (type: BlockType, width: number): number =>
  (Math.ceil(width / blockNumbers) * blockBytes[type]) / 4;

/**
 * Rows of numbers in blocks of int8 or int4, as `shaders/lib/matrix-blocks.wgsl` reads them. A scale
 * is rounded up and a minimum down, so that every number lies within half a scale of its own. All
 * steps are in f32 with IEEE rounding.
 *
 * @param numbers f32 (N, width).
 * @returns u32 (N, `rowWords`).
 * @throws BlockError on a number that is not finite, or whose block needs a scale or a minimum past
 *   f16.
 */
export function blocksOf(type: BlockType, numbers: Float32Array, width: number): Uint32Array {
  const rows = numbers.length / width;
  const words = new Uint32Array(rows * rowWords(type, width));
  const write = type === 'int8' ? writeInt8 : writeInt4;
  let at = 0;
  for (let row = 0; row < rows; row++) {
    const end = (row + 1) * width;
    for (let first = row * width; first < end; first += blockNumbers) {
      write(numbers, first, Math.min(end, first + blockNumbers), words, at);
      at += blockBytes[type] / 4;
    }
  }
  return words;
}

/**
 * The numbers of rows in blocks, as kernels read them: each rounded once at most.
 *
 * @param words u32 (N, `rowWords`).
 * @returns f32 (N, width).
 */
export function numbersOfBlocks(
  type: BlockType,
  words: Uint32Array,
  width: number,
): Float32Array<ArrayBuffer> {
  const size = blockBytes[type] / 4;
  const rows = words.length / rowWords(type, width);
  const numbers = new Float32Array(rows * width);
  let at = 0;
  for (let row = 0; row < rows; row++) {
    const end = (row + 1) * width;
    for (let first = row * width; first < end; first += blockNumbers) {
      const head = words[at] ?? 0;
      const scale = valueOf(head & 0xffff);
      const minimum = type === 'int4' ? valueOf(head >>> 16) : 0;
      for (let i = first; i < Math.min(end, first + blockNumbers); i++) {
        numbers[i] = minimum + scale * stepsAt(type, words, at + 1, i - first);
      }
      at += size;
    }
  }
  return numbers;
}

/** Number j of a block, in scales. */
function stepsAt(type: BlockType, words: Uint32Array, first: number, j: number): number {
  if (type === 'int8') return ((words[first + (j >> 2)] ?? 0) << (24 - 8 * (j & 3))) >> 24;
  return ((words[first + (j >> 3)] ?? 0) >>> (4 * (j & 7))) & 15;
}

function writeInt8(
  numbers: Float32Array,
  first: number,
  end: number,
  words: Uint32Array,
  at: number,
): void {
  let most = 0;
  for (let i = first; i < end; i++) most = larger(most, Math.abs(numbers[i] ?? 0));
  const scaleBits = halfNotBelow(Math.fround(most / 127));
  const scale = valueOf(scaleBits);
  words[at] = scaleBits;
  if (scale === 0) return;
  for (let i = first; i < end; i++) {
    const q = roundedToEven(Math.fround((numbers[i] ?? 0) / scale));
    const j = i - first;
    const word = at + 1 + (j >> 2);
    words[word] = (words[word] ?? 0) | ((q & 0xff) << (8 * (j & 3)));
  }
}

function writeInt4(
  numbers: Float32Array,
  first: number,
  end: number,
  words: Uint32Array,
  at: number,
): void {
  let least = Infinity;
  let most = -Infinity;
  for (let i = first; i < end; i++) {
    const x = numbers[i] ?? 0;
    least = Number.isNaN(x) ? NaN : Math.min(least, x);
    most = larger(most, x);
  }
  const minimumBits = halfNotAbove(least);
  const minimum = valueOf(minimumBits);
  const scaleBits = halfNotBelow(Math.fround(Math.fround(most - minimum) / 15));
  const scale = valueOf(scaleBits);
  words[at] = scaleBits | (minimumBits << 16);
  if (scale === 0) return;
  for (let i = first; i < end; i++) {
    const u = roundedToEven(Math.fround(Math.fround((numbers[i] ?? 0) - minimum) / scale));
    const j = i - first;
    const word = at + 1 + (j >> 3);
    words[word] = (words[word] ?? 0) | (u << (4 * (j & 7)));
  }
}

/** The larger of two numbers; NaN where one is NaN. */
const larger = (a: number, b: number): number => (a >= b ? a : b > a ? b : NaN);

/** @param x Of less than 2^22 in magnitude. */
const roundedToEven = (x: number): number => Math.fround(x + 12_582_912) - 12_582_912;

/** Bits of the smallest half not below a number of at least 0; of -0 those of -0. */
function halfNotBelow(x: number): number {
  if (Object.is(x, -0)) return 0x8000;
  const bits = halfTowardZero(x);
  return valueOf(bits) < x ? bits + 1 : bits;
}

/** Bits of the largest half not above a number; never those of -0. */
function halfNotAbove(x: number): number {
  if (x >= 0) return x === 0 ? 0 : halfTowardZero(x);
  return 0x8000 | halfNotBelow(-x);
}

/** Bits of the half next to a number of at least 0, on the side of 0. */
function halfTowardZero(x: number): number {
  if (!(x <= largestHalf)) {
    const what = Number.isFinite(x) ? `a block whose scale or minimum is ${x}` : String(x);
    throw new BlockError(`holds ${what}, and a block at most ${largestHalf}, the largest half`);
  }
  float[0] = x;
  const bits = floatBits[0] ?? 0;
  // Below 2^-14 a half counts steps of 2^-24.
  return bits < 0x38800000 ? Math.floor(x * 2 ** 24) : (bits - 0x38000000) >>> 13;
}

/** The value of a half by its bits. */
function valueOf(bits: number): number {
  const exponent = (bits >> 10) & 0x1f;
  const fraction = bits & 0x3ff;
  const magnitude = exponent === 0 ? fraction * 2 ** -24 : (1024 + fraction) * 2 ** (exponent - 25);
  return (bits & 0x8000) === 0 ? magnitude : -magnitude;
}
