import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import config from '../fixtures/models/qwen2-tied/config.json';
import modelUri from '../fixtures/models/qwen2-tied/model.safetensors?inline';
import expectedUri from '../fixtures/models/qwen2-tied/fixture.safetensors?inline';
import fixture from '../fixtures/models/qwen2-tied/fixture.json';
import tokenizer from '../fixtures/models/qwen2-tied/tokenizer.json';
import tokenizerConfig from '../fixtures/models/qwen2-tied/tokenizer_config.json';
import { main } from '../../src/cli/main.ts';
import { useSystem } from '../../src/cli/system.ts';
import { readSafetensors, toFloat32, writeSafetensors } from '../../src/formats/safetensors.ts';
import { Tokenizer } from '../../src/formats/tokenizer.ts';
import { watch } from '../support/device-calls.ts';
import { expectClose } from '../support/gpu.ts';
import { inNodeAlone, inPage } from '../support/host.ts';
import { MemorySystem } from '../support/memory-system.ts';
import { assetBytes, modelFixture, type ModelFixture } from '../support/model-fixture.ts';

const encode = (json: unknown) => new TextEncoder().encode(JSON.stringify(json));
const lines = (rows: readonly unknown[]) =>
  new TextEncoder().encode(rows.map((row) => JSON.stringify(row)).join('\n'));

let golden: ModelFixture;
let files: Map<string, Uint8Array>;

beforeAll(async () => {
  golden = await modelFixture(config, modelUri, expectedUri);
  files = new Map([
    ['m/config.json', encode(config)],
    ['m/model.safetensors', await assetBytes(modelUri)],
    ['m/tokenizer.json', encode(tokenizer)],
    ['m/tokenizer_config.json', encode(tokenizerConfig)],
  ]);
});
afterAll(() => useSystem(undefined));

/** Runs a command over the model and more files. */
async function limr(argv: readonly string[], more: Record<string, Uint8Array> = {}) {
  const system = new MemorySystem([...files, ...Object.entries(more)]);
  useSystem(system);
  const code = await main(argv);
  const json = (path: string) =>
    JSON.parse(new TextDecoder().decode(system.files.get(path))) as unknown;
  const tensors = (path: string) => readSafetensors(system.files.get(path)!, path).tensors;
  return { code, system, json, tensors };
}

const rowsOf = (key: string): number[][] => {
  const [count = 0, width = 0] = golden.shape(key);
  const values = golden.i32(key);
  return Array.from({ length: count }, (_, i) => [...values.subarray(i * width, (i + 1) * width)]);
};
const leftpad = () => ({
  input_ids: rowsOf('leftpad.input_ids'),
  attention_mask: rowsOf('leftpad.attention_mask'),
});

describe('limr logits', () => {
  test('writes the logits that transformers computes, 0 where masked', async () => {
    const { code, system, tensors } = await limr(
      ['logits', 'm', '--ids', 'ids.json', '--out', 'o'],
      {
        'ids.json': encode(leftpad()),
      },
    );
    expect([code, system.err]).toEqual([0, expect.stringMatching(/^adapter: /)]);
    const logits = tensors('o').get('logits')!;
    expect(logits.shape).toEqual(golden.shape('leftpad.logits'));
    expectClose(toFloat32(logits), golden.f32('leftpad.logits'), { abs: 5e-4 });
  });

  test('needs no mask, and prints what it wrote', async () => {
    const { code, system, tensors } = await limr(
      ['logits', 'm', '--ids', 'ids.json', '--out', 'o', '--json'],
      { 'ids.json': encode({ input_ids: rowsOf('nopad.input_ids') }) },
    );
    expect(code).toBe(0);
    expectClose(toFloat32(tensors('o').get('logits')!), golden.f32('nopad.logits'), { abs: 5e-4 });
    expect(JSON.parse(system.out)).toMatchObject({ shape: [3, 17, 320], out: 'o' });
  });
});

