import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, test } from 'vitest';
import { openDiskModel, writeModelFiles } from '../../src/cli/model-files.ts';
import { bytesSource } from '../../src/formats/byte-source.ts';
import { float32Entry, writeSafetensors } from '../../src/formats/safetensors.ts';
import { expectParameters } from '../../src/model/load-parameters.ts';
import { openModelDirectory } from '../../src/model/model-directory.ts';
import { modelDirectoryFiles, modelDirectoryPieces } from '../../src/model/save-model.ts';
import { unwrappedName } from '../../src/model/hugging-face/names.ts';

const fixtures = 'test/fixtures/models';
const text = (value: unknown) => new TextEncoder().encode(JSON.stringify(value));
const config = readFileSync(`${fixtures}/qwen2-tied/config.json`);
const shard = (name: string, value: number) =>
  writeSafetensors([float32Entry(name, [1], Float32Array.of(value))]);

const openOf = (files: Record<string, Uint8Array>) =>
  openModelDirectory((name) => {
    const bytes = Object.hasOwn(files, name) ? files[name] : undefined;
    return Promise.resolve(bytes && bytesSource(`m/${name}`, bytes));
  }, 'm');

const temporary: string[] = [];
const folder = () => {
  const path = mkdtempSync(join(tmpdir(), 'limr-model-'));
  temporary.push(path);
  return path;
};
afterEach(() => {
  for (const path of temporary.splice(0)) rmSync(path, { recursive: true });
});

