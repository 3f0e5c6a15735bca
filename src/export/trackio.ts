import { digestOf } from '../formats/digest.ts';
import { isRecord, type JsonRecord } from '../formats/json.ts';
import { writeParquet } from '../formats/parquet.ts';
import { type ExportFile, trainingName } from './files.ts';
import { type ExportRun, type RunRow, scalarsOf, type Training } from './run-rows.ts';

/**
 * Most numbers of one export: SQLite's file and the columns of a parquet file are built in memory.
 */
export const mostTrackioNumbers = 20_000_000;

/** The tables and indexes of a project, as trackio's page "Storage Schema" lists them. */
const schema = `
CREATE TABLE metrics (id INTEGER PRIMARY KEY AUTOINCREMENT, run_id TEXT NOT NULL,
  timestamp TEXT NOT NULL, run_name TEXT NOT NULL, step INTEGER NOT NULL, metrics TEXT NOT NULL,
  log_id TEXT, space_id TEXT);
CREATE TABLE configs (id INTEGER PRIMARY KEY AUTOINCREMENT, run_id TEXT NOT NULL,
  run_name TEXT NOT NULL, config TEXT NOT NULL, created_at TEXT NOT NULL, UNIQUE(run_id));
CREATE INDEX idx_metrics_run_step ON metrics(run_id, step);
CREATE INDEX idx_metrics_run_timestamp ON metrics(run_id, timestamp);
CREATE UNIQUE INDEX idx_metrics_log_id ON metrics(log_id) WHERE log_id IS NOT NULL;
CREATE INDEX idx_metrics_pending ON metrics(space_id) WHERE space_id IS NOT NULL;
CREATE INDEX idx_configs_run_name ON configs(run_name);
`;

/** Names that trackio keeps for itself, because its own files end so. */
const reservedEnds = [
  'system',
  'configs',
  'traces',
  'artifacts',
  'artifact_versions',
  'artifact_aliases',
  'run_artifact_links',
];

/** Why trackio would not take a name of a project; undefined if it would. */
export function projectFault(name: string): string | undefined {
  if (!/^[A-Za-z0-9_-]{1,100}$/.test(name)) {
    return 'must be letters, digits, - and _, at most 100';
  }
  if (name.startsWith('registry-')) return 'must not begin with registry-';
  const end = reservedEnds.find((one) => name.endsWith(`_${one}`));
  return end === undefined ? undefined : `must not end with _${end}`;
}

/** A row of the table `metrics`. */
interface MetricsRow {
  readonly runId: string;
  readonly runName: string;
  readonly timestamp: string;
  readonly step: number;
  readonly metrics: Readonly<Record<string, number>>;
}

/** A row of the table `configs`. */
interface ConfigRow {
  readonly runId: string;
  readonly runName: string;
  readonly config: JsonRecord;
}

/** A run records no dates: times count from 1970, and equal runs give equal files. */
const timestampOf = (seconds: number): string =>
  new Date(Math.round(seconds * 1000)).toISOString().replace('Z', '+00:00');

/**
 * A trackio project: `PROJECT.db`, and `PROJECT.parquet` and `PROJECT_configs.parquet` with the same
 * rows flattened. A training is a run of trackio. Its keys are `update/KEY` and `evaluation/...`; a
 * number that does not exist is left out. Settings are flat: `ppo.clipLow`.
 *
 * @throws RangeError for a project that trackio would refuse, or more numbers than fit.
 */
