import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { bytesSource } from '../../src/formats/byte-source.ts';
import { matchNames } from '../../src/formats/name-patterns.ts';
import {
  float32Entry,
  readSafetensors,
  type SafetensorsEntry,
  writeSafetensors,
} from '../../src/formats/safetensors.ts';
import type { ModelConfig } from '../../src/model/config.ts';
import { parseHfConfig } from '../../src/model/hugging-face/config.ts';
import { adapterFiles, readAdapter } from '../../src/model/hugging-face/peft.ts';
import targets from '../fixtures/lora/targets.json';

const lora = 'test/fixtures/lora';
const modelNames = ['qwen2-tied', 'llama-untied'] as const;
const json = (path: string) => JSON.parse(readFileSync(path, 'utf8')) as Record<string, unknown>;
const configOf = (model: string): ModelConfig =>
  parseHfConfig(json(`${lora}/${model}/base/config.json`), 'config.json');
const encode = (value: unknown) => new TextEncoder().encode(JSON.stringify(value));

type Files = Record<string, Uint8Array>;

const fixtureFiles = (folder: string): Files => ({
  'adapter_config.json': readFileSync(`${folder}/adapter_config.json`),
  'adapter_model.safetensors': readFileSync(`${folder}/adapter_model.safetensors`),
});

const read = (files: Files, config: ModelConfig, use?: Parameters<typeof readAdapter>[3]) =>
  readAdapter(
    (name) =>
      Promise.resolve(
        Object.hasOwn(files, name) ? bytesSource(`a/${name}`, files[name]) : undefined,
      ),
    config,
    'a',
    use,
  );

/** The files of an adapter with a config, and zeros in every tensor that PEFT would save. */
function filesOf(
  settings: object,
  modules: Readonly<Record<string, { readonly r: number }>>,
  config: ModelConfig,
): Files {
  const { hiddenSize: c, intermediateSize: f, heads, kvHeads, headDim } = config;
  const shapes: Record<string, readonly [number, number]> = {
    q_proj: [heads * headDim, c],
    k_proj: [kvHeads * headDim, c],
    v_proj: [kvHeads * headDim, c],
    o_proj: [c, heads * headDim],
    gate_proj: [f, c],
    up_proj: [f, c],
    down_proj: [c, f],
  };
  const entries = Object.entries(modules).flatMap(([name, { r }]) => {
    const [n, k] = shapes[name.slice(name.lastIndexOf('.') + 1)] ?? [1, 1];
    return [
      float32Entry(`base_model.model.${name}.lora_A.weight`, [r, k], new Float32Array(r * k)),
      float32Entry(`base_model.model.${name}.lora_B.weight`, [n, r], new Float32Array(n * r)),
    ];
  });
  return {
    'adapter_config.json': encode({ peft_type: 'LORA', ...settings }),
    'adapter_model.safetensors': writeSafetensors(entries),
  };
}

/** A good adapter of `qwen2-tied`, with other settings. */
const withSettings = (settings: object): Files =>
  filesOf({ r: 4, target_modules: ['q_proj'], ...settings }, everyQuery, configOf('qwen2-tied'));
const everyQuery = {
  'model.layers.0.self_attn.q_proj': { r: 4 },
  'model.layers.1.self_attn.q_proj': { r: 4 },
};

const failureOf = (call: Promise<unknown>): Promise<unknown> =>
  call.then(
    () => 'it came back',
    (error: unknown) => error,
  );

interface TargetRow {
  readonly name: string;
  readonly model: string;
  readonly config: object;
  readonly adapted?: Readonly<Record<string, { readonly r: number; readonly scale: number }>>;
  readonly file_keys?: readonly string[];
  readonly error?: string;
}

/** Modules of the vocabulary, which PEFT adapts and this engine refuses. */
const isVocabulary = (name: string) => /^(?:model\.embed_tokens|lm_head)$/.test(name);

