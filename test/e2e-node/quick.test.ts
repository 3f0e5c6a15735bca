import { execFile } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { configHash } from '../../src/config.ts';
import { presets } from '../../src/presets.ts';
import { readSafetensors, toFloat32 } from '../../src/formats/safetensors.ts';
import type { ExperimentResults, ScoredPrompt, UpdateRecord } from '../../src/results.ts';

const { quick } = presets;
const { experiment, rollout, lim } = quick;
const poolPrompts = quick.task.name === 'arithmetic' ? quick.task.poolPrompts : 0;
/** Of the FULL pass. */
const fullUpdates = (experiment.epochs * poolPrompts) / rollout.prompts;
const limr = join(import.meta.dirname, '../../bin/limr.mjs');

/** The command a user types: under 3 minutes in Node and 6 in Chromium on two idle cores. */
describe.each([
  ['node', experiment.methods, []],
  // No arm, as kernels of a page's software adapter take three times as long.
  ['chromium', ['full'], ['--host', 'chromium', '--adapter', 'software']],
] as const)('the quick experiment in %s', (host, methods, options) => {
  const config = { ...quick, experiment: { ...experiment, methods } };
  const folder = mkdtempSync(join(tmpdir(), 'limr-quick-'));
  const out = join(folder, 'run');
  const file = (name: string): string => readFileSync(join(out, name), 'utf8');
  const json = (name: string): unknown => JSON.parse(file(name));
  let done: { code: number; stdout: string; stderr: string };
  let results: ExperimentResults;

  beforeAll(async () => {
    done = await new Promise((resolve) => {
      execFile(
        process.execPath,
        [
          limr,
          'run',
          '--preset',
          'quick',
          '--methods',
          methods.join(),
          '--out',
          out,
          '--json',
          ...options,
        ],
        { timeout: 1_500_000, maxBuffer: 16 << 20 },
        (error, stdout, stderr) => {
          resolve({ code: error ? Number(error.code ?? 1) : 0, stdout, stderr });
        },
      );
    });
    if (done.code !== 0) throw new Error(`limr run ended with ${done.code}:\n${done.stderr}`);
    results = json('results.json') as ExperimentResults;
  }, 1_600_000);
  afterAll(() => rmSync(folder, { recursive: true }));

  test('says on which adapter it ran, where the report is, and the results on stdout', () => {
    expect(done.stderr).toMatch(/^adapter: .+$/m);
    expect(done.stderr).toContain(`report: ${out}/report.html`);
    expect(JSON.parse(done.stdout)).toEqual(results);
    expect(results.adapter).not.toBe('');
    expect(results.host).toMatch(new RegExp(`^${host} \\d+`));
  });

  test('leaves every file of a run, and they agree', async () => {
    const run = json('config.json') as { config: unknown; configHash: string; seeds: number[] };
    expect(run.config).toEqual(JSON.parse(JSON.stringify(config)));
    expect(run.configHash).toBe(await configHash(config));
    expect(results).toMatchObject({ schema: 1, configHash: run.configHash });
    expect(results.seeds.map(({ seed }) => seed)).toEqual(run.seeds);

    const records = file('metrics.jsonl')
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line) as UpdateRecord);
    for (const method of methods) {
      const own = records.filter((record) => record.method === method);
      const length = method === 'full' ? fullUpdates : experiment.armLength;
      expect(own.map(({ update }) => update)).toEqual(Array.from({ length }, (_, i) => i + 1));
    }
    expect(records.every(({ metrics }) => Object.values(metrics).every(Number.isFinite))).toBe(
      true,
    );

    const { tensors } = readSafetensors(readFileSync(join(out, 'rewards.safetensors')), 'rewards');
    for (const name of ['accuracy', 'reward']) {
      expect(tensors.get(name)?.shape).toEqual([poolPrompts, experiment.epochs]);
    }
    const scored = json('scores.json') as ScoredPrompt[];
    expect(scored.map(({ id }) => id)).toEqual(scored.map((_, i) => i));
    expect(scored).toHaveLength(poolPrompts);
    expect(scored.flatMap(({ rewards }) => rewards)).toEqual([
      ...toFloat32(tensors.get('accuracy')!),
    ]);
    for (const method of methods) {
      if (method === 'full') continue;
      const subset = json(`subsets/${method}.json`) as { id: number; prompt: string }[];
      expect(subset).toHaveLength(results.methods[method]!.prompts);
      expect(results.seeds[0].selections[method]!.prompts).toBe(subset.length);
      for (const { id, prompt } of subset) expect(scored[id].prompt).toBe(prompt);
    }
    expect(existsSync(join(out, 'checkpoints/latest.json'))).toBe(true);
    const report = file('report.html');
    expect(report).toMatch(/^<!doctype html>/i);
    expect(report.trimEnd()).toMatch(/<\/html>$/);
    // Self-contained: figures inline, nothing loaded from elsewhere.
    expect(report).toContain('<svg');
    expect(report).not.toMatch(/<(script|img|link)[^>]+(src|href)=["']?(https?:)?\/\//i);
  });

  test('starts from the shipped base and evaluates it', () => {
    expect(results.base.shipped).toBe(true);
    for (const { mean, tiers } of [results.base, results.base.sampled!]) {
      expect(Object.keys(tiers)).toEqual(['T1', 'T2', 'T3']);
      expect(mean).toBeGreaterThan(0.05);
      expect(mean).toBeLessThan(0.9);
    }
  });

  test('FULL ends at least 0.1 above the base', () => {
    const last = results.methods.full!.evaluations.at(-1)!;
    expect(last.update).toBe(fullUpdates);
    expect(last.mean - results.base.mean).toBeGreaterThanOrEqual(0.1);
  });

  test('evaluates every method at the read-outs that were fixed before', () => {
    for (const method of methods) {
      const length = method === 'full' ? fullUpdates : experiment.armLength;
      const wanted = experiment.readouts.filter((at) => at <= length);
      const { evaluations } = results.methods[method]!;
      expect(evaluations.map(({ update }) => update)).toEqual(wanted);
      for (const { update, samples } of evaluations) {
        expect(samples).toBe(update * rollout.prompts * rollout.samples);
      }
    }
    if (results.methods.rand) {
      expect(results.methods.rand.prompts).toBe(results.methods.lim!.prompts);
    }
  });

  test('LIM rejects what was never solved, always solved and nearly all that is wrongly labelled', () => {
    const scored = json('scores.json') as ScoredPrompt[];
    const kept = scored.filter(({ score }) => score !== null && score >= lim.theta);
    expect(kept.length).toBe(results.lim?.kept);
    expect(kept.length).toBeGreaterThan(0);
    expect(kept.length).toBeLessThan(scored.length / 2);
    /** Share of a prompt's samples over all epochs that were right. */
    const solved = ({ rewards }: ScoredPrompt): number =>
      rewards.reduce((sum: number, reward) => sum + (reward ?? 0), 0) / rewards.length;
    // Sampling at 1.2 leaves hardly a prompt that is right every single time.
    for (const settled of [
      (row: ScoredPrompt) => solved(row) === 0,
      (row: ScoredPrompt) => solved(row) >= 0.95,
    ]) {
      // There are such prompts, and none of them was kept.
      expect(scored.filter(settled).length).toBeGreaterThan(2);
      expect(kept.filter(settled)).toEqual([]);
    }
    expect(results.lim!.neverSolved).toBeLessThan(lim.theta);
    expect(results.lim!.alwaysSolved).toBeLessThan(lim.theta);
    expect(results.lim!.warning).toBe('');
    const wrong = scored.filter(({ wrongKey }) => wrongKey);
    expect(wrong.length).toBeGreaterThan(10);
    // A wrong key that the base's own slips hit now and then can follow the mean curve by luck.
    expect(kept.filter(({ wrongKey }) => wrongKey).length).toBeLessThanOrEqual(wrong.length / 8);
    const chosen = results.seeds[0].selections.lim;
    expect(chosen === undefined).toBe(!(methods as readonly string[]).includes('lim'));
    if (chosen) expect(chosen.wrongKeys).toBe(kept.filter(({ wrongKey }) => wrongKey).length);
  });
});
