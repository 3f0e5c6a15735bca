// npm run record -- RUN_FOLDER OUT.json: writes a finished run as a recording, which the page plays, and
// its bundle beside it, OUT.limr.
import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { bundleOf } from '../src/bundle/bundle.ts';
import { bundleParts } from '../src/bundle/run-bundle.ts';
import { wholeOf } from '../src/formats/file-content.ts';
import { readRun } from '../src/run-folder/finished-run.ts';
import { historyOf } from '../src/run-folder/history.ts';
import { RESULTS } from '../src/run-folder/names.ts';
import type { ExperimentEvent } from '../src/results.ts';
import { SeedCompletions } from '../src/scheduler/completion-log.ts';
import { recordingText, timed } from '../src/view/recording.ts';
import { FolderStore } from '../src/workers/folder-store.ts';
import { root } from './process.mjs';

const [folder, out] = process.argv.slice(2);
if (folder === undefined || !out?.endsWith('.json')) {
  console.error('npm run record -- RUN_FOLDER OUT.json');
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
const store = new FolderStore(folder);
const parts = await bundleParts(run, {
  list: (inside) => store.list(inside),
  async *pieces(path) {
    yield (await store.read(path)) ?? new Uint8Array();
  },
});
writeFileSync(out.replace(/\.json$/, '.limr'), await wholeOf(bundleOf(parts)));
console.error(
  `${out}: ${events.length} events, ${gzipSync(text, { level: 9 }).length} bytes gzipped`,
);
