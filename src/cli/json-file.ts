import { FormatError } from '../formats/format-error.ts';
import { parseJson } from '../formats/json.ts';
import { withSource } from './sources.ts';

/** Configs and results are small; anything larger is not one. */
const MOST_BYTES = 256 * 2 ** 20;

/**
 * A JSON file.
 *
 * @throws UsageError where there is none, FormatError when it is too large or not JSON.
 */
export async function readJson(path: string): Promise<unknown> {
  return withSource(path, async (source) => {
    if (source.size > MOST_BYTES) {
      throw new FormatError(`${path}: ${source.size} bytes, at most ${MOST_BYTES} are read`);
    }
    const bytes = await source.slice(0, source.size);
    return parseJson(new TextDecoder().decode(bytes), path);
  });
}