test('logits and gradients from weights in f16 are near, and not the same', async ({ skip }) => {
  inNodeAlone(skip);
  for (const [command, key] of [
    ['logits', 'logits'],
    ['grads', 'loss'],
  ] as const) {
    const argv = [command, 'm', '--ids', 'ids.json', '--out', 'o'];
    const read = async (...more: string[]) => {
      const { code, tensors } = await limr([...argv, ...more], { 'ids.json': encode(leftpad()) });
      expect(code).toBe(0);
      return toFloat32(tensors('o').get(key)!);
    };
    const [whole, halves] = [await read(), await read('--weights', 'f16')];
    // In transformers, matrices and table rounded to f16 move these logits by 0.068 at most; ours lie
    // within 4.2e-5 of those.
    expectClose(halves, whole, { abs: 0.07 });
    expect(halves).not.toEqual(whole);
  }
});

describe('limr grads', () => {
  test('writes the loss and every gradient', async () => {
    const { code, tensors } = await limr(['grads', 'm', '--ids', 'ids.json', '--out', 'o'], {
      'ids.json': encode(leftpad()),
    });
    expect(code).toBe(0);
    const found = tensors('o');
    expectClose(toFloat32(found.get('loss')!), [fixture.cases.leftpad.loss], { abs: 2e-5 });
    const keys = golden.keys.filter((key) => key.startsWith('leftpad.grad.'));
    expect(found.size).toBe(keys.length + 1);
    for (const key of keys) {
      const want = golden.f32(key);
      const own = found.get(key.slice('leftpad.grad.'.length))!;
      expect(own.shape).toEqual(golden.shape(key));
      const largest = want.reduce((top, value) => Math.max(top, Math.abs(value)), 0);
      expectClose(toFloat32(own), want, { abs: 2e-4 * largest });
    }
  });
});

interface Completion {
  readonly prompt_ids: number[];
  readonly ids: number[];
  readonly text: string;
  readonly logprobs: number[];
}

describe('limr generate', () => {
  test('continues greedily as transformers does', async () => {
    const { code, json } = await limr(
      [
        'generate',
        'm',
        '--ids',
        'ids.json',
        '--temperature',
        '0',
        '--max-new-tokens',
        '32',
        '--ignore-eos',
        '--out',
        'o',
      ],
      {
        'ids.json': encode({
          input_ids: rowsOf('greedy.prompt_ids'),
          attention_mask: rowsOf('greedy.attention_mask'),
        }),
      },
    );
    expect(code).toBe(0);
    const got = json('o') as Completion[];
    expect(got.map(({ ids }) => ids)).toEqual(rowsOf('greedy.new_ids'));
    expectClose(
      got.flatMap(({ logprobs }) => logprobs),
      golden.f32('greedy.new_logprobs'),
      { abs: 2e-4 },
    );
  });

  test('writes U+FFFD for ids that the tokenizer has no token for', async ({ skip }) => {
    inNodeAlone(skip);
    // Without its last tokens the vocabulary is smaller than the embedding, as Qwen2.5's is.
    const kept = 100;
    const { model } = tokenizer;
    const vocab = Object.fromEntries(Object.entries(model.vocab).filter(([, id]) => id < kept));
    const small = { ...tokenizer, added_tokens: [], model: { ...model, vocab, merges: [] } };
    const more = { 'm/tokenizer.json': encode(small), 'm/tokenizer_config.json': encode({}) };
    const argv = ['generate', 'm', '--ids', 'ids.json', '--ignore-eos', '--max-new-tokens', '16'];
    const { code, json } = await limr([...argv, '--temperature', '5', '--out', 'o'], {
      ...more,
      'ids.json': encode({ input_ids: [[1, 2, 3]] }),
    });
    expect(code).toBe(0);
    const [{ ids, text }] = json('o') as Completion[];
    const unknown = ids.filter((id) => id >= kept).length;
    expect(unknown).toBeGreaterThan(0);
    expect(text.split('\uFFFD').length - 1).toBeGreaterThanOrEqual(unknown);
    const question = ['eval', 'm', '--data', 'q.jsonl', '--verifier', 'exact', '--out', 'e'];
    const evaluated = await limr([...question, '--max-new-tokens', '8', '--temperature', '5'], {
      ...more,
      'q.jsonl': lines([{ prompt: 'abc', answer: 'x' }]),
    });
    expect([evaluated.code, evaluated.json('e')]).toMatchObject([0, { mean: 0 }]);
  });

  test('goes to the next free file under runs/ without --out', async ({ skip }) => {
    inNodeAlone(skip);
    const argv = ['generate', 'm', '--prompt', 'Find x', '--max-new-tokens', '2'];
    const { code, system } = await limr(argv, { 'runs/completions.json': encode([]) });
    expect(code).toBe(0);
    expect(system.files.has('runs/completions-2.json')).toBe(true);
    expect(system.err).toContain('1 completion in runs/completions-2.json');
  });

  test('draws the same for the same seed, other things for others, from text', async () => {
    const draw = async (seed: string) => {
      const argv = ['generate', 'm', '--prompt', 'Find x', '--max-new-tokens', '6', '-n', '3'];
      const { code, json } = await limr([...argv, '--seed', seed, '--out', 'o']);
      expect(code).toBe(0);
      return json('o') as Completion[];
    };
    const [first, again, other] = [await draw('1'), await draw('1'), await draw('2')];
    expect(first).toHaveLength(3);
    expect(first).toEqual(again);
    expect(first).not.toEqual(other);
    expect(new Set(first.map(({ ids }) => ids.join())).size).toBeGreaterThan(1);
    expect(first.every(({ text, ids }) => typeof text === 'string' && ids.length <= 6)).toBe(true);
  });
});

