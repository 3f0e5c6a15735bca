import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { limr } from '../support/command-line.ts';

const folder = mkdtempSync(join(tmpdir(), 'limr-fit-'));
afterAll(() => rmSync(folder, { recursive: true }));

// A vocabulary that a binding of 128 MiB does not hold in f32.
const config = {
  model_type: 'llama',
  vocab_size: 40_000,
  hidden_size: 1024,
  intermediate_size: 1024,
  num_hidden_layers: 2,
  num_attention_heads: 16,
  num_key_value_heads: 4,
  tie_word_embeddings: true,
  max_position_embeddings: 2048,
};
writeFileSync(join(folder, 'config.json'), JSON.stringify(config));

interface Fit {
  readonly fits: boolean;
  readonly base: string;
  readonly rows: number;
  readonly memory: number;
  readonly bytes: Readonly<Record<string, number>>;
}

async function fit(...options: string[]): Promise<Fit> {
  const { code, stdout, stderr } = await limr('fit', folder, '--json', ...options);
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  return JSON.parse(stdout) as Fit;
}

describe('limr fit', () => {
  test('tells from config.json alone what 3.5 GiB hold', async () => {
    const got = await fit();
    expect(got).toMatchObject({ fits: true, base: 'f16', rows: 256, memory: 3.5 * 2 ** 30 });
    expect(got).toMatchObject({
      promptTokens: 512,
      responseTokens: 1024,
      method: 'grpo',
      rank: 16,
    });
    const { total, ...purposes } = got.bytes;
    expect(Object.values(purposes).reduce((sum, bytes) => sum + bytes, 0)).toBe(total);
    expect(total).toBeLessThanOrEqual(got.memory);
    expect(purposes.weights).toBeGreaterThan(2 * 40_000 * 1024);
  });

  test('decodes fewer rows together with less memory, and says when nothing fits', async () => {
    const [all, fewer, none] = [
      await fit('--memory', '4GiB'),
      await fit('--memory', '1GiB'),
      await fit('--memory', '128MiB'),
    ];
    expect(all.rows).toBe(256);
    expect(fewer.fits).toBe(true);
    expect(fewer.rows).toBeLessThan(all.rows);
    expect(fewer.bytes.total).toBeLessThanOrEqual(fewer.memory);
    expect(none).toMatchObject({ fits: false, rows: 1, memory: 112 * 2 ** 20 });
    expect(none.bytes.total).toBeGreaterThan(none.memory);
  });

  test('counts a critic, and parameters that are all trained', async () => {
    const [grpo, ppo, full] = [
      await fit('--response-tokens', '64'),
      await fit('--response-tokens', '64', '--method', 'ppo'),
      await fit('--response-tokens', '64', '--train', 'full'),
    ];
    expect(ppo.bytes.optimizer).toBeGreaterThan(1.9 * grpo.bytes.optimizer);
    expect(full.base).toBe('f32');
    expect(full.bytes.optimizer).toBeGreaterThan(8 * 40_000 * 1024);
  });

  test('prints a table, and what the smallest bindings cannot hold', async () => {
    const { code, stdout, stderr } = await limr('fit', folder);
    expect(code).toBe(0);
    expect(stdout).toContain('GRPO, LoRA of rank 16, base in f16, cache in f16');
    expect(stdout).toMatch(/GPU memory: \S+ \S+ of 3\.50 GiB; rows that decode together: 256,/);
    for (const card of ['4.00 GiB', '24.00 GiB']) {
      expect(stdout).toMatch(new RegExp(`^ +${card} +256 `, 'm'));
    }
    expect(stdout).toContain('A card of 4 GiB is enough: 256 responses decode together.\n');
    expect(stderr).toBe('');
  });

  test('says which card is enough, and what the smallest bindings cannot hold', async () => {
    const wide = mkdtempSync(join(tmpdir(), 'limr-fit-'));
    const layers = { intermediate_size: 40_000, num_hidden_layers: 8 };
    writeFileSync(join(wide, 'config.json'), JSON.stringify({ ...config, ...layers }));
    const { code, stdout, stderr } = await limr('fit', wide);
    const small = await limr('fit', wide, '--base', 'int4');
    rmSync(wide, { recursive: true });
    expect(code).toBe(0);
    expect(stdout).toContain(
      'A card of 4 GiB is enough: 2 responses decode together, and 256 on one of 8 GiB, with which it is faster.\n',
    );
    expect(stderr).toMatch(
      /^note: an adapter whose bindings end at 128 MiB cannot hold it: layers\.0\.gate_up needs/,
    );
    expect(small.stdout).toContain('A card of 4 GiB is enough: 128 responses decode together');
  });

  test.each(['int8', 'int4'])('counts a base in %s', async (base) => {
    const [halves, blocks] = [await fit(), await fit('--base', base)];
    expect(blocks.base).toBe(base);
    expect(blocks.bytes.weights).toBeLessThan(0.65 * halves.bytes.weights);
  });

  test.each([
    [['--rank', '8', '--train', 'full'], '--rank is of adapters'],
    [
      ['--base', 'int4', '--train', 'full'],
      '--base int4: all parameters are trained in f32 or f16',
    ],
    [['--memory', 'much'], '--memory must be bytes'],
    [['--prompt-tokens', '0'], '--prompt-tokens must be a whole number'],
    [['--response-tokens', '1.5'], '--response-tokens must be a whole number'],
  ])('refuses %j', async (options, message) => {
    const { code, stdout, stderr } = await limr('fit', folder, ...options);
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
    expect(stderr).toContain(message);
  });

  test('notes that a model was made for shorter texts', async () => {
    const { code, stderr } = await limr('fit', folder, '--json', '--response-tokens', '2000');
    expect(code).toBe(0);
    expect(stderr).toBe(
      'note: the model was made for 2048 tokens, prompts and responses have 2512\n',
    );
  });

  test('refuses a folder without a model', async () => {
    const { code, stderr } = await limr('fit', tmpdir());
    expect(code).toBe(2);
    expect(stderr).toContain('no config.json');
  });
});
