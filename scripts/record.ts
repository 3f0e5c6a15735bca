// npm run record -- RUN_FOLDER OUT: writes a finished run as a recording, which the page plays.
import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { readRun } from '../src/run-folder/finished-run.ts';
import { historyOf } from '../src/run-folder/history.ts';
import { RESULTS } from '../src/run-folder/names.ts';
import type { ExperimentEvent } from '../src/results.ts';
import { SeedCompletions } from '../src/scheduler/completion-log.ts';
import { recordingText, timed } from '../src/view/recording.ts';
import { FolderStore } from '../src/workers/folder-store.ts';
import { root } from './process.mjs';

const [folder, out] = process.argv.slice(2);
if (folder === undefined || out === undefined) {
  console.error('npm run record -- RUN_FOLDER OUT');
  process.exit(2);
}

const read = (path: string): Promise<string | undefined> => {
  const file = join(folder, path);
  return Promise.resolve(existsSync(file) ? readFileSync(file, 'utf8') : undefined);
};
const source = { name: basename(folder), read };
const run = await readRun(source);
const events: ExperimentEvent[] = [];
for await (const event of historyOf(run, source)) events.push(event);

const { config, adapter, host, seeds } = run.results;
const [first] = seeds;
if (!first) throw new Error(`${folder}: a run without a seed`);

const kept = new SeedCompletions(config, first.seed);
await kept.loadAll(new FolderStore(folder));
const log = kept.of('full');
const answers = Array.from({ length: config.experiment.epochs }, (_, epoch) =>
  Array.from(
    { length: first.pool.prompts },
    (__, prompt) => log.of(prompt).find((one) => one.epoch === epoch)?.completions ?? [],
  ),
);

const made = statSync(join(folder, RESULTS)).mtime;
const text = recordingText({
  adapter,
  host,
  date: made.toISOString().slice(0, 10),
  commit: execFileSync('git', ['rev-parse', '--short=12', 'HEAD'], {
    cwd: root,
    encoding: 'utf8',
  }).trim(),
  config,
  seeds: seeds.map(({ seed }) => seed),
  events: timed(events),
  answers,
});
writeFileSync(out, text);
console.error(
  `${out}: ${events.length} events, ${gzipSync(text, { level: 9 }).length} bytes gzipped`,
);
