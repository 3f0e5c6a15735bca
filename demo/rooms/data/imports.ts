// An import on the page: what is being read, what came of it, and where it is cut. The importer's
// worker reads and scores, so a big file stops nothing, and a run under way goes on.
import { signal } from '@preact/signals';
import {
  type BundledFiles,
  connectImporter,
  type ExportFormat,
  type ImportCut,
  type Importer,
  type ImportedRow,
  type ImportedScores,
  type ImportSettings,
} from '../../../src/entries/browser.ts';
import { problem } from '../../state/stage.ts';
import { download } from '../../files.ts';

/** Files that were dropped or chosen together. */
export interface Source {
  /** What to call them. */
  readonly name: string;
  readonly files: ReadonlyMap<string, Blob>;
  /** Files and folders, in the order of reading. */
  readonly paths: readonly string[];
}

export type ImportState =
  | { readonly kind: 'none' }
  | {
      readonly kind: 'reading';
      readonly source: Source;
      readonly read: number;
      readonly of: number;
    }
  | { readonly kind: 'failed'; readonly source: Source; readonly message: string }
  | { readonly kind: 'ready'; readonly source: Source; readonly data: ImportedScores };

export const importing = signal<ImportState>({ kind: 'none' });

/** How files are read; what the reader of them changed stays for the next. */
export const settings = signal<ImportSettings>({
  format: 'auto',
  signal: 'accuracy',
  rule: 'corrected',
  theta: 0.6,
  allowPartial: false,
});

/** The pool that prompts are matched with; undefined for the prompts of the files themselves. */
export const pool = signal<{ readonly name: string; readonly file: Blob } | undefined>(undefined);

/** Where the selection is cut. */
export const cut = signal<ImportCut>({ threshold: 0.6 });

/** Milliseconds between two looks at how much is read. */
const LOOK_MS = 200;

let importer: Promise<Importer> | undefined;

/** The worker; another one if the last was ended, or died of a file. */
function opened(): Promise<Importer> {
  importer ??= connectImporter().then((one) => {
    void one.ended.then(() => (importer = undefined));
    return one;
  });
  return importer;
}

/** Names the pool's file: no dropped file has that folder. */
const poolPath = (name: string): string => `prompts:/${name}`;

const messageOf = (error: unknown): string =>
  error instanceof Error ? error.message : String(error);

/** Counts imports: what an earlier one finds is not shown over a later one. */
let imports = 0;

/** Reads files, scores them, and shows them from then on. */
export async function importFiles(source: Source): Promise<void> {
  const mine = ++imports;
  const total = [...source.files.values()].reduce((sum, { size }) => sum + size, 0);
  importing.value = { kind: 'reading', source, read: 0, of: total };
  const prompts = pool.peek();
  const files = new Map(source.files);
  if (prompts) files.set(poolPath(prompts.name), prompts.file);
  const asked = settings.peek();
  let looking: ReturnType<typeof setInterval> | undefined;
  try {
    const { api } = await opened();
    looking = setInterval(() => {
      api.bytesRead().then(
        (read) => {
          if (mine !== imports || importing.peek().kind !== 'reading') return;
          importing.value = { kind: 'reading', source, read: Math.min(read, total), of: total };
        },
        // What ended the worker is told below.
        () => clearInterval(looking),
      );
    }, LOOK_MS);
    const data = await api.open({
      files,
      paths: source.paths,
      settings: prompts ? { ...asked, prompts: poolPath(prompts.name) } : asked,
    });
    if (mine !== imports) return;
    cut.value = { threshold: data.theta };
    importing.value = { kind: 'ready', source, data };
  } catch (error) {
    if (mine === imports) {
      importing.value = { kind: 'failed', source, message: messageOf(error) };
    }
  } finally {
    clearInterval(looking);
  }
}

/** Reads the same files again, in another way. */
export function readAgain(changed: Partial<ImportSettings>): void {
  settings.value = { ...settings.peek(), ...changed };
  const now = importing.peek();
  if (now.kind !== 'none') void importFiles(now.source);
}

/** Ends what is being read, or puts away what was. */
export async function forgetImport(): Promise<void> {
  imports++;
  importing.value = { kind: 'none' };
  const before = importer;
  importer = undefined;
  await (await before)?.kill('it was cancelled');
}

/** What a file is for. @throws Error naming the file and what it lacks. */
export const useOfFile = async (file: File): Promise<'import' | 'prompts' | 'bundle'> =>
  (await opened()).api.useOf(file.name, file);

/** Rows by their places. */
export const rowsAt = async (places: readonly number[]): Promise<readonly ImportedRow[]> =>
  (await opened()).api.rowsAt(places);

/** The places that `limr select` keeps. */
export const keptPlaces = async (at: ImportCut): Promise<readonly number[]> =>
  (await (await opened()).api.choose(at)).indices;

async function downloading(work: () => Promise<readonly [string, Blob]>): Promise<void> {
  problem.value = '';
  try {
    const [name, file] = await work();
    download(name, file, file.type || 'application/octet-stream');
  } catch (error) {
    problem.value = messageOf(error);
  }
}

export const downloadScores = (): Promise<void> =>
  downloading(async () => ['scores.json', await (await opened()).api.scoreFile()]);

/** @param format Undefined for the form of what was read. */
export const downloadSubset = (format: ExportFormat | undefined): Promise<void> =>
  downloading(async () => {
    const { extension, file } = await (await opened()).api.subset(cut.peek(), format);
    return [`subset-lim.${extension}`, file];
  });

/** The files of a bundle. Errors name the bundle and the file in it. */
export const unbundle = async (file: File): Promise<BundledFiles> =>
  (await opened()).api.unbundle(file.name, file);

/** A bundle of a run's files, by their paths. */
export const bundleFiles = async (files: ReadonlyMap<string, Blob>): Promise<Blob> =>
  (await opened()).api.bundle(files);
