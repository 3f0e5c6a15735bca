import { afterAll, describe, expect, test } from 'vitest';
import { main } from '../../src/cli/main.ts';
import { useSystem } from '../../src/cli/system.ts';
import {
  Device as LimDevice,
  scoreMatrix,
  SelectionError,
  selectLim,
  ShapeError,
} from '../../src/entries/lim.ts';
import { gpuOf } from '../../src/entries/device.ts';
import {
  AdapterError,
  bytesSource,
  Device,
  FineTuning,
  FormatError,
  LanguageModel,
  MemoryError,
  NonFiniteError,
  openAdapter,
  openModel,
  openTokenizer,
  type PeftAdapter,
  SafetensorsError,
  type ModelDirectory,
} from '../../src/entries/model.ts';
import { ConfigError } from '../../src/config-error.ts';
import { freshAdapters, planOf } from '../../src/model/adapters.ts';
import { AllLogits } from '../../src/model/all-logits.ts';
import type { ModelConfig } from '../../src/model/config.ts';
import { adapterFiles } from '../../src/model/hugging-face/peft.ts';
import { loadParameters } from '../../src/model/load-parameters.ts';
import { modelDirectoryFiles } from '../../src/model/save-model.ts';
import { initialParameters, parameterLayout, parameterNames } from '../../src/model/parameters.ts';
import { MemorySystem } from '../support/memory-system.ts';

const config: ModelConfig = {
  architecture: 'qwen2',
  vocabSize: 40,
  hiddenSize: 16,
  intermediateSize: 24,
  layers: 2,
  heads: 4,
  kvHeads: 2,
  headDim: 4,
  ropeTheta: 10_000,
  rmsNormEps: 1e-5,
  tieEmbeddings: true,
  qkvBias: true,
  qkNorm: false,
  maxPositions: 32,
  bosTokenId: null,
  eosTokenIds: [39],
  padTokenId: null,
};

const parameters = initialParameters(config, 1, 0.3);
const files = modelDirectoryFiles(
  config,
  parameterNames(parameterLayout(config, 'lm')).map(({ name, shape }) => ({
    name,
    shape,
    data: parameters.get(name)!,
  })),
  {},
);
const open = async (changed: Readonly<Record<string, Uint8Array | undefined>> = {}) => {
  const all = new Map<string, Uint8Array | undefined>([
    ...(await files),
    ...Object.entries(changed),
  ]);
  return openModel((name) => {
    const bytes = all.get(name);
    return Promise.resolve(bytes && bytesSource(name, bytes));
  });
};
const encode = (value: unknown) => new TextEncoder().encode(JSON.stringify(value));

const device = await Device.open();
afterAll(async () => {
  useSystem(undefined);
  await device.close();
});

const prompts = [
  [1, 2, 3],
  [7, 5],
  [11, 4, 9, 30, 8],
];

async function all<Item>(items: AsyncIterable<Item>): Promise<Item[]> {
  const found: Item[] = [];
  for await (const item of items) found.push(item);
  return found;
}

