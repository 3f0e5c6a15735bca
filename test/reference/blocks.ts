const blockNumbers = 32;

/** The value of an f16 by its bits. */
function halfValue(bits: number): number {
  const exponent = (bits >> 10) & 31;
  const fraction = bits & 1023;
  const size = exponent === 0 ? fraction / 2 ** 24 : (1 + fraction / 1024) * 2 ** (exponent - 15);
  return bits >> 15 ? -size : size;
}

/** Numbers of rows in int8 or int4 blocks, in float64 and rounded once. */
export function numbersOfBlocks(
  type: 'int8' | 'int4',
  words: Uint32Array,
  width: number,
): Float32Array {
  const wordsOfBlock = type === 'int8' ? 9 : 5;
  const blocks = Math.ceil(width / blockNumbers);
  const rows = words.length / (wordsOfBlock * blocks);
  const found = new Float32Array(rows * width);
  for (let at = 0; at < found.length; at++) {
    const [row, column] = [Math.floor(at / width), at % width];
    const first = (row * blocks + Math.floor(column / blockNumbers)) * wordsOfBlock;
    const j = column % blockNumbers;
    const scale = halfValue(words[first] & 0xffff);
    if (type === 'int8') {
      const byte = (words[first + 1 + Math.floor(j / 4)] >>> (8 * (j % 4))) & 255;
      found[at] = scale * (byte < 128 ? byte : byte - 256);
    } else {
      const nibble = (words[first + 1 + Math.floor(j / 8)] >>> (4 * (j % 8))) & 15;
      found[at] = halfValue(words[first] >>> 16) + scale * nibble;
    }
  }
  return found;
}
