import { FormatError } from '../formats/format-error.ts';
import { baseName } from '../formats/paths.ts';
import { detectRollouts, type Detected } from '../formats/rollouts.ts';
import { REWARDS } from '../run-folder/names.ts';
import { counted } from '../look/wording.ts';
import { ImportError } from './import-error.ts';
import { byNumber, type ImportFiles, mostFiles, readWith } from './import-files.ts';

/** The files that an import reads, in the order of reading. */
export interface RolloutFiles {
  readonly files: readonly string[];
  /** Other files of the folder with a data file's name. */
  readonly leftOut: readonly string[];
}

/** Names of the dumps of each engine, one file per step. */
const families = [
  /^step_\d+\.jsonl?$/,
  /^completions_\d+\.(parquet|jsonl)$/,
  /^\d+\.jsonl$/,
  /^train_data_step\d+\.jsonl$/,
  /_rollouts_\d+\.jsonl$/,
  /^completions_\d+_\w+\.table\.json$/,
];

const dataFile = /\.(jsonl?|parquet|arrow|safetensors)$/;

/** Folders and files of evaluations, which are not part of training. */
const evaluation = /(^|[/_.-])(val|valid|validation|eval|evals|evaluation|test|dev)([/_.\d-]|$)/i;

/** Levels of folders that are searched, and the most kinds of file names in them. */
const deepest = 8;
const mostKinds = 200;

/**
 * The rollout files under the given paths: a file stands for itself; in a folder, the files named
 * as an engine names its dumps, else all files at any searched level that hold rollouts.
 *
 * @throws ImportError when there are no rollout files, or several kinds of them.
 */
export async function rolloutFiles(
  from: ImportFiles,
  paths: readonly string[],
): Promise<RolloutFiles> {
  const files: string[] = [];
  const leftOut: string[] = [];
  for (const path of paths) {
    const found = await from.info(path);
    if (!found) throw new ImportError(`${path}: no such file or folder`);
    if (found.kind === 'file') {
      files.push(path);
      continue;
    }
    const folder = path.replace(/[/\\]+$/, '') || path;
    const inside = await filesOfFolder(from, folder);
    for (const file of inside.files) files.push(file);
    for (const file of inside.leftOut) leftOut.push(file);
    if (files.length > mostFiles) {
      throw new ImportError(`${files.length} files, more than the ${mostFiles} allowed`);
    }
  }
  return { files, leftOut };
}

async function filesOfFolder(from: ImportFiles, folder: string): Promise<RolloutFiles> {
  const names = (await from.list(folder)).sort(byNumber);
  const place = (name: string): string => `${folder}/${name}`;
  const family = families.find((pattern) => names.some((name) => pattern.test(name)));
  // A run of this project keeps its matrix beside its completions.
  if (!family && names.includes(REWARDS)) return { files: [place(REWARDS)], leftOut: [] };
  if (family) {
    const files = names.filter((name) => family.test(name));
    const others = names.filter((name) => dataFile.test(name) && !family.test(name));
    return { files: files.map(place), leftOut: others.map(place) };
  }
  return bestKind(from, folder, await walk(from, folder));
}

/** The files below a folder that may hold data, as paths relative to the folder. */
async function walk(from: ImportFiles, folder: string): Promise<string[]> {
  const found: string[] = [];
  let seen = 0;
  const visit = async (inner: string, depth: number): Promise<void> => {
    for (const name of (await from.list(`${folder}/${inner}`)).sort(byNumber)) {
      if (++seen > mostFiles) {
        throw new ImportError(`${folder}: more than the ${mostFiles} files and folders allowed`);
      }
      if (name.startsWith('.')) continue;
      const path = inner === '' ? name : `${inner}/${name}`;
      if (dataFile.test(name)) {
        if ((await from.info(`${folder}/${path}`))?.kind === 'file') found.push(path);
      } else if (depth < deepest) {
        const info = await from.info(`${folder}/${path}`);
        if (info?.kind === 'directory') await visit(path, depth + 1);
      }
    }
  };
  await visit('', 1);
  return found;
}

/** Files whose paths differ only in their numbers. */
interface Kind {
  readonly paths: string[];
  readonly format: Detected | undefined;
  /** Why the files hold no known format. */
  readonly error?: string;
}

