import { describe, expect, test } from 'vitest';
import type { ByteSource } from '../../src/formats/byte-source.ts';
import { openModelDirectory } from '../../src/model/model-directory.ts';

// An embedding of Qwen2.5-0.5B's size and a little more: 2^27 elements is where lists of V8 end.
const columns = 64;
const rows = 2 ** 21 + 1;
const name = 'model.embed_tokens.weight';
/** Elements that are not zero, by their place, as two bytes and as the number they are. */
const places = [0, 1, 2 ** 26 + 3, 2 ** 27 - 1, 2 ** 27, rows * columns - 1];

const config = {
  model_type: 'llama',
  vocab_size: rows,
  hidden_size: columns,
  intermediate_size: 64,
  num_hidden_layers: 1,
  num_attention_heads: 4,
};

/** A weights file that is made as it is read: a header, and zeros but for `places`. */
function weights(dtype: 'BF16' | 'F16', half: number): ByteSource {
  const bytes = rows * columns * 2;
  const last = { dtype, shape: [0], data_offsets: [bytes, bytes] };
  const header = JSON.stringify({
    [name]: { dtype, shape: [rows, columns], data_offsets: [0, bytes] },
    'model.layers.0.input_layernorm.weight': last,
  });
  const text = new TextEncoder().encode(header);
  const prefix = new Uint8Array(8 + text.length);
  new DataView(prefix.buffer).setBigUint64(0, BigInt(text.length), true);
  prefix.set(text, 8);
  return {
    name: 'model.safetensors',
    size: prefix.length + bytes,
    slice(start, end) {
      if (end <= prefix.length) return Promise.resolve(prefix.slice(start, end));
      expect([start, end]).toEqual([prefix.length, prefix.length + bytes]);
      const found = new Uint8Array(bytes);
      for (const place of places) found.set([half & 0xff, half >> 8], place * 2);
      return Promise.resolve(found);
    },
  };
}

describe('a tensor of 2^27 + 64 elements', () => {
  test.each([
    ['BF16', 0xbfc0, -1.5],
    ['F16', 0xbe00, -1.5],
  ] as const)('loads from %s', async (dtype, half, value) => {
    const text = new TextEncoder().encode(JSON.stringify(config));
    const files: Record<string, ByteSource> = {
      'config.json': {
        name: 'config.json',
        size: text.length,
        slice: (start, end) => Promise.resolve(text.slice(start, end)),
      },
      'model.safetensors': weights(dtype, half),
    };
    const model = await openModelDirectory((file) => Promise.resolve(files[file]), 'large');
    const data = await model.read(name);
    expect(data.length).toBe(2 ** 27 + 64);
    for (const place of places) expect(data[place]).toBe(value);
    expect([data[2], data[2 ** 26], data[2 ** 27 + 1]]).toEqual([0, 0, 0]);
  });
});
