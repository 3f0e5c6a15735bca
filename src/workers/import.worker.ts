import { transfer } from 'comlink';
import { ImportSession, useOf } from '../imports/import-session.ts';
import { exposeWorker } from '../threads/expose.ts';
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

const api: ImportApi = {
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
