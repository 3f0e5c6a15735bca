import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import llamaAdapter from '../fixtures/lora/llama-untied/adapter/adapter_config.json';
import llamaFactors from '../fixtures/lora/llama-untied/adapter/adapter_model.safetensors?inline';
import llamaConfig from '../fixtures/lora/llama-untied/base/config.json';
import llamaModel from '../fixtures/lora/llama-untied/base/model.safetensors?inline';
import llamaAbout from '../fixtures/lora/llama-untied/fixture.json';
import llamaExpected from '../fixtures/lora/llama-untied/fixture.safetensors?inline';
import qwenAdapter from '../fixtures/lora/qwen2-tied/adapter/adapter_config.json';
import qwenFactors from '../fixtures/lora/qwen2-tied/adapter/adapter_model.safetensors?inline';
import qwenConfig from '../fixtures/lora/qwen2-tied/base/config.json';
import qwenModel from '../fixtures/lora/qwen2-tied/base/model.safetensors?inline';
import qwenAbout from '../fixtures/lora/qwen2-tied/fixture.json';
import qwenExpected from '../fixtures/lora/qwen2-tied/fixture.safetensors?inline';
import template from '../fixtures/models/qwen2-tied/chat_template.jinja?raw';
import tokenizer from '../fixtures/models/qwen2-tied/tokenizer.json';
import { main } from '../../src/cli/main.ts';
import { useSystem } from '../../src/cli/system.ts';
import { readSafetensors, toFloat32 } from '../../src/formats/safetensors.ts';
import { Tokenizer } from '../../src/formats/tokenizer.ts';
import { expectClose } from '../support/gpu.ts';
import { inPage } from '../support/host.ts';
import { MemorySystem } from '../support/memory-system.ts';
import { assetBytes, modelFixture, type ModelFixture } from '../support/model-fixture.ts';

const encode = (json: unknown) => new TextEncoder().encode(JSON.stringify(json));

interface Case {
  readonly golden: ModelFixture;
  readonly files: Map<string, Uint8Array>;
  readonly about: typeof qwenAbout;
}
const cases = new Map<string, Case>();

beforeAll(async () => {
  const sources = {
    'qwen2-tied': [qwenConfig, qwenModel, qwenExpected, qwenAdapter, qwenFactors, qwenAbout],
    'llama-untied': [
      llamaConfig,
      llamaModel,
      llamaExpected,
      llamaAdapter,
      llamaFactors,
      llamaAbout,
    ],
  } as const;
  for (const [name, [config, model, expected, adapter, factors, about]] of Object.entries(
    sources,
  )) {
    const files = new Map([
      ['m/config.json', encode(config)],
      ['m/model.safetensors', await assetBytes(model)],
      ['m/tokenizer.json', encode(tokenizer)],
      ['a/adapter_config.json', encode(adapter)],
      ['a/adapter_model.safetensors', await assetBytes(factors)],
    ]);
    const golden = await modelFixture(config, model, expected);
    cases.set(name, { golden, files, about: about });
  }
});
beforeEach(({ skip }) => {
  // parity.test.ts and adapters.test.ts compute with adapters in pages.
  if (inPage) skip('the commands are run in processes alone');
});
afterAll(() => useSystem(undefined));

/** Runs a command over a case's model and adapter, and more files. */
async function limr(name: string, argv: readonly string[], more: Record<string, Uint8Array> = {}) {
  const own = cases.get(name)!;
  const system = new MemorySystem([...own.files, ...Object.entries(more)]);
  useSystem(system);
  const code = await main(argv);
  const json = (path: string) =>
    JSON.parse(new TextDecoder().decode(system.files.get(path))) as unknown;
  const tensors = (path: string) => readSafetensors(system.files.get(path)!, path).tensors;
  return { code, system, json, tensors };
}

