// `inputs.json` and `base.json`: the files that a run began with. A run goes on only with the same
// files, wherever they lie.
import * as v from 'valibot';
import { issueText } from '../config-issue.ts';
import { digestOf } from '../formats/digest.ts';
import { FormatError } from '../formats/format-error.ts';
import { jsonText, parseJson } from '../formats/json.ts';
import { whole } from '../results-schema.ts';
import { BASE, INPUTS } from './names.ts';

/** A file of a run's prompts, tiers, verifier or template. */
export interface InputMark {
  /** The path in the config. */
  readonly path: string;
  /** Bytes. */
  readonly size: number;
  readonly sha256: string;
}

/** The model that a run starts from. */
export interface BaseRecord {
  /** Where the model comes from: the folder's path in the config. */
  readonly id: string;
  /** SHA-256 of each of its files, by the file's name. */
  readonly files: Readonly<Record<string, string>>;
}

/** Everything that a run reads from outside its folder; both are empty for a made-up task. */
export interface RunInputs {
  readonly inputs: readonly InputMark[];
  /** Undefined if the model is drawn. */
  readonly base: BaseRecord | undefined;
}

export const noInputs: RunInputs = { inputs: [], base: undefined };

/** SHA-256 over the names and digests of a model's files: which model it is. */
export const baseDigest = ({ files }: BaseRecord): string =>
  digestOf(JSON.stringify(Object.entries(files).sort(([a], [b]) => (a < b ? -1 : Number(a > b)))));

/** Digests by path in the config, for `configHash`. */
export const digestsOf = ({ inputs, base }: RunInputs): ReadonlyMap<string, string> =>
  new Map([
    ...inputs.map(({ path, sha256 }) => [path, sha256] as const),
    ...(base ? [[base.id, baseDigest(base)] as const] : []),
  ]);

/** The texts of the files that record a run's inputs, by name; none where there are no inputs. */
export const inputTexts = ({ inputs, base }: RunInputs): ReadonlyMap<string, string> =>
  new Map([
    ...(base ? [[BASE, jsonText(base)] as const] : []),
    ...(inputs.length > 0 ? [[INPUTS, jsonText(inputs)] as const] : []),
  ]);

const sha256 = v.pipe(v.string(), v.regex(/^[0-9a-f]{64}$/));
const inputsSchema = v.array(v.strictObject({ path: v.string(), size: whole, sha256 }));
const baseSchema = v.strictObject({ id: v.string(), files: v.record(v.string(), sha256) });

/**
 * Reads what a run's folder records of its inputs.
 *
 * @param read The text of a file of the folder; undefined if there is none.
 * @param where The folder in messages, with `/` at its end; empty for bare names.
 * @throws FormatError naming file and field.
 */
export async function readInputs(
  read: (name: string) => Promise<string | undefined>,
  where = '',
): Promise<RunInputs> {
  const parsed = async <Schema extends v.GenericSchema>(
    name: string,
    schema: Schema,
  ): Promise<v.InferOutput<Schema> | undefined> => {
    const text = await read(name);
    if (text === undefined) return undefined;
    const found = v.safeParse(schema, parseJson(text, where + name), { abortEarly: true });
    if (found.success) return found.output;
    throw new FormatError(`${where}${name}: ${issueText(found.issues[0])}`);
  };
  const base = await parsed(BASE, baseSchema);
  return { inputs: (await parsed(INPUTS, inputsSchema)) ?? [], base };
}
