import { methodFileName } from '../run-folder/names.ts';
import type { ExportRun, RunRow, Training } from './run-rows.ts';

/** A file of an export. Its content is read once, and before that of the next file. */
export interface ExportFile {
  /** Relative to the folder of the export, with `/` between parts. */
  readonly path: string;
  readonly content: AsyncIterable<string> | AsyncIterable<Uint8Array> | Uint8Array;
}

/** The name of a training in names of files: `seed-1-full`; `base` for the base. */
export const trainingName = ({ seed, method }: Training): string =>
  method === 'base' ? method : `seed-${seed ?? ''}-${methodFileName(method)}`;

/**
 * The rows of each training of a run, read in one pass over its files. The rows of a training that
 * are not read before the next training is asked for are skipped.
 */
export async function* byTraining(
  run: ExportRun,
): AsyncGenerator<Training & { readonly rows: AsyncIterable<RunRow> }, void, void> {
  const all = run.rows();
  try {
    let next = await all.next();
    while (!next.done) {
      const { seed, method } = next.value;
      const rows = async function* (): AsyncGenerator<RunRow, void, void> {
        while (!next.done && next.value.seed === seed && next.value.method === method) {
          const { value } = next;
          next = await all.next();
          yield value;
        }
      };
      const left = rows();
      yield { seed, method, rows: left };
      while (!(await left.next()).done);
    }
  } finally {
    await all.return();
  }
}
