import { describe, expect, test, vi } from 'vitest';
import type { ExperimentConfig } from '../../src/config.ts';
import { initialParameters } from '../../src/model/parameters.ts';
import { renderReport } from '../../src/report/page.ts';
import { readRun } from '../../src/run-folder/finished-run.ts';
import { modelConfigOf } from '../../src/scheduler/base.ts';
import { Experiment } from '../../src/scheduler/experiment.ts';
import type { Verifier } from '../../src/scheduler/evaluator.ts';
import { RunControl } from '../../src/scheduler/run-control.ts';
import { MemoryStore } from '../../src/scheduler/run-store.ts';
import { openTask, openVerifier, type TaskConfig } from '../../src/tasks/registry.ts';
import { packVerdicts } from '../../src/tasks/verification.ts';
import { inNodeAlone } from '../support/host.ts';
import { openTestGpu } from '../support/gpu.ts';
import { smallConfig } from '../support/ppo-rig.ts';
import type { SumsConfig } from '../support/third-task.ts';

vi.mock('../../src/tasks/kinds.ts', async (original) => {
  const { taskKinds } = await original<typeof import('../../src/tasks/kinds.ts')>();
  const { sumsKind } = await import('../support/third-task.ts');
  return { taskKinds: [...taskKinds, sumsKind] };
});

const configOf = (task: Omit<SumsConfig, 'name'>): ExperimentConfig =>
  smallConfig({
    task: { name: 'sums', ...task } as unknown as TaskConfig,
    experiment: { methods: ['full', 'rand'] },
    lim: { theta: -1e6 },
  });

/** Verdicts of the task's own verifier, as a pool of workers would give them. */
async function verifierOf(config: ExperimentConfig): Promise<Verifier> {
  const verifier = await openVerifier(config.task);
  return async ({ prompts, keys, promptOf, responses, finished }) => {
    const verdicts = await Promise.all(
      responses.map(async (response, i) => {
        const end = { finished: finished[i] === 1 };
        return await verifier.verify(prompts[promptOf[i]], keys[promptOf[i]], response, end);
      }),
    );
    return {
      ...packVerdicts(verdicts),
      extracted: verdicts.map(({ extracted }) => extracted),
      failures: [],
    };
  };
}

async function run(config: ExperimentConfig, store: MemoryStore, given = true, stopAfter = -1) {
  const gpu = await openTestGpu();
  const task = await openTask(config.task);
  const base = initialParameters(modelConfigOf(config, task), 1, 0.3);
  await task.text.close();
  const control = new RunControl();
  let updates = 0;
  const host = {
    gpu,
    hostName: 'test',
    store,
    verify: await verifierOf(config),
    shippedBase: () => Promise.resolve(given ? base : undefined),
    emit: ({ type }: { readonly type: string }) => {
      if (type === 'update' && ++updates === stopAfter) control.stop();
    },
  };
  const experiment = await Experiment.open(host, config, [3], { resume: true });
  const results = await experiment.run(control);
  return { results, completions: results && experiment.completions(0) };
}

const reportOf = async (store: MemoryStore): Promise<string> => {
  const read = (file: string) => {
    const bytes = store.files.get(file);
    return Promise.resolve(bytes && new TextDecoder().decode(bytes));
  };
  return renderReport([await readRun({ name: 'DIR', read })]);
};

describe('an experiment of a task that no other file names', () => {
  test('runs from a model that is given to a report, by text of a worker', async ({ skip }) => {
    inNodeAlone(skip);
    const store = new MemoryStore();
    const config = configOf({ poolPrompts: 8, heldOut: 5, sizes: 'opened' });
    const { results, completions } = await run(config, store);
    expect(Object.keys(results!.base.tiers)).toEqual(['sums']);
    expect(results!.methods.full?.evaluations.length).toBeGreaterThan(0);
    expect(completions).toMatchObject({ prompt: '0+0=', key: '0' });
    const texts = completions!.epochs.flatMap((epoch) => epoch.completions);
    expect(texts).toHaveLength(2 * config.rollout.samples);
    for (const { text, reward } of texts) {
      expect(text).toMatch(/^[0-9+=;]{1,3}$/);
      const right = text === '0;';
      expect(reward).toBe(right ? 1 : /^\d+;$/.test(text) ? -0.5 : -1);
    }
    const report = await reportOf(store);
    expect(report).toContain('and sums of two digits.');
    expect(report).toContain('The model that was given: ');
    expect(report).toContain('run in full on sums, which are made up.');
    expect(report).toContain('0+0 = ?');
  });

  test('runs without tiers, and goes on after a stop: nothing is evaluated', async () => {
    const store = new MemoryStore();
    const config = configOf({ poolPrompts: 8, heldOut: 0, sizes: 'told' });
    expect((await run(config, store, true, 3)).results).toBeUndefined();
    const { results } = await run(config, store);
    expect(results!.base).toMatchObject({ mean: NaN, tiers: {} });
    const report = await reportOf(store);
    expect(report).not.toContain('NaN');
    expect(report).toContain('The model that was given. Every method');
  });

  test('does not begin without a model: there is no corpus', async () => {
    const config = configOf({ poolPrompts: 8, heldOut: 0, sizes: 'told' });
    await expect(run(config, new MemoryStore(), false)).rejects.toThrow(
      'task: sums has no corpus to pre-train a base on',
    );
  });

  test('holds the size of its pool against the rollouts once it is opened', async () => {
    const config = configOf({ poolPrompts: 9, heldOut: 0, sizes: 'opened' });
    await expect(run(config, new MemoryStore())).rejects.toThrow(
      'config: rollout.prompts: must divide the 9 prompts of the pool',
    );
  });
});
