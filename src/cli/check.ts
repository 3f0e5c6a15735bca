import { defineCommand } from 'citty';
import packageJson from '../../package.json' with { type: 'json' };
import { jsonText } from '../formats/json.ts';
import {
  type Baseline,
  baselineText,
  type Build,
  compareResults,
  type Comparison,
  comparisonLines,
  type ComparisonOptions,
  mismatch,
  parseBaseline,
  rules,
} from '../report/baseline.ts';
import type { ExperimentResults } from '../results.ts';
import { parseResults } from '../run-folder/finished-run.ts';
import { RESULTS } from '../run-folder/names.ts';
import { commonArgs, optionalNumber, outArg, UsageError } from './arguments.ts';
import { expectFileOut } from './output.ts';
import { readResultsText } from './run-report.ts';
import { system } from './system.ts';

export const command = defineCommand({
  args: {
    run: { type: 'positional', required: true, description: 'folder of a finished run' },
    against: {
      type: 'string',
      valueHint: 'baseline.json',
      required: true,
      description: 'results to compare with: a file that --update wrote, or a results.json',
    },
    rule: {
      type: 'enum',
      options: [...rules],
      default: 'auto',
      description:
        'exact: equal numbers; interval: 95 % intervals of the differences hold 0; auto: exact where ' +
        'adapter, host, kernels, version and this machine are those of the baseline, else interval',
    },
    tolerance: {
      type: 'string',
      valueHint: 'X',
      description:
        'where numbers need not be equal: largest difference of an accuracy, in [0, 1], in place of ' +
        'the intervals',
    },
    update: {
      type: 'boolean',
      description: 'make the run the new baseline: write the file of --against, and pass',
    },
    out: outArg('file for the comparison as JSON'),
    json: commonArgs.json,
  },
  async run({ args }) {
    const host = await system();
    const tolerance = optionalNumber('tolerance', args.tolerance, { min: 0, max: 1 });
    if (tolerance !== undefined && args.rule === 'exact') {
      throw new UsageError('--rule exact takes no --tolerance');
    }
    const { run, against } = args;
    if (args.out !== undefined) await expectFileOut(args.out, [against, `${run}/${RESULTS}`]);
    if (args.update) {
      const { written, comparison } = await updateBaseline(run, against);
      if (comparison) await host.stderr(`${comparisonLines(comparison).join('\n')}\n`);
      const how = written ? 'now holds' : 'already held';
      await host.stderr(`${against}: ${how} the results of ${run}\n`);
      return 0;
    }
    const comparison = await checkRun(run, against, {
      rule: args.rule,
      ...(tolerance !== undefined && { tolerance }),
    });
    await host.stderr(
      `${comparisonLines(comparison).join('\n')}\n${verdict(comparison, against)}\n`,
    );
    if (!comparison.passed) {
      await host.stderr(`if that is meant: limr check ${run} --against ${against} --update\n`);
    }
    if (args.out !== undefined) await host.write(args.out, jsonText(comparison));
    if (args.json) await host.stdout(jsonText(comparison));
    return comparison.passed ? 0 : 1;
  },
});

/** The outcome of a comparison in one line. */
export function verdict({ passed, rows, rule }: Comparison, against: string): string {
  const how = {
    exact: 'equal numbers',
    interval: '95 % intervals',
    tolerance: 'the given tolerance',
  }[rule];
  const differing = rows.filter(({ same }) => !same).length;
  return passed
    ? `the ${rows.length} rows of ${against} hold, by ${how}`
    : `${differing} of ${rows.length} rows differ from ${against}, by ${how}`;
}

/**
 * Compares a finished run with a baseline.
 *
 * @param folder The run's folder. The run is taken to have been computed on this machine by this
 *   version.
 * @param against The baseline file.
 * @throws UsageError, FormatError or ConfigError if a file is missing or damaged, or if the two are
 *   not of one experiment.
 */
export async function checkRun(
  folder: string,
  against: string,
  options: ComparisonOptions = {},
): Promise<Comparison> {
  const results = await readResults(folder);
  const host = await system();
  if (!(await host.info(against))) {
    throw new UsageError(
      `${against}: no such file; --update makes the first baseline from a run that is known to be good`,
    );
  }
  const baseline = parseBaseline(await readResultsText(against), against);
  const reason = mismatch(results, baseline.results);
  if (reason !== undefined) throw new UsageError(`${folder} against ${against}: ${reason}`);
  return compareResults({ results, ...thisBuild() }, baseline, options);
}

/** What became of a baseline file. */
export interface UpdatedBaseline {
  /** False if the file already held the same numbers of the same build. */
  readonly written: boolean;
  /** Absent if there was no baseline, or one of another experiment. */
  readonly comparison?: Comparison;
}

/**
 * Makes the results of a finished run the baseline.
 *
 * @throws UsageError if the file holds anything but a baseline, or lies inside a run.
 */
export async function updateBaseline(folder: string, against: string): Promise<UpdatedBaseline> {
  const results = await readResults(folder);
  await expectFileOut(against, [`${folder}/${RESULTS}`]);
  const host = await system();
  const build = thisBuild();
  const replaced = (await host.info(against)) ? await replacedBaseline(against) : undefined;
  const comparison =
    replaced && mismatch(results, replaced.results) === undefined
      ? compareResults({ results, ...build }, replaced)
      : undefined;
  const told = comparison && { comparison };
  // Times differ from run to run; a file with the same numbers stays as it was committed.
  if (comparison?.rule === 'exact' && comparison.passed) return { written: false, ...told };
  await host.write(against, baselineText(results, build));
  return { written: true, ...told };
}

/** The baseline that is about to be replaced. No other file is ever overwritten. */
async function replacedBaseline(against: string): Promise<Baseline> {
  const text = await readResultsText(against);
  try {
    return parseBaseline(text, against);
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    throw new UsageError(`--update does not replace a file that holds no baseline: ${why}`);
  }
}

/**
 * The results of a finished run.
 *
 * @throws UsageError, FormatError or ConfigError naming file and field.
 */
export async function readResults(folder: string): Promise<ExperimentResults> {
  const host = await system();
  const found = await host.info(folder);
  if (found?.kind !== 'directory') {
    throw new UsageError(`${folder}: ${found ? 'is a file, not a run' : 'no such folder'}`);
  }
  const where = `${folder}/${RESULTS}`;
  if (!(await host.info(where))) {
    throw new UsageError(`${where}: no such file; is this a finished run?`);
  }
  return parseResults({ text: await readResultsText(where), where });
}

/** This version and machine. A page knows no processor; the command computes nothing there. */
function thisBuild(): Build {
  const os = process.getBuiltinModule('node:os');
  const processor = os.cpus()[0]?.model.trim() ?? 'unknown processor';
  const machine = `${process.platform} ${process.arch}, ${processor}`;
  return { version: packageJson.version, machine };
}
