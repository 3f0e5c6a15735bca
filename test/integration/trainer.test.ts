import { afterEach, describe, expect, test } from 'vitest';
import type { DrawnExperimentConfig } from '../../src/config.ts';
import { presets } from '../../src/presets.ts';
import { initialParameters } from '../../src/model/parameters.ts';
import type { ExperimentEvent } from '../../src/results.ts';
import { modelConfigOf } from '../../src/scheduler/base.ts';
import { baseFile } from '../../src/scheduler/base-file.ts';
import { inNodeAlone } from '../support/host.ts';
import { banditDefaults } from '../support/bandit.ts';
import { taskShapeOf } from '../../src/tasks/registry.ts';
import type { Connection } from '../../src/threads/connect.ts';
import type { StartRequest, TrainerApi } from '../../src/workers/protocol.ts';
import { connectTrainer, eventsOf } from '../../src/workers/trainer.ts';

const { quick } = presets;
/** Iterations of four prompts on a model of a few hundred weights. */
/** So many that a pause sent at the first update arrives before the last, on a busy machine too. */
const EPOCHS = 40;

const config: DrawnExperimentConfig = {
  ...quick,
  preset: 'test',
  task: { ...banditDefaults, prompts: 4 },
  model: {
    ...quick.model,
    hiddenSize: 8,
    intermediateSize: 8,
    layers: 1,
    heads: 1,
    kvHeads: 1,
    headDim: 8,
  },
  base: { ...quick.base, updates: 4, sequencesPerUpdate: 8 },
  rollout: { ...quick.rollout, prompts: 4 },
  ppo: { ...quick.ppo, minibatches: 1 },
  experiment: {
    epochs: EPOCHS,
    methods: ['full'],
    budget: 'updates',
    armLength: 1,
    readouts: [EPOCHS],
    tableReadout: EPOCHS,
    checkpointEvery: EPOCHS,
  },
  evaluation: { ...quick.evaluation, samples: 0 },
};
const request: StartRequest = { config, seeds: [3], store: { kind: 'memory' }, verifiers: 1 };

let trainer: Connection<TrainerApi> | undefined;
afterEach(async () => {
  await trainer?.close();
  trainer = undefined;
});

type Of<Type extends ExperimentEvent['type']> = Extract<ExperimentEvent, { type: Type }>;
const only = <Type extends ExperimentEvent['type']>(events: ExperimentEvent[], type: Type) =>
  events.filter((event): event is Of<Type> => event.type === type);

