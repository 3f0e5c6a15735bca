import { describe, expect, test, vi } from 'vitest';
import { configFrom, type ExperimentConfig } from '../../src/config.ts';
import { bytesSource } from '../../src/formats/byte-source.ts';
import type { InputFiles } from '../../src/formats/input-files.ts';
import { readSafetensors, toFloat32 } from '../../src/formats/safetensors.ts';
import { readAdapter } from '../../src/model/hugging-face/peft.ts';
import { openModelDirectory } from '../../src/model/model-directory.ts';
import { renderReport } from '../../src/report/page.ts';
import type { ExperimentEvent, ScoredPrompt } from '../../src/results.ts';
import { readRun } from '../../src/run-folder/finished-run.ts';
import { inputTexts } from '../../src/run-folder/inputs.ts';
import { Asking } from '../../src/scheduler/asking.ts';
import { Experiment } from '../../src/scheduler/experiment.ts';
import type { Verifier } from '../../src/scheduler/evaluator.ts';
import { openGivenInputs } from '../../src/scheduler/given-inputs.ts';
import { RunControl } from '../../src/scheduler/run-control.ts';
import { MemoryStore } from '../../src/scheduler/run-store.ts';
import { openTask, openVerifier, type TaskConfig } from '../../src/tasks/registry.ts';
import { packVerdicts } from '../../src/tasks/verification.ts';
import { inNodeAlone } from '../support/host.ts';
import type { LettersConfig } from '../support/given-task.ts';
import { openTestGpu } from '../support/gpu.ts';
import { assetBytes } from '../support/model-fixture.ts';

vi.mock('../../src/tasks/kinds.ts', async (original) => {
  const { taskKinds } = await original<typeof import('../../src/tasks/kinds.ts')>();
  const { lettersKind } = await import('../support/given-task.ts');
  return { taskKinds: [...taskKinds, lettersKind] };
});

const texts = import.meta.glob<string>('../fixtures/models/qwen2-tied/*.{json,jinja}', {
  query: '?raw',
  import: 'default',
});
const binaries = import.meta.glob<string>('../fixtures/models/qwen2-tied/model.safetensors', {
  query: '?inline',
  import: 'default',
});

const letters: LettersConfig = {
  name: 'letters',
  prompts: '/data/texts.json',
  letter: 'e',
  maxPromptTokens: 8,
  maxResponseTokens: 6,
};

const configOf = (over: object = {}): ExperimentConfig =>
  configFrom(
    'pretrained',
    {
      model: { kind: 'folder', path: '/models/tiny' },
      task: letters as unknown as TaskConfig,
      adapter: null,
      rollout: { prompts: 2, samples: 4 },
      lim: { signal: 'reward', theta: -1e6 },
      experiment: { epochs: 2, methods: ['full', 'lim'], armLength: 1, checkpointEvery: 1 },
      ppo: { actor: { learningRate: 1e-3, warmupUpdates: 0 } },
      ...over,
    },
    'test',
  );

class MemoryFiles implements InputFiles {
  readonly files = new Map<string, Uint8Array>();

  open(path: string) {
    const bytes = this.files.get(path);
    return Promise.resolve(bytes && bytesSource(path, bytes));
  }
}

async function disk(): Promise<MemoryFiles> {
  const disk = new MemoryFiles();
  const nameOf = (key: string): string => `/models/tiny/${key.split('/').at(-1)!}`;
  for (const [key, load] of Object.entries(texts)) {
    if (!key.endsWith('fixture.json')) disk.files.set(nameOf(key), encoded(await load()));
  }
  for (const [key, load] of Object.entries(binaries)) {
    disk.files.set(nameOf(key), await assetBytes(await load()));
  }
  const prompts = ['Once', 'the tree', 'a b', 'I see'];
  disk.files.set(letters.prompts, encoded(JSON.stringify(prompts)));
  return disk;
}

const encoded = (text: string): Uint8Array => new TextEncoder().encode(text);
const decoded = (bytes: Uint8Array | undefined): string => new TextDecoder().decode(bytes);

async function verifierOf(config: ExperimentConfig): Promise<Verifier> {
  const verifier = await openVerifier(config.task);
  return async ({ prompts, keys, promptOf, responses }) => {
    const verdicts = await Promise.all(
      responses.map(async (response, i) =>
        verifier.verify(prompts[promptOf[i]], keys[promptOf[i]], response, { finished: true }),
      ),
    );
    const extracted = verdicts.map(() => null);
    return { ...packVerdicts(verdicts), extracted, failures: [] };
  };
}

/** Runs, or goes on, on files and a store; stops after some updates. */
async function run(config: ExperimentConfig, files: MemoryFiles, store: MemoryStore, stop = -1) {
  const gpu = await openTestGpu();
  const inputs = await openGivenInputs(config, files);
  const events: ExperimentEvent[] = [];
  const control = new RunControl();
  let updates = 0;
  const experiment = await Experiment.open(
    {
      gpu,
      hostName: 'test',
      store,
      verify: await verifierOf(config),
      resources: inputs.resources,
      given: inputs.given,
      shippedBase: () => Promise.resolve(undefined),
      emit: (event) => {
        events.push(event);
        if (event.type === 'update' && ++updates === stop) control.stop();
      },
    },
    config,
    [1],
    { resume: true },
  );
  return { results: await experiment.run(control), events, inputs };
}

