import { describe, expect, test, vi } from 'vitest';
import type { Tensor } from '../../kernels/lib/tensor.ts';
import type { ExperimentConfig } from '../../src/config.ts';
import { bytesSource } from '../../src/formats/byte-source.ts';
import type { InputFiles } from '../../src/formats/input-files.ts';
import { readSafetensors } from '../../src/formats/safetensors.ts';
import { type Gpu, openGpu } from '../../src/gpu/device.ts';
import { initialParameters } from '../../src/model/parameters.ts';
import { renderReport } from '../../src/report/page.ts';
import { historyOf } from '../../src/run-folder/history.ts';
import { RunView } from '../../src/view/run-view.ts';
import { readRun } from '../../src/run-folder/finished-run.ts';
import type {
  ExperimentEvent,
  ExperimentResults,
  RunState,
  ScoredPrompt,
} from '../../src/results.ts';
import { modelConfigOf } from '../../src/scheduler/base.ts';
import type { Verifier } from '../../src/scheduler/evaluator.ts';
import { Experiment } from '../../src/scheduler/experiment.ts';
import { RunControl } from '../../src/scheduler/run-control.ts';
import { MemoryStore } from '../../src/scheduler/run-store.ts';
import { taskShapeOf } from '../../src/tasks/registry.ts';
import { limMeanReference } from '../reference/lim-mean.ts';
import { limScoreReference } from '../reference/lim-score.ts';
import { plantFault } from '../support/faults.ts';
import { openTestGpu } from '../support/gpu.ts';
import { inNodeAlone, onceElsewhere } from '../support/host.ts';
import { byFirstToken, drawnTask, smallConfig } from '../support/ppo-rig.ts';

/** Four updates on the full pool, then two on each of two selections of all prompts that score. */
const config = smallConfig({ lim: { signal: 'reward', theta: -1e6 } });
const TOTAL = 8;

interface RunOptions {
  readonly config?: ExperimentConfig;
  readonly seeds?: readonly number[];
  readonly resume?: boolean;
  /** Stops after so many updates, those before a resume included. */
  readonly stopAfter?: number;
  /** Seen as it is sent, inside the run: what it throws is what the run meets. */
  readonly onEvent?: (event: ExperimentEvent, control: RunControl) => void;
  readonly onState?: (state: RunState, control: RunControl) => void;
  readonly verify?: Verifier;
  readonly hostName?: string;
  readonly checkpointSeconds?: number;
  /** Found instead of pre-trained. */
  readonly base?: ReadonlyMap<string, Float32Array>;
  /** Files that the config names. */
  readonly files?: Readonly<Record<string, string>>;
}

const filesIn = (files: Readonly<Record<string, string>>): InputFiles => ({
  open: (path) => {
    const held = Object.entries(files).find(([name]) => name === path)?.[1];
    return Promise.resolve(
      held === undefined ? undefined : bytesSource(path, new TextEncoder().encode(held)),
    );
  },
});

/** One run, or a part of one, with the device of this file. */
async function runOn(gpu: Gpu, store: MemoryStore, options: RunOptions = {}) {
  const events: ExperimentEvent[] = [];
  const control: RunControl = new RunControl((state) => options.onState?.(state, control));
  let updates = 0;
  const chosen = options.config ?? config;
  const experiment = await Experiment.open(
    {
      gpu,
      hostName: options.hostName ?? 'test',
      store,
      verify: options.verify ?? byFirstToken,
      shippedBase: () => Promise.resolve(options.base),
      resources: { files: filesIn(options.files ?? {}) },
      emit: (event) => {
        events.push(event);
        options.onEvent?.(event, control);
        if (event.type === 'update' && ++updates === options.stopAfter) control.stop();
      },
    },
    chosen,
    options.seeds ?? [3],
    { resume: options.resume ?? false, checkpointSeconds: options.checkpointSeconds },
  );
  const results = await experiment.run(control);
  return { experiment, results, events };
}

const only = <Type extends ExperimentEvent['type']>(
  events: readonly ExperimentEvent[],
  type: Type,
) =>
  events.filter((event): event is Extract<ExperimentEvent, { type: Type }> => event.type === type);

const text = (bytes: Uint8Array | undefined): string => new TextDecoder().decode(bytes);
const textOf = (store: MemoryStore, file: string): string | undefined =>
  store.files.has(file) ? text(store.files.get(file)) : undefined;

/** Metrics that measure time, and how long a run took: all that may differ between equal runs. */
const timed = /("(?:tokens_per_second|\w+_ms|seconds)": ?)[-+.e\d]+/g;
const untimed = (value: string): string => value.replace(timed, '$10');

/** A checkpoint taken apart. */
function takenApart(store: MemoryStore, file: string) {
  const { tensors, metadata } = readSafetensors(store.files.get(file)!, file);
  return {
    file,
    tensors: [...tensors].map(([name, { bytes }]) => `${name}: ${Array.from(bytes).join()}`),
    metadata: [...metadata].map(([key, value]) => `${key}: ${untimed(value)}`),
  };
}

/** All that a run leaves: files by name, the log among them, and its newest checkpoint taken apart. */
function leftBy(store: MemoryStore) {
  const names = [...store.files.keys()].sort();
  const files = names.filter((name) => !name.startsWith('checkpoints/'));
  const { file } = JSON.parse(text(store.files.get('checkpoints/latest.json'))) as { file: string };
  return {
    files: files.map((name) => [
      name,
      name.endsWith('.safetensors')
        ? Array.from(store.files.get(name)!).join()
        : untimed(text(store.files.get(name))),
    ]),
    ...takenApart(store, file),
  };
}

