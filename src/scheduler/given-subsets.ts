import { ConfigError } from '../config-error.ts';
import type { ExperimentConfig } from '../config.ts';
import { type Prompt, promptOf } from '../formats/conversation.ts';
import type { InputFiles } from '../formats/input-files.ts';
import { type NamedPrompt, placesOf, readSubset } from '../formats/subset-rows.ts';
import { isSubsetFile, pathOfSubset } from '../selection/file.ts';
import type { PoolPrompt, Task } from '../tasks/task.ts';

/** The prompts that a run's subset files list: places in the pool of a seed, by the method's name. */
export type GivenSubsets = (seed: number, method: string) => readonly number[];

/**
 * Reads the subset files that a config names, and finds their prompts in the pool of every seed.
 *
 * @throws ConfigError if a file is missing; FormatError naming file and row.
 */
export async function openSubsets(
  { experiment }: ExperimentConfig,
  seeds: readonly number[],
  task: Pick<Task, 'pool'>,
  files: InputFiles,
): Promise<GivenSubsets> {
  const names = experiment.methods.filter(isSubsetFile);
  const listed = new Map<string, readonly number[]>();
  for (const name of names) {
    const source = await files.open(pathOfSubset(name));
    if (!source) {
      throw new ConfigError(`experiment.methods: ${pathOfSubset(name)} does not exist`);
    }
    const rows = await readSubset(source);
    for (const seed of seeds) {
      const pool = task.pool(seed).map(namedPrompt);
      listed.set(`${seed} ${name}`, placesOf(rows, pool, `the pool of seed ${seed}`));
    }
  }
  return (seed, method) => {
    const places = listed.get(`${seed} ${method}`);
    if (!places) throw new RangeError(`the run has no subset ${method} of seed ${seed}`);
    return places;
  };
}

/** A prompt of a made-up task is named by its place, as its files name it. */
const namedPrompt = (prompt: PoolPrompt, place: number): NamedPrompt => ({
  ...conversationOf(prompt),
  id: prompt.id ?? (prompt.row === undefined ? String(place) : undefined),
});

function conversationOf({ text, row }: PoolPrompt): Prompt {
  const given = row?.prompt;
  return given === undefined ? { prompt: text } : promptOf(given, 'the pool');
}