describe('limr eval', () => {
  test.for(['</s>', '<|eot_id|>', '<end_of_turn>', '<of no known family>'])(
    'counts an answer that ends with %s, the end token of the model',
    async (content, { skip }) => {
      inNodeAlone(skip);
      const renamed = tokenizer.added_tokens.map((token) =>
        token.id === config.eos_token_id ? { ...token, content } : token,
      );
      const named = {
        'm/tokenizer.json': encode({ ...tokenizer, added_tokens: renamed }),
        'm/tokenizer_config.json': encode({ eos_token: content }),
      };
      const row = { prompt: 'What is 1+1?', response: ' \\boxed{2}' };
      const teach = ['sft', 'm', '--data', 'd.jsonl', '--epochs', '40', '--out', 'new'];
      const taught = await limr([...teach, '--learning-rate', '3e-3'], {
        ...named,
        'd.jsonl': lines([row]),
      });
      expect(taught.code).toBe(0);
      const more = {
        ...Object.fromEntries(taught.system.files),
        'math.jsonl': lines([{ prompt: row.prompt, gts: '2.0' }]),
        'exact.jsonl': lines([{ prompt: row.prompt, key: row.response }]),
      };
      const whole = ['generate', 'new', '--prompt', row.prompt, '--temperature', '0', '--out', 'o'];
      const [said] = (await limr(whole, more)).json('o') as Completion[];
      expect(said).toMatchObject({ text: row.response, finished: true });
      const tokens = String(said.ids.length - 1);
      for (const verifier of ['math', 'math-eval', 'exact']) {
        const data = verifier === 'exact' ? 'exact.jsonl' : 'math.jsonl';
        const argv = ['eval', 'new', '--data', data, '--verifier', verifier, '--out', 'e'];
        const { json } = await limr(argv, more);
        expect([verifier, json('e')]).toMatchObject([verifier, { mean: 1, finished: 1 }]);
        const cut = await limr([...argv, '--max-new-tokens', tokens], more);
        const mean = verifier === 'math-eval' ? 1 : 0;
        expect([verifier, cut.json('e')]).toMatchObject([verifier, { mean, finished: 0 }]);
        expect(cut.system.err).toContain('1 response cut before the end');
      }
    },
  );
});

