import { transfer } from 'comlink';
import { Bundle, bundledAs, bundleOf } from '../bundle/bundle.ts';
import { ImportSession, useOf } from '../imports/import-session.ts';
import { exposeWorker } from '../threads/expose.ts';
import { blobSource } from './given-files.ts';
import { countedFiles, heldFiles } from './held-files.ts';
import type { ImportApi } from './importer.ts';

let session: ImportSession | undefined;
const read = { bytes: 0 };

function opened(): ImportSession {
  if (!session) throw new Error('nothing is imported');
  return session;
}

const blobOf = (content: Uint8Array | Iterable<string>): Blob =>
  new Blob(content instanceof Uint8Array ? [content as Uint8Array<ArrayBuffer>] : [...content]);

/** Bytes of a file that goes into a bundle, at once. */
const PIECE = 2 ** 24;

async function* piecesOf(file: Blob): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < file.size; at += PIECE) {
    yield new Uint8Array(await file.slice(at, at + PIECE).arrayBuffer());
  }
}

const api: ImportApi = {
  async bundle(files) {
    const parts = [...files].map(([path, file]) => ({ path, pieces: () => piecesOf(file) }));
    const pieces: Uint8Array<ArrayBuffer>[] = [];
    for await (const piece of bundleOf(parts)) pieces.push(piece as Uint8Array<ArrayBuffer>);
    return new Blob(pieces, { type: 'application/zip' });
  },
  async unbundle(name, file) {
    const bundle = await Bundle.open(blobSource(name, file));
    const plain = new Map<string, Uint8Array>();
    const weights = new Map<string, Blob>();
    for (const path of bundle.paths) {
      const bytes = bundle.read(path);
      if (!bytes) continue;
      if (bundledAs(path) === 'weights') weights.set(path, blobOf(bytes));
      else plain.set(path, bytes);
    }
    return transfer(
      { plain, weights },
      [...plain.values()].map(({ buffer }) => buffer),
    );
  },
  useOf: (name, file) => useOf(heldFiles(new Map([[name, file]])), name),
  async open({ files, paths, settings }) {
    session = undefined;
    read.bytes = 0;
    const from = countedFiles(heldFiles(files), (bytes) => (read.bytes += bytes));
    session = await ImportSession.open(from, paths, settings);
    const { scores } = session;
    // The session keeps its own scores for what is asked later.
    const sent = { ...scores, scores: scores.scores.slice() };
    return transfer(sent, [sent.values.buffer, sent.scores.buffer]);
  },
  bytesRead: () => read.bytes,
  rowsAt: (places) => opened().rowsAt(places),
  async choose(cut) {
    const { selection, differing } = await opened().choose(cut);
    const { indices, rule } = selection;
    return { indices, rule, differing };
  },
  scoreFile: () => blobOf(opened().scoreText()),
  async subset(cut, format) {
    const { extension, content, rows } = await opened().subset(cut, format);
    return { extension, rows, file: blobOf(content) };
  },
  dispose() {
    session = undefined;
  },
};

exposeWorker(api);
