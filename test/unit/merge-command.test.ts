import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, test } from 'vitest';
import {
  float32Entry,
  readSafetensors,
  toFloat32,
  writeSafetensors,
} from '../../src/formats/safetensors.ts';
import { merge } from '../../src/model/merge-adapter.ts';
import { limr } from '../support/command-line.ts';

const lora = 'test/fixtures/lora';
const models = ['qwen2-tied', 'llama-untied'] as const;

const temporary: string[] = [];
function folder(): string {
  const path = mkdtempSync(join(tmpdir(), 'limr-merge-'));
  temporary.push(path);
  return path;
}
afterEach(() => {
  for (const path of temporary.splice(0)) rmSync(path, { recursive: true });
});

const tensorsOf = (path: string) => readSafetensors(readFileSync(path), path).tensors;
const numbersOf = (path: string) =>
  new Map(
    [...tensorsOf(path)].flatMap(([name, entry]) =>
      entry.dtype === 'I32' ? [] : [[name, toFloat32(entry)] as const],
    ),
  );
const farthest = (a: Float32Array, b: Float32Array): number =>
  a.reduce((most, value, i) => Math.max(most, Math.abs(value - (b[i] ?? NaN))), 0);

interface Told {
  readonly out: string;
  readonly dtype: string;
  readonly worst: number;
  readonly matrices: readonly { readonly name: string; readonly error: number | null }[];
}

const mergeOf = async (model: string, ...more: readonly string[]) => {
  const out = join(folder(), 'merged');
  const at = `${lora}/${model}`;
  const run = await limr('merge', `${at}/adapter`, '--base', `${at}/base`, '--out', out, ...more);
  return { ...run, out };
};