/** A run that is over, to be asked. */
async function askedOf(
  config: ExperimentConfig,
  { resources, given }: Awaited<ReturnType<typeof openGivenInputs>>,
  store: MemoryStore,
) {
  const task = await openTask(config.task, resources);
  const { directory } = given!;
  const asking = new Asking({
    gpu: await openTestGpu(),
    config,
    model: directory.config,
    task,
    seeds: [1],
    store,
    base: directory,
    verify: await verifierOf(config),
  });
  return { task, asking };
}

/** Times of a run, which differ between equal runs. */
const untimed = (text: string): string =>
  text.replace(/("(?:tokens_per_second|\w+_ms|seconds)": ?)[-+.e\d]+/g, '$10');

const filesOf = (store: MemoryStore): Record<string, string> =>
  Object.fromEntries(
    [...store.files]
      .filter(([name]) => !name.startsWith('checkpoints/'))
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([name, bytes]) => [name, untimed(Array.from(decoded(bytes)).join(''))]),
  );

describe('an experiment that starts from a model folder', () => {
  test('trains all parameters, leaves what others read, and goes on bit for bit', async ({
    skip,
  }) => {
    inNodeAlone(skip);
    const files = await disk();
    const [whole, parts] = [new MemoryStore(), new MemoryStore()];
    const { results, inputs } = await run(configOf(), files, whole);

    // Without tiers nothing is evaluated.
    expect(results!.base).toMatchObject({ mean: NaN, tiers: {}, shipped: true });
    expect(JSON.parse(decoded(whole.files.get('results.json')))).toMatchObject({
      base: { mean: null, tiers: {} },
    });
    const report = renderReport([
      await readRun({
        name: 'DIR',
        read: (file) =>
          Promise.resolve(whole.files.has(file) ? decoded(whole.files.get(file)) : undefined),
      }),
    ]);
    expect(report).toContain(
      'The model tiny (2 layers, width 64, 4 attention heads) and texts with the letter e.',
    );
    expect(report).not.toContain('NaN');
    expect(report).not.toContain('/models/tiny');

    // The base is told by its digests, and no checkpoint holds it.
    expect(JSON.parse(inputTexts(inputs.record).get('base.json')!)).toEqual({
      id: '/models/tiny',
      files: expect.objectContaining({
        'model.safetensors': expect.stringMatching(/^[0-9a-f]{64}$/) as string,
        'tokenizer.json': expect.any(String) as string,
      }) as object,
    });
    const { file } = JSON.parse(decoded(whole.files.get('checkpoints/latest.json'))) as {
      file: string;
    };
    const { tensors, metadata } = readSafetensors(whole.files.get(file)!, file);
    expect([...tensors.keys()].filter((name) => name.startsWith('base/'))).toEqual([]);
    expect(metadata.get('base')).toBe(inputs.given!.digest);

    // Each method's model is a folder that opens again, and differs from the base.
    for (const folder of ['model', 'model-lim']) {
      const trained = await openModelDirectory((name) => {
        const bytes = whole.files.get(`${folder}/${name}`);
        return Promise.resolve(bytes && bytesSource(name, bytes));
      }, folder);
      const name = 'model.layers.0.self_attn.q_proj.weight';
      expect(await trained.read(name)).not.toEqual(await inputs.given!.directory.read(name));
      expect(whole.files.get(`${folder}/tokenizer.json`)).toEqual(
        files.files.get('/models/tiny/tokenizer.json'),
      );
    }

    // Responses are rows for other programs, and make up the matrix.
    const rows = [0, 1].flatMap((epoch) =>
      decoded(whole.files.get(`completions/seed-1-epoch-${epoch}.jsonl`))
        .trimEnd()
        .split('\n')
        .map((line) => JSON.parse(line) as Record<string, unknown>),
    );
    expect(rows).toHaveLength(2 * 4 * 4);
    const scores = JSON.parse(decoded(whole.files.get('scores.json'))) as ScoredPrompt[];
    for (const [index, { prompt, rewards }] of scores.entries()) {
      for (const [epoch, mean] of rewards.entries()) {
        const own = rows.filter((row) => row['index'] === index && row['epoch'] === epoch);
        expect(own).toHaveLength(4);
        expect(own[0]).toMatchObject({ id: `text ${index}`, prompt });
        const paid = own.map((row) => Math.fround(row['reward'] as number));
        expect(paid.reduce((sum, one) => sum + one, 0) / 4).toBeCloseTo(mean!, 6);
      }
    }

    for (const stop of [1, 2, 2]) {
      expect((await run(configOf(), files, parts, stop)).results).toBeUndefined();
    }
    await run(configOf(), files, parts);
    expect(filesOf(parts)).toEqual(filesOf(whole));
  });

  test('trains adapters: arms from one base, checkpoints of adapters alone, bit for bit', async ({
    skip,
  }) => {
    inNodeAlone(skip);
    const files = await disk();
    const [whole, parts] = [new MemoryStore(), new MemoryStore()];
    const adapter = { rank: 4, alpha: 8, targets: ['q', 'k', 'v', 'o', 'gate', 'up', 'down'] };
    const config = configOf({ adapter, weightStorage: 'f16' });
    const { results, inputs } = await run(config, files, whole);
    expect(results!.methods.lim!.prompts).toBe(4);
    const { file } = JSON.parse(decoded(whole.files.get('checkpoints/latest.json'))) as {
      file: string;
    };
    const { tensors } = readSafetensors(whole.files.get(file)!, file);
    const actor = [...tensors.keys()].filter((name) => name.startsWith('actor/'));
    expect(actor).toHaveLength(2 * 2 * 7);
    for (const name of actor) expect(name).toMatch(/\.lora_[AB]\.weight$/);
    expect([...tensors.keys()].some((name) => name.startsWith('base/'))).toBe(false);

    const { directory } = inputs.given!;
    const trained = async (folder: string) =>
      readAdapter(
        (name) => {
          const bytes = whole.files.get(`${folder}/${name}`);
          return Promise.resolve(bytes && bytesSource(name, bytes));
        },
        directory.config,
        folder,
      );
    const [full, lim] = [await trained('adapter'), await trained('adapter-lim')];
    expect([...full.plan.values()].every(({ rank, scale }) => rank === 4 && scale === 2)).toBe(
      true,
    );
    const b = 'base_model.model.model.layers.1.mlp.down_proj.lora_B.weight';
    const moved = (of: ReadonlyMap<string, Float32Array>): number =>
      of.get(b)!.reduce((sum, one) => sum + Math.abs(one), 0);
    expect(moved(full.tensors)).toBeGreaterThan(0);
    // Half as many updates from the same base: B was zeroed in between.
    expect(moved(lim.tensors)).toBeGreaterThan(0);
    expect(moved(lim.tensors)).toBeLessThan(moved(full.tensors));

    // The base and what was trained answer side by side, the base as its own reference.
    const { task, asking } = await askedOf(config, inputs, whole);
    const standing = { seed: 1 };
    const asked = async (weights: 'base' | 'full' | 'lim') => {
      const call = { prompt: { place: 1 }, weights } as const;
      const { responses } = await asking.generate({ ...call, samples: 2, seed: 1 }, standing);
      const given = responses.map(({ ids }) => ids);
      const inspected = await asking.inspect({ ...call, responses: given }, standing);
      return inspected.responses.flatMap(({ tokens }) => tokens);
    };
    for (const { logprob, baseLogprob, kl } of await asked('base')) {
      expect(baseLogprob).toBe(logprob);
      expect(kl).toBe(0);
    }
    const farthest = async (weights: 'full' | 'lim'): Promise<number> =>
      Math.max(...(await asked(weights)).map((one) => Math.abs(one.logprob - one.baseLogprob)));
    expect(await farthest('full')).toBeGreaterThan(1e-4);
    expect(await farthest('lim')).toBeGreaterThan(1e-4);
    asking.destroy();
    await task.text.close();

    expect((await run(config, files, parts, 2)).results).toBeUndefined();
    expect((await run(config, files, parts, 3)).results).toBeUndefined();
    await run(config, files, parts);
    expect(filesOf(parts)).toEqual(filesOf(whole));
  });

  test('goes on only with the files that it began with', async () => {
    const files = await disk();
    const config = configOf();
    const { record } = await openGivenInputs(config, files);
    await openGivenInputs(config, files, { begunWith: record });
    for (const [path, said] of [
      ['/models/tiny/model.safetensors', '/models/tiny/model.safetensors has changed since'],
      ['/models/tiny/tokenizer.json', '/models/tiny/tokenizer.json has changed since'],
      [letters.prompts, '/data/texts.json has changed since'],
    ] as const) {
      const bytes = files.files.get(path)!;
      const changed = bytes.slice();
      changed[bytes.length - 1] ^= 1;
      files.files.set(path, changed);
      await expect(openGivenInputs(config, files, { begunWith: record })).rejects.toThrow(said);
      files.files.delete(path);
      await expect(openGivenInputs(config, files, { begunWith: record })).rejects.toThrow(
        `${path} is missing`,
      );
      files.files.set(path, bytes);
    }
  });

  test('takes no checkpoint of another model', async () => {
    const files = await disk();
    const store = new MemoryStore();
    await run(configOf(), files, store, 1);
    const path = '/models/tiny/model.safetensors';
    const { tensors } = readSafetensors(files.files.get(path)!, path);
    expect(toFloat32([...tensors.values()][0]).length).toBeGreaterThan(0);
    const other = files.files.get(path)!.slice();
    other[other.length - 1] ^= 1;
    files.files.set(path, other);
    await expect(run(configOf(), files, store)).rejects.toThrow('starts from model');
  });
});
