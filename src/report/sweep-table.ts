// The comparisons of a sweep as text for a terminal.
import { methodLabel } from '../selection/methods.ts';
import {
  areaMean,
  conditionsOf,
  conditionText,
  crossingOf,
  differencesOf,
  pointsOf,
  sideOf,
  sweepMethods,
  sweepUnit,
  type ReadSweep,
} from '../sweep/readings.ts';
import type { ShownContrast, ShownEvidence } from './sweep-evidence.ts';
import { short } from './sweep-figures.ts';
import {
  crossingText,
  multiplicityText,
  numbersOf,
  tableReadout,
  verdictText,
  whereText,
} from './sweep-page.ts';
import { count, counted, fixed } from './text.ts';

/**
 * A sweep in lines of text: first what was fixed before the run, then every method at the read-out
 * of the config's table, labelled exploratory. Names and titles are as their files give them: whoever
 * prints them makes them visible.
 */
export function sweepTable(sweep: ReadSweep, evidence: ShownEvidence): string {
  const { preregistration, registered, secondary } = evidence;
  const lines: string[] = [];
  if (preregistration) {
    lines.push(
      `Fixed before the run (SHA-256 ${preregistration.sha256}): ${preregistration.title}`,
    );
    lines.push(...contrastLines(registered));
  } else {
    lines.push('Nothing was fixed before the run: all of this is exploratory.');
  }
  if (secondary.length > 0) {
    lines.push('', 'Secondary, judged by nothing:', ...contrastLines(secondary));
  }
  const methods = sweepMethods(sweep);
  const conditions = conditionsOf(sweep);
  const finished = conditions.filter(({ cells }) => cells.length > 0);
  const readout = tableReadout({ finished, methods });
  const unit = sweepUnit(sweep);
  if (readout !== undefined) {
    lines.push(
      '',
      `Exploratory: ${unit} ${count(readout)}, minus FULL with a 95 % interval; area up to the end, U*`,
    );
    if (evidence.exploratory.length > 0) lines.push(multiplicityText(evidence));
  }
  for (const condition of readout === undefined ? [] : finished) {
    lines.push(`${conditionText(condition)}, ${counted(condition.cells.length, 'seed')}`);
    lines.push(
      ...aligned(
        methods.flatMap((method) => {
          const point = pointsOf(condition, method).find((one) => one.readout === readout);
          if (!point) return [[methodLabel(method), 'not read', '', '', '', '', '']];
          const differences = method === 'full' ? [] : differencesOf(condition, method, 'full');
          const difference = differences.find((one) => one.readout === readout);
          const area = areaMean(condition, method);
          const { interval } = difference ?? {};
          return [
            [
              methodLabel(method),
              fixed(point.accuracy.mean),
              difference ? short(difference.mean) : '',
              interval ? `${short(interval[0])} to ${short(interval[1])}` : '',
              difference ? (['below', 'undecided', 'above'][sideOf(difference) + 1] ?? '') : '',
              area ? `area ${fixed(area.mean)}` : '',
              method === 'full' ? '' : `U* ${crossingText(crossingOf(differences))}`,
            ],
          ];
        }),
      ),
    );
  }
  if (sweep.cells.length < sweep.planned) {
    lines.push(
      '',
      `Not finished: ${count(sweep.cells.length)} of ${counted(sweep.planned, 'cell')}.`,
    );
  }
  return `${lines.join('\n')}\n`;
}

const contrastLines = (contrasts: readonly ShownContrast[]): string[] =>
  aligned(
    contrasts.map((finding) => [
      finding.name,
      `${methodLabel(finding.one)} − ${methodLabel(finding.other)}`,
      whereText(finding),
      verdictText(finding),
      numbersOf(finding),
    ]),
  );

/** Rows of equal columns, indented. */
function aligned(rows: readonly (readonly string[])[]): string[] {
  const widths = (rows[0] ?? []).map((_, column) =>
    Math.max(...rows.map((row) => (row[column] ?? '').length)),
  );
  return rows.map((row) =>
    `  ${row.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join('  ')}`.trimEnd(),
  );
}