const rowsOf = ({ golden }: Case, key: string): number[][] => {
  const [count = 0, width = 0] = golden.shape(key);
  const values = golden.i32(key);
  return Array.from({ length: count }, (_, i) => [...values.subarray(i * width, (i + 1) * width)]);
};
const idsOf = (own: Case, kind: string) => ({
  input_ids: rowsOf(own, `${kind}.input_ids`),
  attention_mask: rowsOf(own, `${kind}.attention_mask`),
});

interface Completion {
  readonly ids: number[];
  readonly text: string;
  readonly logprobs: number[];
}

describe.each(['qwen2-tied', 'llama-untied'])('--adapter-dir on %s', (name) => {
  test('gives the logits that PEFT gives, and without it those of the base', async () => {
    const own = cases.get(name)!;
    for (const [more, key] of [
      [['--adapter-dir', 'a'], 'logits_on'],
      [[], 'logits_off'],
    ] as const) {
      const { code, tensors } = await limr(
        name,
        ['logits', 'm', '--ids', 'ids.json', '--out', 'o', ...more],
        { 'ids.json': encode(idsOf(own, 'leftpad')) },
      );
      expect(code).toBe(0);
      const want = own.golden.f32(`leftpad.${key}`);
      expectClose(toFloat32(tensors('o').get('logits')!), want, { abs: 5e-4 });
    }
  });

  test('takes targets as a regular expression, which a worker matches on every host', async () => {
    const own = cases.get(name)!;
    const text = new TextDecoder().decode(own.files.get('a/adapter_config.json'));
    const settings = JSON.parse(text) as object;
    const merge = async (target_modules: unknown) => {
      const { code, system, tensors } = await limr(
        name,
        ['merge', 'a', '--base', 'm', '--out', 'w'],
        { 'a/adapter_config.json': encode({ ...settings, target_modules }) },
      );
      const found = code === 0 ? tensors('w/model.safetensors') : undefined;
      return { code, err: system.err, weight: found?.get('model.layers.1.mlp.up_proj.weight') };
    };
    const listed = await merge('all-linear');
    const matched = await merge('model\\.layers\\.[01]\\.(?:self_attn|mlp)\\.(?!x)[a-z]+_proj');
    expect([listed.code, matched]).toEqual([0, { ...listed, err: matched.err }]);
    const wrong = await merge('.*(');
    expect([wrong.code, wrong.err]).toEqual([
      2,
      expect.stringMatching(
        /^limr merge: a\/adapter_config\.json: target_modules: '\.\*\(' is no reg/,
      ),
    ]);
  });

  test("gives the gradient of the adapter alone, under PEFT's names", async () => {
    const own = cases.get(name)!;
    const { code, tensors } = await limr(
      name,
      ['grads', 'm', '--ids', 'ids.json', '--out', 'o', '--adapter-dir', 'a'],
      { 'ids.json': encode(idsOf(own, 'leftpad')) },
    );
    expect(code).toBe(0);
    const found = tensors('o');
    const loss = own.about.cases.leftpad.loss_on;
    expectClose(toFloat32(found.get('loss')!), [loss], { abs: 2e-5 });
    const keys = own.golden.keys.filter((key) => key.startsWith('leftpad.grad.'));
    expect(keys).toHaveLength(28);
    expect(found.size).toBe(keys.length + 1);
    for (const key of keys) {
      const want = own.golden.f32(key);
      const got = found.get(key.slice('leftpad.grad.'.length))!;
      expect(got.shape).toEqual(own.golden.shape(key));
      const largest = want.reduce((top, value) => Math.max(top, Math.abs(value)), 0);
      expectClose(toFloat32(got), want, { abs: 2e-4 * largest });
    }
  });

  test('generates the ids that PEFT does, and the memory counts the adapter', async () => {
    const own = cases.get(name)!;
    const ids = {
      input_ids: rowsOf(own, 'greedy.prompt_ids'),
      attention_mask: rowsOf(own, 'greedy.attention_mask'),
    };
    const want = rowsOf(own, 'greedy.new_ids');
    const argv = ['generate', 'm', '--ids', 'ids.json', '--temperature', '0', '--ignore-eos'];
    const counted = [...argv, '--max-new-tokens', String(want[0].length)];
    const files = { 'ids.json': encode(ids) };
    const adapted = [...counted, '--adapter-dir', 'a'];
    const { code, json, system } = await limr(name, [...adapted, '--out', 'o'], files);
    expect([code, system.err]).toEqual([0, expect.stringContaining('3 completions')]);
    const rows = json('o') as Completion[];
    expect(rows.map((row) => row.ids)).toEqual(want);
    const logprobs = rows.flatMap((row) => row.logprobs);
    expectClose(logprobs, own.golden.f32('greedy.new_logprobs'), { abs: 2e-4 });

    const bytesOf = async (asked: readonly string[]) => {
      const told = await limr(name, [...asked, '--estimate', '--json'], files);
      return (JSON.parse(told.system.out) as { bytes: { total: number } }).bytes.total;
    };
    const more = (await bytesOf(adapted)) - (await bytesOf(counted));
    const factors = own.files.get('a/adapter_model.safetensors')!.length;
    expect(more).toBeGreaterThan(0.9 * factors);
  });
});

