import { describe, expect, test } from 'vitest';
import type { Tensor } from '../../kernels/lib/tensor.ts';
import type { ExperimentConfig } from '../../src/config.ts';
import { readSafetensors } from '../../src/formats/safetensors.ts';
import type { Gpu } from '../../src/gpu/device.ts';
import type { ExperimentEvent, ExperimentResults, ScoredPrompt } from '../../src/results.ts';
import type { Verifier } from '../../src/scheduler/evaluator.ts';
import { Experiment } from '../../src/scheduler/experiment.ts';
import { RunControl } from '../../src/scheduler/run-control.ts';
import { MemoryStore } from '../../src/scheduler/run-store.ts';
import { createTask } from '../../src/tasks/registry.ts';
import { limMeanReference } from '../reference/lim-mean.ts';
import { limScoreReference } from '../reference/lim-score.ts';
import { openTestGpu } from '../support/gpu.ts';
import { smallConfig } from '../support/ppo-rig.ts';

/** Four updates on the full pool, then two on each of two selections of all prompts that score. */
const config = smallConfig({ lim: { signal: 'reward', theta: -1e6 } });
const TOTAL = 8;

/**
 * Judges by a response's first token alone, three verdicts in turn: what an untrained model meets
 * often enough to learn from, so that no base need be trained for these tests.
 */
const byFirstToken: Verifier = ({ promptOf, tokens, offsets }) => {
  const kinds = Array.from(promptOf, (_, i) => tokens[offsets[i]] % 3);
  return Promise.resolve({
    rewards: Float32Array.from(kinds, (kind) => [1, -0.5, -1][kind]),
    correct: Uint8Array.from(kinds, (kind) => Number(kind === 0)),
    formatted: Uint8Array.from(kinds, (kind) => Number(kind < 2)),
    extracted: kinds.map(() => null),
    failures: [],
  });
};

interface RunOptions {
  readonly config?: ExperimentConfig;
  readonly seeds?: readonly number[];
  readonly resume?: boolean;
  /** Stops after so many updates, those before a resume included. */
  readonly stopAfter?: number;
  /** Seen as it is sent, inside the run. */
  readonly onEvent?: (event: ExperimentEvent) => void;
  readonly verify?: Verifier;
}

/** One run, or a part of one, with the device of this file. */
async function runOn(gpu: Gpu, store: MemoryStore, options: RunOptions = {}) {
  const events: ExperimentEvent[] = [];
  const control = new RunControl();
  let updates = 0;
  const chosen = options.config ?? config;
  const experiment = await Experiment.open(
    {
      gpu,
      hostName: 'test',
      store,
      verify: options.verify ?? byFirstToken,
      shippedBase: () => Promise.resolve(undefined),
      emit: (event) => {
        events.push(event);
        options.onEvent?.(event);
        if (event.type === 'update' && ++updates === options.stopAfter) control.stop();
      },
    },
    chosen,
    options.seeds ?? [3],
    { resume: options.resume ?? false },
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

/** Metrics that measure time, and how long a run took: all that may differ between equal runs. */
const timed = /("(?:tokens_per_second|\w+_ms|seconds)": ?)[-+.e\d]+/g;
const untimed = (value: string): string => value.replace(timed, '$10');

/** What a run leaves: results by name, and the newest checkpoint taken apart. */
function leftBy(store: MemoryStore) {
  const files = [...store.files.keys()].filter((name) => !name.startsWith('checkpoints/')).sort();
  const { file } = JSON.parse(text(store.files.get('checkpoints/latest.json'))) as { file: string };
  const { tensors, metadata } = readSafetensors(store.files.get(file)!, file);
  return {
    files: files.map((name) => [
      name,
      name.endsWith('.safetensors')
        ? Array.from(store.files.get(name)!).join()
        : untimed(text(store.files.get(name))),
    ]),
    file,
    tensors: [...tensors].map(([name, { bytes }]) => `${name}: ${Array.from(bytes).join()}`),
    metadata: [...metadata].map(([key, value]) => `${key}: ${untimed(value)}`),
  };
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

  test.each([
    [3, 'inside FULL'],
    [4, 'between FULL and the first selection'],
    [5, 'inside a selection'],
    [6, 'between two selections'],
  ])('stopped after %i updates and resumed, %s, it goes on bit for bit', async (stopAfter) => {
    await wholeRun();
    const gpu = await openTestGpu();
    const store = new MemoryStore();
    const first = await runOn(gpu, store, { stopAfter });
    expect(first.results).toBeUndefined();
    expect(store.files.has('results.json')).toBe(false);
    const second = await runOn(gpu, store, { resume: true });
    // Whoever watches is shown what went before.
    expect(only(second.events, 'update')).toHaveLength(TOTAL);
    const [got, want] = [leftBy(store), leftBy(straight)];
    expect(want.tensors.some((entry) => entry.startsWith('actor.first/0'))).toBe(true);
    expect(want.tensors.some((entry) => entry.startsWith('critic.second/0'))).toBe(true);
    expect(got).toEqual(want);
    const weights = await (await wholeRun()).experiment.weights();
    expect(await second.experiment.weights()).toEqual(weights);
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

  test('goes on with the second of two seeds, its matrix begun anew', async () => {
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

  test('records in its matrix what the verifier said, and scores it by the definition', async () => {
    const gpu = await openTestGpu();
    const store = new MemoryStore();
    const task = createTask(config.task);
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

  test('refuses to resume from what is damaged or of another config', async () => {
    const gpu = await openTestGpu();
    const store = new MemoryStore();
    await runOn(gpu, store, { stopAfter: 1 });
    const resume = (chosen = config) =>
      runOn(gpu, store, { resume: true, config: chosen, stopAfter: 2 });
    const other = smallConfig({ lim: { signal: 'reward', theta: 0.5 } });
    await expect(resume(other)).rejects.toMatchObject({ name: 'CheckpointError' });
    await expect(resume(other)).rejects.toThrow(
      /full-1\.safetensors: is of config \w+, this run is \w+/,
    );
    const file = 'checkpoints/seed-0-full-1.safetensors';
    const bytes = store.files.get(file)!;
    for (const length of [0, 7, 100, bytes.length - 1]) {
      store.files.set(file, bytes.slice(0, length));
      await expect(resume()).rejects.toMatchObject({ name: 'CheckpointError' });
    }
    store.files.delete(file);
    await expect(resume()).rejects.toMatchObject({ name: 'CheckpointError' });
    store.files.set(file, bytes);
    expect(only((await resume()).events, 'update')).toHaveLength(2);
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