/**
 * Its last two checkpoints taken apart, and what names them. The pointer before may name one that only
 * the stop has written.
 */
function checkpointsLeftBy(store: MemoryStore) {
  const names = [...store.files.keys()]
    .filter((name) => name.startsWith('checkpoints/') && name !== 'checkpoints/previous.json')
    .sort();
  return names.map((name) =>
    name.endsWith('.safetensors')
      ? takenApart(store, name)
      : [
          name,
          // Times are in the files that these are sizes and digests of.
          text(store.files.get(name)).replace(/("(?:bytes|sha256|digest)": )[^,\n]+/g, '$10'),
        ],
  );
}

const known = ({ kernels, base, methods }: ExperimentResults) => ({ kernels, base, methods });

const twoSeeds = smallConfig({ lim: config.lim });

/** Events that nobody needs later. */
const passing: ReadonlySet<string> = new Set([
  'resumed',
  ...['compiling', 'pretraining', 'progress', 'checkpoint', 'state', 'done'],
]);

/** A run as it is shown once all was told. */
function shownOf(events: readonly ExperimentEvent[]) {
  const view = new RunView(twoSeeds, [3, 4]);
  for (const event of events) view.apply(event);
  const { adapter, host, phase, seed, updates, pool, columns, meanCurve, order, scores } = view;
  const { lim, selections, evaluations, makeup, warnings, files, results } = view;
  return {
    ...{ adapter, host, phase, seed, updates, pool, columns, meanCurve, order, scores },
    ...{ lim, selections, evaluations, makeup, warnings, files },
    methods: results?.methods,
  };
}

/** What a finished run's files tell. */
async function reopen(store: MemoryStore): Promise<ExperimentEvent[]> {
  const folder = { name: 'run', read: (file: string) => Promise.resolve(textOf(store, file)) };
  const events: ExperimentEvent[] = [];
  for await (const event of historyOf(await readRun(folder), folder)) events.push(event);
  return events;
}

