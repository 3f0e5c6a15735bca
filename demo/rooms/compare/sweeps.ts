// A sweep that a user opens, as the phase diagrams of its report. Its files are hostile until read.
import { drawnMaps, phaseMaps, type PhaseMap } from '../../../src/report/phase-maps.ts';
import { mapKey, scaleOf, type MapWords } from '../../../src/report/sweep-figures.ts';
import { readSweep } from '../../../src/sweep/folder.ts';
import { ROWS, SWEEP } from '../../../src/sweep/names.ts';
import {
  conditionsOf,
  sweepMethods,
  sweepUnit,
  type ReadCell,
  type ReadSweep,
} from '../../../src/sweep/readings.ts';
import { sweepOfRows } from '../../../src/sweep/rows-reader.ts';
import { parseSweepFile } from '../../../src/sweep/sweep-file.ts';
import { FormatError } from '../../../src/index.ts';

/** Most bytes of one file of a sweep, and most files. */
const most = { bytes: 2 ** 28, files: 200_000 };

/** A file by its path from the folder that was chosen. */
export interface NamedFile {
  readonly path: string;
  readonly size: number;
  readonly text: () => Promise<string>;
}

/** What is shown of a sweep. */
export interface ShownSweep {
  readonly done: number;
  readonly planned: number;
  readonly unit: string;
  /** Phase diagrams at equal budgets; none where nothing can be compared. */
  readonly equal: readonly PhaseMap[];
  /** The same at equal total samples. */
  readonly charged: readonly PhaseMap[];
}

/**
 * Reads `sweep.json` with the cells beside it, or with `runs.csv` where the cells are not there.
 *
 * @throws FormatError or ConfigError naming file and field.
 */
export async function openSweep(files: readonly NamedFile[]): Promise<ReadSweep<ReadCell>> {
  if (files.length > most.files) {
    throw new FormatError(`${files.length} files: at most ${most.files} are read`);
  }
  const top = files.find(({ path }) => path === SWEEP || path.endsWith(`/${SWEEP}`));
  if (!top) {
    throw new FormatError(
      `no ${SWEEP} among ${files.length === 1 ? (files[0]?.path ?? '') : `${files.length} files`}: choose it together with ${ROWS}, or the whole folder`,
    );
  }
  const folder = top.path.slice(0, top.path.length - SWEEP.length);
  const byPath = new Map(files.map((file) => [file.path, file]));
  const textOf = async (name: string): Promise<string | undefined> => {
    const file = byPath.get(folder + name);
    if (!file) return undefined;
    if (file.size > most.bytes) {
      throw new FormatError(`${file.path}: ${file.size} bytes, at most ${most.bytes} are read`);
    }
    return file.text();
  };
  const name = folder.replace(/\/$/, '') || 'sweep';
  const whole = await readSweep({
    name,
    read: async (path) => {
      const text = await textOf(path);
      return text === undefined ? undefined : new TextEncoder().encode(text);
    },
  });
  if (whole.cells.length > 0) return whole;
  const rows = await textOf(ROWS);
  if (rows === undefined) {
    throw new FormatError(`${name}: neither finished cells nor ${ROWS} are beside ${SWEEP}`);
  }
  return sweepOfRows(rows, parseSweepFile((await textOf(SWEEP)) ?? '', SWEEP));
}

/** The phase diagrams of a sweep, as its report has them. */
export function shownSweep(sweep: ReadSweep<ReadCell>): ShownSweep {
  const read = { sweep, conditions: conditionsOf(sweep), methods: sweepMethods(sweep) };
  const { cells, planned } = sweep;
  return {
    done: cells.length,
    planned,
    unit: sweepUnit(sweep),
    equal: phaseMaps(read, 'budget'),
    charged: phaseMaps(read, 'samples'),
  };
}

/** The diagrams and the key of their colours as safe HTML, in the words of a language. */
export function drawnSweep(
  { unit, equal, charged }: ShownSweep,
  words: MapWords,
): { readonly key: string; readonly budget: string; readonly samples: string } {
  const scale = scaleOf(
    [...equal, ...charged].flatMap(({ rows }) => rows.flatMap((row) => row.points)),
  );
  const look = { unit, scale, intervals: true, words };
  return {
    key: mapKey(scale, words).text,
    budget: drawnMaps(equal, '', look).text,
    samples: drawnMaps(charged, words.equalSamples, look).text,
  };
}
