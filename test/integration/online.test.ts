import { describe, expect, test } from 'vitest';
import { readSafetensors, toFloat32 } from '../../src/formats/safetensors.ts';
import { renderReport } from '../../src/report/page.ts';
import { readRun } from '../../src/run-folder/finished-run.ts';
import type { EventOf, ExperimentEvent, UpdateRecord } from '../../src/results.ts';
import type { Verifier } from '../../src/scheduler/evaluator.ts';
import { Experiment } from '../../src/scheduler/experiment.ts';
import { RunControl } from '../../src/scheduler/run-control.ts';
import { MemoryStore } from '../../src/scheduler/run-store.ts';
import { type MethodName, onlineOf } from '../../src/selection/methods.ts';
import { openTestGpu } from '../support/gpu.ts';
import { inNodeAlone, onceElsewhere } from '../support/host.ts';
import { firstToken, smallConfig } from '../support/ppo-rig.ts';

const online = ['dapo', 'online-lim', 'speed', 'lilo', 'greso', 'retire'] as const;

/** FULL, LIM, then every online method: six updates each, three data epochs of the pool. */
const config = smallConfig({
  lim: { count: 3 },
  experiment: {
    methods: ['full', 'lim', ...online],
    armLength: 6,
    readouts: [2, 6],
    tableReadout: 6,
    checkpointEvery: 1,
  },
});
const { samples, prompts } = config.rollout;

/** Two responses in three are right, by their first token. */
const byFirstToken: Verifier = ({ promptOf, responses }) => {
  const right = Array.from(promptOf, (_, i) => Number(firstToken(responses[i]) % 3 > 0));
  return Promise.resolve({
    rewards: Float32Array.from(right, (one) => (one === 1 ? 1 : -0.5)),
    correct: Uint8Array.from(right),
    formatted: new Uint8Array(right.length).fill(1),
    extracted: right.map(() => null),
    failures: [],
  });
};

/** All responses to a prompt are right, or all wrong, by its text. */
const byPrompt: Verifier = ({ promptOf, prompts: texts }) => {
  const right = Array.from(promptOf, (place) => (texts[place] ?? '').charCodeAt(0) % 2);
  return Promise.resolve({
    rewards: Float32Array.from(right, (one) => (one === 1 ? 1 : -0.5)),
    correct: Uint8Array.from(right),
    formatted: new Uint8Array(right.length).fill(1),
    extracted: right.map(() => null),
    failures: [],
  });
};

async function run(
  store: MemoryStore,
  stopAfter?: number,
  resume = false,
  of: { readonly config: typeof config; readonly verify: Verifier } = {
    config,
    verify: byFirstToken,
  },
) {
  const gpu = await openTestGpu();
  const events: ExperimentEvent[] = [];
  const control: RunControl = new RunControl(() => undefined);
  let updates = 0;
  const experiment = await Experiment.open(
    {
      gpu,
      hostName: 'test',
      store,
      verify: of.verify,
      shippedBase: () => Promise.resolve(undefined),
      emit: (event) => {
        events.push(event);
        if (event.type === 'update' && ++updates === stopAfter) control.stop();
      },
    },
    of.config,
    [3],
    { resume },
  );
  return { results: await experiment.run(control), events };
}

const timed = /("(?:tokens_per_second|\w+_ms|seconds)": ?)[-+.e\d]+/g;
const text = (bytes: Uint8Array | undefined): string => new TextDecoder().decode(bytes);

/** All files of a run but times, and its checkpoints by their names. */
const leftBy = (store: MemoryStore) =>
  [...store.files]
    .filter(([name]) => !name.startsWith('checkpoints/'))
    .map(([name, bytes]) => [
      name,
      name.endsWith('.safetensors') ? Array.from(bytes).join() : text(bytes).replace(timed, '$10'),
    ])
    .sort();

const recordsOf = (events: readonly ExperimentEvent[], method: MethodName): UpdateRecord[] =>
  events.filter(
    (event): event is EventOf<'update'> => event.type === 'update' && event.method === method,
  );