describe('responses', () => {
  const chat = {
    'm/chat_template.jinja': new TextEncoder().encode(
      '{% for m in messages %}<{{ m.role }}>{{ m.content }}{% endfor %}{% if add_generation_prompt %}<a>{% endif %}',
    ),
  };
  /** The rendered prompt of a command over one row or `--prompt`. */
  const rendered = async (argv: readonly string[], more: Record<string, Uint8Array> = {}) => {
    const made = ['--max-new-tokens', '1', '--out', 'o'];
    const { code, json, system } = await limr([...argv, ...made], { ...chat, ...more });
    expect([code, system.err]).toEqual([0, expect.any(String)]);
    const [{ prompt_ids: ids }] = json('o') as { prompt_ids: number[] }[];
    return new Tokenizer({ tokenizer, config: tokenizerConfig }, 'm').decode(ids);
  };

  test('takes a system text before a prompt', async ({ skip }) => {
    inNodeAlone(skip);
    const prompt = ['generate', 'm', '--prompt', 'Hi', '--chat'];
    expect(await rendered(prompt)).toBe('<user>Hi<a>');
    expect(await rendered([...prompt, '--system', 'Be brief.'])).toBe(
      '<system>Be brief.<user>Hi<a>',
    );
  });

  test('tells what it would take without weights, within --memory', async () => {
    const smollm = {
      model_type: 'llama',
      hidden_size: 576,
      num_hidden_layers: 30,
      num_attention_heads: 9,
      num_key_value_heads: 3,
      vocab_size: 49_152,
      intermediate_size: 1536,
      tie_word_embeddings: true,
      max_position_embeddings: 8192,
    };
    const questions = Array.from({ length: 500 }, (_, i) => ({
      prompt: 'What is the least prime above this number? '.repeat(1 + (i % 4)),
      answer: String(i),
    }));
    const more = { 'm/config.json': encode(smollm), 'q.jsonl': lines(questions) };
    const kept = files.get('m/model.safetensors')!;
    files.delete('m/model.safetensors');
    try {
      const argv = ['eval', 'm', '--data', 'q.jsonl', '--verifier', 'math', '--estimate', '--json'];
      for (const [memory, most] of [
        [[], 3.5 * 2 ** 30],
        [['--memory', '4GiB'], 3.5 * 2 ** 30],
        [['--memory', '2000000000'], 1.75e9],
      ] as const) {
        const { code, system } = await limr([...argv, ...memory], more);
        expect([code, system.err]).toEqual([0, expect.stringMatching(/GPU memory: .* of /)]);
        const found = JSON.parse(system.out) as {
          readonly rows: number;
          readonly newTokens: number;
          readonly bytes: Record<string, number>;
        };
        expect(found.newTokens).toBe(3072);
        expect(found.bytes.total).toBeLessThanOrEqual(most);
        expect(found.bytes.total).toBeGreaterThan(0.8 * most);
        const { total, ...parts } = found.bytes;
        expect(Object.values(parts).reduce((sum, bytes) => sum + bytes, 0)).toBe(total);
      }
      // A matrix that no binding of this adapter holds: another card's may.
      const wide = {
        ...more,
        'm/config.json': encode({ ...smollm, intermediate_size: 300_000, num_hidden_layers: 1 }),
      };
      const large = await limr([...argv, '--memory', '24GiB'], wide);
      expect([large.code, large.system.err]).toEqual([
        0,
        expect.stringMatching(
          /gate_up needs \d+ bytes in one binding[^]*without limits[^]*GPU memory/,
        ),
      ]);
      const { code, system } = await limr([...argv, '--memory', '64MiB'], more);
      expect([code, system.err]).toEqual([
        2,
        expect.stringMatching(
          /--memory: one response at a time needs \d+\.\d MiB.*there are 56\.0 MiB/,
        ),
      ]);
    } finally {
      files.set('m/model.safetensors', kept);
    }
  });

  test('draws the same, however little memory there is', async () => {
    const argv = [
      'generate',
      'm',
      '--ids',
      'ids.json',
      '-n',
      '5',
      '--max-new-tokens',
      '9',
      '--cache',
      'f32',
    ];
    const more = { 'ids.json': encode({ input_ids: rowsOf('nopad.input_ids') }) };
    const draw = async (memory: string) => {
      const { code, json, system } = await limr([...argv, '--memory', memory, '--out', 'o'], more);
      const rows = /(\d+) responses together/.exec(system.err)?.[1];
      expect(code).toBe(0);
      return { rows: Number(rows), found: json('o') };
    };
    const [large, small] = [await draw('4GiB'), await draw('600KiB')];
    expect(large.rows).toBe(15);
    expect(small.rows).toBeLessThan(15);
    expect(small.found).toEqual(large.found);
  });

  test('closes its device when it fails', async () => {
    const lacking = writeSafetensors([
      ...[...readSafetensors(files.get('m/model.safetensors')!, 'm').tensors.values()].filter(
        ({ name }) => name !== 'model.norm.weight',
      ),
    ]);
    await limr(['generate', 'm', '--prompt', 'Hi', '--max-new-tokens', '1', '--out', 'o']);
    const calls = { opened: 0, closed: 0 };
    const ends = [
      watch(GPUAdapter.prototype, ['requestDevice'], () => calls.opened++),
      watch(GPUDevice.prototype, ['destroy'], () => calls.closed++),
    ];
    try {
      for (const argv of [
        ['logits', 'm', '--ids', 'ids.json', '--out', 'o'],
        ['grads', 'm', '--ids', 'ids.json', '--out', 'o'],
        ['generate', 'm', '--prompt', 'Hi', '--out', 'o'],
        ['eval', 'm', '--data', 'q.jsonl', '--verifier', 'exact', '--out', 'o'],
      ]) {
        calls.opened = calls.closed = 0;
        const { code, system } = await limr(argv, {
          'm/model.safetensors': lacking,
          'ids.json': encode({ input_ids: [[1, 2]] }),
          'q.jsonl': lines([{ prompt: 'a', answer: 'b' }]),
        });
        expect([code, system.err]).toEqual([
          2,
          expect.stringContaining("no tensor 'model.norm.weight'"),
        ]);
        expect(calls.opened, argv[0]).toBeGreaterThan(0);
        expect(calls.closed, argv[0]).toBe(calls.opened);
      }
    } finally {
      for (const end of ends) end();
    }
  });
});