describe('--adapter-dir', () => {
  test('lets the adapted model answer, as the merged one does', async () => {
    const name = 'qwen2-tied';
    const argv = ['generate', 'm', '--prompt', 'Hello', '--temperature', '0', '--json'];
    const answer = async (...more: readonly string[]) => {
      const { system } = await limr(name, [...argv, '--max-new-tokens', '6', ...more]);
      const [row] = JSON.parse(system.out) as Completion[];
      return row;
    };
    const [on, off] = [await answer('--adapter-dir', 'a'), await answer()];
    expect(on.ids).not.toEqual(off.ids);
    const merged = await limr(name, ['merge', 'a', '--base', 'm', '--out', 'w']);
    expect(merged.code).toBe(0);
    const { system } = await limr(
      name,
      ['generate', 'w', ...argv.slice(2), '--max-new-tokens', '6'],
      Object.fromEntries(merged.system.files),
    );
    expect((JSON.parse(system.out) as Completion[])[0].ids).toEqual(on.ids);

    // The last id becomes an end token: eval takes an answer only whole.
    const spoken = new Tokenizer({ tokenizer }, 't').decode(on.ids.slice(0, -1), {
      skipSpecialTokens: true,
    });
    const scored = async (...more: readonly string[]) => {
      const data = { prompt: 'Hello', answer: spoken };
      const { code, system: told } = await limr(
        name,
        [
          'eval',
          'm',
          '--data',
          'd.jsonl',
          '--verifier',
          'exact',
          '--max-new-tokens',
          '6',
          '--json',
          ...more,
        ],
        {
          'd.jsonl': encode(data),
          'm/generation_config.json': encode({ eos_token_id: on.ids.at(-1) }),
        },
      );
      expect([code, told.err]).toEqual([0, expect.any(String)]);
      return JSON.parse(told.out) as { readonly mean: number; readonly adapterDir?: string };
    };
    expect(await scored('--adapter-dir', 'a')).toMatchObject({ mean: 1, adapterDir: 'a' });
    expect(await scored()).toMatchObject({ mean: 0 });
  });

  test.each([
    ['logits', ['--ids', 'ids.json']],
    ['grads', ['--ids', 'ids.json']],
    ['generate', ['--prompt', 'Hi']],
    ['eval', ['--data', 'd.jsonl', '--verifier', 'exact']],
  ])(
    'of limr %s refuses what is no adapter of the model, before a device opens',
    async (command, own) => {
      const more = {
        'ids.json': encode({ input_ids: [[1, 2]] }),
        'd.jsonl': encode({ prompt: 'a', answer: 'b' }),
        file: encode({}),
        'none/x': encode({}),
      };
      for (const [path, why] of [
        ['nowhere', 'nowhere: does not exist; an adapter is a folder'],
        ['file', 'file: is a file; an adapter is a folder'],
        ['none', 'none: no adapter_config.json'],
        ['m', 'm: no adapter_config.json'],
      ]) {
        const { code, system } = await limr(
          'qwen2-tied',
          [command, 'm', ...own, '--out', 'o', '--adapter-dir', path],
          more,
        );
        expect([code, system.err]).toEqual([2, `limr ${command}: ${why}\n`]);
      }
    },
  );
});

