import { describe, expect, test } from 'vitest';
import { configFrom, type ExperimentConfig } from '../../src/config.ts';
import { bytesSource } from '../../src/formats/byte-source.ts';
import type { InputFiles } from '../../src/formats/input-files.ts';
import { renderReport } from '../../src/report/page.ts';
import type { ExperimentEvent, ScoredPrompt } from '../../src/results.ts';
import { readRun } from '../../src/run-folder/finished-run.ts';
import { Experiment } from '../../src/scheduler/experiment.ts';
import type { Verifier } from '../../src/scheduler/evaluator.ts';
import { openGivenInputs } from '../../src/scheduler/given-inputs.ts';
import { RunControl } from '../../src/scheduler/run-control.ts';
import { MemoryStore } from '../../src/scheduler/run-store.ts';
import { openVerifier } from '../../src/tasks/registry.ts';
import { packVerdicts, type VerifyRequest } from '../../src/tasks/verification.ts';
import { inNodeAlone } from '../support/host.ts';
import { openTestGpu } from '../support/gpu.ts';
import { assetBytes } from '../support/model-fixture.ts';

const texts = import.meta.glob<string>('../fixtures/models/qwen2-tied/*.{json,jinja}', {
  query: '?raw',
  import: 'default',
});
const binaries = import.meta.glob<string>('../fixtures/models/qwen2-tied/model.safetensors', {
  query: '?inline',
  import: 'default',
});

const encoded = (text: string): Uint8Array => new TextEncoder().encode(text);
const decoded = (bytes: Uint8Array | undefined): string => new TextDecoder().decode(bytes);
const lines = (rows: readonly unknown[]): Uint8Array =>
  encoded(rows.map((row) => `${JSON.stringify(row)}\n`).join(''));

const prompts = ['one', 'two', 'three', 'four', 'five', 'six', 'seven'];

async function disk(): Promise<InputFiles> {
  const files = new Map<string, Uint8Array>();
  const nameOf = (key: string): string => `/models/tiny/${key.split('/').at(-1)!}`;
  for (const [key, load] of Object.entries(texts)) {
    if (!key.endsWith('fixture.json')) files.set(nameOf(key), encoded(await load()));
  }
  for (const [key, load] of Object.entries(binaries)) {
    files.set(nameOf(key), await assetBytes(await load()));
  }
  const row = (prompt: string, i: number) => ({
    id: `row ${i}`,
    prompt,
    answer: 'e',
    level: i % 2,
  });
  files.set('/data/pool.jsonl', lines([...prompts, 'long '.repeat(99)].map(row)));
  files.set('/data/held.jsonl', lines(['eight', 'nine'].map(row)));
  files.set('/data/math500.jsonl', lines(['eight', 'nine'].map(row)));
  // Rows of LIMO's form, and rows of messages.
  const solved = (question: string) => ({ question, solution: `${question} is e`, answer: 'e' });
  files.set('/data/limo.jsonl', lines(['ten', 'eleven', 'twelve'].map(solved)));
  files.set(
    '/data/chats.jsonl',
    lines([
      {
        messages: [
          { role: 'user', content: 'ten' },
          { role: 'assistant', content: 'e' },
        ],
      },
    ]),
  );
  return {
    open(path) {
      const bytes = files.get(path);
      return Promise.resolve(bytes && bytesSource(path, bytes));
    },
  };
}

const configOf = (task: object = {}, over: object = {}): ExperimentConfig =>
  configFrom(
    'pretrained',
    {
      model: { kind: 'folder', path: '/models/tiny' },
      task: {
        name: 'dataset',
        prompts: '/data/pool.jsonl',
        verifier: 'exact',
        maxPromptTokens: 48,
        maxResponseTokens: 20,
        ...task,
      },
      adapter: null,
      rollout: { prompts: 3, samples: 4 },
      lim: { signal: 'reward', theta: -1e6 },
      experiment: { epochs: 2, methods: ['full', 'lim'], armLength: 1, checkpointEvery: 1 },
      ppo: { minibatches: 3, actor: { learningRate: 1e-3, warmupUpdates: 0 } },
      ...over,
    },
    'test',
  );