describe('the trainer worker', () => {
  test('steps, runs, ends and starts again, on one device', async () => {
    trainer = await connectTrainer();
    const { api } = trainer;

    await expect(
      api.start({ ...request, config: { ...config, preset: 3 as never } }),
    ).rejects.toMatchObject({ name: 'ConfigError' });
    await expect(api.pause()).rejects.toThrow('no run has been started');

    const { adapter, host } = await api.start(request);
    expect(adapter.length).toBeGreaterThan(0);
    expect(host).toMatch(/^(node|deno|chromium) \d+/);
    await expect(api.start(request)).rejects.toThrow('a run is under way');

    const events: ExperimentEvent[] = [];
    let batches = 0;
    const until = async (found: () => boolean) => {
      while (!found()) {
        const batch = await api.events();
        expect(batch.length).toBeGreaterThan(0);
        batches++;
        events.push(...batch);
      }
    };
    await until(() => only(events, 'update').length >= 1);
    await api.pause();
    await until(() => only(events, 'state').at(-1)?.state === 'paused');
    await api.step();
    const before = only(events, 'update').length;
    await until(() => only(events, 'update').length > before);

    await api.resume();
    for await (const batch of eventsOf(trainer)) events.push(...batch);
    const updates = only(events, 'update').map(({ update }) => update);
    const numbers = Array.from({ length: EPOCHS }, (_, epoch) => epoch);
    expect(updates).toEqual(numbers.map((epoch) => epoch + 1));
    expect(only(events, 'column').map(({ epoch }) => epoch)).toEqual(numbers);
    expect(only(events, 'state').at(-1)).toMatchObject({ state: 'done' });
    const [{ results }] = only(events, 'done');
    expect(results).toMatchObject({ host, adapter });

    // What the rewards say is what the completions show.
    const [{ accuracy }] = only(events, 'column');
    for (let prompt = 0; prompt < 4; prompt++) {
      const { key, epochs } = await api.completions(prompt);
      const right = epochs[0].completions.filter(({ text }) => text === key);
      expect(epochs.map(({ completions }) => completions.length)).toEqual(
        new Array(EPOCHS).fill(config.rollout.samples),
      );
      expect(right.length / config.rollout.samples).toBe(accuracy[prompt]);
    }
    const file = await api.readFile('results.json');
    expect(JSON.parse(new TextDecoder().decode(file))).toEqual(JSON.parse(JSON.stringify(results)));
    expect(await api.readFile('nothing.json')).toBeUndefined();

    // The same worker, again from the start, stopped at once.
    await api.start({ ...request, paused: true });
    await api.stop();
    const last: ExperimentEvent[] = [];
    for await (const batch of eventsOf(trainer)) last.push(...batch);
    expect(only(last, 'update')).toEqual([]);
    expect(only(last, 'state').at(-1)).toMatchObject({ state: 'stopped' });
    expect(batches).toBeGreaterThan(1);
  });

  test('is asked before, between and after the updates of a run, and trains as if it were not', async ({
    skip,
  }) => {
    inNodeAlone(skip);
    trainer = await connectTrainer();
    const { api } = trainer;
    const ask = { prompt: { place: 0 }, samples: 2, seed: 4 } as const;
    await expect(api.generate({ ...ask, weights: 'base' })).rejects.toThrow(
      'no run has been started',
    );
    await api.start({ ...request, paused: true });
    await expect(api.generate({ ...ask, weights: 'base' })).rejects.toMatchObject({
      name: 'InspectionError',
      message: 'the run has not evaluated its base yet',
    });
    await expect(api.open(request)).rejects.toThrow('a run is under way');
    await api.resume();
    const events: ExperimentEvent[] = [];
    while (only(events, 'update').length === 0) events.push(...(await api.events()));
    const between = await api.generate({ ...ask, weights: 'now' });
    expect(between.by.training).toMatchObject({ method: 'full' });
    expect(between.responses).toHaveLength(2);
    await api.pause();
    while (only(events, 'state').at(-1)?.state !== 'paused') events.push(...(await api.events()));
    const inspected = await api.inspect({
      prompt: ask.prompt,
      weights: 'now',
      responses: between.responses.map(({ ids }) => ids),
    });
    expect(inspected.responses.map(({ tokens }) => tokens.length)).toEqual([1, 1]);
    await api.resume();
    for await (const batch of eventsOf(trainer)) events.push(...batch);
    const [{ results }] = only(events, 'done');
    // On a device of its own, as often as it is asked.
    const after = await api.generate({ ...ask, weights: 'full' });
    const base = await api.generate({ ...ask, weights: 'base' });
    expect(after.next).not.toEqual(base.next);
    expect(await api.generate({ ...ask, weights: 'full' })).toEqual(after);
    await expect(api.generate({ ...ask, weights: 'now' })).rejects.toMatchObject({
      name: 'InspectionError',
    });

    // The same worker trains again, unasked.
    await api.start(request);
    const again: ExperimentEvent[] = [];
    for await (const batch of eventsOf(trainer)) again.push(...batch);
    const [{ results: same }] = only(again, 'done');
    expect({ ...same, seconds: 0 }).toEqual({ ...results, seconds: 0 });
  });

  test('says what failed, and that the run has', async () => {
    trainer = await connectTrainer();
    const weights = initialParameters(modelConfigOf(config, taskShapeOf(config.task)!), 1);
    weights.get('model.norm.weight')!.fill(NaN, 0, 1);
    const base = baseFile(config, weights, 'test');
    await trainer.api.start({ ...request, bases: [base] });
    const events: ExperimentEvent[] = [];
    for await (const batch of eventsOf(trainer)) events.push(...batch);
    expect(only(events, 'pretraining')).toEqual([]);
    expect(only(events, 'update')).toEqual([]);
    expect(only(events, 'state').at(-1)).toEqual({
      type: 'state',
      state: 'failed',
      message:
        'NonFiniteUpdateError: actor, minibatch 1 of 1: the loss is NaN; ' +
        'first non-finite weight: model.norm.weight',
    });
  });

  test('can be closed in the middle of a run', async () => {
    trainer = await connectTrainer();
    await trainer.api.start(request);
    await trainer.api.events();
    await trainer.close();
    expect(await trainer.ended).toBeUndefined();
  });
});