describe('the modules that PEFT adapts', () => {
  test.each(targets.rows as unknown as TargetRow[])('$name', async (row) => {
    const config = configOf(row.model);
    const adapted = Object.entries(row.adapted ?? {});
    const own = Object.fromEntries(adapted.filter(([name]) => !isVocabulary(name)));
    const files = filesOf(row.config, own, config);
    const found = read(files, config);
    if (row.error !== undefined) {
      await expect(found).rejects.toThrow(/target_modules matches no module of the model/);
      return;
    }
    if (adapted.some(([name]) => isVocabulary(name))) {
      await expect(found).rejects.toThrow(/matches '.*', an adapter of the vocabulary is not/);
      return;
    }
    const { plan, tensors } = await found;
    const names = [...plan.keys()].map((part) => [part, [...tensors.keys()].length > 0 && part]);
    expect(names).toHaveLength(adapted.length);
    expect([...tensors.keys()].sort()).toEqual(row.file_keys);
    const scales = new Map(adapted.map(([name, { r, scale }]) => [name, { rank: r, scale }]));
    for (const [part, adapter] of plan) {
      const layer = /^layers\.(\d+)\.(\w+)$/.exec(part);
      const folder = ['gate', 'up', 'down'].includes(layer?.[2] ?? '') ? 'mlp' : 'self_attn';
      const name = `model.layers.${layer?.[1]}.${folder}.${layer?.[2]}_proj`;
      expect([name, adapter]).toEqual([name, scales.get(name)]);
    }
  });

  test('are q and v where a config names none, and all of a layer that a number names', async () => {
    const config = configOf('qwen2-tied');
    const modules = (layers: readonly number[], ...names: readonly string[]) =>
      Object.fromEntries(
        layers.flatMap((i) =>
          names.map((name) => [`model.layers.${i}.self_attn.${name}`, { r: 8 }]),
        ),
      );
    const usual = await read(filesOf({}, modules([0, 1], 'q_proj', 'v_proj'), config), config);
    expect([...usual.plan.keys()]).toEqual([
      'layers.0.q',
      'layers.0.v',
      'layers.1.q',
      'layers.1.v',
    ]);
    expect(usual.plan.get('layers.0.q')).toEqual({ rank: 8, scale: 1 });
    for (const cut of [
      { layers_to_transform: 1 },
      { layers_to_transform: [1, 7] },
      { layers_to_transform: [1], layers_pattern: 'layers' },
      { layers_to_transform: [1], layers_pattern: ['h', 'lay(er|or)s'] },
    ]) {
      const files = filesOf({ target_modules: ['k_proj'], ...cut }, modules([1], 'k_proj'), config);
      expect([...(await read(files, config)).plan.keys()]).toEqual(['layers.1.k']);
    }
  });

  test('are not cut by layers where a list has their whole names', async () => {
    const config = configOf('qwen2-tied');
    const name = 'model.layers.0.self_attn.q_proj';
    const settings = { r: 4, target_modules: [name], layers_to_transform: [1] };
    const { plan } = await read(filesOf(settings, { [name]: { r: 4 } }, config), config);
    expect([...plan.keys()]).toEqual(['layers.0.q']);
  });

  test.each([
    ['.*self_attn', /matches 'model\.layers\.0\.self_attn', which is no linear layer/],
    ['(a+)+$|(', /target_modules: '\(a\+\)\+\$\|\(' is no regular expression here/],
    ['q_proj\\Z', /is no regular expression here/],
    ['.*[^]_proj', /target_modules: '\.\*\[\^\]_proj' holds an empty class/],
    ['a'.repeat(10_001), /a pattern of 10001 characters, more than the 10000 allowed/],
  ])('are not asked for by %s', async (pattern, why) => {
    const failure = await failureOf(
      read(withSettings({ target_modules: pattern }), configOf('qwen2-tied')),
    );
    expect((failure as Error).message).toMatch(why);
  });
});

describe('matchNames', () => {
  const pattern = (source: string) => ({ where: 'f: field', source, part: 'whole' as const });

  test('ends a pattern that backtracks without end', async () => {
    const names = [`${'a'.repeat(60)}!`];
    const failure = await failureOf(matchNames([pattern('(?:a|a)*b')], names, 0.5));
    expect(failure).toMatchObject({ name: 'FormatError' });
    expect((failure as Error).message).toMatch(/^f: field: matching took more than 0\.5 s/);
  });

  test('matches many patterns, in a worker or not, in their order', async () => {
    const sources = ['ab', 'a.', '(?=a)ab', 'b|ab', 'a'];
    const matches = await matchNames(sources.map(pattern), ['ab', 'xab']);
    expect(matches).toEqual([
      ['', undefined],
      ['', undefined],
      ['', undefined],
      ['', undefined],
      [undefined, undefined],
    ]);
  });
});