describe('an experiment', () => {
  const straight = new MemoryStore();
  let whole: Promise<Awaited<ReturnType<typeof runOn>>> | undefined;
  /** One run from start to end that several tests look at. */
  const wholeRun = async () => {
    const gpu = await openTestGpu();
    whole ??= runOn(gpu, straight);
    return whole;
  };

  test('goes from the base over FULL, scores and selections to results', async () => {
    const { results, events } = await wholeRun();
    expect(only(events, 'phase').map(({ phase }) => phase)).toEqual([
      'base',
      'full',
      'score',
      'lim',
      'rand',
      'report',
    ]);
    const updates = only(events, 'update').map(({ method, update }) => `${method} ${update}`);
    expect(updates).toEqual([
      ...['full 1', 'full 2', 'full 3', 'full 4'],
      ...['lim 1', 'lim 2', 'rand 1', 'rand 2'],
    ]);
    expect(updates).toHaveLength(TOTAL);
    expect(only(events, 'progress').at(-1)).toMatchObject({ fraction: 1, eta: 0 });
    expect(only(events, 'evaluation').map(({ method, update }) => `${method} ${update}`)).toEqual([
      ...['base 0', 'full 2', 'full 4', 'lim 2', 'rand 2'],
    ]);
    const saved = JSON.parse(text(straight.files.get('results.json'))) as ExperimentResults;
    expect(saved).toEqual(JSON.parse(JSON.stringify(results)));
    expect(saved.methods.lim?.prompts).toBe(saved.methods.rand?.prompts);
    expect(saved.base.shipped).toBe(false);
    const lines = text(straight.files.get('metrics.jsonl')).trimEnd().split('\n');
    expect(lines.map((line) => (JSON.parse(line) as { update: number }).update)).toEqual([
      1, 2, 3, 4, 1, 2, 1, 2,
    ]);
  });

  test.for([
    [3, 'inside FULL'],
    [4, 'between FULL and the first selection'],
    [5, 'inside a selection'],
    [6, 'between two selections'],
  ] as const)(
    'stopped after %i updates and resumed, %s, it goes on bit for bit',
    async ([stopAfter], { skip }) => {
      onceElsewhere(skip, stopAfter === 5);
      await wholeRun();
      const gpu = await openTestGpu();
      const store = new MemoryStore();
      const first = await runOn(gpu, store, { stopAfter });
      expect(first.results).toBeUndefined();
      expect(store.files.has('results.json')).toBe(false);
      const second = await runOn(gpu, store, { resume: true });
      // Whoever watches is shown what went before.
      const seen = (await wholeRun()).events;
      expect(only(second.events, 'update')).toHaveLength(TOTAL);
      expect(only(second.events, 'column')).toEqual(only(seen, 'column'));
      expect(only(second.events, 'scores')).toEqual(only(seen, 'scores'));
      const types = second.events.map(({ type }) => type);
      // A page begins its curves anew with the pool.
      expect(types.indexOf('update')).toBeGreaterThan(types.indexOf('pool'));
      const { experiment } = await wholeRun();
      for (let prompt = 0; prompt < experiment.poolSize; prompt++) {
        const { epochs } = second.experiment.completions(prompt);
        expect(epochs.map(({ epoch, completions }) => [epoch, completions.length])).toEqual([
          [0, config.rollout.samples],
          [1, config.rollout.samples],
        ]);
        expect(second.experiment.completions(prompt)).toEqual(experiment.completions(prompt));
      }
      const [got, want] = [leftBy(store), leftBy(straight)];
      expect(want.tensors.some((entry) => entry.startsWith('actor.first/0'))).toBe(true);
      expect(want.tensors.some((entry) => entry.startsWith('critic.second/0'))).toBe(true);
      expect(want.files.map(([name]) => name)).toContain('events.jsonl');
      expect(got).toEqual(want);
      expect(checkpointsLeftBy(store)).toEqual(checkpointsLeftBy(straight));
      const weights = await (await wholeRun()).experiment.weights();
      expect(await second.experiment.weights()).toEqual(weights);
    },
  );

  test.for(['whole', 'left after 3 updates', 'left after 6 updates'])(
    'looks the same while it goes and reopened, %s, with its log or without',
    async (how, { skip }) => {
      onceElsewhere(skip, how === 'left after 3 updates');
      const gpu = await openTestGpu();
      const store = new MemoryStore();
      const stopAfter = Number(/\d/.exec(how)?.[0] ?? NaN);
      const options = { seeds: [3, 4], config: twoSeeds };
      if (stopAfter > 0) await runOn(gpu, store, { ...options, stopAfter });
      const { events } = await runOn(gpu, store, { ...options, resume: stopAfter > 0 });
      const live = shownOf(events);
      expect(live.files).toContain('subsets/rand-seed-4.json');
      expect(live.updates.lim).toHaveLength(2);
      const reopened = await reopen(store);
      expect(shownOf(reopened)).toEqual(live);
      const order = (list: readonly ExperimentEvent[]) =>
        list.map(({ type }) => type).filter((type) => !passing.has(type));
      expect(order(reopened)).toEqual(order(events));
      // As an older version left it.
      store.files.delete('events.jsonl');
      const older = await reopen(store);
      expect(shownOf(older)).toEqual(live);
      expect(order(older)).toEqual(order(events));
    },
  );

  test.for([
    ['seed-0-full-0', 'update 1', 'after pre-training'],
    ['seed-0-full-4', 'update 5', 'in the first update of a selection'],
    ['seed-0-lim-2', 'update 7', 'in the first update of the next'],
    ['seed-0-rand-2', 'phase report', 'while results are written'],
  ] as const)(
    'a crash loses nothing before %s when it happens at %s, %s',
    async ([file, moment], { skip }) => {
      onceElsewhere(skip, moment === 'update 5');
      await wholeRun();
      const gpu = await openTestGpu();
      const store = new MemoryStore();
      // None but those at the ends of phases.
      const rare = smallConfig({
        lim: config.lim,
        experiment: { ...config.experiment, checkpointEvery: 1000 },
      });
      let updates = 0;
      const crash = runOn(gpu, store, {
        config: rare,
        onEvent: (event) => {
          if (event.type === 'update') updates++;
          const now = event.type === 'phase' ? `phase ${event.phase}` : `update ${updates}`;
          if (now === moment) throw new Error('planted');
        },
      });
      await expect(crash).rejects.toThrow('planted');
      expect(leftBy(store).file).toBe(`checkpoints/${file}.safetensors`);
      const { events, results } = await runOn(gpu, store, { config: rare, resume: true });
      expect(only(events, 'pretraining')).toEqual([]);
      expect(only(events, 'update')).toHaveLength(TOTAL);
      const [got, want] = [leftBy(store), leftBy(straight)];
      expect(got.tensors).toEqual(want.tensors);
      const others = (files: typeof got.files) => files.filter(([name]) => name !== 'results.json');
      expect(others(got.files)).toEqual(others(want.files));
      expect(results?.methods).toEqual((await wholeRun()).results?.methods);
      expect(results?.warnings).toEqual([]);
    },
  );

  test('goes on elsewhere, and says that the bits need not be the same', async () => {
    const gpu = await openTestGpu();
    const store = new MemoryStore();
    const short = smallConfig({ experiment: { methods: ['full'], epochs: 1 } });
    await runOn(gpu, store, { config: short, stopAfter: 1 });
    const { events, results } = await runOn(gpu, store, {
      config: short,
      resume: true,
      hostName: 'elsewhere',
    });
    const text =
      `resumed on another adapter after 1 updates: on ${gpu.name} in elsewhere, ` +
      `before on ${gpu.name} in test; bit-for-bit no longer holds`;
    expect(only(events, 'warning')).toEqual([{ type: 'warning', text, inResults: true }]);
    expect(results?.warnings).toEqual([text]);
  });

  test('counts and tells responses that could not be judged', async () => {
    const gpu = await openTestGpu();
    const short = smallConfig({ experiment: { methods: ['full'], epochs: 1 } });
    let calls = 0;
    const { events, results } = await runOn(gpu, new MemoryStore(), {
      config: short,
      verify: async (request) => {
        const reply = await byFirstToken(request);
        // The base's two evaluations come first, then two updates, then two evaluations.
        const lost = [0, 0, 0, 3, 0, 1][calls++];
        const failures = Array.from({ length: lost }, (_, response) => ({
          response,
          reason: 'a check ran longer than 7 ms',
        }));
        return { ...reply, failures };
      },
    });
    expect(calls).toBe(6);
    expect(only(events, 'update').map(({ metrics }) => metrics['verifier_failures'])).toEqual([
      0, 3,
    ]);
    expect(only(events, 'warning').map((event) => event.text)).toEqual([
      '3 of 16 responses could not be judged: a check ran longer than 7 ms',
      '1 of 12 responses could not be judged: a check ran longer than 7 ms',
    ]);
    expect(results?.warnings).toEqual([
      '3 responses of 1 updates could not be judged and were rewarded -1: another run with these ' +
        'seeds may come out otherwise (the first: a check ran longer than 7 ms)',
      '1 held-out responses could not be judged and count as wrong (the first: a check ran longer than 7 ms)',
    ]);
  });

  test('compares at equal epochs what was selected by count', async ({ skip }) => {
    inNodeAlone(skip);
    const gpu = await openTestGpu();
    const store = new MemoryStore();
    const { events, results } = await runOn(gpu, store, {
      config: smallConfig({
        lim: { signal: 'reward', count: 2 },
        experiment: {
          budget: 'epochs',
          epochs: 3,
          armLength: 3,
          readouts: [1, 2],
          tableReadout: 2,
        },
      }),
    });
    const [{ scores, lim, selections }] = only(events, 'scores');
    const best = [...scores.keys()].sort((a, b) => scores[b] - scores[a] || a - b).slice(0, 2);
    expect(selections.lim).toEqual(best.sort((a, b) => a - b));
    expect(selections.rand).toHaveLength(2);
    expect(lim.count).toBe(2);
    expect(lim).toMatchObject({ kept: 2, lowestKept: Math.min(...best.map((p) => scores[p])) });
    // FULL has two updates an epoch; two prompts in rollouts of four are two epochs an update.
    const read = only(events, 'evaluation').map(
      ({ method, update, epochs }) => `${method} ${update} ${epochs}`,
    );
    const arm = (name: string) => [`${name} 1 1`, `${name} 1 2`, `${name} 2 3`];
    expect(read).toEqual([
      'base 0 undefined',
      ...['full 2 1', 'full 4 2', 'full 6 3'],
      ...arm('lim'),
      ...arm('rand'),
    ]);
    expect(only(events, 'progress').at(-1)).toMatchObject({ fraction: 1, eta: 0 });
    expect(results?.methods.lim?.evaluations.map(({ samples }) => samples)).toEqual([16, 16, 32]);
    const page = renderReport([
      await readRun({ name: 'run', read: (file) => Promise.resolve(textOf(store, file)) }),
    ]);
    expect(page).toContain('after 2 data epochs of each method’s own prompts.');
    expect(page).toContain('The 2 prompts with the highest scores are kept');
    const lowest = lim.lowestKept!.toFixed(3).replace('-', '−');
    expect(page).toContain(`the 2 highest, from ${lowest} up`);
    if (lim.warning !== '') expect(lim.warning).toContain('the cut at the 2 highest, down to');
    expect(page).not.toContain('not read at this');
  });

  test('keeps no prompt as LINEAR that does not rise, and says that it is short', async ({
    skip,
  }) => {
    inNodeAlone(skip);
    const gpu = await openTestGpu();
    const store = new MemoryStore();
    const flat = await runOn(gpu, store, {
      config: smallConfig({
        lim: { signal: 'reward', theta: -1e6, linearShare: 1 },
        experiment: { methods: ['full', 'lim', 'linear'], epochs: 2 },
      }),
      verify: async (request) => {
        const found = await byFirstToken(request);
        found.rewards.fill(-0.5);
        return found;
      },
    });
    expect(flat.results?.methods.linear).toEqual({ prompts: 0, evaluations: [] });
    const told = only(flat.events, 'warning').map((event) => event.text);
    expect(told).toEqual([
      'seed 3: LINEAR kept no prompt, not 8: none has a line that rises by more than 0.1, so that it ' +
        'is not trained',
    ]);
    expect(flat.results?.warnings).toEqual(told);
    const page = renderReport([
      await readRun({ name: 'run', read: (file) => Promise.resolve(textOf(store, file)) }),
    ]);
    expect(page).toContain('LINEAR kept no prompt, not 8');
  });

  test('goes to its end, and says so, where theta keeps nothing', async ({ skip }) => {
    inNodeAlone(skip);
    const gpu = await openTestGpu();
    const store = new MemoryStore();
    const { events, results } = await runOn(gpu, store, {
      config: smallConfig({
        lim: { signal: 'reward', theta: 1 },
        experiment: { methods: ['full', 'lim', 'rand', 'linear'], epochs: 2 },
      }),
    });
    expect(only(events, 'update').map(({ method }) => method)).toEqual(Array(4).fill('full'));
    for (const method of ['lim', 'rand', 'linear'] as const) {
      expect(results?.methods[method]).toEqual({ prompts: 0, evaluations: [] });
    }
    const told = only(events, 'warning').map((event) => event.text);
    expect(told).toEqual([
      expect.stringMatching(
        /^seed 3: LIM kept no prompt, for no score reaches theta 1 \(the highest is -?\d\.\d+\); /,
      ),
    ]);
    expect(results?.warnings).toEqual(told);
    const page = renderReport([
      await readRun({ name: 'run', read: (file) => Promise.resolve(textOf(store, file)) }),
    ]);
    expect(page).toContain('seed 3: LIM kept no prompt');
    expect(page).toContain('not trained: no prompts');
  });

  test('does not count a pause as work', async () => {
    const gpu = await openTestGpu();
    const short = smallConfig({ experiment: { methods: ['full'], epochs: 1 } });
    const own = performance.now.bind(performance);
    let passed = 0;
    const clock = vi.spyOn(performance, 'now').mockImplementation(() => own() + passed);
    try {
      const { results } = await runOn(gpu, new MemoryStore(), {
        config: short,
        onEvent: (event, control) => {
          if (event.type !== 'update' || event.update !== 1) return;
          passed += 1e6;
          control.pause();
        },
        onState: (state, control) => {
          if (state !== 'paused') return;
          setTimeout(() => {
            passed += 1e9;
            control.resume();
          });
        },
      });
      expect(passed).toBe(1e9 + 1e6);
      expect(results!.seconds).toBeGreaterThan(1e3);
      expect(results!.seconds).toBeLessThan(1e6);
    } finally {
      clock.mockRestore();
    }
  });

  test('whose gradients turn out to be wrong begins again, as if it had known', async ({
    skip,
  }) => {
    inNodeAlone(skip);
    const small = smallConfig({ experiment: { epochs: 1, methods: ['full'] } });
    const shape = modelConfigOf(small, taskShapeOf(small.task)!);
    const base = initialParameters(shape, 1, small.base.initialScale);
    const runs = [];
    for (const fault of [true, false]) {
      const gpu = await openGpu({ limits: 'default' });
      const portable = { preferred: ['registers'], measured: {} };
      gpu.choices = {
        'matmul-forward': portable,
        'matmul-backward-input': fault ? portable : { preferred: ['plain'], measured: {} },
        'matmul-backward-weight': portable,
      };
      const from = 'dx[at] = value';
      if (fault) plantFault(gpu, 'matmul-backward-input/registers', from, 'dx[at] = 2 * value');
      try {
        const store = new MemoryStore();
        const { results, events } = await runOn(gpu, store, { config: small, base });
        runs.push({ results, events, left: leftBy(store) });
      } finally {
        await gpu.close();
      }
    }
    const [faulty, knowing] = runs;
    const bases = (events: readonly ExperimentEvent[]) =>
      only(events, 'evaluation').filter(({ method }) => method === 'base');
    expect(bases(faulty.events)).toHaveLength(2);
    expect(bases(knowing.events)).toHaveLength(1);
    const [warning, ...more] = faulty.results!.warnings ?? [];
    expect(warning).toContain("matmul-backward-input in variant 'registers' computes wrong");
    expect(more).toEqual([]);
    expect(only(faulty.events, 'warning').map(({ text }) => text)).toEqual([warning]);
    const { 'matmul-backward-input': replaced, ...others } = faulty.results!.kernels!;
    const { wrong, ...without } = replaced;
    expect(wrong).toEqual(['registers']);
    const kernels = { 'matmul-backward-input': without, ...others };
    expect(known({ ...faulty.results!, kernels })).toEqual(known(knowing.results!));
    expect(faulty.results!.base.shipped).toBe(true);
    // The metadata name the warning.
    expect(faulty.left.tensors).toEqual(knowing.left.tensors);
  });

  test('gives the same bits for the same seed and others for another', async () => {
    await wholeRun();
    const gpu = await openTestGpu();
    const other = new MemoryStore();
    await runOn(gpu, other, { seeds: [4] });
    const again = new MemoryStore();
    await runOn(gpu, again);
    expect(leftBy(again)).toEqual(leftBy(straight));
    const [got, want] = [leftBy(other), leftBy(straight)];
    expect(got.tensors.filter((entry) => entry.startsWith('base/'))).toEqual(
      want.tensors.filter((entry) => entry.startsWith('base/')),
    );
    for (const name of ['actor/', 'critic/', 'matrix.reward']) {
      const own = (entry: string): boolean => entry.startsWith(name);
      expect(got.tensors.filter(own)).not.toEqual(want.tensors.filter(own));
    }
  });

  test('goes on with the second of two seeds, its matrix begun anew', async ({ skip }) => {
    inNodeAlone(skip);
    const gpu = await openTestGpu();
    const [one, two] = [new MemoryStore(), new MemoryStore()];
    const seeds = [3, 4];
    const short = smallConfig({ experiment: { methods: ['full'], epochs: 1 } });
    await runOn(gpu, one, { config: short, seeds });
    await runOn(gpu, two, { config: short, seeds, stopAfter: 3 });
    await runOn(gpu, two, { config: short, seeds, resume: true });
    expect(leftBy(two)).toEqual(leftBy(one));
    // Each seed's rewards are what a run of that seed alone records.
    const alone = new MemoryStore();
    await runOn(gpu, alone, { config: short, seeds: [4] });
    const { tensors } = readSafetensors(one.files.get('rewards-seed-4.safetensors')!, 'both');
    const single = readSafetensors(alone.files.get('rewards.safetensors')!, 'alone').tensors;
    for (const name of ['accuracy', 'reward']) {
      expect(tensors.get(name)?.bytes).toEqual(single.get(name)?.bytes);
    }
  });

  test('asks the base once a seed for PASS, and goes on with its answers and a subset file', async () => {
    const gpu = await openTestGpu();
    const seeds = [3, 4];
    const chosen = smallConfig({
      lim: { theta: -1e6 },
      experiment: {
        methods: ['full', 'pass', 'file:top.json'],
        epochs: 1,
        armLength: 1,
        readouts: [1],
        tableReadout: 1,
      },
    });
    const options = { config: chosen, seeds, files: { 'top.json': '[5, 0, 2]' } };
    const [one, two] = [new MemoryStore(), new MemoryStore()];
    const whole = await runOn(gpu, one, options);
    const asked = only(whole.events, 'answers');
    expect(asked.map(({ seed, samples, right }) => [seed, samples, right.length])).toEqual([
      [3, 4, 8],
      [4, 4, 8],
    ]);
    expect(asked[0].right).not.toEqual(asked[1].right);
    expect(Math.max(...asked.flatMap(({ formatted }) => formatted))).toBeGreaterThan(0);
    for (const { selections } of only(whole.events, 'scores')) {
      expect(selections['file:top.json']).toEqual([0, 2, 5]);
    }
    const [name] = [...one.files.keys()].filter((file) => file.startsWith('subsets/file-'));
    expect(name).toMatch(/^subsets\/file-[a-p]{16}\.json$/);
    expect(whole.results!.methods['file:top.json']!.prompts).toBe(3);
    let stops = 0;
    for (const stopAfter of [1, 3, 6]) {
      stops++;
      await runOn(gpu, two, { ...options, stopAfter, resume: stops > 1 });
    }
    await runOn(gpu, two, { ...options, resume: true });
    expect(leftBy(two)).toEqual(leftBy(one));
    // Read again as any reader does.
    const read = (file: string) => Promise.resolve(textOf(one, file));
    const run = await readRun({ name: 'run', read });
    expect(renderReport([run])).toContain('FILE top.json (');
    const told = [];
    for await (const event of historyOf(run, { name: 'run', read })) told.push(event.type);
    expect(told.filter((type) => type === 'answers')).toHaveLength(2);
  });

  test.each([
    ['file:none.json', 'experiment.methods: none.json does not exist'],
    [
      'file:stranger.json',
      'stranger.json row 1: prompt the string "8" is not in the pool of seed 3',
    ],
    ['file:other.json', 'other.json row 1: prompt 0 of the pool of seed 3 is another prompt'],
  ] as const)('refuses %s before anything is computed', async (method, message) => {
    const gpu = await openTestGpu();
    const store = new MemoryStore();
    const files = { 'stranger.json': '[8]', 'other.json': '[{"id": 0, "prompt": "zz"}]' };
    const chosen = smallConfig({ experiment: { methods: ['full', method] } });
    await expect(runOn(gpu, store, { config: chosen, files })).rejects.toThrow(message);
    expect(store.files.size).toBe(0);
  });

  test('records in its matrix what the verifier said, and scores it by the definition', async () => {
    const gpu = await openTestGpu();
    const store = new MemoryStore();
    const task = drawnTask(config.task);
    const said: { text: string; reward: number; correct: number }[] = [];
    const { events } = await runOn(gpu, store, {
      verify: async (request) => {
        const reply = await byFirstToken(request);
        request.promptOf.forEach((prompt, i) => {
          const [reward, correct] = [reply.rewards[i], reply.correct[i]];
          said.push({ text: request.prompts[prompt], reward, correct });
        });
        return reply;
      },
    });
    const { samples } = config.rollout;
    const pool = task.pool(3);
    const mean = (values: readonly number[]): number =>
      values.reduce((sum, value) => sum + value, 0) / values.length;
    // Held-out prompts are not in the pool; each data epoch of FULL samples every prompt once.
    const byPrompt = pool.map((prompt) => said.filter((verdict) => verdict.text === prompt.text));
    const epochs = [0, 1];
    const cell = (prompt: number, epoch: number) =>
      byPrompt[prompt].slice(epoch * samples, (epoch + 1) * samples);
    for (const { epoch, accuracy, reward } of only(events, 'column')) {
      for (let p = 0; p < pool.length; p++) {
        expect(accuracy[p]).toBe(mean(cell(p, epoch).map(({ correct }) => correct)));
        expect(reward[p]).toBe(mean(cell(p, epoch).map((verdict) => verdict.reward)));
      }
    }
    const sums = pool.flatMap((_, p) =>
      epochs.map((k) => cell(p, k).reduce((sum, verdict) => sum + verdict.reward, 0)),
    );
    expect(new Set(sums).size).toBeGreaterThan(2);
    const counts = sums.map(() => samples);
    const { tensors } = readSafetensors(store.files.get('rewards.safetensors')!, 'rewards');
    const { bytes } = tensors.get('reward')!;
    expect([...new Float32Array(bytes.slice().buffer)]).toEqual(sums.map((sum) => sum / samples));

    const { deficits } = limMeanReference(sums, counts, epochs.length);
    const curve = deficits.map((deficit) => 1 - deficit);
    const want = limScoreReference(sums, counts, curve);
    const [{ scores, lim, selections }] = only(events, 'scores');
    const rows = JSON.parse(text(store.files.get('scores.json'))) as ScoredPrompt[];
    expect(rows.map(({ prompt }) => prompt)).toEqual(pool.map((prompt) => prompt.text));
    // The keys of all prompts, not of those alone that a selection took.
    expect(rows.map(({ key }) => key)).toEqual(pool.map(({ key }) => key));
    expect(only(events, 'pool')[0].prompts.map(({ key }) => key)).toEqual(
      pool.map(({ key }) => key),
    );
    for (const [p, score] of want.entries()) {
      expect(Math.abs(scores[p] - score)).toBeLessThanOrEqual(1e-5 * Math.max(1, Math.abs(score)));
      expect(rows[p].score).toBe(scores[p]);
      expect(rows[p].rewards).toEqual(epochs.map((k) => sums[2 * p + k] / samples));
    }
    lim.meanCurve.forEach((value, k) => expect(value).toBeCloseTo(curve[k], 5));
    expect(selections.lim).toEqual(pool.map((_, p) => p));
    const subset = JSON.parse(text(store.files.get('subsets/lim.json'))) as { answer: string }[];
    expect(subset.map(({ answer }) => answer)).toEqual(pool.map(({ key }) => key));
  });

  test('knows what was right from what the verifier says, whatever it pays', async ({ skip }) => {
    inNodeAlone(skip);
    const gpu = await openTestGpu();
    const accuracy = smallConfig({ lim: { signal: 'accuracy', theta: -1e6 } });
    const runPaid = async (paid: readonly number[]) => {
      const store = new MemoryStore();
      const { events } = await runOn(gpu, store, {
        config: smallConfig({ experiment: { methods: ['full'], epochs: 1 }, lim: accuracy.lim }),
        verify: async (request) => {
          const reply = await byFirstToken(request);
          const kinds = Array.from(request.promptOf, (_, i) =>
            reply.correct[i] ? 0 : reply.formatted[i] ? 1 : 2,
          );
          return { ...reply, rewards: Float32Array.from(kinds, (kind) => paid[kind]) };
        },
      });
      const [{ metrics }] = only(events, 'update');
      const { tensors } = readSafetensors(store.files.get('rewards.safetensors')!, 'rewards');
      const means = (name: string) => [
        ...new Float32Array(tensors.get(name)!.bytes.slice().buffer),
      ];
      const told = text(store.files.get('completions/seed-3-epoch-0.jsonl'));
      const lines = told.trimEnd().split('\n');
      const judged = lines.flatMap((line) => (JSON.parse(line) as unknown[][]).slice(1));
      return { metrics, accuracy: means('accuracy'), reward: means('reward'), judged };
    };
    const usual = await runPaid([1, -0.5, -1]);
    // A wrong answer is paid most, and a right one as little as LIMR never does.
    const other = await runPaid([0.25, 2, 1]);
    // The first update has met the same responses; what follows has learnt other things.
    for (const name of ['accuracy_mean', 'format_error_rate', 'informative_groups']) {
      expect(other.metrics[name]).toBe(usual.metrics[name]);
    }
    expect(other.metrics['accuracy_mean']).toBeGreaterThan(0);
    expect(other.metrics['format_error_rate']).toBeGreaterThan(0);
    expect(new Set(other.accuracy).size).toBeGreaterThan(1);
    const { samples } = accuracy.rollout;
    const rights = other.judged.filter(([, , correct]) => correct === 1);
    const sum = other.accuracy.reduce((total, share) => total + share * samples, 0);
    expect(sum).toBe(rights.length);
    for (const [, reward, correct, formatted] of other.judged) {
      expect(reward).toBe(correct ? 0.25 : formatted ? 2 : 1);
    }
    expect(Math.max(...other.reward)).toBeGreaterThan(1);
  });

  test.each([NaN, Infinity, -Infinity])(
    'refuses a reward of %d and names the prompt',
    async (bad) => {
      const gpu = await openTestGpu();
      let asked = '';
      const run = runOn(gpu, new MemoryStore(), {
        verify: async (request) => {
          const reply = await byFirstToken(request);
          reply.rewards[1] = bad;
          asked = request.prompts[request.promptOf[1]];
          return reply;
        },
      });
      await expect(run).rejects.toMatchObject({ name: 'VerifierError' });
      await expect(run).rejects.toThrow(
        `must give finite rewards in float32, gave ${bad} for a response to the prompt "${asked}"`,
      );
    },
  );

  test('refuses to resume what is of another config, other seeds, or damaged twice', async () => {
    const gpu = await openTestGpu();
    const store = new MemoryStore();
    await runOn(gpu, store, { stopAfter: 2 });
    const resume = (chosen = config) =>
      runOn(gpu, store, { resume: true, config: chosen, stopAfter: 3 });
    const other = smallConfig({ lim: { signal: 'reward', theta: 0.5 } });
    await expect(resume(other)).rejects.toMatchObject({ name: 'CheckpointError' });
    await expect(resume(other)).rejects.toThrow(
      /full-2\.safetensors: is of config \w+, this run is \w+/,
    );
    const [file, before] = [2, 1].map((update) => `checkpoints/seed-0-full-${update}.safetensors`);
    await expect(
      runOn(gpu, store, { resume: true, seeds: [3, 4], stopAfter: 3 }),
    ).rejects.toMatchObject({
      name: 'CheckpointError',
      message: `${file}: is of seeds 3, this run has 3,4`,
    });
    const files = new Map(store.files);
    const cut = (name: string, length: number) =>
      store.files.set(name, files.get(name)!.slice(0, length));
    cut(file, 100);
    cut(before, files.get(before)!.length - 1);
    await expect(resume()).rejects.toMatchObject({ name: 'CheckpointError' });
    await expect(resume()).rejects.toThrow(new RegExp(`${file} is damaged.+${before} is damaged`));
    // What belongs to both is as needed as they are.
    for (const name of ['metrics.jsonl', 'events.jsonl']) {
      for (const [path, bytes] of files) store.files.set(path, bytes);
      const spoilt = files.get(name)!.slice();
      spoilt[5] ^= 1;
      store.files.set(name, spoilt);
      await expect(resume()).rejects.toMatchObject({ name: 'CheckpointError' });
      await expect(resume()).rejects.toThrow(`${name} is damaged`);
      expect(store.files.get(name)).toEqual(spoilt);
    }
  });

  test.for([
    ['checkpoints/seed-0-full-3.safetensors', 9999, 3, 'full-2'],
    ['checkpoints/latest.json', 99, 3, 'full-2'],
    // Of what belongs to the newest alone.
    ['metrics.jsonl', -9, 3, 'full-2'],
    ['events.jsonl', -9, 4, 'full-4'],
    ['completions/seed-3-epoch-1.jsonl', 9, 3, 'full-2'],
  ] as const)(
    'goes on from the checkpoint before where a bit of %s is flipped',
    async ([name, bit, last, before], { skip }) => {
      onceElsewhere(skip, name === 'checkpoints/latest.json');
      await wholeRun();
      const gpu = await openTestGpu();
      const store = new MemoryStore();
      await runOn(gpu, store, { stopAfter: last });
      const bytes = store.files.get(name)!.slice();
      const at = bit < 0 ? bytes.length * 8 + bit : bit;
      bytes[at >> 3] ^= 1 << (at & 7);
      store.files.set(name, bytes);
      const { events } = await runOn(gpu, store, { resume: true });
      const [told, ...more] = only(events, 'warning').map((event) => event.text);
      expect(told).toMatch(/^the newest checkpoint is damaged \(.+\): going on from /);
      expect(told).toContain(`seed-0-${before}.safetensors`);
      expect(more).toEqual([]);
      expect(leftBy(store)).toEqual(leftBy(straight));
    },
  );

  test('goes on without responses that are damaged for good, and says so', async ({ skip }) => {
    inNodeAlone(skip);
    await wholeRun();
    const gpu = await openTestGpu();
    const store = new MemoryStore();
    await runOn(gpu, store, { stopAfter: 4 });
    const name = 'completions/seed-3-epoch-0.jsonl';
    const bytes = store.files.get(name)!.slice();
    bytes[9] ^= 1;
    store.files.set(name, bytes);
    const { events } = await runOn(gpu, store, { resume: true });
    expect(only(events, 'warning').map((event) => event.text)).toEqual([
      `${name} is damaged: its responses are not shown`,
    ]);
    const others = ({ files, ...rest }: ReturnType<typeof leftBy>) => ({
      ...rest,
      files: files.filter(([path]) => path !== name),
    });
    expect(others(leftBy(store))).toEqual(others(leftBy(straight)));
  });

  test('computes the same with a checkpoint after every update, also inside its base', async () => {
    await wholeRun();
    const gpu = await openTestGpu();
    const store = new MemoryStore();
    const options = { checkpointSeconds: 0 };
    await runOn(gpu, store, options);
    expect(leftBy(store)).toEqual(leftBy(straight));

    const parts = new MemoryStore();
    // Told of the first and the last update of pre-training, and of each that is kept.
    const first = await runOn(gpu, parts, {
      ...options,
      onEvent: (event, control) => {
        if (event.type === 'checkpoint') control.stop();
      },
    });
    expect(only(first.events, 'update')).toEqual([]);
    expect([...parts.files.keys()].filter((path) => path.endsWith('.safetensors'))).toEqual([
      'checkpoints/seed-0-base-1.safetensors',
    ]);
    await runOn(gpu, parts, { resume: true });
    expect(leftBy(parts)).toEqual(leftBy(straight));
  });

  test('a checkpoint does not grow with the updates before it', async () => {
    await wholeRun();
    const sizes = [...straight.files].flatMap(([name, { length }]) =>
      name.startsWith('checkpoints/seed') ? [length] : [],
    );
    const gpu = await openTestGpu();
    const store = new MemoryStore();
    await runOn(gpu, store, { stopAfter: 1 });
    const [early = 0] = [...store.files].flatMap(([name, { length }]) =>
      name.endsWith('full-1.safetensors') ? [length] : [],
    );
    // Seven updates more, of some 900 bytes each; what is told of them at the end is as large as it gets.
    expect(Math.max(...sizes) - early).toBeLessThan(4000);
  });

  test('tells why the checkpoint of a stop could not be written, and what it still has', async () => {
    const gpu = await openTestGpu();
    class FullStore extends MemoryStore {
      full = false;
      override write(...args: Parameters<MemoryStore['write']>): Promise<void> {
        if (this.full) return Promise.reject(new Error('ENOSPC: no space left on device'));
        return super.write(...args);
      }
    }
    const store = new FullStore();
    const rare = smallConfig({ experiment: { ...config.experiment, checkpointEvery: 1000 } });
    const run = runOn(gpu, store, {
      config: rare,
      onEvent: (event, control) => {
        if (event.type !== 'update') return;
        store.full = true;
        control.stop();
      },
    });
    await expect(run).rejects.toMatchObject({
      name: 'CheckpointWriteError',
      message:
        'the checkpoint seed-0-full-1 could not be written: ENOSPC: no space left on device; ' +
        'the last good one is checkpoints/seed-0-full-0.safetensors, and the run goes on from there',
    });
  });

  test('stops at an update that is not finite and keeps the checkpoint before it', async () => {
    const gpu = await openTestGpu();
    const store = new MemoryStore();
    let weights: Tensor | undefined;
    const make = gpu.tensor.bind(gpu);
    gpu.tensor = (...args) => {
      const tensor = make(...args);
      if (tensor.name === 'actor page 0') weights = tensor;
      return tensor;
    };
    const updates: number[] = [];
    const run = runOn(gpu, store, {
      onEvent: (event) => {
        if (event.type === 'update') updates.push(event.update);
        // After the second update's checkpoint: the first weight that the next one reads.
        if (event.type === 'checkpoint' && event.update === 2) {
          gpu.upload(weights!, Float32Array.of(NaN));
        }
      },
    });
    try {
      await expect(run).rejects.toMatchObject({ name: 'NonFiniteUpdateError' });
      await expect(run).rejects.toThrow('first non-finite weight: model.embed_tokens.weight');
    } finally {
      Reflect.deleteProperty(gpu, 'tensor');
    }
    expect(updates).toEqual([1, 2]);
    expect(leftBy(store).file).toBe('checkpoints/seed-0-full-2.safetensors');
    expect(store.files.has('results.json')).toBe(false);
    await wholeRun();
    await runOn(gpu, store, { resume: true });
    expect(leftBy(store)).toEqual(leftBy(straight));
  });

  // The last test here: it takes the device of this file away.
  test('fails with the reason when the device is lost, its checkpoint whole', async () => {
    await wholeRun();
    const gpu = await openTestGpu();
    const store = new MemoryStore();
    let updates = 0;
    const run = runOn(gpu, store, {
      onEvent: ({ type }) => (updates += Number(type === 'update')),
      verify: (request) => {
        // In the third iteration, between rollout and update.
        if (updates === 2 && request.prompts.length === 4) gpu.device.destroy();
        return byFirstToken(request);
      },
    });
    await expect(run).rejects.toMatchObject({ name: 'DeviceLostError' });
    expect(updates).toBe(2);
    expect(store.files.has('results.json')).toBe(false);
    expect(leftBy(store).file).toBe('checkpoints/seed-0-full-2.safetensors');
  });
});