/** Runs, or goes on, on files and a store; stops after some updates. */
async function run(config: ExperimentConfig, store: MemoryStore, stop = -1) {
  const gpu = await openTestGpu();
  const inputs = await openGivenInputs(config, await disk());
  const own = await openVerifier(config.task, inputs.resources);
  const asked: VerifyRequest[] = [];
  const verify: Verifier = async (request) => {
    asked.push(request);
    const { promptOf, responses, finished, tier } = request;
    const judge = (tier === undefined ? undefined : own.ofTier?.(tier)) ?? own;
    const verdicts = await Promise.all(
      responses.map(async (response, i) =>
        judge.verify(request.prompts[promptOf[i]], request.keys[promptOf[i]], response, {
          finished: finished[i] === 1,
        }),
      ),
    );
    const extracted = verdicts.map((verdict) => verdict.extracted);
    return { ...packVerdicts(verdicts), extracted, failures: [] };
  };
  const events: ExperimentEvent[] = [];
  const control = new RunControl();
  let updates = 0;
  const experiment = await Experiment.open(
    {
      gpu,
      hostName: 'test',
      store,
      verify,
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
  return { results: await experiment.run(control), events, asked };
}

const runOf = (store: MemoryStore) =>
  readRun({
    name: 'DIR',
    read: (file) =>
      Promise.resolve(store.files.has(file) ? decoded(store.files.get(file)) : undefined),
  });

const untimed = (text: string): string =>
  text.replace(/("(?:tokens_per_second|\w+_ms|seconds)": ?)[-+.e\d]+/g, '$10');
const textsOf = (store: MemoryStore): Record<string, string> =>
  Object.fromEntries(
    [...store.files]
      .filter(([name]) => /\.jsonl?$/.test(name) && !name.startsWith('checkpoints/'))
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([name, bytes]) => [name, untimed(decoded(bytes))]),
  );

describe('a run on the rows of a file', () => {
  test('drops the last prompts of an epoch: their cells are missing', async ({ skip }) => {
    inNodeAlone(skip);
    const store = new MemoryStore();
    const tiers = [
      { file: '/data/held.jsonl' },
      { file: '/data/held.jsonl', samples: 3, temperature: 0.7, topP: 0.9, verifier: 'math' },
    ];
    const stopStrings = ['e'];
    const { results, events, asked } = await run(configOf({ tiers, stopStrings }), store);

    const said = JSON.parse(decoded(store.files.get('left-out.json'))) as object[];
    expect(said).toMatchObject([{ where: '/data/pool.jsonl line 8', id: 'row 7' }]);
    expect(results!.warnings).toContain('pool.jsonl: left out 1 prompt with more than 48 tokens');
    const updates = events.flatMap((event) => (event.type === 'update' ? [event] : []));
    // Two rollouts of three of the seven prompts an epoch; the arm has an epoch of its own.
    expect(updates.filter(({ method }) => method === 'full').map(({ epoch }) => epoch)).toEqual([
      0, 0, 1, 1,
    ]);
    const scores = JSON.parse(decoded(store.files.get('scores.json'))) as ScoredPrompt[];
    expect(scores.map(({ prompt }) => prompt)).toEqual(prompts);
    for (const epoch of [0, 1]) {
      expect(scores.filter(({ rewards }) => rewards[epoch] === null)).toHaveLength(1);
    }
    // By its row's id other programs find a prompt, by its place this one.
    expect(scores[1]).toMatchObject({ columns: { level: '1' }, key: 'e', id: 'row 1', index: 1 });
    const kept = JSON.parse(decoded(store.files.get('subsets/lim.json'))) as object[];
    expect(kept[0]).toEqual({ id: 'row 0', index: 0, prompt: 'one', answer: 'e' });
    expect((await runOf(store)).scores[0].map(({ id }) => id)).toEqual([0, 1, 2, 3, 4, 5, 6]);
    expect(scores[1]).not.toHaveProperty('origin');

    // A response ends with the token that completes a stop string, and has ended by itself.
    for (const { responses, finished } of asked) {
      for (const [i, response] of responses.entries()) {
        if (response.includes('e')) expect(finished[i]).toBe(1);
        expect(response.slice(0, -6)).not.toContain('e');
      }
    }
    expect(asked.flatMap(({ responses }) => responses).some((text) => text.includes('e'))).toBe(
      true,
    );

    // Each tier is decoded once for a read-out, by its own sampling.
    const held = asked.filter(({ tier }) => tier !== undefined);
    expect(held.slice(0, 2).map(({ tier, responses }) => [tier, responses.length])).toEqual([
      ['held', 2],
      ['held (2)', 6],
    ]);
    expect(results!.base).toMatchObject({ prompts: { held: 2, 'held (2)': 2 } });
    expect(Object.keys(results!.base.tiers)).toEqual(['held', 'held (2)']);
    expect(results!.base).not.toHaveProperty('sampled');
    const [evaluation] = results!.methods.full!.evaluations;
    expect(evaluation).toMatchObject({ update: 2, samples: 2 * 3 * 4 });

    // The base is probed before FULL, and the threshold of this config keeps everything.
    const order = events.flatMap(({ type }) =>
      type === 'probe' || type === 'update' ? [type] : [],
    );
    expect(order.indexOf('probe')).toBe(0);
    expect(order.lastIndexOf('probe')).toBe(0);
    expect(results!.probe).toMatchObject({ prompts: 7, samples: 4 });
    expect(results!.warnings!.some((text) => text.includes('of a probe of 7 prompts × 4'))).toBe(
      true,
    );

    const report = renderReport([await runOf(store)]);
    expect(report).not.toMatch(/NaN|undefined/);
    expect(report).toContain('the problems of pool.jsonl; responses are judged by exact.');
    expect(report).toContain('held greedy; held (2) mean of 3, temperature 0.7, top-p 0.9');
    expect(report).toContain('What each selection kept</b> by level');
    expect(report.replace(/<style>[^]*?<\/style>/, '')).not.toContain('learnable');
  });

  test('ends an epoch with a short rollout, and goes on after a stop bit for bit', async ({
    skip,
  }) => {
    inNodeAlone(skip);
    const [whole, parts] = [new MemoryStore(), new MemoryStore()];
    const config = configOf(
      { lastBatch: 'short' },
      { experiment: { epochs: 2, methods: ['full'], checkpointEvery: 1 } },
    );
    const { results, events, asked } = await run(config, whole);
    // FULL alone selects nothing: there is no probe.
    expect(asked.map(({ responses }) => responses.length)).toEqual([12, 12, 4, 12, 12, 4]);
    const scores = JSON.parse(decoded(whole.files.get('scores.json'))) as ScoredPrompt[];
    expect(scores.flatMap(({ rewards }) => rewards)).not.toContain(null);
    for (const { metrics } of events.flatMap((one) => (one.type === 'update' ? [one] : []))) {
      expect(Number.isFinite(metrics['policy_loss'])).toBe(true);
    }
    expect(results!.warnings).toContain('not evaluated: the task has no held-out tiers');
    expect(results!.methods.full!.evaluations).toEqual([]);
    expect(renderReport([await runOf(whole)])).not.toMatch(/NaN|undefined/);

    for (const stop of [1, 2]) expect((await run(config, parts, stop)).results).toBeUndefined();
    await run(config, parts);
    expect(textsOf(parts)).toEqual(textsOf(whole));
  });

  test('cuts responses at the length of its schedule, and refuses more than the task takes', async ({
    skip,
  }) => {
    inNodeAlone(skip);
    const scheduled = (responseLengths: object[]) =>
      configOf(
        { maxResponseTokens: 12 },
        {
          rollout: { prompts: 3, samples: 4, responseLengths },
          experiment: { epochs: 2, methods: ['full'], checkpointEvery: 10 },
        },
      );
    const config = scheduled([
      { from: 1, tokens: 2 },
      { from: 3, tokens: 5 },
    ]);
    const { events } = await run(config, new MemoryStore());
    const lengths = events.flatMap((event) =>
      event.type === 'update' ? [event.metrics['response_length_mean']] : [],
    );
    // The tiny model hardly ever ends a response by itself.
    expect(lengths[0]).toBeGreaterThan(5);
    expect(lengths.slice(1, 3).every((length) => length > 1 && length <= 2)).toBe(true);
    expect(lengths[3]).toBeGreaterThan(2);
    expect(lengths[3]).toBeLessThanOrEqual(5);
    await expect(run(scheduled([{ from: 0, tokens: 13 }]), new MemoryStore())).rejects.toThrow(
      'rollout.responseLengths: 13 tokens, where the task takes responses of 12',
    );
  });
});

describe('supervised methods of a run', () => {
  const study = (adapter: object | null, sft: object = {}) =>
    configOf(
      { tiers: [{ file: '/data/math500.jsonl' }], maxResponseTokens: 12 },
      {
        adapter,
        ...(adapter ? { weightStorage: 'f16' } : {}),
        sft: { data: '/data/limo.jsonl', sequences: 2, learningRate: 0.02, ...sft },
        experiment: {
          epochs: 2,
          methods: ['full', 'sft', 'sft:/data/chats.jsonl'],
          armLength: 2,
          checkpointEvery: 1,
        },
      },
    );
  const lora = { rank: 4, alpha: 8, targets: ['q', 'v', 'up', 'down'] };
  const lossesOf = (events: readonly ExperimentEvent[], method: string): number[] =>
    events.flatMap((event) =>
      event.type === 'update' && event.method === method ? [event.metrics['supervised_loss']] : [],
    );

  test.each([
    ['all parameters', null],
    ['adapters', lora],
  ])(
    'learn their rows with %s, are evaluated like the others, and are reported',
    async (_, adapter) => {
      const store = new MemoryStore();
      const { results, events, asked } = await run(study(adapter, { length: 6 }), store);
      const losses = lossesOf(events, 'sft');
      // Three rows, two an update: two updates an epoch.
      expect(losses).toHaveLength(12);
      expect(losses.every(Number.isFinite)).toBe(true);
      expect(losses.at(-1)).toBeLessThan(losses[0] / 2);
      expect(lossesOf(events, 'sft:/data/chats.jsonl')).toHaveLength(6);
      const { sft, full } = results!.methods;
      expect(sft).toMatchObject({ prompts: 3 });
      expect(
        sft!.evaluations.map(({ update, epochs, samples }) => [update, epochs, samples]),
      ).toEqual([1, 2, 6].map((epochs) => [2 * epochs, epochs, 0]));
      expect(sft!.evaluations[0].tiers).toHaveProperty('math500');
      expect(full!.evaluations.at(-1)!.samples).toBeGreaterThan(0);
      // After FULL, responses are sampled for three read-outs of each method alone.
      expect(asked.slice(-6).every(({ tier }) => tier === 'math500')).toBe(true);
      expect(asked.at(-7)!.tier).toBe('math500');
      expect(asked.at(-8)!.tier).toBeUndefined();
      const folders = [...store.files.keys()].filter((name) => /^(?:adapter|model)-sft/.test(name));
      expect(folders.map((name) => name.split('/')[0].replace(/[a-p]{16}/, 'FILE'))).toEqual(
        expect.arrayContaining([
          adapter ? 'adapter-sft' : 'model-sft',
          `${adapter ? 'adapter' : 'model'}-sft-FILE`,
        ]),
      );
      const report = renderReport([await runOf(store)]);
      expect(report).toContain('The paper’s table 3, beside this run.');
      expect(report).toContain('the paper’s Qwen-Math-7B-LIMO');
      expect(report).toContain('Supervised loss');
      expect(report).not.toMatch(/NaN|undefined|\/data\//);
    },
  );

  test('go on after a stop bit for bit', async ({ skip }) => {
    inNodeAlone(skip);
    const config = study(lora);
    const [whole, parts] = [new MemoryStore(), new MemoryStore()];
    await run(config, whole);
    // In FULL, in the middle of the first arm, and in the second.
    for (const stop of [3, 3, 2]) expect((await run(config, parts, stop)).results).toBeUndefined();
    await run(config, parts);
    expect(textsOf(parts)).toEqual(textsOf(whole));
  });

  test('refuse rows that are too long, and files that are not there', async ({ skip }) => {
    inNodeAlone(skip);
    const opened = (sft: object) => run(study(null, sft), new MemoryStore());
    await expect(opened({ maxTokens: 4 })).rejects.toThrow(
      /limo\.jsonl line 1: \d+ tokens, more than the 4/,
    );
    await expect(opened({ data: '/data/none.jsonl' })).rejects.toThrow(
      'experiment.methods: /data/none.jsonl does not exist',
    );
    const methods = { epochs: 2, methods: ['full', 'sft'], armLength: 1 };
    expect(() => configOf({}, { experiment: methods })).toThrow(
      'sft.data: must be given for sft: the file of the rows that it learns',
    );
  });
});
