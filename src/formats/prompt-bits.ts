import { FormatError } from './format-error.ts';

const digits = /^[0-9a-f]*$/;

/** Hex digits of bits: the first bit is the highest of the first digit, the last digit is padded with 0. */
export function bitsToHex(bits: ArrayLike<number>): string {
  let hex = '';
  for (let first = 0; first < bits.length; first += 4) {
    let digit = 0;
    for (let i = first; i < first + 4; i++) digit = digit * 2 + (bits[i] ? 1 : 0);
    hex += digit.toString(16);
  }
  return hex;
}

/**
 * (count): the bits of `bitsToHex`, each 0 or 1.
 *
 * @param where Place of the digits, for messages.
 * @throws FormatError unless there are exactly `count` bits in lower-case digits, padded with 0.
 */
export function bitsOfHex(hex: string, count: number, where: string): Uint8Array<ArrayBuffer> {
  const wanted = Math.ceil(count / 4);
  if (hex.length !== wanted || !digits.test(hex)) {
    throw new FormatError(
      `${where}: ${count} prompts need ${wanted} hex digits (0-9, a-f), found ${hex.length} characters`,
    );
  }
  const bits = new Uint8Array(count);
  for (let i = 0; i < wanted * 4; i++) {
    const bit = (parseInt(hex.charAt(i >> 2), 16) >> (3 - (i & 3))) & 1;
    if (i < count) bits[i] = bit;
    else if (bit) throw new FormatError(`${where}: a bit is set after the ${count} prompts`);
  }
  return bits;
}
