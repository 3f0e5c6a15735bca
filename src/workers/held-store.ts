import { type RunStore, runPath } from '../scheduler/run-store.ts';
import { blobSource } from './given-files.ts';

/**
 * The files of a run that a page holds, by their paths: a store that is read alone.
 *
 * @throws Error from each call that would write.
 */
export function heldStore(files: ReadonlyMap<string, Blob>): RunStore {
  const refuse = (path: string): Promise<never> =>
    Promise.reject(new Error(`${path}: the files of this run can only be read`));
  const slice = (path: string, start: number, end: number): Promise<Uint8Array> => {
    const file = files.get(runPath(path));
    if (!file || end > file.size) {
      return Promise.reject(new RangeError(`${path}: ends before ${end}`));
    }
    return blobSource(path, file).slice(start, end);
  };
  const size = (path: string): Promise<number | undefined> =>
    Promise.resolve(files.get(runPath(path))?.size);
  return {
    write: refuse,
    append: refuse,
    remove: refuse,
    size,
    slice,
    async read(path) {
      const bytes = await size(path);
      return bytes === undefined ? undefined : slice(path, 0, bytes);
    },
    list(folder) {
      const prefix = folder === '' ? '' : `${runPath(folder)}/`;
      const names = [...files.keys()]
        .filter((path) => path.startsWith(prefix))
        .map((path) => path.slice(prefix.length));
      return Promise.resolve(names.filter((name) => !name.includes('/')).sort());
    },
  };
}