describe('openModelDirectory', () => {
  test('reads one file of weights, of any float dtype', async () => {
    for (const name of ['qwen2-tied', 'qwen2-bf16']) {
      const model = await openDiskModel(`${fixtures}/${name}`);
      expect(model.shapes.get('model.embed_tokens.weight')).toEqual([320, 64]);
      const weights = await model.read('model.embed_tokens.weight');
      expect(weights).toHaveLength(320 * 64);
      expect(weights.every(Number.isFinite)).toBe(true);
      expect(await (await model.tokenizer())?.encode(['hi'])).toEqual([[71, 72]]);
      await model.close();
    }
  });

  test('reads shards through their index', async () => {
    const model = await openOf({
      'config.json': config,
      'model.safetensors.index.json': text({
        weight_map: { a: 'x-1.safetensors', b: 'x-2.safetensors' },
      }),
      'x-1.safetensors': shard('a', 1),
      'x-2.safetensors': shard('b', 2),
    });
    expect([...(await model.read('a')), ...(await model.read('b'))]).toEqual([1, 2]);
    expect(await model.tokenizerTexts()).toBeUndefined();
  });

  test('follows generation_config.json for stop tokens', async () => {
    const files = { 'config.json': config, 'model.safetensors': shard('a', 1) };
    const stops = async (eos: unknown) =>
      (await openOf({ ...files, 'generation_config.json': text({ eos_token_id: eos }) })).config
        .eosTokenIds;
    expect(await stops([316, 317])).toEqual([316, 317]);
    expect(await stops(null)).toEqual([317]);
    await expect(stops(320)).rejects.toThrow(/m\/generation_config.json: eos_token_id/);
  });

  const shards = (file: unknown) => ({
    'config.json': config,
    'model.safetensors.index.json': text({ weight_map: { a: file } }),
    'x.safetensors': shard('b', 1),
  });
  test.each<[string, Record<string, Uint8Array>, RegExp]>([
    ['no config', {}, /^m: no config.json$/],
    [
      'a config that is not JSON',
      { 'config.json': new TextEncoder().encode('{\n"a": oops}') },
      /m\/config.json line 2: not JSON/,
    ],
    [
      'a config of 2 MB',
      { 'config.json': new Uint8Array(1 << 21) },
      /m\/config.json: 2097152 bytes/,
    ],
    ['no weights', { 'config.json': config }, /neither model.safetensors nor/],
    [
      'a truncated file',
      { 'config.json': config, 'model.safetensors': shard('a', 1).slice(0, -1) },
      /m\/model.safetensors: tensors cover/,
    ],
    [
      'an index without a map',
      { 'config.json': config, 'model.safetensors.index.json': text([]) },
      /no weight_map/,
    ],
    ['a missing shard', shards('y.safetensors'), /shard y.safetensors is missing/],
    ['a shard without the tensor', shards('x.safetensors'), /x.safetensors has no tensor 'a'/],
    ['a path out of the folder', shards('../x.safetensors'), /not a shard/],
    ['an absolute path', shards('/x.safetensors'), /not a shard/],
    ['a number for a shard', shards(7), /not a shard/],
  ])('refuses %s', async (_, files, message) => {
    await expect(openOf(files)).rejects.toThrow(message);
  });

  const pointer = new TextEncoder().encode(
    'version https://git-lfs.github.com/spec/v1\noid sha256:4d7a214614ab2935c943f9e0ff69d22eadbb8f32b1258daaa5e2ca24d17e2393\nsize 988097824\n',
  );
  const weights = { 'config.json': config, 'model.safetensors': shard('a', 1) };
  test.each<[string, Record<string, Uint8Array>, string]>([
    ['config.json', weights, 'config.json'],
    ['generation_config.json', weights, 'generation_config.json'],
    ['model.safetensors', weights, 'model.safetensors'],
    ['model.safetensors.index.json', { 'config.json': config }, 'model.safetensors.index.json'],
    ['x.safetensors', shards('x.safetensors'), 'x.safetensors'],
  ])('names a Git LFS pointer in place of %s', async (name, files, at) => {
    await expect(openOf({ ...files, [name]: pointer })).rejects.toThrow(
      `m/${at}: a Git LFS pointer to 988097824 bytes, not the file itself: fetch it with 'git lfs pull'`,
    );
  });

  test.each(['tokenizer.json', 'tokenizer_config.json', 'chat_template.jinja'])(
    'names a Git LFS pointer in place of %s',
    async (name) => {
      const model = await openOf({ ...weights, 'tokenizer.json': text({}), [name]: pointer });
      await expect(model.tokenizerTexts()).rejects.toThrow(`m/${name}: a Git LFS pointer to`);
    },
  );

  test('reads tensors of compiled and distributed models by their own names', async () => {
    expect(
      [
        '_orig_mod.model.norm.weight',
        'module.model.norm.weight',
        'module._orig_mod.model.norm.weight',
        '_orig_mod.module.model.norm.weight',
        'model._orig_mod.norm.weight',
        'pretrained_model.model.norm.weight',
        'model.norm.weight',
        'module.model._fsdp_wrapped_module.norm._checkpoint_wrapped_module.weight',
      ].map(unwrappedName),
    ).toEqual(Array(8).fill('model.norm.weight'));
    expect(unwrappedName('model.layers.0.self_attn.q_proj.weight')).toBe(
      'model.layers.0.self_attn.q_proj.weight',
    );
    const entries = ['module.a', 'b'].map((name) => float32Entry(name, [1], Float32Array.of(7)));
    const files = { 'config.json': config, 'model.safetensors': writeSafetensors(entries) };
    const model = await openOf(files);
    expect([...model.shapes.keys()].sort()).toEqual(['a', 'b']);
    expect([...(await model.read('a'))]).toEqual([7]);
    expect(model.notes).toEqual(["names such as 'module.a' are read as 'a'"]);
    const twice = ['module.a', 'a'].map((name) => float32Entry(name, [1], Float32Array.of(7)));
    await expect(
      openOf({ ...files, 'model.safetensors': writeSafetensors(twice) }),
    ).rejects.toThrow(/two tensors are 'a', one of them/);
  });

  test('tells value heads apart, and layers that the weights do not have', async () => {
    const source = await openDiskModel(`${fixtures}/qwen2-tied`);
    const own = await Promise.all(
      [...source.shapes].map(async ([name, shape]) =>
        float32Entry(name, shape, await source.read(name)),
      ),
    );
    await source.close();
    const head = ['v_head.summary.weight', 'v_head.summary.bias', 'score.weight'].map((name) =>
      float32Entry(name, [1], Float32Array.of(1)),
    );
    const json = JSON.parse(config.toString()) as Record<string, unknown>;
    const openWith = (changes: Record<string, unknown>) =>
      openOf({
        'config.json': text({ ...json, ...changes }),
        'model.safetensors': writeSafetensors([...own, ...head]),
      });
    const model = await openWith({});
    await expectParameters(model, 'lm');
    expect(model.notes).toEqual([
      "value heads are no part of the language model: 'score.weight' and 2 more",
    ]);
    await expect(
      expectParameters(await openWith({ tie_word_embeddings: false }), 'lm'),
    ).rejects.toThrow("no tensor 'lm_head.weight'; 'score.weight' makes it a critic");
    await expect(
      expectParameters(await openWith({ num_hidden_layers: 1024 }), 'lm'),
    ).rejects.toThrow(
      "m: no tensor 'model.layers.1023.input_layernorm.weight', of the last of num_hidden_layers 1024",
    );
    await expect(openWith({ num_hidden_layers: 1_000_000 })).rejects.toThrow(
      'm/config.json: num_hidden_layers must be a whole number from 1 to 1024, is 1000000',
    );
  });

  test('refuses a tensor that is not there', async () => {
    const model = await openOf({ 'config.json': config, 'model.safetensors': shard('a', 1) });
    await expect(model.read('c')).rejects.toThrow(/m: no tensor 'c'/);
  });
});

