import type { Experiment } from './experiment.ts';
import type { Ended, Laboratory } from './laboratory.ts';
import { differences } from './compare.ts';

/** What came of an injection. */
export interface Verdict {
  readonly clean: boolean;
  /** What happened, in the words that are counted. */
  readonly how: string;
  /** Where it is not clean: what was found. */
  readonly why?: string;
  /** Faults injected on the way; default 1. */
  readonly injected?: number;
  /** The run never came to the place of the fault: nothing was injected, and nothing is shown. */
  readonly unreached?: true;
}

/** One thing that is done to a run, and what comes of it. */
export interface Injection {
  /** Names it for `--case`. */
  readonly id: string;
  readonly inject: () => Promise<Verdict | readonly Verdict[]>;
}

export interface Options {
  readonly seed: number;
  /** Inputs of the fuzzer. */
  readonly cases: number;
  /** At most so many injections of each kind are wanted. */
  readonly runs: number;
}

/** One kind of faults. */
export interface Kind {
  readonly name: string;
  readonly summary: string;
  /** It is made of as many as there are: `--runs` leaves it alone. */
  readonly whole?: true;
  /** Why this machine cannot have it, if it cannot. */
  readonly unfit?: () => string | undefined | Promise<string | undefined>;
  readonly plan: (laboratory: Laboratory, options: Options) => Promise<readonly Injection[]>;
}

export const clean = (how: string, injected = 1): Verdict => ({ clean: true, how, injected });
export const unreached = (how: string): Verdict => ({
  clean: true,
  how,
  injected: 0,
  unreached: true,
});
export const unclean = (how: string, why: string, injected = 1): Verdict => ({
  clean: false,
  how,
  why,
  injected,
});

/** The last line of a command's standard error, and how it ended. */
export function lastWords({ code, signal, stderr }: Ended): string {
  const line = stderr.trimEnd().split('\n').at(-1) ?? '';
  return `${signal ?? `exit ${code}`}: ${line.slice(0, 300)}`;
}

/** What tells of an error that nobody has put into words. */
const untyped =
  /TypeError|RangeError|ReferenceError|SyntaxError|Cannot (?:read|set) prop|is not (?:a function|iterable)|\[object |Unexpected token|Invalid array length|\n\s+at /;

/** What is wrong with how a command says that it failed: it is to be one line of its own. */
export function malformed(ended: Ended, codes: readonly number[]): string | undefined {
  const { code, stderr } = ended;
  if (code === null || !codes.includes(code)) return lastWords(ended);
  const own = stderr.split('\n').filter((line) => /^limr \w+: ./.test(line));
  if (own.length !== 1) return `${own.length} lines of its own: ${lastWords(ended)}`;
  if (untyped.test(stderr)) return `no words for it: ${lastWords(ended)}`;
  return undefined;
}

/** What a folder lacks to be a run like the one that nothing befell, in one line. */
function lacks(folder: string, experiment: Experiment): string | undefined {
  const found = differences(folder, experiment.reference);
  if (found.length === 0) return undefined;
  const more = found.length > 3 ? ` and ${found.length - 3} more` : '';
  return `${found.slice(0, 3).join(', ')}${more}`;
}

/** Whether a run that ended by itself is the one that nothing befell. */
export function ended(folder: string, experiment: Experiment, how: string, injected = 1): Verdict {
  const found = lacks(folder, experiment);
  return found === undefined
    ? clean(how, injected)
    : unclean('silently different', found, injected);
}

type Run = (argv: readonly string[]) => Promise<Ended>;

/** Goes on with a folder, or begins where nothing was begun, and looks at what comes of it. */
export async function goOn(
  run: Run,
  experiment: Experiment,
  folder: string,
  injected = 1,
): Promise<Verdict> {
  const first = await run(experiment.resume(folder));
  if (first.code === 0) return ended(folder, experiment, 'equal', injected);
  const fault = malformed(first, [2]);
  if (fault !== undefined) return unclean('fails to go on', fault, injected);
  if (first.stderr.includes('no run there')) {
    const again = await run(experiment.start(folder));
    if (again.code !== 0) return unclean('cannot begin anew', lastWords(again), injected);
    return ended(folder, experiment, 'nothing begun, begun anew, equal', injected);
  }
  if (first.stderr.includes('that run is done')) {
    const found = lacks(folder, experiment);
    return found === undefined
      ? clean('done already, equal', injected)
      : unclean('done, and not whole', found, injected);
  }
  return unclean('refuses to go on', lastWords(first), injected);
}