describe('limr merge', () => {
  test.each(models)('gives the merged matrices of %s, and the rest of the base', async (model) => {
    const { code, out, stdout, stderr } = await mergeOf(model, '--json');
    expect(code).toBe(0);
    const found = numbersOf(`${out}/model.safetensors`);
    const base = numbersOf(`${lora}/${model}/base/model.safetensors`);
    const golden = numbersOf(`${lora}/${model}/fixture.safetensors`);
    expect([...found.keys()].sort()).toEqual([...base.keys()].sort());
    const merged = [...golden.keys()].filter((key) => key.startsWith('merged.'));
    expect(merged).toHaveLength(14);
    for (const [name, data] of found) {
      const want = golden.get(`merged.${name}`) ?? base.get(name)!;
      const bound = golden.has(`merged.${name}`) ? 5e-7 : 0;
      expect([name, data.length]).toEqual([name, want.length]);
      expect(farthest(data, want)).toBeLessThanOrEqual(bound);
    }
    const told = JSON.parse(stdout) as Told;
    expect(told).toMatchObject({ out, dtype: 'f32' });
    expect(told.matrices.map(({ name }) => `merged.${name}`).sort()).toEqual(merged.sort());
    expect(told.worst).toBeLessThan(1e-6);
    expect(stderr).toMatch(
      /^model: .*, 14 matrices merged; rounding to f32 took \S+ % of a change at most\n$/,
    );
    const copied = readFileSync(`${out}/generation_config.json`);
    expect(copied).toEqual(readFileSync(`${lora}/${model}/base/generation_config.json`));
    expect(readdirSync(out).sort()).toEqual([
      'config.json',
      'generation_config.json',
      'model.safetensors',
    ]);
  });

  test.each([
    ['f16', 'F16', 2 ** -11],
    ['bf16', 'BF16', 2 ** -8],
  ] as const)(
    'rounds to %s, and tells what that took of each change',
    async (word, dtype, step) => {
      const { code, out, stdout, stderr } = await mergeOf(
        'llama-untied',
        '--dtype',
        word,
        '--json',
      );
      expect(code).toBe(0);
      const stored = tensorsOf(`${out}/model.safetensors`);
      for (const entry of stored.values()) expect(entry.dtype).toBe(dtype);
      expect(JSON.parse(readFileSync(`${out}/config.json`, 'utf8'))).toMatchObject({
        dtype: word === 'f16' ? 'float16' : 'bfloat16',
      });
      const golden = numbersOf(`${lora}/llama-untied/fixture.safetensors`);
      const base = numbersOf(`${lora}/llama-untied/base/model.safetensors`);
      const { matrices } = JSON.parse(stdout) as Told;
      for (const { name, error } of matrices) {
        const [want, before] = [golden.get(`merged.${name}`)!, base.get(name)!];
        const got = toFloat32(stored.get(name)!);
        const norm = (each: (i: number) => number) =>
          Math.sqrt(want.reduce((sum, _, i) => sum + each(i) ** 2, 0));
        const share = norm((i) => got[i] - want[i]) / norm((i) => want[i] - before[i]);
        expect(Math.abs(error! / share - 1)).toBeLessThan(1e-2);
        expect(farthest(got, want)).toBeLessThan(
          step * want.reduce((m, v) => Math.max(m, Math.abs(v)), 0),
        );
      }
      expect(stderr.match(/^model\..*\.weight: rounding took \S+ % of the change$/gm)).toHaveLength(
        14,
      );
    },
  );

  test('keeps tokenizer and chat template', async () => {
    const [base, out] = [folder(), join(folder(), 'new')];
    const from = `${lora}/qwen2-tied`;
    for (const name of readdirSync(`${from}/base`)) {
      writeFileSync(join(base, name), readFileSync(`${from}/base/${name}`));
    }
    const kept = ['tokenizer.json', 'tokenizer_config.json', 'chat_template.jinja', 'merges.txt'];
    for (const name of kept) writeFileSync(join(base, name), `{"name": "${name}"}`);
    writeFileSync(join(base, 'run.py'), 'print()');
    const { code } = await limr('merge', `${from}/adapter`, '--base', base, '--out', out);
    expect(code).toBe(0);
    for (const name of kept) {
      expect(readFileSync(join(out, name))).toEqual(readFileSync(join(base, name)));
    }
    expect(readdirSync(out)).not.toContain('run.py');
  });

  test('refuses an adapter of another model, a critic, and a number past f16, with code 2', async () => {
    const out = join(folder(), 'out');
    const run = (adapter: string, base: string, ...more: readonly string[]) =>
      limr('merge', adapter, '--base', base, '--out', out, ...more);
    const other = await run(`${lora}/qwen2-tied/adapter`, 'test/fixtures/models/qwen3-qknorm');
    expect([other.code, other.stderr]).toEqual([
      2,
      expect.stringMatching(/^limr merge: \S+adapter_model\.safetensors: tensor '\S+' must be \(/),
    ]);
    const critic = await run(
      'test/fixtures/lora-critic/qwen2-tied/adapter',
      `${lora}/qwen2-tied/base`,
    );
    expect([critic.code, critic.stderr]).toEqual([
      2,
      expect.stringContaining("a critic's adapter"),
    ]);
    const large = folder();
    const from = `${lora}/qwen2-tied/adapter`;
    writeFileSync(join(large, 'adapter_config.json'), readFileSync(`${from}/adapter_config.json`));
    const entries = [...tensorsOf(`${from}/adapter_model.safetensors`).values()].map((entry) =>
      float32Entry(
        entry.name,
        entry.shape,
        toFloat32(entry).map((value) => value * 1e4),
      ),
    );
    writeFileSync(join(large, 'adapter_model.safetensors'), writeSafetensors(entries));
    const past = await run(large, `${lora}/qwen2-tied/base`, '--dtype', 'f16');
    expect([past.code, past.stderr]).toEqual([
      2,
      expect.stringMatching(/model\.\S+ comes to \S+, and f16 holds at most 65504\n$/),
    ]);
    expect(readdirSync(join(out, '..'))).toEqual(
      readdirSync(join(out, '..')).filter((name) => name === 'out'),
    );
  });

  test('refuses folders that are none, or hold a model or an adapter', async () => {
    const [base, adapter] = [`${lora}/qwen2-tied/base`, `${lora}/qwen2-tied/adapter`];
    const message = async (...argv: readonly string[]) => {
      const { code, stderr } = await limr('merge', ...argv);
      return [code, stderr];
    };
    const out = join(folder(), 'out');
    expect(await message('no/such', '--base', base, '--out', out)).toEqual([
      2,
      'limr merge: no/such: does not exist; an adapter is a folder\n',
    ]);
    expect(await message(adapter, '--base', 'package.json', '--out', out)).toEqual([
      2,
      'limr merge: package.json: is a file; a model is a folder or hf:ORG/NAME\n',
    ]);
    expect(await message(adapter, '--base', base, '--out', base)).toEqual([
      2,
      expect.stringContaining(`--out ${base} already holds`),
    ]);
    expect(await message(adapter, '--base', base, '--out', adapter)).toEqual([
      2,
      expect.stringContaining(`--out ${adapter} holds an adapter`),
    ]);
    expect(await message(adapter, '--out', out)).toEqual([2, expect.stringContaining('base')]);
  });
});

describe('merge', () => {
  test('adds s B A, in float64, and counts what the type loses', () => {
    const weight = Float32Array.of(1, 2, 3, 4, 5, 6);
    const factors = {
      rank: 2,
      scale: 0.5,
      a: Float32Array.of(1, 0, 2, 0, 1, -1), // (2, 3)
      b: Float32Array.of(1, 2, 3, 4), // (2, 2)
    };
    const { merged, error } = merge(weight, factors, 'F32');
    // B A = [1, 2, 0], [3, 4, 2].
    expect([...merged]).toEqual([1.5, 3, 3, 5.5, 7, 7]);
    expect(error).toBe(0);
  });

  test('of a change below the step of bf16 takes all of it, and of none takes nothing', () => {
    const weight = Float32Array.of(1, 1);
    const factors = { rank: 1, scale: 1, a: Float32Array.of(1, 1), b: Float32Array.of(2 ** -12) };
    expect(merge(weight, factors, 'BF16').error).toBe(1);
    expect(merge(weight, factors, 'F32').error).toBe(0);
    const none = merge(weight, { ...factors, b: Float32Array.of(0) }, 'BF16');
    expect([none.error, ...none.merged]).toEqual([undefined, 1, 1]);
  });
});