/** Pages compute the same trainings in other tests. */
const aloneInProcesses = 'the command is run in processes alone';

describe('limr sft', () => {
  test('teaches a row, and writes a folder that generates it', async () => {
    const row = { prompt: 'What is 1+1?', response: ' It is 2.' };
    const { code, system } = await limr(
      [
        'sft',
        'm',
        '--data',
        'd.jsonl',
        '--epochs',
        '40',
        '--learning-rate',
        '3e-3',
        '--out',
        'new',
      ],
      { 'd.jsonl': lines([row]) },
    );
    expect([code, system.err]).toEqual([
      0,
      expect.stringMatching(/epoch 40, update 1\/1, loss 0\.0/),
    ]);
    const argv = ['generate', 'new', '--prompt', row.prompt, '--temperature', '0', '--out', 'o'];
    const generated = await limr(argv, Object.fromEntries(system.files));
    expect(generated.code).toBe(0);
    expect((generated.json('o') as Completion[])[0].text).toBe(row.response);
    const evaluated = await limr(
      ['eval', 'new', '--data', 'q.jsonl', '--verifier', 'exact', '--out', 'e'],
      {
        ...Object.fromEntries(system.files),
        'q.jsonl': lines([
          { prompt: row.prompt, answer: 'It is 2.', dataset: 'known' },
          { prompt: row.prompt, answer: 'It is 3.', dataset: 'mixed' },
          { prompt: row.prompt, answer: 'It is 2.', dataset: 'mixed' },
        ]),
      },
    );
    expect(evaluated.code).toBe(0);
    expect(evaluated.json('e')).toMatchObject({
      mean: 0.75,
      sets: [
        { dataset: 'known', prompts: 1, mean: 1, interval: null },
        { dataset: 'mixed', prompts: 2, mean: 0.5, interval: [0, 1] },
      ],
    });
  }, 240_000);

  test('trains in f16 and with gradient checkpointing, and writes the f32 it trained', async ({
    skip,
  }) => {
    if (inPage) skip(aloneInProcesses);
    const rows = [
      { prompt: 'What is 1+1?', response: ' It is 2.' },
      { text: 'One and one are two.' },
    ];
    const train = async (...options: string[]) => {
      const argv = ['sft', 'm', '--data', 'd', '--learning-rate', '1e-3', '--epochs', '3'];
      const more = { d: lines(rows) };
      const { code, system, tensors } = await limr([...argv, '--out', 'n', ...options], more);
      expect([code, system.err]).toEqual([0, expect.stringMatching(/epoch 3, update 1\/1/)]);
      const memory = Number(/GPU memory: (.*) MiB/.exec(system.err)?.[1]);
      const loss = Number(/epoch 3, .* loss (.*)/.exec(system.err)?.[1]);
      const file = system.files.get('n/model.safetensors')!;
      return { memory, loss, file, up: tensors('n/model.safetensors').get(up)! };
    };
    const up = 'model.layers.0.mlp.up_proj.weight';
    const plain = await train();
    const again = await train('--gradient-checkpointing');
    expect(again.file).toEqual(plain.file);
    expect(again.memory).toBeLessThan(plain.memory);
    const halves = await train('--weights', 'f16');
    expect(halves.memory).toBeGreaterThan(plain.memory);
    expect(halves.file).not.toEqual(plain.file);
    // Three steps from gradients that differ by the rounding.
    expect(Math.abs(halves.loss / plain.loss - 1)).toBeLessThan(0.01);
    expect(halves.up.dtype).toBe('F32');
    const trained = toFloat32(halves.up);
    // Of a number that f16 holds, the last 13 bits are 0.
    expect(new Uint32Array(trained.slice().buffer).some((bits) => (bits & 0x1fff) !== 0)).toBe(
      true,
    );
  }, 240_000);

  test('takes storage and checkpointing from a config, unless told otherwise', async ({ skip }) => {
    if (inPage) skip(aloneInProcesses);
    const rows = Array<unknown>(8).fill({ prompt: '1+1=', response: '2' });
    const train = async (config: object, ...options: string[]) => {
      const more = { 'c.json': encode(config), d: lines(rows) };
      const argv = ['sft', 'c.json', '--data', 'd', '--out', 'n', ...options];
      const { code, system } = await limr(argv, more);
      expect([code, system.err]).toEqual([0, expect.stringMatching(/epoch 1, update 1\/1/)]);
      return [
        /GPU memory: .*/.exec(system.err)?.[0],
        system.files.get('n/model.safetensors'),
      ] as const;
    };
    const heads = { heads: 2, kvHeads: 2, headDim: 8 };
    const model = { hiddenSize: 16, intermediateSize: 32, layers: 2, ...heads };
    const saving = { gradientCheckpointing: true, weightStorage: 'f16', model };
    const told = await train({ model }, '--weights', 'f16', '--gradient-checkpointing');
    expect(await train(saving)).toEqual(told);
    const kept = await train({ ...saving, gradientCheckpointing: false }, '--weights', 'f32');
    const plain = await train({ model });
    expect(kept).toEqual(plain);
    expect(plain).not.toEqual(told);
  }, 240_000);

  test('leaves a folder alone that holds a model', async () => {
    const argv = ['sft', 'm', '--data', 'd.jsonl', '--out', 'm'];
    const { code, system } = await limr(argv, { 'd.jsonl': lines([{ text: 'abc' }]) });
    expect([code, system.err]).toEqual([2, expect.stringMatching(/--out m already holds a run/)]);
  });
});

