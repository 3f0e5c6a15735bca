import type { ByteSource } from './byte-source.ts';

/** The files that a config names: on a disk, picked in a page, or in memory. */
export interface InputFiles {
  /**
   * Opens a file by the path that the config has. Undefined if there is no such file. Whoever made
   * this object closes what it opened.
   */
  open(path: string): Promise<ByteSource | undefined>;
}

/** No files at all. */
export const noFiles: InputFiles = { open: () => Promise.resolve(undefined) };
