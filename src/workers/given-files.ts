import * as Comlink from 'comlink';
import { FileError } from '../file-error.ts';
import type { ByteSource } from '../formats/byte-source.ts';
import { type InputFiles, noFiles } from '../formats/input-files.ts';
import { DiskFiles } from './disk-files.ts';

/** Where the files that a config names come from. Plain data, which crosses to workers. */
export type FilePlace =
  /** The disk, in Node and Deno. */
  | { readonly kind: 'disk' }
  /** Files that a page holds, by their paths in the config. */
  | { readonly kind: 'blobs'; readonly files: ReadonlyMap<string, Blob> }
  /**
   * In a browser: a port to `FileCalls` that Comlink serves at the other end. The port is
   * transferred.
   */
  | { readonly kind: 'port'; readonly port: MessagePort };

/** Files as plain calls, for boundaries that no open file can cross. */
export interface FileCalls {
  /** The size of a file in bytes; undefined if there is no such file. */
  readonly size: (path: string) => Promise<number | undefined>;
  readonly slice: (path: string, start: number, end: number) => Promise<Uint8Array>;
}

/** Files that are closed together. */
export interface GivenFiles extends InputFiles {
  close(): Promise<void>;
}

/** @param place No files at all when left out. @throws Error if the host has no such place. */
export function openFiles(place: FilePlace | undefined): GivenFiles {
  if (place?.kind === 'disk') return new DiskFiles();
  const close = (): Promise<void> => Promise.resolve();
  if (!place) return { ...noFiles, close };
  if (place.kind === 'blobs') {
    const { files } = place;
    return { open: (path) => Promise.resolve(heldFile(path, files.get(path))), close };
  }
  const calls = Comlink.wrap<FileCalls>(place.port);
  return {
    async open(path) {
      const size = await calls.size(path);
      if (size === undefined) return undefined;
      return { name: path, size, slice: async (start, end) => calls.slice(path, start, end) };
    },
    close() {
      place.port.close();
      return Promise.resolve();
    },
  };
}

const heldFile = (path: string, blob: Blob | undefined): ByteSource | undefined =>
  blob && blobSource(path, blob);

/** A file that a page holds. @throws FileError naming the file if it cannot be read any more. */
export const blobSource = (name: string, blob: Blob): ByteSource => ({
  name,
  size: blob.size,
  async slice(start, end) {
    try {
      return new Uint8Array(await blob.slice(start, end).arrayBuffer());
    } catch (cause) {
      // Browsers refuse to read a file that was written or removed after it was chosen.
      const why = 'it has changed or is gone since it was chosen; choose it again';
      throw new FileError(`${name}: cannot be read: ${why}`, { cause });
    }
  },
});