export async function* trackioFilesOf(
  runs: readonly ExportRun[],
  project: string,
): AsyncGenerator<ExportFile, void, void> {
  const fault = projectFault(project);
  if (fault !== undefined) throw new RangeError(`trackio project '${project}': ${fault}`);
  const metrics: MetricsRow[] = [];
  const configs: ConfigRow[] = [];
  let numbers = 0;
  for (const run of runs) {
    for (const training of run.trainings) configs.push(configRow(run, training));
    for await (const row of run.rows()) {
      const one = metricsRow(run, row);
      numbers += Object.keys(one.metrics).length;
      if (numbers > mostTrackioNumbers) {
        throw new RangeError(
          `more than ${mostTrackioNumbers} numbers do not fit in one export for trackio: ` +
            'export fewer runs, or to csv or tensorboard',
        );
      }
      if (Object.keys(one.metrics).length > 0) metrics.push(one);
    }
  }
  yield { path: `${project}.db`, content: await databaseOf(metrics, configs) };
  const rows = metrics.map(({ runId, runName, timestamp, step, metrics: of }, i) => ({
    id: i + 1,
    run_id: runId,
    timestamp,
    run_name: runName,
    step,
    ...of,
  }));
  yield { path: `${project}.parquet`, content: await writeParquet(rows) };
  const settings = configs.map(({ runId, runName, config }, i) => ({
    id: i + 1,
    run_id: runId,
    run_name: runName,
    created_at: timestampOf(0),
    ...config,
  }));
  yield { path: `${project}_configs.parquet`, content: await writeParquet(settings) };
}

const runNameOf = (run: ExportRun, training: Training): string =>
  `${run.name}-${trainingName(training)}`;

/** Trackio's ids of runs are 32 hexadecimal digits. Equal runs get equal ids. */
const runIdOf = (run: ExportRun, training: Training): string =>
  digestOf(JSON.stringify([run.configHash, runNameOf(run, training)])).slice(0, 32);

function metricsRow(run: ExportRun, row: RunRow): MetricsRow {
  const scalars = [...scalarsOf(row)].filter(([, value]) => Number.isFinite(value));
  return {
    runId: runIdOf(run, row),
    runName: runNameOf(run, row),
    timestamp: timestampOf(row.seconds),
    step: row.update,
    metrics: Object.fromEntries(scalars.map(([name, value]) => [`${row.kind}/${name}`, value])),
  };
}

function configRow(run: ExportRun, training: Training): ConfigRow {
  const { seed, method } = training;
  const settings = Object.fromEntries(settingsOf(run.config as unknown as JsonRecord));
  return {
    runId: runIdOf(run, training),
    runName: runNameOf(run, training),
    config: {
      ...settings,
      run: run.name,
      ...(seed === undefined ? {} : { seed }),
      method,
      _Created: timestampOf(0),
    },
  };
}

/** The settings of a config by their paths; a list is a text. */
function* settingsOf(config: JsonRecord, path = ''): Generator<[string, unknown]> {
  for (const [name, value] of Object.entries(config)) {
    if (isRecord(value)) yield* settingsOf(value, `${path}${name}.`);
    else yield [path + name, Array.isArray(value) ? JSON.stringify(value) : value];
  }
}

async function databaseOf(
  metrics: readonly MetricsRow[],
  configs: readonly ConfigRow[],
): Promise<Uint8Array> {
  const { default: open } = await import('sql.js');
  const { Database } = await open();
  const database = new Database();
  try {
    database.run(schema);
    database.run('BEGIN');
    const insert = (sql: string, rows: readonly (string | number)[][]): void => {
      const statement = database.prepare(sql);
      try {
        for (const row of rows) statement.run(row);
      } finally {
        statement.free();
      }
    };
    insert(
      'INSERT INTO metrics (run_id, timestamp, run_name, step, metrics) VALUES (?, ?, ?, ?, ?)',
      metrics.map(({ runId, timestamp, runName, step, metrics: of }) => [
        runId,
        timestamp,
        runName,
        step,
        JSON.stringify(of),
      ]),
    );
    insert(
      'INSERT INTO configs (run_id, run_name, config, created_at) VALUES (?, ?, ?, ?)',
      configs.map(({ runId, runName, config }) => [
        runId,
        runName,
        JSON.stringify(config),
        timestampOf(0),
      ]),
    );
    database.run('COMMIT');
    return database.export();
  } finally {
    database.close();
  }
}