describe('limr-lab/model', () => {
  test('gives the logits that the engine gives', async () => {
    const directory = await open();
    const model = await LanguageModel.load(device, directory);
    const gpu = gpuOf(device);
    const weights = await loadParameters(gpu, directory, 'lm', { storage: 'f32' });
    const logits = new AllLogits(gpu, weights, { longest: 5, total: 10 });
    const want = await all(logits.of(prompts));
    expect(want.map(({ length }) => length / config.vocabSize)).toEqual([3, 2, 5]);
    expect(await all(model.logits(prompts))).toEqual(want);
    expect(await all(model.logits([]))).toEqual([]);
    logits.destroy();
    weights.destroy();
    model.close();
  });

  test('draws greedily what limr generate draws', async () => {
    const model = await LanguageModel.load(device, await open());
    const got = await all(model.generate({ prompts, maxNewTokens: 9, temperature: 0 }));
    expect(await all(model.generate({ prompts: [], maxNewTokens: 9, temperature: 0 }))).toEqual([]);
    model.close();

    const padding = prompts.map(({ length }) => Array<number>(5 - length).fill(0));
    const padded = {
      input_ids: prompts.map((prompt, i) => [...prompt, ...padding[i]]),
      attention_mask: prompts.map((prompt, i) => [...prompt.map(() => 1), ...padding[i]]),
    };
    const onDisk = [...(await files)].map(([name, bytes]) => [`m/${name}`, bytes] as const);
    const system = new MemorySystem([...onDisk, ['ids.json', encode(padded)]]);
    useSystem(system);
    const argv = ['generate', 'm', '--ids', 'ids.json', '--temperature', '0', '--out', 'o'];
    expect([await main([...argv, '--max-new-tokens', '9']), system.err]).toEqual([
      0,
      expect.stringMatching(/^adapter: /),
    ]);
    const want = JSON.parse(new TextDecoder().decode(system.files.get('o'))) as {
      ids: number[];
      logprobs: number[];
      finished: boolean;
    }[];
    expect(got.map(({ ids, logprobs, stopped }) => ({ ids, logprobs, finished: stopped }))).toEqual(
      want.map(({ ids, logprobs, finished }) => ({ ids, logprobs, finished })),
    );
    expect(got.map(({ prompt, sample }) => [prompt, sample])).toEqual([0, 1, 2].map((i) => [i, 0]));
  });

  test('computes with an adapter: none while B is 0, and not of another model', async () => {
    const directory = await open();
    const spec = { rank: 3, alpha: 6, targets: ['q', 'down'] } as const;
    const plan = planOf(spec, config);
    const factors = freshAdapters(config, plan, 5, 'model');
    const adapterOf = (tensors: ReadonlyMap<string, Float32Array>, of = directory) => {
      const written = adapterFiles(config, plan, tensors, { baseName: null });
      return openAdapter((name) => {
        const bytes = written.get(name);
        return Promise.resolve(bytes && bytesSource(name, bytes));
      }, of);
    };
    const changed = new Map(
      [...factors].map(([name, data]) => [name, data.map((value, i) => value + Math.sin(i))]),
    );
    const logitsWith = async (adapter?: PeftAdapter) => {
      const model = await LanguageModel.load(device, directory, adapter ? { adapter } : {});
      const found = await all(model.logits(prompts));
      const drawn = await all(model.generate({ prompts, maxNewTokens: 3, temperature: 0 }));
      model.close();
      return { found, drawn };
    };
    const alone = await logitsWith();
    expect(await logitsWith(await adapterOf(factors))).toEqual(alone);
    const adapted = await logitsWith(await adapterOf(changed));
    expect(adapted.found).not.toEqual(alone.found);
    const other = { ...directory, config: { ...config, hiddenSize: 32 } };
    await expect(adapterOf(factors, other)).rejects.toThrow(SafetensorsError);
  });

  test('learns, and its files hold what was learnt', async () => {
    const rows = prompts.map((prompt) => ({ prompt, response: [12, 13, 39] }));
    const training = await FineTuning.open(device, await open(), {
      batch: 3,
      longest: 8,
      learningRate: 1e-2,
    });
    const losses = [
      await training.step(rows),
      await training.step(rows),
      await training.step(rows),
    ];
    expect(losses[0]).toBeGreaterThan(0);
    expect(losses[1]).toBeLessThan(losses[0]);
    expect(losses[2]).toBeLessThan(losses[1]);
    const learnt = await open(Object.fromEntries(await training.files()));
    training.close();
    expect(learnt.config).toEqual(config);

    // The next loss of the files alone is the next loss of the training.
    const [response] = [rows[0].response];
    const model = await LanguageModel.load(device, learnt);
    const logits = await all(model.logits(rows.map(({ prompt }) => [...prompt, 12, 13])));
    model.close();
    let loss = 0;
    for (const [i, { prompt }] of rows.entries()) {
      for (const [t, id] of response.entries()) {
        const start = (prompt.length - 1 + t) * config.vocabSize;
        const row = [...logits[i].subarray(start, start + config.vocabSize)];
        loss += Math.log(row.reduce((sum, x) => sum + Math.exp(x), 0)) - row[id];
      }
    }
    loss /= rows.length * response.length;
    const again = await FineTuning.open(device, learnt, { batch: 3, longest: 8 });
    expect(await again.step(rows)).toBeCloseTo(loss, 5);
    again.close();
    expect(loss).toBeLessThan(losses[2]);
  });

  test('learns adapters alone, which go on where their files left off', async () => {
    const rows = prompts.map((prompt) => ({ prompt, response: [12, 13, 39] }));
    const sizes = { batch: 3, longest: 8, learningRate: 1e-2 };
    const spec = { rank: 3, alpha: 6, targets: ['q', 'down'] } as const;
    const directory = await open();
    const opened = (written: ReadonlyMap<string, Uint8Array>) =>
      openAdapter((name) => {
        const bytes = written.get(name);
        return Promise.resolve(bytes && bytesSource(name, bytes));
      }, directory);
    const training = await FineTuning.open(device, directory, { ...sizes, adapter: spec, seed: 5 });
    const losses = [await training.step(rows), await training.step(rows)];
    expect(losses[1]).toBeLessThan(losses[0]);
    const adapter = await opened(await training.files());
    const next = await training.step(rows);
    training.close();
    expect(adapter.numbers).toMatchObject({ rank: 3, alpha: 6 });
    expect([...adapter.plan.keys()]).toEqual([...planOf(spec, config).keys()]);

    const again = await FineTuning.open(device, directory, { ...sizes, adapter });
    expect(await again.step(rows)).toBe(next);
    again.close();
    const wrong = { ...spec, rank: 0 };
    await expect(FineTuning.open(device, directory, { ...sizes, adapter: wrong })).rejects.toThrow(
      new RangeError('adapter.rank must be a whole number from 1, is 0'),
    );
  });

  test('refuses files that are no model', async () => {
    await expect(open({ 'config.json': undefined })).rejects.toThrow(FormatError);
    await expect(open({ 'config.json': encode({ model_type: 'bert' }) })).rejects.toThrow(
      ConfigError,
    );
    await expect(open({ 'model.safetensors': new Uint8Array(9) })).rejects.toThrow(
      SafetensorsError,
    );
    expect(await openTokenizer(await open())).toBeUndefined();
    const lacking: ModelDirectory = { ...(await open()), shapes: new Map() };
    await expect(LanguageModel.load(device, lacking)).rejects.toThrow(SafetensorsError);
    await expect(FineTuning.open(device, lacking, { batch: 1, longest: 4 })).rejects.toThrow(
      SafetensorsError,
    );
    expect([AdapterError, NonFiniteError].map(({ name }) => name)).toEqual([
      'AdapterError',
      'NonFiniteError',
    ]);
  });

  test('refuses requests out of range', async () => {
    const model = await LanguageModel.load(device, await open());
    const request = { prompts, maxNewTokens: 2, temperature: 0 };
    const drawn = (changed: Partial<Parameters<LanguageModel['generate']>[0]>) =>
      all(model.generate({ ...request, ...changed }));
    for (const [changed, message] of [
      [{ samples: 0 }, 'samples must be a whole number from 1, is 0'],
      [{ maxNewTokens: 1.5 }, 'maxNewTokens must be a whole number from 1, is 1.5'],
      [{ maxNewTokens: 28 }, 'prompt 2 with its new tokens must have 1 to 32 tokens, has 33'],
      [{ prompts: [[1], []] }, 'prompt 1'],
      [{ prompts: [[40]] }, '40'],
      [{ temperature: -1 }, 'temperature'],
    ] as const) {
      await expect(drawn(changed), message).rejects.toThrow(RangeError);
      await expect(drawn(changed), message).rejects.toThrow(message);
    }
    await expect(drawn({ memory: 1000 })).rejects.toThrow(MemoryError);
    await expect(all(model.logits([[1], []]))).rejects.toThrow(
      new RangeError('sequence 1 must have 1 to 32 tokens, has 0'),
    );
    await expect(all(model.logits([[1, 40]]))).rejects.toThrow(RangeError);
    model.close();

    const sizes = FineTuning.open(device, await open(), { batch: 1, longest: 33 });
    await expect(sizes).rejects.toThrow('longest must have 1 to 32 tokens, has 33');
    const training = await FineTuning.open(device, await open(), { batch: 1, longest: 4 });
    const row = { prompt: [1], response: [2] };
    for (const [rows, message] of [
      [[], 'a batch must have 1 to 1 rows, has 0'],
      [[row, row], 'a batch must have 1 to 1 rows, has 2'],
      [[{ ...row, prompt: [] }], 'prompt 0 must have 1 to 4 tokens, has 0'],
      [[{ ...row, response: [] }], 'response 0 must have 1 to 4 tokens, has 0'],
      [[{ prompt: [1, 2], response: [3, 4, 5] }], 'row 0 must have 1 to 4 tokens, has 5'],
      [[{ ...row, response: [40] }], 'must be an id below 40'],
    ] as const) {
      await expect(training.step(rows), message).rejects.toThrow(RangeError);
      await expect(training.step(rows), message).rejects.toThrow(message);
    }
    expect(await training.step([row])).toBeGreaterThan(0);
    training.close();
  });
});

