import type { ExportFormat } from '../formats/subsets.ts';
import type { RowLayout } from '../formats/prompts.ts';
import type {
  FileUse,
  ImportCut,
  ImportedRow,
  ImportedScores,
  ImportSettings,
} from '../imports/import-session.ts';
import type { BundledFiles } from './bundled-run.ts';
import { connect, type Connection } from '../threads/connect.ts';
import type { WorkerApi } from '../threads/worker-api.ts';

/** Files of a user, by their paths, and how they are read. */
export interface ImportRequest {
  readonly files: ReadonlyMap<string, Blob>;
  /** Files and folders of `files`, in the order of reading. */
  readonly paths: readonly string[];
  readonly settings: ImportSettings;
}

/** The calls of `import.worker.ts`. */
export interface ImportApi extends WorkerApi {
  /** A bundle of a run's files, by their paths. Errors: `bundleOf`. */
  bundle(files: ReadonlyMap<string, Blob>): Promise<Blob>;
  /** A bundle's files. Errors: `Bundle`. */
  unbundle(name: string, file: Blob): Promise<BundledFiles>;
  /** What a file is for. Errors: `useOf` of `import-session.ts`. */
  useOf(name: string, file: Blob): Promise<FileUse>;
  /** Reads and scores files; what was imported before is forgotten. Errors: `ImportSession.open`. */
  open(request: ImportRequest): Promise<ImportedScores>;
  /** Bytes of the files that were read so far, those that are read twice twice. */
  bytesRead(): number;
  rowsAt(places: readonly number[]): ImportedRow[];
  /** The prompts that `limr select` keeps, ascending. Errors: `ImportSession.choose`. */
  choose(cut: ImportCut): Promise<{
    readonly indices: readonly number[];
    readonly rule: string;
    readonly differing: number;
  }>;
  /** The file that `limr score` writes. */
  scoreFile(): Blob;
  /** The file that `limr select` writes. Errors: `ImportSession.subset`. */
  subset(
    cut: ImportCut,
    format?: ExportFormat,
  ): Promise<{ readonly extension: RowLayout; readonly rows: number; readonly file: Blob }>;
}

/** A worker that reads rollouts and scores, and scores them on a device of its own. */
export type Importer = Connection<ImportApi>;

/** Starts the worker. Whoever starts it closes it. */
export const connectImporter = (): Promise<Importer> =>
  connect<ImportApi>(
    'importer',
    (Worker) => new Worker(new URL('./import.worker.ts', import.meta.url), { type: 'module' }),
  );
