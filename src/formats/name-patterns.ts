import { connect, WorkerError } from '../threads/connect.ts';
import { within } from '../threads/time-limit.ts';
import { FormatError } from './format-error.ts';
import { shorten } from './json.ts';

/** A regular expression of a file, in Python's syntax. */
export interface NamePattern {
  /** File and field of the pattern, for errors. */
  readonly where: string;
  readonly source: string;
  /**
   * The part of a name that has to match, as PEFT builds the expression: the `whole` name, a
   * `suffix` that begins the name or follows a dot, or the name of a list before a dot and an
   * `index`.
   */
  readonly part: 'whole' | 'suffix' | 'index';
}

/** The calls of `name-patterns.worker.ts`. */
export interface NamePatternsApi {
  /**
   * For each pattern, the match of each name. Instead of a list, the fault of a bad expression.
   */
  match(patterns: readonly NamePattern[], names: readonly string[]): (string | Matches)[];
  dispose(): void;
}

/**
 * The match of each name: undefined where the name does not match, else the text of the index, which
 * is empty for a `whole` name and a `suffix`.
 */
export type Matches = (string | undefined)[];

/** Longest pattern, in characters. */
const longestPattern = 10_000;
/** Most patterns of one call. */
const mostPatterns = 10_000;

const around = {
  whole: (source: string) => `^(?:${source})$`,
  // The groups are PEFT's own, so that numbered references of the source mean the same groups.
  suffix: (source: string) => `^(.*\\.)?(${source})$`,
  index: (source: string) => `^(?:(?:^|.*?\\.)${source}\\.(?<index>\\d+)\\.)`,
} as const satisfies Record<NamePattern['part'], (source: string) => string>;

/** Letters, digits and dots match in time linear in the name. */
const isPlain = (source: string): boolean => /^[\w.]*$/.test(source);

/**
 * Matches names against the patterns of a file. A pattern is untrusted, and few characters can
 * backtrack forever: all but plain names run in a worker that is ended when it takes too long. Of
 * Python's syntax, what means another thing here is refused.
 *
 * @param seconds Longest time for all patterns together.
 * @returns For each pattern, the match of each name.
 * @throws FormatError naming the pattern: no regular expression, too long, or too slow.
 */
export async function matchNames(
  patterns: readonly NamePattern[],
  names: readonly string[],
  seconds = 10,
): Promise<Matches[]> {
  const [first] = patterns;
  if (!first) return [];
  if (patterns.length > mostPatterns) {
    throw new FormatError(
      `${first.where}: ${patterns.length} patterns, more than the ${mostPatterns} allowed`,
    );
  }
  for (const { where, source } of patterns) {
    if (source.length > longestPattern) {
      throw new FormatError(
        `${where}: a pattern of ${source.length} characters, more than the ${longestPattern} allowed`,
      );
    }
    // In Python a bracket right after the opening one is a member of the class.
    if (/\[\^?\]/.test(source)) {
      throw new FormatError(`${where}: '${shorten(source)}' holds an empty class`);
    }
  }
  const found: Matches[] = [];
  const slow: { readonly pattern: NamePattern; readonly at: number }[] = [];
  for (const [at, pattern] of patterns.entries()) {
    if (isPlain(pattern.source)) found[at] = matchesOf(pattern, names);
    else slow.push({ pattern, at });
  }
  const matched = await matchInWorker(
    slow.map(({ pattern }) => pattern),
    names,
    seconds,
  );
  for (const [i, { pattern, at }] of slow.entries()) {
    const own = matched[i] ?? '';
    if (typeof own === 'string') {
      const { where, source } = pattern;
      throw new FormatError(`${where}: '${shorten(source)}' is no regular expression here: ${own}`);
    }
    found[at] = own;
  }
  return found;
}

/** The match of each name by one pattern. @throws SyntaxError when it is no regular expression. */
export function matchesOf({ part, source }: NamePattern, names: readonly string[]): Matches {
  // Alone too: what is put around a source must not close its brackets. The flag refuses escapes
  // that have no meaning here, such as Python's \Z.
  new RegExp(source, 'u');
  const regex = new RegExp(around[part](source), 'u');
  return names.map((name) => {
    const match = regex.exec(name);
    return match ? (match.groups?.index ?? '') : undefined;
  });
}

async function matchInWorker(
  patterns: readonly NamePattern[],
  names: readonly string[],
  seconds: number,
): Promise<(string | Matches)[]> {
  const [first] = patterns;
  if (!first) return [];
  const worker = await connect<NamePatternsApi>(
    'pattern matcher',
    (Worker) =>
      new Worker(new URL('./name-patterns.worker.ts', import.meta.url), {
        type: 'module',
        resourceLimits: { maxOldGenerationSizeMb: 256 },
      }),
  );
  const all = [...new Set(patterns.map(({ where }) => where))].join(', ');
  const late = new FormatError(
    `${shorten(all)}: matching took more than ${seconds} s: a pattern that backtracks without end?`,
  );
  try {
    return await within(seconds, worker.api.match(patterns, names), late);
  } catch (error) {
    if (!(error instanceof WorkerError)) throw error;
    throw new FormatError(`${shorten(all)}: matching failed: ${shorten(error.message)}`, {
      cause: error,
    });
  } finally {
    await worker.kill('done');
  }
}