describe('limr sft --train lora', () => {
  const name = 'qwen2-tied';
  const rows = [
    {
      messages: [
        { role: 'user', content: 'a' },
        { role: 'assistant', content: 'b' },
      ],
    },
    { prompt: 'one', response: 'two' },
    { text: 'abc' },
  ];
  const data = new TextEncoder().encode(rows.map((row) => JSON.stringify(row)).join('\n'));
  const files = { 'd.jsonl': data, 'm/chat_template.jinja': new TextEncoder().encode(template) };
  const train = (...more: readonly string[]) =>
    limr(name, ['sft', 'm', '--data', 'd.jsonl', '--out', 'o', '--train', 'lora', ...more], files);
  const losses = (err: string) => [...err.matchAll(/loss (\S+)/g)].map(([, loss]) => Number(loss));

  test('writes an adapter that learned the rows, and leaves the model as it is', async () => {
    const options = ['--rank', '6', '--alpha', '3', '--targets', 'q_proj,down', '--epochs', '8'];
    const { code, system, json, tensors } = await train(
      ...options,
      '--learning-rate',
      '0.02',
      '--system',
      'Be brief.',
    );
    expect([code, system.err]).toEqual([0, expect.stringContaining('adapter: o/adapter\n')]);
    const told = losses(system.err);
    expect(told).toHaveLength(8);
    expect(told[7]).toBeLessThan(0.7 * told[0]);
    const made = [...system.files.keys()].filter((path) => path.startsWith('o/')).sort();
    expect(made).toEqual(['o/adapter/adapter_config.json', 'o/adapter/adapter_model.safetensors']);
    expect(json('o/adapter/adapter_config.json')).toMatchObject({
      base_model_name_or_path: 'm',
      lora_alpha: 3,
      r: 6,
      target_modules: ['down_proj', 'q_proj'],
    });
    const factors = [...tensors('o/adapter/adapter_model.safetensors')];
    expect(factors).toHaveLength(8);
    // B began at 0.
    for (const [key, entry] of factors)
      expect([key, toFloat32(entry).some(Boolean)]).toEqual([key, true]);

    const again = await train(...options, '--learning-rate', '0.02', '--system', 'Be brief.');
    expect(again.system.files.get('o/adapter/adapter_model.safetensors')).toEqual(
      system.files.get('o/adapter/adapter_model.safetensors'),
    );
    expect(again.system.files.get('m/model.safetensors')).toBe(
      cases.get(name)!.files.get('m/model.safetensors'),
    );

    const written = Object.fromEntries(system.files);
    const learned = await limr(
      name,
      ['logits', 'm', '--ids', 'ids.json', '--out', 'l', '--adapter-dir', 'o/adapter'],
      { ...written, 'ids.json': encode({ input_ids: [[1, 2, 3]] }) },
    );
    expect(learned.code).toBe(0);
  });

  test('goes on from an adapter, with its ranks and scales', async () => {
    const shape = ['--rank', '3', '--alpha', '12', '--rslora', '--targets', 'v,up'];
    const rate = ['--learning-rate', '0.02', '--epochs', '4'];
    const first = await train(...shape, ...rate);
    expect(first.code).toBe(0);
    const held = Object.fromEntries(
      [...first.system.files]
        .filter(([path]) => path.startsWith('o/adapter/'))
        .map(([path, bytes]) => [path.replace('o/adapter', 'b'), bytes]),
    );
    const goOn = (more: Record<string, Uint8Array> = {}, ...options: readonly string[]) =>
      limr(
        name,
        ['sft', 'm', '--data', 'd.jsonl', '--out', 'o', '--adapter-dir', 'b', ...options],
        { ...files, ...held, ...more },
      );
    const second = await goOn({}, '--train', 'lora', ...rate);
    expect([second.code, second.system.err]).toEqual([0, expect.any(String)]);
    const [before, after] = [losses(first.system.err), losses(second.system.err)];
    expect(after[0]).toBeLessThan(before[3]);
    expect(after[3]).toBeLessThan(after[0]);
    expect(second.json('o/adapter/adapter_config.json')).toEqual(
      first.json('o/adapter/adapter_config.json'),
    );

    const dropout = { ...(second.json('b/adapter_config.json') as object), lora_dropout: 0.1 };
    const refused = await goOn({ 'b/adapter_config.json': encode(dropout) }, '--train', 'lora');
    expect([refused.code, refused.system.err]).toEqual([
      2,
      'limr sft: b/adapter_config.json: lora_dropout 0.1 is not implemented in training\n',
    ]);
    for (const [options, why] of [
      [[], '--adapter-dir is of adapters: it needs --train lora'],
      [['--train', 'lora', '--rank', '4'], '--rank: the adapter of --adapter-dir has its own'],
    ] as const) {
      const { code, system } = await goOn({}, ...options);
      expect([code, system.err]).toEqual([2, `limr sft: ${why}\n`]);
    }
  });

  test('begins at the loss of the model, with the defaults of an adapter', async () => {
    const { code, system, json } = await train();
    expect(code).toBe(0);
    const whole = await limr(
      name,
      ['sft', 'm', '--data', 'd.jsonl', '--out', 'w', '--learning-rate', '0'],
      files,
    );
    expect([whole.code, whole.system.err]).toEqual([0, expect.any(String)]);
    expect(losses(system.err)).toEqual(losses(whole.system.err));
    const config = json('o/adapter/adapter_config.json') as { readonly target_modules: unknown };
    expect(config).toMatchObject({ r: 16, lora_alpha: 32, use_rslora: false });
    expect(config.target_modules).toHaveLength(7);
    expect([...whole.system.files.keys()]).toContain('w/generation_config.json');
  });

  test.each<[readonly string[], string]>([
    [['--rank', '0'], "--rank must be a whole number at least 1 and at most 65536, got '0'"],
    [['--targets', 'q,lm_head'], "--targets: 'lm_head' is none of q, k, v, o, gate, up, down"],
    [['--dtype', 'f16'], '--dtype is of a model: adapters are written in f32'],
  ])('refuses %j', async (more, why) => {
    const { code, system } = await train(...more);
    expect([code, system.err]).toEqual([2, `limr sft: ${why}\n`]);
  });

  test('refuses options of adapters without it, a config to begin from, and a folder in use', async () => {
    const run = async (argv: readonly string[], more: Record<string, Uint8Array> = {}) => {
      const { code, system } = await limr(name, ['sft', ...argv], { ...files, ...more });
      return [code, system.err];
    };
    const begin = ['m', '--data', 'd.jsonl', '--out', 'o'];
    expect(await run([...begin, '--rank', '4'])).toEqual([
      2,
      'limr sft: --rank is of adapters: it needs --train lora\n',
    ]);
    expect(
      await run(['c.json', ...begin.slice(1), '--train', 'lora'], { 'c.json': encode({}) }),
    ).toEqual([2, 'limr sft: --train lora needs a model directory, c.json is none\n']);
    const used = { 'o/adapter/adapter_config.json': encode({}) };
    expect(await run([...begin, '--train', 'lora'], used)).toEqual([
      2,
      'limr sft: --out o already holds an adapter\n',
    ]);
  });
});
