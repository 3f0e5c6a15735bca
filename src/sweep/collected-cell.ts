// One file for each cell, small enough to be committed: its results, and its matrix, scores and
// selections in few characters. Equal cells give equal bytes.
import * as v from 'valibot';
import { issueText } from '../config-issue.ts';
import { FormatError } from '../formats/format-error.ts';
import { isRecord, parseJson } from '../formats/json.ts';
import type { ExperimentResults } from '../results.ts';
import { whole } from '../results-schema.ts';
import { parseResults } from '../run-folder/finished-run.ts';
import { isMethodName, methodEntries, type MethodName } from '../selection/methods.ts';
import type { Origin } from '../tasks/task.ts';
import type { SweepCell, SweepPass } from './folder.ts';

/** Digits of packed numbers. */
const DIGITS = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/';
const origins: readonly Origin[] = ['easy', 'learnable', 'hard'];
/** Files of schema 1 have mean rewards too, which nothing reads, and no packing of three places. */
const SCHEMA = 2;
/** Most numbers of a matrix. */
const MOST_NUMBERS = 2 ** 26;

/**
 * Numbers of few different values: the values in ascending order, null for NaN, and for each number the
 * place of its value. A place has `width` digits of 6 bits, the lowest first; at width 2/3, for up to 16
 * values, three places of 4 bits have two digits, the first place lowest.
 */
interface Packed {
  readonly values: readonly (number | null)[];
  /** Whether values are the shortest decimals of f32 numbers, and are to be rounded to f32. */
  readonly single?: true;
  readonly width: number | '2/3';
  readonly places: string;
}

/** Digits of a whole number, the lowest first. */
const digitsOf = (number: number, width: number): string =>
  Array.from({ length: width }, (_, i) => DIGITS[Math.floor(number / 64 ** i) % 64]).join('');

/** The number that digits from a place on stand for. */
function numberAt(text: string, at: number, width: number): number {
  let number = 0;
  for (let digit = width - 1; digit >= 0; digit--) {
    number = number * 64 + DIGITS.indexOf(text[at + digit] ?? '');
  }
  return number;
}

/** The fewest decimal digits that round to a number of f32. */
function shortest(single: number): number {
  for (let digits = 1; digits < 9; digits++) {
    const rounded = Number(single.toPrecision(digits));
    if (Math.fround(rounded) === single) return rounded;
  }
  return Number(single.toPrecision(9));
}

function pack(numbers: Float32Array | Float64Array): Packed {
  const values = [...new Set(numbers)].sort((a, b) =>
    Number.isNaN(a) ? 1 : Number.isNaN(b) ? -1 : a - b,
  );
  const place = new Map(values.map((value, i) => [value, i]));
  const single = values.every((value) => Number.isNaN(value) || Math.fround(value) === value);
  const places = Array.from(numbers, (value) => place.get(value) ?? 0);
  const width = values.length <= 16 ? '2/3' : values.length <= 64 ** 2 ? 2 : 5;
  const texts =
    width === '2/3'
      ? places.map((first, i) =>
          i % 3 === 0
            ? digitsOf(first + 16 * (places[i + 1] ?? 0) + 256 * (places[i + 2] ?? 0), 2)
            : '',
        )
      : places.map((one) => digitsOf(one, width));
  return {
    values: values.map((value) => (Number.isNaN(value) ? null : single ? shortest(value) : value)),
    ...(single ? { single } : {}),
    width,
    places: texts.join(''),
  };
}

/** @throws RangeError if the text is not what `pack` makes of `length` numbers. */
function unpack({ values, single, width, places }: Packed, length: number): Float64Array {
  const wanted = width === '2/3' ? 2 * Math.ceil(length / 3) : length * width;
  if (places.length !== wanted) {
    throw new RangeError(`holds ${places.length} digits, not ${wanted} of ${length} numbers`);
  }
  return Float64Array.from({ length }, (_, i) => {
    const place =
      width === '2/3'
        ? (numberAt(places, 2 * Math.floor(i / 3), 2) >> (4 * (i % 3))) % 16
        : numberAt(places, i * width, width);
    const value = values[place];
    if (value === undefined) throw new RangeError(`number ${i} has no value`);
    if (value === null) return NaN;
    return single ? Math.fround(value) : value;
  });
}

const isAscending = (places: readonly number[]): boolean =>
  places.every((place, i) => i === 0 || place > (places[i - 1] ?? -1));

/** Places as flags, four in a hexadecimal digit, the first highest; as a list out of order. */
function packPlaces(places: readonly number[], prompts: number): string | readonly number[] {
  if (!isAscending(places)) return places;
  const kept = new Set(places);
  return Array.from({ length: Math.ceil(prompts / 4) }, (_, i) =>
    [0, 1, 2, 3].reduce((sum, bit) => sum * 2 + (kept.has(i * 4 + bit) ? 1 : 0), 0).toString(16),
  ).join('');
}