describe('online methods in an experiment', () => {
  const straight = new MemoryStore();
  let whole: ReturnType<typeof run> | undefined;
  const wholeRun = () => (whole ??= run(straight));

  test('count what they sample and what they train on, apart', async ({ skip }) => {
    inNodeAlone(skip);
    const { events, results } = await wholeRun();
    for (const method of online) {
      const records = recordsOf(events, method);
      expect(records).toHaveLength(6);
      let [generated, trained] = [0, 0];
      for (const { online: facts, metrics } of records) {
        const groups = facts?.groups ?? [];
        const sum = (of: typeof groups) => of.reduce((all, one) => all + one.samples, 0);
        expect(metrics['samples_generated']).toBe(sum(groups));
        expect(metrics['samples_trained']).toBe(sum(groups.filter((one) => one.trained)));
        expect(metrics['samples_trained']).toBeLessThanOrEqual(prompts * samples);
        generated += sum(groups);
        trained += metrics['samples_trained'] ?? NaN;
      }
      expect(results?.methods[method]?.evaluations.at(-1)).toMatchObject({
        update: 6,
        samples: generated,
        samplesTrained: trained,
      });
    }
    const dapo = recordsOf(events, 'dapo').flatMap((record) => record.online?.groups ?? []);
    for (const { right, trained } of dapo) expect(trained).toBe(right > 0 && right < samples);
    const speed = recordsOf(events, 'speed').flatMap((record) => record.online?.groups ?? []);
    for (const group of speed) expect(group.samples).toBe(group.trained ? samples : 1);
  });

  test('leave cells that they skip without samples, in a matrix of their own', async ({ skip }) => {
    inNodeAlone(skip);
    const { events } = await wholeRun();
    for (const method of online) {
      const file = `online/${method}.safetensors`;
      const { tensors } = readSafetensors(straight.files.get(file)!, file);
      const counts = toFloat32(tensors.get('samples')!, file);
      const accuracy = toFloat32(tensors.get('accuracy')!, file);
      const want = new Float32Array(counts.length);
      const right = new Float32Array(counts.length);
      const epochs = tensors.get('samples')!.shape[1];
      for (const { epoch, online: facts } of recordsOf(events, method)) {
        for (const group of facts?.groups ?? []) {
          want[group.prompt * epochs + epoch] += group.samples;
          right[group.prompt * epochs + epoch] += group.right;
        }
      }
      expect(counts).toEqual(want);
      expect(accuracy).toEqual(right.map((sum, i) => (want[i] === 0 ? NaN : sum / want[i])));
    }
  });

  test('make no update of what teaches nothing, and narrow a pool that does not move', async () => {
    const still = smallConfig({
      lim: { count: 3 },
      experiment: { ...config.experiment, methods: ['full', 'dapo', 'online-lim'] },
    });
    const { events } = await run(new MemoryStore(), undefined, false, {
      config: still,
      verify: byPrompt,
    });
    for (const { metrics, online: facts } of recordsOf(events, 'dapo')) {
      expect(metrics).toMatchObject({ samples_trained: 0 });
      expect(metrics['policy_loss']).toBeUndefined();
      // Every prompt of the pool was tried, and none twice.
      const tried = (facts?.groups ?? []).map(({ prompt }) => prompt);
      expect(new Set(tried).size).toBe(tried.length);
      expect(tried.length).toBeGreaterThan(prompts);
    }
    const narrowed = recordsOf(events, 'online-lim').map((record) => record.online?.narrowed);
    // Two data epochs of two updates.
    expect(narrowed.map((one) => one?.length)).toEqual([
      ...[undefined, undefined, undefined, 3, undefined, undefined],
    ]);
  });

  test('narrow the pool where the ranking has come to rest', async () => {
    const { events } = await wholeRun();
    const records = recordsOf(events, 'online-lim');
    const looked = records.filter(({ metrics }) => metrics['ranking_change'] !== undefined);
    expect(looked.length).toBeGreaterThan(0);
    for (const { metrics, online: facts } of looked) {
      const still = (metrics['ranking_change'] ?? NaN) <= (metrics['ranking_noise'] ?? NaN);
      expect(facts?.narrowed !== undefined).toBe(still);
    }
    const at = records.findIndex(({ online: facts }) => facts?.narrowed);
    if (at < 0) return;
    const kept = records[at]?.online?.narrowed ?? [];
    expect(kept).toHaveLength(3);
    for (const { online: facts } of records.slice(at + 1)) {
      for (const { prompt } of facts?.groups ?? []) expect(kept).toContain(prompt);
    }
  });

  // FULL has 4 updates and LIM 6; then six of each online method.
  test.for([
    [12, 'dapo'],
    [16, 'between dapo and online-lim'],
    [21, 'online-lim, behind its narrowing'],
    [25, 'speed'],
    [38, 'greso'],
  ] as const)(
    'stopped after %i updates, in %s, they go on bit for bit',
    async ([stopAfter], { skip }) => {
      onceElsewhere(skip, stopAfter === 21);
      await wholeRun();
      const store = new MemoryStore();
      expect((await run(store, stopAfter)).results).toBeUndefined();
      await run(store, undefined, true);
      expect(leftBy(store)).toEqual(leftBy(straight));
    },
  );

  test('are shown by the report, with their samples', async () => {
    await wholeRun();
    const folder = {
      name: 'run',
      read: (file: string) =>
        Promise.resolve(straight.files.has(file) ? text(straight.files.get(file)) : undefined),
    };
    const report = renderReport([await readRun(folder)]);
    expect(report).toContain('Samples of methods that choose their prompts while they train');
    for (const method of online) {
      expect(report).toContain(onlineOf(method)?.label);
    }
  });
});