describe('modelDirectoryFiles', () => {
  test.each(['F32', 'BF16', 'F16'] as const)(
    'writes a folder in %s that opens again',
    async (dtype) => {
      const source = await openDiskModel(`${fixtures}/qwen2-tied`);
      const weights = [];
      for (const [name, shape] of source.shapes)
        weights.push({ name, shape, data: await source.read(name) });
      const out = join(folder(), 'new');
      await writeModelFiles(
        out,
        await modelDirectoryFiles(source.config, weights, {
          dtype,
          tokenizerFrom: source.openFile,
        }),
      );
      const again = await openDiskModel(out);
      expect(again.config).toEqual(source.config);
      expect([...again.shapes].sort()).toEqual([...source.shapes].sort());
      const tolerance = { F32: 0, F16: 2 ** -11, BF16: 2 ** -8 }[dtype];
      for (const { name, data } of weights) {
        const got = await again.read(name);
        // 2^-25: half of the least f16.
        expect(
          data.every(
            (v, i) => Math.abs(v - got[i]) <= Math.abs(v) * tolerance + (tolerance && 2 ** -25),
          ),
        ).toBe(true);
      }
      expect(await again.tokenizerTexts()).toMatchObject({
        chatTemplate: (await source.tokenizerTexts())?.chatTemplate,
        tokenizer: { text: (await source.tokenizerTexts())?.tokenizer.text },
      });
      await again.close();
      await source.close();
      expect(readdirSync(out).sort()).toEqual([
        'chat_template.jinja',
        'config.json',
        'generation_config.json',
        'model.safetensors',
        'tokenizer.json',
        'tokenizer_config.json',
      ]);
      const generation = (path: string) => readFileSync(join(path, 'generation_config.json'));
      expect(generation(out)).toEqual(generation(`${fixtures}/qwen2-tied`));
    },
  );

  test('makes a generation_config.json where there is none to copy', async () => {
    const { config: parsed } = await openOf({
      'config.json': config,
      'model.safetensors': shard('a', 1),
    });
    const told = async (own: object) =>
      JSON.parse(
        new TextDecoder().decode(
          (await modelDirectoryFiles({ ...parsed, ...own }, [])).get('generation_config.json'),
        ),
      ) as unknown;
    expect(await told({ eosTokenIds: [5, 2], bosTokenId: 3, padTokenId: null })).toEqual({
      bos_token_id: 3,
      eos_token_id: [5, 2],
    });
    expect(await told({ eosTokenIds: [5], bosTokenId: null, padTokenId: 0 })).toEqual({
      eos_token_id: 5,
      pad_token_id: 0,
    });
  });

  test('writes shards with an index where one file would be too large', async () => {
    const { config: parsed } = await openOf({
      'config.json': config,
      'model.safetensors': shard('a', 1),
    });
    const made: string[] = [];
    const tensors = ['e', 'd', 'c', 'b'].map((name, i) => ({
      name,
      shape: [i + 1],
      bytes: () => {
        made.push(name);
        return new Uint8Array(new Float32Array(i + 1).fill(i).buffer);
      },
    }));
    const out = join(folder(), 'sharded');
    await writeModelFiles(out, await modelDirectoryPieces(parsed, tensors, {}, 12));
    // Each tensor is made once, when its file is written: c, then b of 16 bytes, fill one each.
    expect(made).toEqual(['d', 'e', 'c', 'b']);
    expect(readdirSync(out).filter((name) => name.endsWith('.safetensors'))).toEqual([
      'model-00001-of-00003.safetensors',
      'model-00002-of-00003.safetensors',
      'model-00003-of-00003.safetensors',
    ]);
    const index = JSON.parse(readFileSync(join(out, 'model.safetensors.index.json'), 'utf8')) as {
      readonly metadata: unknown;
    };
    expect(index.metadata).toEqual({ total_size: 40 });
    const again = await openDiskModel(out);
    for (const [i, name] of ['e', 'd', 'c', 'b'].entries()) {
      expect([...(await again.read(name))]).toEqual(Array(i + 1).fill(i));
    }
    await again.close();
  });

  test('refuses a tensor whose bytes do not fill its shape, before the file exists', async () => {
    const { config: parsed } = await openOf({
      'config.json': config,
      'model.safetensors': shard('a', 1),
    });
    const out = join(folder(), 'bad');
    const tensors = [{ name: 'x', shape: [2], bytes: () => new Uint8Array(4) }];
    await expect(writeModelFiles(out, await modelDirectoryPieces(parsed, tensors))).rejects.toThrow(
      /tensor 'x': F32 \(2\) is not 4 bytes/,
    );
    expect(readdirSync(out)).toEqual([]);
  });

  test('puts config.json last, so that a folder which has one is whole', async () => {
    const { config: parsed } = await openOf({
      'config.json': config,
      'model.safetensors': shard('a', 1),
    });
    const files = await modelDirectoryFiles(parsed, []);
    expect([...files.keys()].at(-1)).toBe('config.json');
  });
});

describe('openDiskModel', () => {
  test('refuses what is no folder, and closes what it opened', async () => {
    await expect(openDiskModel('no/such/model')).rejects.toThrow(/no\/such\/model: does not exist/);
    await expect(openDiskModel('package.json')).rejects.toThrow(/package.json: is a file/);
    const path = folder();
    writeFileSync(join(path, 'config.json'), '{}');
    await expect(openDiskModel(path)).rejects.toThrow(/config.json: model_type is missing/);
  });
});
