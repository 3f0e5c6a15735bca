import { bytesSource } from '../../src/formats/byte-source.ts';
import { readPrompts } from '../../src/formats/prompts.ts';
import type { RewardTerm } from '../../src/formats/rewards.ts';
import {
  detectRollouts,
  readRollouts,
  type RolloutFormat,
  rolloutFormats,
} from '../../src/formats/rollouts.ts';
import { flat } from '../support/flat.ts';
import type { Gpu } from '../../src/gpu/device.ts';
import { ExactCurve } from '../../src/lim/exact.ts';
import { fillRows } from '../../src/lim/fill.ts';
import { type RewardMatrix, rowOf } from '../../src/lim/matrix.ts';
import { RewardTable, type TablePrompt } from '../../src/lim/reward-table.ts';
import { scoreMatrix } from '../../src/lim/score.ts';
import type { MissingRule } from '../../src/vocabulary/signals.ts';
import type { Context } from './context.ts';
import { Fields } from './fields.ts';

/** Float64 on the host; f32 on the GPU, relative to max(1, |score|). */
const allowed = { matrix: 1e-12, exact: 1e-9, gpu: 1e-5 };

/** Numbers and nulls as numbers, and which of them are there. */
function numbersOf(
  list: readonly unknown[],
  where: string,
): { values: number[]; there: boolean[] } {
  const values = list.map((value) => {
    if (value === null) return 0;
    if (typeof value === 'number') return value;
    throw new Error(`${where} must hold numbers and nulls`);
  });
  return { values, there: list.map((value) => value !== null) };
}

const held = (values: readonly number[]): { values: number[]; there: boolean[] } => ({
  values: values.map((value) => (Number.isNaN(value) ? 0 : value)),
  there: values.map((value) => !Number.isNaN(value)),
});

interface Case {
  readonly file: string;
  readonly pool: readonly TablePrompt[];
  readonly dumps: readonly string[];
  readonly format: RolloutFormat;
  readonly stepsPerEpoch: number;
}

/** The reward that a signal is about: a column, or for `sum` the engine's own weighted sum. */
function termsOf(column: string, columns: readonly string[], weights: readonly number[]) {
  if (column !== 'sum') return [{ name: column, weight: 1 }];
  return columns.map((name, i): RewardTerm => ({ name, weight: weights[i] ?? NaN }));
}

async function tableOf(
  { fixtures }: Context,
  { pool, dumps, format }: Case,
  reward: readonly RewardTerm[] | undefined,
): Promise<RewardTable> {
  const table = new RewardTable(pool);
  for (const [i, path] of dumps.entries()) {
    const source = bytesSource(path, await fixtures.bytes(path));
    const step = Number(/(\d+)\D*$/.exec(path)?.[1] ?? i);
    for await (const row of flat(readRollouts(source, format, { reward }))) {
      table.add({ ...row, step: row.step ?? step });
    }
  }
  return table;
}

/** Scores as the GPU has them, in float64, and the mean curve in float64. */
async function scoresOf(gpu: Gpu, matrix: RewardMatrix, rule: MissingRule) {
  const found = await scoreMatrix(gpu, matrix, { rule });
  const scored = [...found.scores.keys()].filter((i) => !Number.isNaN(found.scores[i]));
  const exact = new Array<number>(matrix.prompts).fill(NaN);
  const settled = await found.exact(scored);
  for (const [i, prompt] of scored.entries()) exact[prompt] = settled[i] ?? NaN;
  const curve = new ExactCurve(matrix.epochs);
  curve.add(rule === 'limr' ? fillRows(matrix) : matrix);
  const mean = [...curve.deficits()].map((deficit) => 1 - deficit);
  return { exact, mean, gpu: [...found.scores], gpuMean: [...found.meanCurve] };
}

async function checkScores(
  { gpu, report, memo }: Context,
  file: string,
  what: string,
  matrix: RewardMatrix,
  rule: MissingRule,
  expected: Fields,
): Promise<void> {
  const { prompts, epochs, sums, samples } = matrix;
  const got = await memo.get(`rollouts ${rule}`, [prompts, epochs, sums, samples], () =>
    scoresOf(gpu, matrix, rule),
  );
  const name = `${what} ${rule}`;
  const mean = numbersOf(expected.list('meanCurve'), `${file}: ${name} meanCurve`);
  report.close(file, `${name} meanCurve`, got.mean, mean.values, { max: allowed.exact });
  report.close(file, `${name} meanCurve on the GPU`, got.gpuMean, mean.values, {
    max: allowed.gpu,
  });
  const want = numbersOf(expected.list('scores'), `${file}: ${name} scores`);
  const exact = held(got.exact);
  const onGpu = held(got.gpu);
  report.equal(file, `${name} scores: prompts`, exact.there, want.there);
  report.close(file, `${name} scores`, exact.values, want.values, { max: allowed.exact });
  const share = (values: readonly number[]): number[] =>
    values.map((value, i) => value / Math.max(1, Math.abs(want.values[i] ?? NaN)));
  report.close(
    file,
    `${name} scores on the GPU, over max(1, |score|)`,
    share(onGpu.values),
    share(want.values),
    { max: allowed.gpu },
  );
  expected.done();
}

