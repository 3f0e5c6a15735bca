import type { Experiment } from './experiment.ts';
import type { Ended, Laboratory } from './laboratory.ts';
import { differences } from './compare.ts';

/** The outcome of an injection. */
export interface Verdict {
  readonly clean: boolean;
  /** What happened. Outcomes with equal words are counted together. */
  readonly how: string;
  /** The finding, if the outcome is not clean. */
  readonly why?: string;
  /** Number of injected faults; default 1. */
  readonly injected?: number;
  /**
   * Present if the run never reached the place of the fault. Then nothing was injected or shown.
   */
  readonly unreached?: true;
}

/** One fault in a run, and its outcome. */
export interface Injection {
  /** The name for `--case`. */
  readonly id: string;
  readonly inject: () => Promise<Verdict | readonly Verdict[]>;
}

export interface Options {
  readonly seed: number;
  /** Number of inputs of the fuzzer. */
  readonly cases: number;
  /** Most injections of each kind. */
  readonly runs: number;
}

/** A kind of faults. */
export interface Kind {
  readonly name: string;
  readonly summary: string;
  /** Present if the kind always runs all its injections, whatever `--runs` says. */
  readonly whole?: true;
  /** Why this machine cannot run the kind; undefined if it can. */
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

/**
 * The verdict on a command in which the ordered fault did not happen. A command that fails without
 * it, or meets its time limit, has not shown that the fault is out of reach.
 */
export const unfired = (end: Ended, codes: readonly number[] = [0]): Verdict =>
  end.code !== null && codes.includes(end.code)
    ? unreached('not reached')
    : unclean('fails before the fault', lastWords(end));

/** Text that shows an error without a proper message. */
const untyped =
  /TypeError|RangeError|ReferenceError|SyntaxError|Cannot (?:read|set) prop|is not (?:a function|iterable)|\[object |Unexpected token|Invalid array length|\n\s+at /;

/**
 * Checks how a command reports its failure, which must be one line of its own. Returns the fault,
 * if any.
 */
export function malformed(ended: Ended, codes: readonly number[]): string | undefined {
  const { code, stderr } = ended;
  if (code === null || !codes.includes(code)) return lastWords(ended);
  const own = stderr.split('\n').filter((line) => /^limr \w+: ./.test(line));
  if (own.length !== 1) return `${own.length} lines of its own: ${lastWords(ended)}`;
  if (untyped.test(stderr)) return `no words for it: ${lastWords(ended)}`;
  return undefined;
}

/**
 * The differences between a folder and the run without faults, in one line; undefined if there are
 * none.
 */
function lacks(folder: string, experiment: Experiment): string | undefined {
  const found = differences(folder, experiment.reference);
  if (found.length === 0) return undefined;
  const more = found.length > 3 ? ` and ${found.length - 3} more` : '';
  return `${found.slice(0, 3).join(', ')}${more}`;
}

/** The verdict on a run that ended by itself: whether it equals the run without faults. */
export function ended(folder: string, experiment: Experiment, how: string, injected = 1): Verdict {
  const found = lacks(folder, experiment);
  return found === undefined
    ? clean(how, injected)
    : unclean('silently different', found, injected);
}

type Run = (argv: readonly string[]) => Promise<Ended>;

/** Continues the run in a folder, or starts it if nothing was begun, and judges the result. */
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