describe('bad input', () => {
  const ids = (input_ids: unknown, attention_mask?: unknown) => ({
    'ids.json': encode({ input_ids, attention_mask }),
  });
  const logits = ['logits', 'm', '--ids', 'ids.json', '--out', 'o'];
  const broken = () => files.get('m/model.safetensors')!;
  test.each<[string, string[], () => Record<string, Uint8Array>, RegExp]>([
    [
      'an id past the vocabulary',
      logits,
      () => ids([[1, 320]]),
      /ids\.json: input_ids\[0\]\[1\] is 320/,
    ],
    ['a negative id', logits, () => ids([[-1]]), /\[0\]\[0\] is -1/],
    ['an id that is text', logits, () => ids([['a']]), /is "a", must be ids below 320/],
    ['ragged rows', logits, () => ids([[1, 2], [1]]), /input_ids\[1\] has 1 ids, \[0\] has 2/],
    ['no rows', logits, () => ids([]), /input_ids is empty/],
    ['a mask of another shape', logits, () => ids([[1, 2]], [[1]]), /another shape/],
    ['a mask of all zeros', logits, () => ids([[1, 2]], [[0, 0]]), /masks every token/],
    ['a mask of twos', logits, () => ids([[1]], [[2]]), /must be 0 and 1/],
    ['too long a row', logits, () => ids([Array(513).fill(1)]), /513 tokens, the model takes 512/],
    ['JSON that is none', logits, () => ({ 'ids.json': new Uint8Array([123]) }), /ids\.json/],
    ['no such file', logits, () => ({}), /ids\.json: no such file/],
    [
      'no such model',
      ['logits', 'x', '--ids', 'ids.json', '--out', 'o'],
      () => ids([[1]]),
      /x: does not exist/,
    ],
    [
      'a file among those of the model',
      ['logits', 'm', '--ids', 'ids.json', '--out', 'm/o'],
      () => ids([[1]]),
      /--out m\/o lies in a folder that holds a model/,
    ],
    [
      'a truncated model',
      logits,
      () => ({ ...ids([[1]]), 'm/model.safetensors': broken().slice(0, -9) }),
      /m\/model\.safetensors: tensors cover/,
    ],
    [
      'an unknown architecture',
      logits,
      () => ({ ...ids([[1]]), 'm/config.json': encode({ ...config, model_type: 'gpt2' }) }),
      /m\/config\.json: model_type "gpt2"/,
    ],
    [
      'weights of another shape',
      logits,
      () => ({ ...ids([[1]]), 'm/config.json': encode({ ...config, vocab_size: 321 }) }),
      /'model\.embed_tokens\.weight' must be \(321, 64\), is \(320, 64\)/,
    ],
    [
      'nothing to learn',
      ['grads', 'm', '--ids', 'ids.json', '--out', 'o'],
      () => ids([[1], [2]]),
      /no token follows another/,
    ],
    [
      'both --prompt and --ids',
      ['generate', 'm', '--prompt', 'a', '--ids', 'ids.json', '--out', 'o'],
      () => ids([[1]]),
      /one of --prompt and --ids/,
    ],
    [
      'a temperature below 0',
      ['generate', 'm', '--prompt', 'a', '--temperature=-1', '--out', 'o'],
      () => ({}),
      /--temperature must be/,
    ],
    [
      'more tokens than the model has room for',
      ['generate', 'm', '--prompt', 'a', '--max-new-tokens', '600', '--out', 'o'],
      () => ({}),
      /--max-new-tokens: a prompt of 1 tokens leaves 511/,
    ],
    ['sft without data', ['sft', 'm', '--out', 'n'], () => ({}), /--data is needed/],
    [
      'an option of training on data where there is none',
      ['sft', 'c.json', '--epochs', '2', '--out', 'n'],
      () => ({ 'c.json': encode({}) }),
      /--epochs needs --data: without it c\.json says how to train/,
    ],
    [
      'f16 where a base is pre-trained',
      ['sft', 'c.json', '--weights', 'f16', '--out', 'n'],
      () => ({ 'c.json': encode({}) }),
      /--weights needs --data: without it c\.json says how to train/,
    ],
    [
      'a preset of the file that there is not',
      ['sft', 'c.json', '--out', 'n'],
      () => ({ 'c.json': encode({ preset: 'huge' }) }),
      /c\.json: no preset 'huge'/,
    ],
    [
      'a row without fields',
      ['sft', 'm', '--data', 'd', '--out', 'n'],
      () => ({ d: lines([{ text: 'ab' }, { prompt: 'a' }]) }),
      /d line 2: no field text/,
    ],
    [
      'a token that the model has no row for',
      ['sft', 'm', '--data', 'd', '--out', 'n'],
      () => {
        const token = { ...tokenizer.added_tokens[0], id: 400, content: '<more>' };
        const more = { ...tokenizer, added_tokens: [...tokenizer.added_tokens, token] };
        return {
          'm/tokenizer.json': encode(more),
          d: lines([{ text: 'ab' }, { text: 'a<more>' }]),
        };
      },
      /d line 2: the tokenizer gives the id 400, the model's ids are below 320/,
    ],
    [
      'a line that is not JSON',
      ['sft', 'm', '--data', 'd', '--out', 'n'],
      () => ({ d: new TextEncoder().encode('{"text":"ab"}\n{"text"') }),
      /d line 2/,
    ],
    [
      'a question without an answer',
      ['eval', 'm', '--data', 'd', '--verifier', 'math'],
      () => ({ d: lines([{ prompt: 'a' }]) }),
      /d line 1: no text in answer/,
    ],
    [
      'a system text without a template',
      ['generate', 'm', '--prompt', 'a', '--system', 'b', '--out', 'o'],
      () => ({}),
      /--system needs --chat/,
    ],
    [
      'a conversation without a template',
      ['eval', 'm', '--data', 'd', '--verifier', 'math'],
      () => {
        const turns = ['user', 'assistant', 'user'].map((role) => ({ role, content: role }));
        return { d: lines([{ prompt: turns, answer: 'x' }]) };
      },
      /d line 1: 3 messages are no plain text: --chat/,
    ],
    [
      'a memory that is none',
      ['generate', 'm', '--prompt', 'a', '--memory', '4 gigs', '--out', 'o'],
      () => ({}),
      /--memory must be bytes, such as 4000000000, 4GiB or 512MiB, got '4 gigs'/,
    ],
  ])('ends on %s with one line and exit code 2', async (_, argv, more, message) => {
    const { code, system } = await limr(argv, more());
    expect(system.err).toMatch(message);
    expect(
      system.err
        .trimEnd()
        .split('\n')
        .filter((line) => !line.startsWith('adapter:')),
    ).toHaveLength(1);
    expect([code, system.out, system.files.has('o')]).toEqual([2, '', false]);
  });

  test('refuses a tied model whose projection differs from its embedding', async () => {
    const { tensors } = readSafetensors(files.get('m/model.safetensors')!, 'm');
    const embedding = tensors.get('model.embed_tokens.weight')!;
    const same = { ...embedding, name: 'lm_head.weight' };
    const other = { ...same, bytes: embedding.bytes.slice() };
    other.bytes[0] ^= 1;
    const more = { 'ids.json': encode({ input_ids: [[1]] }) };
    const argv = ['logits', 'm', '--ids', 'ids.json', '--out', 'o'];
    const run = (extra: typeof same) =>
      limr(argv, {
        ...more,
        'm/model.safetensors': writeSafetensors([...tensors.values(), extra]),
      });
    expect((await run(same)).code).toBe(0);
    const { code, system } = await run(other);
    expect([code, system.err]).toEqual([2, expect.stringMatching(/'lm_head\.weight' differs/)]);
  });
});
