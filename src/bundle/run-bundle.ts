// A finished run as a bundle, and a bundle as a run's folder.
import { piecesOf, wholeOf } from '../formats/file-content.ts';
import { baseName } from '../formats/paths.ts';
import { labelText, parseLabel } from '../run-folder/label.ts';
import type { RunFolder } from '../run-folder/finished-run.ts';
import { weightsFolders } from '../run-folder/weights.ts';
import { COMPLETIONS, LABEL, ONLINE, SUBSETS } from '../run-folder/names.ts';
import type { Run } from '../run-folder/finished-run.ts';
import { type Bundle, bundledAs, type BundlePart } from './bundle.ts';

/** Files of a run, wherever they lie. */
export interface RunFiles {
  /** Names of the files in a folder of the run, `''` for its own; empty if the folder is missing. */
  readonly list: (folder: string) => Promise<readonly string[]>;
  readonly pieces: (path: string) => AsyncIterable<Uint8Array>;
}

/**
 * The files of a finished run that a bundle holds: no checkpoints, no report, no verifier's code and
 * no template.
 *
 * @param options.weights Whether what was trained goes with it. Default false.
 * @throws FormatError naming a `label.json` that is none.
 */
export async function bundleParts(
  { results: { config, seeds } }: Pick<Run, 'results'>,
  files: RunFiles,
  { weights = false } = {},
): Promise<BundlePart[]> {
  const parts: BundlePart[] = [];
  const add = async (folder: string, kind: 'plain' | 'weights'): Promise<void> => {
    for (const name of await files.list(folder)) {
      const path = folder === '' ? name : `${folder}/${name}`;
      if (path === LABEL) await addLabel();
      else if (bundledAs(path) === kind) parts.push({ path, pieces: () => files.pieces(path) });
    }
  };
  // A browser notes more of a run beside its name, which is its own.
  const addLabel = async (): Promise<void> => {
    const found = new TextDecoder().decode(await wholeOf(files.pieces(LABEL)));
    const text = labelText(parseLabel(found, LABEL));
    if (text !== undefined) parts.push({ path: LABEL, pieces: () => piecesOf(text) });
  };
  for (const folder of ['', SUBSETS, COMPLETIONS, ONLINE]) await add(folder, 'plain');
  if (weights) {
    const all = seeds.map(({ seed }) => seed);
    const folders = new Set(weightsFolders(config, all).map(({ folder }) => folder));
    for (const folder of folders) await add(folder, 'weights');
  }
  return parts;
}

/** A bundle as the folder of a run; the run is called as the bundle's file. */
export const folderOfBundle = (bundle: Bundle): RunFolder => ({
  name: bundle.name,
  read: (file) => Promise.resolve().then(() => bundle.readText(file)),
});

/** What to call a bundle's run. */
export const bundleTitle = (path: string): string => baseName(path).replace(/\.limr$/i, '');
