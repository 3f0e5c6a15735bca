import type { ByteSource } from '../formats/byte-source.ts';
import { readWith } from '../imports/import-files.ts';
import { system } from './system.ts';

/** Opens a file, runs `use`, closes the file. @throws ImportError when there is no such file. */
export const withSource = async <T>(
  path: string,
  use: (source: ByteSource) => Promise<T>,
): Promise<T> => readWith(await system(), path, use);
