// A file that lists prompts of a pool: what `limr select` and `limr run` write, a table with an id
// or a prompt in each row, or a JSON list of ids alone.
import { type ByteSource, readText } from './byte-source.ts';
import { comparable, identityOf, type Prompt, promptOf } from './conversation.ts';
import { FormatError } from './format-error.ts';
import { countOf, fieldOf, isRecord, type JsonRecord, kindOf, parseJson } from './json.ts';
import { promptFields } from './prompts.ts';
import { recordsOf } from './records.ts';
import { idOf } from './rollouts.ts';

/** Largest list of ids, in bytes. */
const MOST_LIST_BYTES = 64 << 20;

/** A row of a subset file: what it says of its prompt. */
export interface SubsetRow {
  /** File and row, for messages. */
  readonly where: string;
  readonly id: string | undefined;
  /** The prompt's place in the pool. */
  readonly index: number | undefined;
  readonly prompt: Prompt | undefined;
}

/** A prompt that rows are matched with. */
export interface NamedPrompt extends Prompt {
  readonly id?: string | undefined;
}

/**
 * Reads a subset file.
 *
 * @throws FormatError naming file and row: a row that names no prompt, or is no row.
 */
export async function readSubset(source: ByteSource): Promise<SubsetRow[]> {
  const ids = await listOfIds(source);
  if (ids) return ids;
  const rows: SubsetRow[] = [];
  for await (const { where, record } of recordsOf(source)) rows.push(subsetRow(record, where));
  return rows;
}

/** The rows of a JSON list of ids; undefined for any other file. */
async function listOfIds(source: ByteSource): Promise<SubsetRow[] | undefined> {
  const head = new TextDecoder().decode(await source.slice(0, Math.min(4096, source.size)));
  if (!/^\uFEFF?\s*\[\s*["\d-]/.test(head)) return undefined;
  const list = parseJson(await readText(source, MOST_LIST_BYTES), source.name);
  if (!Array.isArray(list)) return undefined;
  return (list as unknown[]).map((value, i) => {
    const where = `${source.name} row ${i + 1}`;
    if (isRecord(value)) return subsetRow(value, where);
    const id = idOf({ id: value }, where);
    if (id === undefined) throw new FormatError(`${where}: must be an id, is ${kindOf(value)}`);
    return { where, id, index: undefined, prompt: undefined };
  });
}

function subsetRow(record: JsonRecord, where: string): SubsetRow {
  const id = idOf(record, where);
  const given = fieldOf(record, 'index') ?? undefined;
  const index = given === undefined ? undefined : countOf(given, `${where}: index`);
  const field = promptFields.find((name) => (fieldOf(record, name) ?? null) !== null);
  const prompt =
    field === undefined
      ? undefined
      : promptOf(fieldOf(record, field), `${where}: ${field}`, field === 'messages');
  if (id === undefined && index === undefined && prompt === undefined) {
    throw new FormatError(`${where}: names no prompt by id, index or ${promptFields.join(', ')}`);
  }
  return { where, id, index, prompt };
}

/**
 * The places in a pool of the prompts that rows name: by index, else by id, else by the prompt
 * itself. A row that names its prompt twice must name one prompt.
 *
 * @param what The pool, for messages: `the pool of seed 1`.
 * @returns Places in the order of the rows.
 * @throws FormatError naming the row whose prompt is not in the pool, is another one there, or was
 *   listed before.
 */
export function placesOf(
  rows: readonly SubsetRow[],
  pool: readonly NamedPrompt[],
  what: string,
): number[] {
  const byId = new Map<string, number>();
  const byPrompt = new Map<string, number>();
  for (const [place, prompt] of pool.entries()) {
    if (prompt.id !== undefined) byId.set(prompt.id, place);
    const identity = identityOf(prompt);
    if (!byPrompt.has(identity)) byPrompt.set(identity, place);
  }
  const seen = new Map<number, string>();
  return rows.map(({ where, id, index, prompt }) => {
    const named = index ?? (id === undefined ? undefined : byId.get(id));
    const place = named ?? (prompt && byPrompt.get(identityOf(prompt)));
    const found = place === undefined ? undefined : pool[place];
    if (place === undefined || !found) {
      const name = index ?? id;
      throw new FormatError(
        `${where}: ${name === undefined ? 'its prompt' : `prompt ${kindOf(name)}`} is not in ${what}`,
      );
    }
    if (prompt && !isSame(prompt, found)) {
      throw new FormatError(`${where}: prompt ${place} of ${what} is another prompt`);
    }
    const before = seen.get(place);
    if (before !== undefined) throw new FormatError(`${where}: the same prompt as in ${before}`);
    seen.set(place, where);
    return place;
  });
}

/** A subset may hold only the last turn of a conversation. */
const isSame = (one: Prompt, other: Prompt): boolean =>
  identityOf(one) === identityOf(other) ||
  ((!one.messages || !other.messages) && comparable(one.prompt) === comparable(other.prompt));
