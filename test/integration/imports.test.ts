import { describe, expect, test } from 'vitest';
import { connectImporter, type ImportSettings } from '../../src/entries/browser.ts';
import { scoreOnHost } from '../../src/lim/host-score.ts';
import { scoreMatrix } from '../../src/lim/score.ts';
import { missingRules } from '../../src/vocabulary/signals.ts';
import { openTestGpu } from '../support/gpu.ts';
import type { RewardMatrix } from '../../src/lim/matrix.ts';

const settings: ImportSettings = {
  format: 'auto',
  signal: 'accuracy',
  rule: 'corrected',
  theta: 0.6,
  allowPartial: false,
};

/** A matrix by a rule for its entries: the sum and the number of samples. */
function matrixBy(
  prompts: number,
  epochs: number,
  entry: (prompt: number, epoch: number) => readonly [sum: number, samples: number],
): RewardMatrix {
  const entries = Array.from({ length: prompts * epochs }, (_, i) =>
    entry(Math.floor(i / epochs), i % epochs),
  );
  return {
    prompts,
    epochs,
    sums: Float64Array.from(entries, ([sum]) => sum),
    samples: Uint32Array.from(entries, ([, count]) => count),
  };
}

const [prompts, epochs, samples] = [40, 5, 4];

/** Samples of a prompt that are right in an epoch: some prompts learn, some never do. */
const rightOf = (prompt: number, epoch: number): number =>
  Math.min(samples, Math.floor(((prompt % 7) * (epoch + 3)) / 5));

/** Rollouts as OpenRLHF logs them, one file a data epoch; the last prompt has no second epoch. */
const rollouts = new Map(
  Array.from({ length: epochs }, (_, epoch) => {
    const rows = Array.from({ length: prompts * samples }, (_, i) => ({
      prompt: Math.floor(i / samples),
      sample: i % samples,
    })).filter(({ prompt }) => prompt < prompts - 1 || epoch !== 1);
    const text = rows.map(({ prompt, sample }) =>
      JSON.stringify({
        input: `${prompt}+1=`,
        output: 'x',
        reward: sample < rightOf(prompt, epoch) ? 1 : -0.5,
        step: epoch,
        epoch,
      }),
    );
    return [`run/step_${epoch}.jsonl`, new Blob([text.join('\n')])] as const;
  }),
);

describe('the importer', () => {
  test('reads rollouts in its worker and scores them to the bit as the engine does', async () => {
    const importer = await connectImporter();
    const gpu = await openTestGpu();
    try {
      const got = await importer.api.open({ files: rollouts, paths: ['run'], settings });
      expect(got).toMatchObject({ kind: 'matrix', prompts, epochs, adapter: gpu.name });
      expect(got.summary).toMatchObject({
        missingEntries: 1,
        rows: samples * (prompts * epochs - 1),
      });
      expect(got.text).toContain('1 entry missing');
      const matrix = matrixBy(prompts, epochs, (prompt, epoch) =>
        prompt === prompts - 1 && epoch === 1 ? [0, 0] : [rightOf(prompt, epoch), samples],
      );
      const want = await scoreMatrix(gpu, matrix);
      expect([...got.scores]).toEqual([...want.scores]);
      expect([...got.meanCurve]).toEqual([...want.meanCurve]);
      expect(got.kept).toBe(want.kept.length);
      expect(got.kept).toBeGreaterThan(0);
      expect(got.kept).toBeLessThan(prompts);
      // What is asked later, of the same files.
      expect(await importer.api.bytesRead()).toBeGreaterThan(1000);
      expect((await importer.api.choose({ threshold: 0.6 })).indices).toEqual(want.kept);
      const rows = JSON.parse(await (await importer.api.scoreFile()).text()) as { score: number }[];
      expect(rows.map(({ score }) => Math.fround(score))).toEqual([...want.scores]);
      const { file, extension } = await importer.api.subset({ count: 3 }, 'openrlhf');
      expect(extension).toBe('jsonl');
      expect((await file.text()).trim().split('\n')).toHaveLength(3);
      await expect(importer.api.choose({ count: prompts + 1 })).rejects.toThrow(/41/);
      await expect(
        importer.api.open({
          files: new Map([['a.json', new Blob(['{'])]]),
          paths: ['a.json'],
          settings,
        }),
      ).rejects.toMatchObject({ name: 'FormatError' });
      await expect(importer.api.scoreFile()).rejects.toThrow(/nothing is imported/);
    } finally {
      await importer.close();
    }
  });

  test.each(missingRules)('without a device, rule %s keeps the same prompts', async (rule) => {
    const gpu = await openTestGpu();
    const matrix = matrixBy(67, 6, (prompt, epoch) =>
      prompt % 11 === 3 && epoch === 2
        ? [0, 0]
        : [Math.min(4, Math.floor(((prompt % 9) * (epoch + 2)) / 9)), 4],
    );
    for (const theta of [-0.5, 0.3, 0.6]) {
      const how = { theta, rule, unsolved: 0 };
      const [device, host] = [await scoreMatrix(gpu, matrix, how), scoreOnHost(matrix, how)];
      expect(host.kept).toEqual(device.kept);
      expect(host.unscored).toEqual(device.unscored);
      for (const [p, score] of host.scores.entries()) {
        if (Number.isNaN(score)) expect(device.scores[p]).toBeNaN();
        // f32 sums of six squares.
        else
          expect(Math.abs(score - device.scores[p])).toBeLessThan(
            1e-5 * Math.max(1, Math.abs(score)),
          );
      }
      expect(host.bound.rejectsNeverSolved).toBe(device.bound.rejectsNeverSolved);
    }
  });
});
