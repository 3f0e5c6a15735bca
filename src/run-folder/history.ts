import * as v from 'valibot';
import { issueText } from '../config-issue.ts';
import { FormatError } from '../formats/format-error.ts';
import { parseJson } from '../formats/json.ts';
import type { Evaluation, ExperimentEvent } from '../results.ts';
import { methodEntries, type MethodName } from '../selection/methods.ts';
import { eventsOfLog, parseEvent, type Referred, type StoredEvent } from './events.ts';
import type { Run, RunFolder } from './finished-run.ts';
import { EVENTS, seedFiles } from './names.ts';
import { subsetPlaces } from './pool-rows.ts';
import { logOfOlderRun } from './older-events.ts';

/**
 * The events of a finished run, its end included, without the responses to prompts. Columns use the
 * signal that LIM used.
 *
 * @throws FormatError naming file and field.
 */
export async function* historyOf(
  run: Run,
  folder: RunFolder,
): AsyncGenerator<ExperimentEvent, void, void> {
  const { results, records } = run;
  yield* eventsOfLog(await logOf(run, folder), records, referredIn(run, folder));
  yield { type: 'state', state: 'done', message: '' };
  yield { type: 'done', results };
}

async function logOf({ results, records }: Run, folder: RunFolder): Promise<StoredEvent[]> {
  const text = await folder.read(EVENTS);
  if (text !== undefined) {
    const lines = text.split('\n').filter((line) => line !== '');
    return lines.map((line, i) => parseEvent(line, `${folder.name}/${EVENTS} line ${i + 1}`));
  }
  const { config, adapter, host, base, methods, seeds, warnings = [] } = results;
  const evaluations: Partial<Record<MethodName, readonly Evaluation[]>> = {};
  for (const [name, of] of methodEntries(methods)) evaluations[name] = of.evaluations;
  return logOfOlderRun({
    config,
    adapter,
    host,
    base,
    records,
    warnings,
    seeds: seeds.map(({ seed }) => seed),
    poolSize: seeds[0]?.pool.prompts ?? 0,
    evaluations,
    summaries: seeds,
    unjudged: [],
    written: {},
    place: undefined,
  });
}

function referredIn({ results, scores: pools }: Run, folder: RunFolder): Referred {
  const seeds = results.seeds.map(({ seed }) => seed);
  const poolOf = (seed: number) => {
    const rows = pools[seeds.indexOf(seed)];
    if (!rows)
      throw new FormatError(`${folder.name}/${EVENTS}: seed ${seed} is not in the results`);
    return rows;
  };
  const subset = async (path: string): Promise<number[]> => {
    const where = `${folder.name}/${path}`;
    const text = await folder.read(path);
    if (text === undefined) throw new FormatError(`${where}: no such file`);
    const parsed = v.safeParse(subsetPlaces, parseJson(text, where), { abortEarly: true });
    if (!parsed.success) throw new FormatError(`${where}: ${issueText(parsed.issues[0])}`);
    return parsed.output;
  };
  return {
    where: `${folder.name}/${EVENTS}`,
    config: results.config,
    seeds,
    pool: (seed) =>
      Promise.resolve(
        poolOf(seed).map(
          ({ prompt, id: _id, rowId, score: _score, rewards: _rewards, ...known }) => ({
            text: prompt,
            ...(rowId === undefined ? {} : { id: rowId }),
            ...known,
          }),
        ),
      ),
    column: (seed, epoch) => {
      const signal = Float32Array.from(poolOf(seed), ({ rewards }) => rewards[epoch] ?? NaN);
      return Promise.resolve({ accuracy: signal, reward: signal });
    },
    async scores(seed, methods) {
      const names = seedFiles(seed, seeds);
      const selections: Partial<Record<MethodName, number[]>> = {};
      for (const method of methods) selections[method] = await subset(names.subset(method));
      const scores = Float64Array.from(poolOf(seed), ({ score }) => score ?? NaN);
      return { scores, selections };
    },
  };
}
