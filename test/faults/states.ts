import { copyFileSync, mkdirSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { experimentOf, type Variant } from './experiment.ts';
import type { Laboratory } from './laboratory.ts';

/** The state of a run's folder at one moment. */
export interface State {
  readonly label: string;
  /**
   * Digests of the files, by paths relative to the folder. The path of a folder ends in a slash,
   * and its digest is empty.
   */
  readonly files: ReadonlyMap<string, string>;
  /** Writes the state as a folder. */
  readonly write: (folder: string) => void;
}

const made = new WeakMap<Laboratory, Map<string, Promise<readonly State[]>>>();

/** The distinct states of a run's folder before, during and after each file event, in order. */
export function statesOf(
  laboratory: Laboratory,
  size: 'small' | 'smallest',
  variant: Variant = 'plain',
): Promise<readonly State[]> {
  const known = made.get(laboratory) ?? new Map<string, Promise<readonly State[]>>();
  made.set(laboratory, known);
  const key = `${size}-${variant}`;
  const found = known.get(key) ?? watch(laboratory, size, variant);
  known.set(key, found);
  return found;
}

async function watch(
  laboratory: Laboratory,
  size: 'small' | 'smallest',
  variant: Variant,
): Promise<readonly State[]> {
  const experiment = await experimentOf(laboratory, size, variant);
  const folder = laboratory.path('watched');
  return (await eventStates(laboratory, folder, experiment.start(folder))).states;
}

/**
 * The distinct states of a folder before, during and after each file event of a command, and the
 * number of events.
 */
export async function eventStates(
  laboratory: Laboratory,
  folder: string,
  argv: readonly string[],
  prepare: () => void = () => undefined,
): Promise<{ readonly states: readonly State[]; readonly events: number }> {
  const states = laboratory.make('states');
  const bytes = join(states, 'bytes');
  mkdirSync(bytes);
  prepare();
  const { code, stderr, events } = await laboratory.call(argv, {
    files: { folder, mode: 'snapshot', states },
  });
  if (code !== 0) throw new Error(`the watched run fails: ${stderr}`);
  const distinct = new Map<string, State>();
  for (const name of readdirSync(states).sort()) {
    if (!name.endsWith('.json')) continue;
    const { label, exists, files } = JSON.parse(readFileSync(join(states, name), 'utf8')) as {
      label: string;
      exists: boolean;
      files: [string, string][];
    };
    const key = JSON.stringify([exists, files]);
    if (distinct.has(key)) continue;
    distinct.set(key, {
      label,
      files: new Map(files),
      write: (to) => {
        if (exists) mkdirSync(to, { recursive: true });
        for (const [path, digest] of files) {
          const target = join(to, path);
          if (path.endsWith('/')) mkdirSync(target, { recursive: true });
          else {
            mkdirSync(dirname(target), { recursive: true });
            copyFileSync(join(bytes, digest), target);
          }
        }
      },
    });
  }
  laboratory.discard(folder);
  return { states: [...distinct.values()], events };
}