/** The files below a folder that hold rollouts; the first files of each kind of name decide. */
async function bestKind(
  from: ImportFiles,
  folder: string,
  paths: readonly string[],
): Promise<RolloutFiles> {
  const byPattern = new Map<string, string[]>();
  for (const path of paths) {
    const pattern = path.replace(/\d+/g, '#');
    const same = byPattern.get(pattern);
    if (same) same.push(path);
    else byPattern.set(pattern, [path]);
  }
  if (byPattern.size > mostKinds) {
    throw new ImportError(
      `${folder}: ${byPattern.size} kinds of files below it; name the folder that holds the rollouts`,
    );
  }
  const kinds: Kind[] = [];
  for (const same of byPattern.values()) {
    kinds.push({ paths: same, ...(await firstFormat(from, folder, same)) });
  }
  const isRollouts = ({ format }: Kind): boolean =>
    format !== undefined && !['curves', 'safetensors', 'empty'].includes(format);
  let rollouts = kinds.filter(isRollouts);
  const training = rollouts.filter(({ paths: [first = ''] }) => !evaluation.test(first));
  if (training.length > 0) rollouts = training;
  const named = rollouts.filter(({ paths: [first = ''] }) =>
    families.some((pattern) => pattern.test(baseName(first))),
  );
  if (named.length > 0) rollouts = named;
  if (rollouts.length === 0) {
    // A folder that holds only a matrix or a score file.
    rollouts = kinds.filter(({ format }) => format === 'curves' || format === 'safetensors');
    if (rollouts.length === 0) {
      const why = kinds.find(({ error }) => error !== undefined)?.error;
      throw new ImportError(
        `${folder}: no rollout files in this folder${why === undefined ? '' : `: ${why}`}`,
      );
    }
  }
  const places = new Map<string, number>();
  for (const { paths: same, format } of rollouts) {
    const [first = ''] = same;
    const kind = `${first.replace(/[^/]*$/, '')} (${format ?? ''})`.replace(/\d+/g, '#');
    places.set(kind, (places.get(kind) ?? 0) + same.length);
  }
  if (places.size > 1) {
    const listed = [...places].slice(0, 8).map(([kind, count]) => {
      const inner = kind.startsWith(' ') ? `.${kind}` : kind;
      return `${inner}: ${counted(count, 'file')}`;
    });
    throw new ImportError(
      `${folder}: rollouts of several kinds below it; name what is to be scored: ${listed.join('; ')}`,
    );
  }
  const files = rollouts.flatMap(({ paths: same }) => same).sort(byNumber);
  const chosen = new Set(files);
  return {
    files: files.map((path) => `${folder}/${path}`),
    leftOut: paths.filter((path) => !chosen.has(path)).map((path) => `${folder}/${path}`),
  };
}

/** The format of the first file with rows, or why that file has no known format. */
async function firstFormat(
  from: ImportFiles,
  folder: string,
  paths: readonly string[],
): Promise<Omit<Kind, 'paths'>> {
  for (const path of paths.slice(0, 8)) {
    try {
      const found = await readWith(from, `${folder}/${path}`, (source) =>
        detectRollouts(source, { onCut: () => undefined }),
      );
      if (found !== 'empty') return { format: found };
    } catch (error) {
      // Any other file may lie beside the rollouts; the import reports the files that it leaves
      // out.
      if (error instanceof FormatError) return { format: undefined, error: error.message };
      throw error;
    }
  }
  return { format: 'empty' };
}

/**
 * The step number of each file: the number after `step` in its name, else the last number of its
 * name, else the same from its folders. All undefined if one file has no number.
 */
export function fileSteps(files: readonly string[]): readonly (number | undefined)[] {
  const numbers = files.map((file) => {
    const name = baseName(file);
    const named = /step[_-]?(\d+)/i.exec(name) ?? /(\d+)\D*$/.exec(name);
    const found = named ?? /step[_-]?(\d+)/i.exec(file) ?? /(\d+)\D*$/.exec(file);
    return found ? Number(found[1]) : undefined;
  });
  return numbers.every((number) => number !== undefined) ? numbers : files.map(() => undefined);
}