/** @throws RangeError if a place is none of the pool's. */
function unpackPlaces(packed: string | readonly number[], prompts: number): number[] {
  const places =
    typeof packed !== 'string'
      ? [...packed]
      : Array.from(packed).flatMap((digit, i) =>
          [0, 1, 2, 3].flatMap((bit) =>
            (Number.parseInt(digit, 16) >> (3 - bit)) & 1 ? [i * 4 + bit] : [],
          ),
        );
  const stranger = places.find((place) => place >= prompts);
  if (stranger !== undefined) throw new RangeError(`prompt ${stranger} of ${prompts}`);
  return places;
}

/** The text of a cell's file. */
export async function collectedCellText({ results, pass }: SweepCell): Promise<string> {
  const { prompts, epochs, accuracy, scores, ...rest } = await pass();
  const flagged = rest.wrongKeys?.flatMap((wrong, i) => (wrong ? [i] : []));
  const packed = {
    prompts,
    epochs,
    accuracy: pack(accuracy),
    scores: pack(scores),
    ...(rest.origins ? { origins: rest.origins.map((one) => origins.indexOf(one)).join('') } : {}),
    ...(flagged ? { wrongKeys: packPlaces(flagged, prompts) } : {}),
    selections: Object.fromEntries(
      methodEntries(rest.selections).map(([method, of]) => [method, packPlaces(of, prompts)]),
    ),
  };
  return `${JSON.stringify({ schema: SCHEMA, results, pass: packed })}\n`;
}

const digits = v.pipe(v.string(), v.regex(/^[\w+/]*$/));
const packedSchema = v.object({
  values: v.array(v.nullable(v.number())),
  single: v.exactOptional(v.literal(true)),
  width: v.picklist(['2/3', 1, 2, 5]),
  places: digits,
});
const placesSchema = v.union([v.pipe(v.string(), v.regex(/^[0-9a-f]*$/)), v.array(whole)]);
const passSchema = v.pipe(
  v.object({
    prompts: v.pipe(whole, v.minValue(1)),
    epochs: v.pipe(whole, v.minValue(1)),
    accuracy: packedSchema,
    scores: packedSchema,
    origins: v.exactOptional(v.pipe(v.string(), v.regex(/^[0-2]*$/))),
    wrongKeys: v.exactOptional(placesSchema),
    selections: v.record(v.string(), placesSchema),
  }),
  v.check(({ prompts, epochs }) => prompts * epochs <= MOST_NUMBERS, 'is too large'),
);

/**
 * Parses a cell's file. The pass is unpacked when asked for.
 *
 * @throws FormatError or ConfigError naming file and field.
 */
export function parseCollectedCell(
  text: string,
  where: string,
): { readonly results: ExperimentResults; readonly pass: () => SweepPass } {
  const value = parseJson(text, where);
  if (!isRecord(value) || !(value['schema'] === 1 || value['schema'] === SCHEMA)) {
    throw new FormatError(`${where}: schema: only 1 and ${SCHEMA} are known to this version`);
  }
  const results = parseResults({ text: JSON.stringify(value['results'] ?? null), where });
  const parsed = v.safeParse(passSchema, value['pass'], { abortEarly: true });
  if (!parsed.success) throw new FormatError(`${where}: pass: ${issueText(parsed.issues[0])}`);
  const packed = parsed.output;
  return { results, pass: () => unpackPass(packed, where) };
}

function unpackPass(packed: v.InferOutput<typeof passSchema>, where: string): SweepPass {
  const { prompts, epochs } = packed;
  const named = <Result>(field: string, read: () => Result): Result => {
    try {
      return read();
    } catch (cause) {
      if (!(cause instanceof RangeError)) throw cause;
      throw new FormatError(`${where}: pass.${field}: ${cause.message}`, { cause });
    }
  };
  const selections: Partial<Record<MethodName, number[]>> = {};
  for (const [method, places] of Object.entries(packed.selections)) {
    const field = `selections.${method.slice(0, 100)}`;
    if (!isMethodName(method)) throw new FormatError(`${where}: pass.${field}: is no method`);
    selections[method] = named(field, () => unpackPlaces(places, prompts));
  }
  const { origins: kinds, wrongKeys } = packed;
  if (kinds !== undefined && kinds.length !== prompts) {
    throw new FormatError(`${where}: pass.origins: must hold a digit for each prompt`);
  }
  const wrong = wrongKeys && new Set(named('wrongKeys', () => unpackPlaces(wrongKeys, prompts)));
  return {
    prompts,
    epochs,
    accuracy: named('accuracy', () => Float32Array.from(unpack(packed.accuracy, prompts * epochs))),
    scores: named('scores', () => unpack(packed.scores, prompts)),
    ...(kinds === undefined
      ? {}
      : { origins: Array.from(kinds, (digit) => origins[Number(digit)] ?? 'easy') }),
    ...(wrong && { wrongKeys: Array.from({ length: prompts }, (_, i) => wrong.has(i)) }),
    selections,
  };
}
