import {
  closeSync,
  copyFileSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readFileSync,
  rmSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test, vi } from 'vitest';
import { readSafetensors } from '../../src/formats/safetensors.ts';
import { parseHfConfig } from '../../src/model/hugging-face/config.ts';
import { parameterLayout, parameterNames } from '../../src/model/parameters.ts';
import golden from '../true-shapes/smollm2-135m.json' with { type: 'json' };
import { commandsIn, nodeCommand as node } from '../support/limr-command.ts';

vi.setConfig({ testTimeout: 1_800_000 });
const root = join(import.meta.dirname, '../..');
const folder = mkdtempSync(join(tmpdir(), 'limr-true-'));
afterAll(() => rmSync(folder, { recursive: true }));
const at = (name: string): string => join(folder, name);
const start = commandsIn(folder);

/** As `drawn` and `cut` in test/true-shapes/smollm2.py: the upper halves of f32 numbers. */
function drawn(place: number, count: number, offset: number): Uint16Array {
  const values = new Float32Array(count);
  const key = Math.imul(place, 0x9e3779b9);
  for (let i = 0; i < count; i++) {
    let h = (Math.imul(i, 2654435761) + key) | 0;
    h = Math.imul(h ^ (h >>> 16), 0x85ebca6b);
    h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
    h ^= h >>> 16;
    values[i] = offset + ((h >>> 0) / 2 ** 32 - 0.5) * 0.07;
  }
  const words = new Uint16Array(values.buffer);
  return words.filter((_, i) => i % 2 === 1);
}

/** A folder of the model, with the tokenizer of a small one and a word for each further id. */
function makeModel(): void {
  mkdirSync(at('m'));
  writeFileSync(at('m/config.json'), JSON.stringify(golden.config));
  const small = join(root, 'test/fixtures/models/qwen2-tied');
  copyFileSync(join(small, 'tokenizer_config.json'), at('m/tokenizer_config.json'));
  const tokenizer = JSON.parse(readFileSync(join(small, 'tokenizer.json'), 'utf8')) as {
    readonly model: { readonly vocab: Record<string, number> };
  };
  for (let id = 512; id < golden.config.vocab_size; id++) tokenizer.model.vocab[`t${id}`] = id;
  writeFileSync(at('m/tokenizer.json'), JSON.stringify(tokenizer));
  const config = parseHfConfig(golden.config, 'config.json');
  const tensors = parameterNames(parameterLayout(config, 'lm'))
    .map(({ name, shape }) => ({ name, shape }))
    .sort((a, b) => (a.name < b.name ? -1 : 1));
  expect(tensors).toHaveLength(golden.names);
  let end = 0;
  const header = Object.fromEntries(
    tensors.map(({ name, shape }) => {
      const begin = end;
      end += 2 * shape.reduce((product, size) => product * size, 1);
      return [name, { dtype: 'BF16', shape, data_offsets: [begin, end] }];
    }),
  );
  const text = new TextEncoder().encode(JSON.stringify(header));
  const size = new Uint8Array(8);
  new DataView(size.buffer).setBigUint64(0, BigInt(text.length), true);
  const file = openSync(at('m/model.safetensors'), 'w');
  writeSync(file, size);
  writeSync(file, text);
  for (const [place, { shape }] of tensors.entries()) {
    const count = shape.reduce((product, one) => product * one, 1);
    const words = drawn(place, count, shape.length === 1 ? 1 : 0);
    writeSync(file, new Uint8Array(words.buffer));
  }
  closeSync(file);
}

describe('SmolLM2-135M’s true shape', () => {
  test('has the logits of transformers, and is trained by GRPO with LoRA', async (context) => {
    if (process.env['LIMR_LARGE'] === undefined) {
      context.skip('takes minutes and 2 GiB on a software adapter: LIMR_LARGE=1 runs it');
    }
    makeModel();
    const longest = Math.max(...golden.ids.map(({ length }) => length));
    const padded = golden.ids.map((ids) => [
      ...ids,
      ...Array<number>(longest - ids.length).fill(0),
    ]);
    const mask = golden.ids.map((ids) => padded[0].map((_, t) => Number(t < ids.length)));
    writeFileSync(at('ids.json'), JSON.stringify({ input_ids: padded, attention_mask: mask }));
    const computed = await start(node, ['logits', 'm', '--ids', 'ids.json', '--out', 'l']);
    expect([computed.code, computed.stderr]).toEqual([0, expect.any(String)]);
    const { tensors } = readSafetensors(readFileSync(at('l')), 'l');
    const { bytes, shape } = tensors.get('logits')!;
    const logits = new Float32Array(new Uint8Array(bytes).buffer);
    const width = golden.config.vocab_size;
    expect(shape).toEqual([golden.ids.length, longest, width]);
    let [row, most] = [0, 0];
    for (const [b, ids] of golden.ids.entries()) {
      for (let t = 0; t < ids.length; t++) {
        const begin = (b * longest + t) * width;
        const own = logits.subarray(begin, begin + width);
        const { argmax, sum, logsumexp, some } = golden.rows[row++];
        expect(own.indexOf(Math.max(...own))).toBe(argmax);
        for (const [i, want] of some.entries()) {
          most = Math.max(most, Math.abs(own[i * golden.every] - want));
        }
        const total = own.reduce((all, x) => all + x, 0);
        expect(Math.abs(total - sum) / width).toBeLessThan(5e-5);
        const exponents = own.reduce((all, x) => all + Math.exp(x - own[argmax]), 0);
        expect(Math.abs(own[argmax] + Math.log(exponents) - logsumexp)).toBeLessThan(5e-5);
      }
    }
    expect(row).toBe(golden.rows.length);
    expect(most).toBeLessThan(5e-5);

    const rows = ['2+2=', 'one two'].map((prompt) => JSON.stringify({ prompt, answer: '4' }));
    writeFileSync(at('p.jsonl'), `${rows.join('\n')}\n`);
    const settings = {
      task: { template: 'none', maxPromptTokens: 16, maxResponseTokens: 16 },
      rollout: { prompts: 2, samples: 2 },
      ppo: { minibatches: 1, actor: { learningRate: 0.01, warmupUpdates: 0 } },
      lim: { signal: 'reward', theta: -1e6 },
      experiment: { epochs: 1 },
    };
    writeFileSync(at('c.json'), JSON.stringify(settings));
    writeFileSync(
      at('sevens.mjs'),
      `export default (prompt, answer, response) => ({
        reward: response.split('7').length, correct: true, formatted: true, extracted: null,
      });`,
    );
    const trained = await start(node, [
      ...['ppo', 'm', '--prompts', 'p.jsonl', '--verifier', './sevens.mjs', '--config', 'c.json'],
      ...['--memory', '4GiB', '--out', 'run'],
    ]);
    expect([trained.code, trained.stderr]).toEqual([0, expect.any(String)]);
    const [line, ...others] = readFileSync(at('run/metrics.jsonl'), 'utf8').trimEnd().split('\n');
    expect(others).toEqual([]);
    const { metrics } = JSON.parse(line) as { metrics: Record<string, number> };
    expect(metrics['actor_grad_norm']).toBeGreaterThan(0);
    const adapter = readSafetensors(
      readFileSync(at('run/adapter/adapter_model.safetensors')),
      'adapter',
    ).tensors;
    // Seven matrices of thirty layers, of which each has moved.
    const factors = [...adapter].filter(([name]) => name.includes('lora_B'));
    expect(factors).toHaveLength(7 * 30);
    for (const [name, { bytes: factor }] of factors) {
      expect([name, factor.some((byte) => byte !== 0)]).toEqual([name, true]);
    }
  });
});
