import type { ImportFiles } from '../imports/import-files.ts';
import { blobSource } from './given-files.ts';

/** Files that a page holds, by their paths, as files and folders. */
export function heldFiles(files: ReadonlyMap<string, Blob>): ImportFiles {
  const inside = new Map<string, Set<string>>();
  for (const path of files.keys()) {
    const parts = path.split('/');
    for (let i = 1; i < parts.length; i++) {
      const folder = parts.slice(0, i).join('/');
      const names = inside.get(folder) ?? new Set();
      names.add(parts[i] ?? '');
      inside.set(folder, names);
    }
  }
  const plain = (path: string): string => path.replace(/\/+$/, '');
  return {
    info: (path) =>
      Promise.resolve(
        files.has(path)
          ? { kind: 'file' }
          : inside.has(plain(path))
            ? { kind: 'directory' }
            : undefined,
      ),
    list: (path) => Promise.resolve([...(inside.get(plain(path)) ?? [])].sort()),
    open(path) {
      const file = files.get(path);
      if (!file) return Promise.reject(new RangeError(`${path}: no such file`));
      return Promise.resolve({ ...blobSource(path, file), close: () => Promise.resolve() });
    },
  };
}

/** The same files, with the bytes told that are read. */
export const countedFiles = (from: ImportFiles, tell: (bytes: number) => void): ImportFiles => ({
  info: (path) => from.info(path),
  list: (path) => from.list(path),
  async open(path) {
    const source = await from.open(path);
    return {
      name: source.name,
      size: source.size,
      close: () => source.close(),
      async slice(start, end) {
        const bytes = await source.slice(start, end);
        tell(bytes.length);
        return bytes;
      },
    };
  },
});