describe('readAdapter', () => {
  test.each(modelNames)('reads what PEFT saved for %s', async (model) => {
    const about = json(`${lora}/${model}/fixture.json`);
    const files = fixtureFiles(`${lora}/${model}/adapter`);
    const found = await read(files, configOf(model), { head: 'lm' });
    expect(found.plan.size).toBe(14);
    for (const { rank, scale } of found.plan.values())
      expect([rank, scale]).toEqual([about.r, about.scale]);
    const stored = readSafetensors(files['adapter_model.safetensors'], 'a').tensors;
    expect([...found.tensors.keys()].sort()).toEqual([...stored.keys()].sort());
    expect([found.score, found.notes]).toEqual([undefined, []]);
  });

  test.each(modelNames)("reads a critic's adapter of %s, with its head", async (model) => {
    const files = fixtureFiles(`test/fixtures/lora-critic/${model}/adapter`);
    const config = configOf(model);
    const found = await read(files, config, { head: 'value' });
    expect(found.score).toHaveLength(config.hiddenSize);
    expect(found.plan.size).toBe(14);
    await expect(read(files, config, { head: 'lm' })).rejects.toThrow(
      /a\/adapter_config\.json: task_type and modules_to_save make it a critic's adapter/,
    );
    const actor = fixtureFiles(`${lora}/${model}/adapter`);
    await expect(read(actor, config, { head: 'value' })).rejects.toThrow(/a critic needs a score/);
  });

  test.each(['F16', 'BF16'] as const)('widens %s to f32', async (dtype) => {
    const name = (factor: string) =>
      `base_model.model.model.layers.0.mlp.up_proj.lora_${factor}.weight`;
    const numbers = [1.5, -0.25, 3];
    const config = configOf('qwen2-tied');
    const { hiddenSize, intermediateSize } = config;
    const fill = (size: number) => Float32Array.from({ length: size }, (_, i) => numbers[i % 3]);
    const file = writeSafetensors([
      float32Entry(name('A'), [1, hiddenSize], fill(hiddenSize), dtype),
      float32Entry(name('B'), [intermediateSize, 1], fill(intermediateSize), dtype),
    ]);
    const settings = { peft_type: 'LORA', r: 1, target_modules: ['0.mlp.up_proj'] };
    const files = { 'adapter_config.json': encode(settings), 'adapter_model.safetensors': file };
    const { tensors } = await read(files, config);
    expect([...tensors.get(name('A'))!.subarray(0, 3)]).toEqual(numbers);
  });

  test.each([
    ['peft_type', 'IA3', 'must be \'LORA\', is the string "IA3"'],
    ['use_dora', true, 'asks for DoRA, which is not implemented'],
    ['lora_bias', true, 'asks for a bias of B, which is not implemented'],
    ['bias', 'all', "must be 'none'"],
    ['bias', 'lora_only', "must be 'none'"],
    ['init_lora_weights', 'loftq', 'is the string "loftq", which is not implemented'],
    ['init_lora_weights', 'pissa_niter_4', 'which is not implemented'],
    ['modules_to_save', ['lm_head'], "holds 'lm_head', which is not implemented"],
    ['modules_to_save', 'score', 'must be a list of texts'],
    ['target_parameters', ['a'], 'asks for an adapter of bare parameters'],
    ['layer_replication', [[0, 1]], 'asks for replication of layers'],
    ['trainable_token_indices', [1], 'asks for training of single tokens'],
    ['task_type', 'SEQ_2_SEQ_LM', "must be 'CAUSAL_LM' or 'SEQ_CLS'"],
    ['r', 0, 'must be a whole number from 1'],
    ['r', 1e9, 'must be a whole number from 1'],
    ['r', '4', 'must be a whole number from 1'],
    ['lora_alpha', '16', 'must be a finite number'],
    ['lora_dropout', -1, 'must be a number from 0 to 1'],
    ['use_rslora', 1, 'must be true or false'],
    ['target_modules', 3, 'must be a list of texts'],
    ['target_modules', ['q_proj', 3], 'must be a list of texts'],
    ['layers_to_transform', [0.5], 'must be a layer or a list of layers'],
    ['layers_pattern', 'layers', 'needs layers_to_transform'],
    ['rank_pattern', { q_proj: 0 }, "'q_proj' must be a whole number"],
    ['rank_pattern', [], 'must be an object'],
    ['alpha_pattern', { q_proj: 'x' }, "'q_proj' must be a finite number"],
    ['alpha_pattern', { '(': 1 }, "'(': '(' is no regular expression here"],
  ])('refuses %s %j', async (field, value, why) => {
    const failure = await failureOf(read(withSettings({ [field]: value }), configOf('qwen2-tied')));
    expect(failure).toBeInstanceOf(Error);
    const { message, name } = failure as Error;
    expect(message).toContain(why);
    expect(message).toMatch(new RegExp(`^a/adapter_config.json(?: line 1)?: ${field}`));
    expect(['ConfigError', 'FormatError']).toContain(name);
  });

  test('refuses layers and patterns of layers beside a regular expression', async () => {
    const config = configOf('qwen2-tied');
    for (const field of ['layers_to_transform', 'layers_pattern']) {
      const files = withSettings({
        target_modules: '.*q_proj',
        [field]: field.endsWith('n') ? 'layers' : [0],
      });
      await expect(read(files, config)).rejects.toThrow(
        `${field} needs target_modules to be a list`,
      );
    }
  });

  test('takes dropout unless it is to train, and notes fields that it does not know', async () => {
    const config = configOf('qwen2-tied');
    const files = withSettings({ lora_dropout: 0.1, peft_version: '9', later: 1, off: null });
    const { notes } = await read(files, config);
    expect(notes).toEqual([
      "a/adapter_config.json: the field 'later' is unknown, and has no effect",
    ]);
    await expect(read(files, config, { training: true })).rejects.toThrow(
      /a\/adapter_config\.json: lora_dropout 0\.1 is not implemented in training/,
    );
  });

  const key = 'base_model.model.model.layers.1.self_attn.q_proj.lora_A.weight';
  const changed = (change: (tensors: Map<string, SafetensorsEntry>) => void): Files => {
    const files = withSettings({});
    const tensors = new Map(readSafetensors(files['adapter_model.safetensors'], 'a').tensors);
    change(tensors);
    return { ...files, 'adapter_model.safetensors': writeSafetensors(tensors.values()) };
  };
  const float = (name: string, shape: readonly number[], value = 0) =>
    float32Entry(name, shape, new Float32Array(shape.reduce((a, b) => a * b, 1)).fill(value));

  test.each<[string, Files, RegExp]>([
    [
      'a missing tensor',
      changed((all) => all.delete(key)),
      /no tensor '.*\.1\.self_attn\.q_proj\.lora_A/,
    ],
    [
      'a tensor too many',
      changed((all) => all.set('x', float('x', [1]))),
      /tensor 'x' is no part of the adapter that adapter_config\.json describes/,
    ],
    [
      'an own head',
      changed((all) =>
        all.set('base_model.model.lm_head.weight', float('base_model.model.lm_head.weight', [1])),
      ),
      /brings its own lm_head, which is not implemented/,
    ],
    [
      'another shape',
      changed((all) => all.set(key, float(key, [4, 63]))),
      /lora_A\.weight' must be \(4, 64\), is \(4, 63\)/,
    ],
    [
      'another rank than the config says',
      changed((all) => all.set(key, float(key, [2, 64]))),
      /must be \(4, 64\), is \(2, 64\)/,
    ],
    [
      'integers',
      changed((all) =>
        all.set(key, { name: key, dtype: 'I32', shape: [4, 64], bytes: new Uint8Array(1024) }),
      ),
      /lora_A\.weight' must be F32, F16 or BF16, is I32/,
    ],
    [
      'a number that is none',
      changed((all) => all.set(key, float(key, [4, 64], NaN))),
      /lora_A\.weight' holds NaN/,
    ],
    [
      'no weights',
      { 'adapter_config.json': encode({ peft_type: 'LORA' }) },
      /^a: no adapter_model\.safetensors$/,
    ],
    [
      'pickled weights',
      { 'adapter_config.json': encode({ peft_type: 'LORA' }), 'adapter_model.bin': encode({}) },
      /adapter_model\.bin may hold code and is never read/,
    ],
    ['no config', {}, /^a: no adapter_config\.json$/],
    ['a config that is a list', { 'adapter_config.json': encode([]) }, /must be an object/],
    [
      'a config that is cut',
      { 'adapter_config.json': encode({}).subarray(0, 1) },
      /adapter_config\.json line 1: not JSON/,
    ],
    [
      'a config too large',
      { 'adapter_config.json': new Uint8Array(2 ** 20 + 1) },
      /adapter_config\.json: 1048577 bytes, more than the 1048576 allowed/,
    ],
    [
      'cut weights',
      {
        ...withSettings({}),
        'adapter_model.safetensors': withSettings({})['adapter_model.safetensors'].subarray(0, -1),
      },
      /adapter_model\.safetensors: tensors cover/,
    ],
  ])('refuses %s', async (_, files, why) => {
    const failure = (await failureOf(read(files, configOf('qwen2-tied')))) as Error;
    expect(failure.message).toMatch(why);
    expect(['ConfigError', 'FormatError', 'SafetensorsError']).toContain(failure.name);
  });

  test("refuses another model's adapter", async () => {
    const files = fixtureFiles(`${lora}/qwen2-tied/adapter`);
    await expect(read(files, { ...configOf('qwen2-tied'), hiddenSize: 128 })).rejects.toThrow(
      /down_proj\.lora_B\.weight' must be \(128, 4\), is \(64, 4\)/,
    );
    await expect(read(files, { ...configOf('qwen2-tied'), layers: 3 })).rejects.toThrow(
      /no tensor 'base_model\.model\.model\.layers\.2\./,
    );
  });
});