async function checkCase(context: Context, folder: string): Promise<void> {
  const { fixtures, report } = context;
  const file = `${folder}/expected.json`;
  const expected = new Fields(await fixtures.json(file), file);
  expected.skip('engine', 'version', 'transformers', 'executed', 'matched_by', 'note');
  // What the engine was told; the rows say it again.
  expected.skip('columns', 'logging_steps', 'prompts_per_step');

  const pattern = expected.text('files');
  const [inner = ''] = pattern.split('/');
  const dumps = fixtures
    .files(`${folder}/${inner}`)
    .map((name) => `${folder}/${inner}/${name}`)
    .sort((a, b) => a.localeCompare(b, 'en', { numeric: true }));
  const poolPath = `${folder}/prompts.jsonl`;
  const { rows } = await readPrompts(bytesSource(poolPath, await fixtures.bytes(poolPath)));
  report.equal(
    file,
    'prompts',
    rows.map(({ id }) => id),
    expected.texts('prompts'),
  );
  const format = rolloutFormats.find((name) => name === expected.text('format'));
  if (!format) throw new Error(`${file}: unknown format`);
  const [first = ''] = dumps;
  const detected = await detectRollouts(bytesSource(first, await fixtures.bytes(first)));
  report.equal(file, 'format', detected, format);

  const columns = expected.has('reward_columns') ? expected.texts('reward_columns') : [];
  const weights = expected.has('reward_weights') ? expected.numbers('reward_weights') : [];
  const stepsPerEpoch = expected.number('steps_per_epoch');
  const epochs = expected.number('epochs');
  const one: Case = { file, pool: rows, dumps, format, stepsPerEpoch };
  const signals = expected.object('signals');
  for (const what of signals.keys) {
    const [signal, column = ''] = what.split(':');
    if (signal !== 'accuracy' && signal !== 'reward') throw new Error(`${file}: signal ${what}`);
    // What verl says of being right is followed without being asked for.
    const reward = column === 'acc' ? undefined : termsOf(column, columns, weights);
    const table = await tableOf(context, one, reward);
    const { matrix, summary } = table.matrix(signal, { stepsPerEpoch });
    const fields = signals.object(what);
    const shown = (own: RewardMatrix) =>
      held(Array.from({ length: own.prompts }, (_, i) => [...rowOf(own, i)]).flat());
    const got = shown(matrix);
    const want = numbersOf(fields.list('matrix').flat(), `${file}: ${what} matrix`);
    report.equal(file, `${what} matrix: what is missing`, got.there, want.there);
    report.close(file, `${what} matrix`, got.values, want.values, { max: allowed.matrix });
    report.equal(file, `${what} samples`, [...matrix.samples], fields.table('samples').flat());
    // The engines' epochs show by themselves, or are said to be a guess.
    const free = table.matrix(signal, {});
    report.equal(
      file,
      `${what} matrix without steps_per_epoch`,
      free.summary.epochDoubt === null ? shown(free.matrix) : got,
      got,
    );
    const lim = fields.object('lim');
    await checkScores(context, file, what, matrix, 'corrected', lim.object('corrected'));
    await checkScores(context, file, what, matrix, 'limr', lim.object('limr'));
    lim.done();
    fields.done();

    if (what !== signals.keys[0]) continue;
    report.equal(file, 'epochs', summary.epochs, epochs);
    report.equal(file, 'rows_in_files', summary.rows, expected.number('rows_in_files'));
    report.equal(
      file,
      'rows_once',
      summary.rows - summary.repeatedRows,
      expected.number('rows_once'),
    );
    const matched = summary.rows - summary.unmatchedRows;
    report.equal(file, 'rows_matched', matched, expected.number('rows_matched'));
    const samples = expected.number('generations_per_prompt');
    report.equal(file, 'generations_per_prompt', summary.samplesPerEntry, samples);
    if (expected.has('num_iterations')) {
      report.equal(file, 'num_iterations', summary.iterations, expected.number('num_iterations'));
    }
  }
  if (expected.has('null_rewards')) {
    let missing = 0;
    for (const column of columns) {
      const table = await tableOf(context, one, termsOf(column, columns, weights));
      const { summary } = table.matrix('reward', { stepsPerEpoch });
      // A row that is logged several times is null several times.
      missing += summary.rowsWithoutSignal * summary.iterations;
    }
    report.equal(file, 'null_rewards', missing, expected.number('null_rewards'));
  }
  signals.done();
  expected.done();
}

/** What other engines' rollouts come to, from their dumps to scores. */
export async function checkRollouts(context: Context): Promise<void> {
  for (const name of context.fixtures.folders('rollouts')) {
    await checkCase(context, `rollouts/${name}`);
  }
}
