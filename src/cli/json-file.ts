import { readText } from '../formats/byte-source.ts';
import { expectShallow } from '../formats/json-depth.ts';
import { parseJson } from '../formats/json.ts';
import { withSource } from './sources.ts';

/** Largest JSON file unless the reader sets a limit; files with lists of token ids are long. */
const MOST_BYTES = 256 * 2 ** 20;
/** More levels than any file that a command reads whole. */
const MOST_DEPTH = 64;

/**
 * Reads a JSON file.
 *
 * @param mostBytes Larger files are refused before they are read.
 * @throws UsageError if the file is missing; FormatError if it is too large, too deep or not JSON.
 */
export async function readJson(path: string, mostBytes = MOST_BYTES): Promise<unknown> {
  const text = await withSource(path, (source) => readText(source, mostBytes));
  expectShallow(text, path, MOST_DEPTH);
  return parseJson(text, path);
}