describe('adapterFiles', () => {
  test.each(modelNames)('writes the tensors of %s as PEFT does, byte for byte', async (model) => {
    const config = configOf(model);
    const original = fixtureFiles(`${lora}/${model}/adapter`);
    const adapter = await read(original, config);
    const files = adapterFiles(config, adapter.plan, adapter.tensors, { baseName: '../base' });
    expect(files.get('adapter_model.safetensors')).toEqual(
      new Uint8Array(original['adapter_model.safetensors']),
    );
    const written = JSON.parse(
      new TextDecoder().decode(files.get('adapter_config.json')),
    ) as object;
    const theirs = json(`${lora}/${model}/adapter/adapter_config.json`);
    for (const [name, value] of Object.entries(written))
      expect([name, value]).toEqual([name, theirs[name]]);
  });

  test('gives the same bytes after reading, of a critic and of uneven parts', async () => {
    const config = configOf('llama-untied');
    const critic = await read(
      fixtureFiles('test/fixtures/lora-critic/llama-untied/adapter'),
      config,
    );
    const uneven = (divisor: (rank: number) => number) =>
      new Map([
        ['layers.0.q', { rank: 3, scale: 2 / divisor(3) }],
        ['layers.1.q', { rank: 5, scale: 8 / divisor(5) }],
        ['layers.1.down', { rank: 5, scale: 0.1 / divisor(5) }],
      ]);
    const sizes = { q: [64, 64], down: [64, 96] };
    const tensors = new Map(
      [...uneven(Math.sqrt)].flatMap(([part, { rank }]) => {
        const [, layer, own = 'q'] = part.split('.');
        const module = own === 'q' ? 'self_attn.q_proj' : 'mlp.down_proj';
        const [n, k] = sizes[own as 'q' | 'down'];
        const name = `base_model.model.model.layers.${layer}.${module}`;
        return [
          [`${name}.lora_A.weight`, new Float32Array(rank * k).fill(0.5)],
          [`${name}.lora_B.weight`, new Float32Array(n * rank).fill(-1)],
        ] as const;
      }),
    );
    const made = [
      { plan: uneven((rank) => rank), tensors },
      { plan: uneven(Math.sqrt), tensors, numbers: { rank: 5, alpha: 8, rslora: true } },
    ];
    for (const adapter of [critic, ...made]) {
      const { plan, numbers, score } = { numbers: undefined, score: undefined, ...adapter };
      const once = adapterFiles(config, plan, adapter.tensors, { baseName: 'b', numbers, score });
      const again = await read(Object.fromEntries(once), config);
      expect(again.plan).toEqual(plan);
      const twice = adapterFiles(config, again.plan, again.tensors, { ...again, baseName: 'b' });
      expect(twice).toEqual(once);
    }
  });

  test('refuses tensors that are missing, misshapen or too many', async () => {
    const config = configOf('qwen2-tied');
    const { plan, tensors } = await read(withSettings({}), config);
    const name = 'base_model.model.model.layers.0.self_attn.q_proj.lora_A.weight';
    const write = (change: (all: Map<string, Float32Array>) => unknown) => () => {
      const all = new Map(tensors);
      change(all);
      return adapterFiles(config, plan, all, { baseName: null });
    };
    expect(write((all) => all.delete(name))).toThrow(
      /lora_A\.weight' must be \(4, 64\), is missing/,
    );
    expect(write((all) => all.set(name, new Float32Array(3)))).toThrow(/must be \(4, 64\), has 3/);
    expect(write((all) => all.set('x', new Float32Array(3)))).toThrow(/tensor 'x' is no part/);
    const other = new Map([['layers.9.q', { rank: 1, scale: 1 }]]);
    expect(() => adapterFiles(config, other, new Map(), { baseName: null })).toThrow(
      /qwen2 has no matrix 'layers\.9\.q' to adapt/,
    );
  });
});
