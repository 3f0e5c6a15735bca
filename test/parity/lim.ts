import { bytesSource } from '../../src/formats/byte-source.ts';
import { readRollouts } from '../../src/formats/rollouts.ts';
import { flat } from '../support/flat.ts';
import type { Gpu } from '../../src/gpu/device.ts';
import { ExactCurve } from '../../src/lim/exact.ts';
import { fillRows } from '../../src/lim/fill.ts';
import { type RewardMatrix, rowOf } from '../../src/lim/matrix.ts';
import { RewardTable } from '../../src/lim/reward-table.ts';
import { scoreMatrix } from '../../src/lim/score.ts';
import { selectLim } from '../../src/selection/lim.ts';
import type { Context } from './context.ts';
import { Fields } from './fields.ts';

/** Float64 on the host; f32 on the GPU, relative to max(1, |score|). */
const allowed = { exact: 1e-9, gpu: 1e-5 };

/** Scores in the released script's rule: as the GPU has them, in float64, and the mean curve. */
async function score(gpu: Gpu, matrix: RewardMatrix) {
  const found = await scoreMatrix(gpu, matrix, { rule: 'limr' });
  const scored = [...found.scores.keys()].filter((i) => !Number.isNaN(found.scores[i]));
  const exact = new Float64Array(matrix.prompts).fill(NaN);
  const settled = await found.exact(scored);
  for (const [i, prompt] of scored.entries()) exact[prompt] = settled[i] ?? NaN;
  return { ...found, exactScores: exact };
}

/** A row as the script prints it: -1 where the prompt was not rolled out. */
const printed = (matrix: RewardMatrix, prompt: number): number[] =>
  [...rowOf(matrix, prompt)].map((accuracy) => (Number.isNaN(accuracy) ? -1 : accuracy));

async function checkCase({ gpu, fixtures, report, memo }: Context, folder: string): Promise<void> {
  const file = `${folder}/expected.json`;
  const expected = new Fields(await fixtures.json(file), file);
  expected.skip('note');
  const originals = expected.objects('originals').map((fields) => {
    fields.skip('answer');
    const original = { id: fields.text('id'), prompt: fields.text('prompt') };
    fields.done();
    return original;
  });

  const table = new RewardTable(originals);
  for (const name of fixtures.files(folder)) {
    const step = /^step_(\d+)\.json$/.exec(name)?.[1];
    if (step === undefined) continue;
    const path = `${folder}/${name}`;
    const read = readRollouts(bytesSource(path, await fixtures.bytes(path)), 'limr');
    for await (const row of flat(read)) {
      table.add({ ...row, step: Number(step) });
    }
  }
  const { matrix, summary } = table.matrix('accuracy', {
    stepsPerEpoch: expected.number('steps_per_epoch'),
    epochs: expected.number('max_epochs'),
  });
  const perPrompt = expected.number('samples_per_prompt');
  report.equal(file, 'samples_per_prompt', summary.samplesPerEntry, perPrompt);

  const places = new Map(originals.map(({ prompt }, i) => [prompt, i]));
  const placesOf = (fields: Fields, what: string): number[] =>
    fields.keys.map((prompt) => {
      const place = places.get(prompt);
      if (place === undefined)
        throw new Error(`${file}: ${what} has an unknown prompt '${prompt}'`);
      return place;
    });
  const curves = (what: string, own: RewardMatrix, isKept: (row: number[]) => boolean): void => {
    const fields = expected.object(what);
    const rows = placesOf(fields, what);
    const want = fields.keys.flatMap((prompt) => fields.numbers(prompt));
    report.close(
      file,
      what,
      rows.flatMap((i) => printed(own, i)),
      want,
      { max: allowed.exact },
    );
    const kept = originals.flatMap((_, i) => (isKept(printed(own, i)) ? [i] : []));
    report.equal(
      file,
      `${what}: prompts`,
      kept,
      [...rows].sort((a, b) => a - b),
    );
  };
  const filled = fillRows(matrix);
  curves('accuracy_before_fill', matrix, (row) => row.some((accuracy) => accuracy !== -1));
  curves('accuracy_after_fill', filled, (row) => row.every((accuracy) => accuracy !== -1));

  const { sums, samples } = matrix;
  const got = await memo.get('lim', [matrix.prompts, matrix.epochs, sums, samples], () =>
    score(gpu, matrix),
  );
  const curve = new ExactCurve(matrix.epochs);
  curve.add(filled);
  const average = [...curve.deficits()].map((deficit) => 1 - deficit);
  const wantAverage = expected.numbers('average_curve');
  report.close(file, 'average_curve', average, wantAverage, { max: allowed.exact });
  report.close(file, 'average_curve on the GPU', got.meanCurve, wantAverage, { max: allowed.gpu });

  const scores = expected.object('scores');
  const scored = placesOf(scores, 'scores');
  const want = scores.keys.map((prompt) => scores.number(prompt));
  report.close(
    file,
    'scores',
    scored.map((i) => got.exactScores[i] ?? NaN),
    want,
    {
      max: allowed.exact,
    },
  );
  report.close(
    file,
    'scores on the GPU, over max(1, |score|)',
    scored.map((i, at) => (got.scores[i] ?? NaN) / Math.max(1, Math.abs(want[at] ?? NaN))),
    want.map((value) => value / Math.max(1, Math.abs(value))),
    { max: allowed.gpu },
  );
  const unscored = originals.filter((_, i) => Number.isNaN(got.exactScores[i])).length;
  report.equal(file, 'scores: prompts', originals.length - unscored, scored.length);

  const before = expected.object('accuracy_before_fill').keys;
  const dropped = before.filter((prompt) =>
    Number.isNaN(got.exactScores[places.get(prompt) ?? -1]),
  );
  const wantDropped = [...expected.texts('dropped_prompts')].sort();
  report.equal(file, 'dropped_prompts', dropped.sort(), wantDropped);

  const selections = expected.object('selected_ids_by_threshold');
  for (const threshold of selections.keys) {
    const { indices } = await selectLim(got, { threshold: Number(threshold) });
    const ids = indices.map((i) => originals[i]?.id);
    report.equal(file, `selected at ${threshold}`, ids, selections.texts(threshold));
  }
  selections.done();
  scores.done();
  expected.done();
}

/** LIM in the released script's rule, from step files to selected ids. */
export async function checkLim(context: Context): Promise<void> {
  for (const name of context.fixtures.folders('lim')) await checkCase(context, `lim/${name}`);
}