describe('limr-lab/lim', () => {
  test('scores a matrix on a device, and cuts the scores', async () => {
    // The mean curve is (0.5, 0.75): deficits 0.5 and 0.25, whose squares sum to 0.3125.
    const values = Float32Array.of(0.5, 1, 1, 0.5, 0, 0.75);
    const scored = await scoreMatrix(device, { prompts: 3, epochs: 2, values }, { theta: 0.5 });
    const { scores, meanCurve, kept } = scored;
    expect(LimDevice).toBe(Device);
    expect([...meanCurve]).toEqual([0.5, 0.75]);
    for (const [i, squares] of [0.0625, 0.3125, 0.25].entries()) {
      expect(scores[i]).toBeCloseTo(1 - squares / 0.3125, 6);
    }
    expect(kept).toEqual([0]);
    expect(await selectLim(scored, { count: 2 })).toMatchObject({ indices: [0, 2] });
    await expect(selectLim(scored, { count: 4 })).rejects.toThrow(SelectionError);
  });

  test('refuses a matrix whose sizes contradict each other', async () => {
    const short = { prompts: 2, epochs: 2, values: new Float32Array(3) };
    await expect(scoreMatrix(device, short)).rejects.toThrow(ShapeError);
    const none = { prompts: 0, epochs: 2, values: new Float32Array(0) };
    await expect(scoreMatrix(device, none)).rejects.toThrow(ShapeError);
  });
});
