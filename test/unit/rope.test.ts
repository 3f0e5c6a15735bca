import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { ropeTable } from '../../kernels/rope.ts';
import { readSafetensors, toFloat32, toInt32 } from '../../src/formats/safetensors.ts';
import { parseHfConfig } from '../../src/model/hugging-face/config.ts';
import { ropeOf } from '../../src/model/rope.ts';

interface RopeSet {
  readonly name: string;
  readonly rope: Readonly<Record<string, unknown>> & { readonly rope_theta: number };
  readonly head_dim: number;
  readonly max_position_embeddings: number;
  readonly seq_len: number | null;
  readonly attention_scaling: number;
  readonly inv_freq: readonly number[];
}

const folder = 'test/fixtures/rope';
const { sets } = JSON.parse(readFileSync(`${folder}/tables.json`, 'utf8')) as { sets: RopeSet[] };
const { tensors } = readSafetensors(readFileSync(`${folder}/tables.safetensors`), 'tables');
const positions = toInt32(tensors.get('positions')!);

const llama = {
  model_type: 'llama',
  vocab_size: 8,
  hidden_size: 64,
  intermediate_size: 8,
  num_hidden_layers: 1,
  num_attention_heads: 1,
};
const config = ({ rope, head_dim, max_position_embeddings }: RopeSet, former = false) => {
  const { rope_theta, rope_type, ...scaling } = rope;
  const spelled = former
    ? { rope_theta, rope_scaling: { type: rope_type, ...scaling } }
    : { rope_parameters: rope };
  return parseHfConfig({ ...llama, head_dim, max_position_embeddings, ...spelled }, 'config.json');
};

describe('ropeOf', () => {
  test.each(sets)('makes the table of $name, to 1e-6 everywhere', (set) => {
    const { frequencies, scale } = ropeOf(config(set), set.seq_len ?? undefined);
    expect(scale).toBeCloseTo(set.attention_scaling, 14);
    for (const [i, want] of set.inv_freq.entries()) {
      expect(Math.abs(frequencies[i] / want - 1), `frequency ${i}`).toBeLessThan(1e-12);
    }
    const half = set.head_dim / 2;
    const cos = toFloat32(tensors.get(`${set.name}.cos`)!);
    const sin = toFloat32(tensors.get(`${set.name}.sin`)!);
    const table = ropeTable(Math.max(...positions) + 1, frequencies, scale);
    let worst = 0;
    for (const [row, position] of positions.entries()) {
      for (let i = 0; i < half; i++) {
        const at = position * 2 * half + i;
        worst = Math.max(worst, Math.abs(table[at] - cos[row * half + i]));
        worst = Math.max(worst, Math.abs(table[at + half] - sin[row * half + i]));
      }
    }
    expect(worst).toBeLessThan(1e-6);
  });

  test.each(sets)('reads $name in the spelling before 2026', (set) => {
    expect(config(set, true)).toEqual(config(set));
  });

  test('leaves the bits of a plain embedding as they were', () => {
    const plain = config(sets[0]);
    const { frequencies, scale } = ropeOf(plain);
    const table = ropeTable(100, frequencies, scale);
    for (const [position, i] of [
      [1, 1],
      [7, 5],
      [99, 15],
    ]) {
      const angle = position * 10_000 ** ((-2 * i) / 32);
      expect(table[position * 32 + i]).toBe(Math.fround(Math.cos(angle)));
      expect(table[position * 32 + 16 + i]).toBe(Math.fround(Math.sin(angle)));
    }
  });
});
