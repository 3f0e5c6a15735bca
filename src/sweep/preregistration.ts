import * as v from 'valibot';
import { issueText } from '../config-issue.ts';
import { digestOf } from '../formats/digest.ts';
import { FormatError } from '../formats/format-error.ts';
import { parseJson, shorten } from '../formats/json.ts';
import type { MethodName } from '../selection/methods.ts';
import { methodName } from '../selection/name-schema.ts';

/** Where two methods are compared. */
export type Place =
  | { readonly update: number }
  /** A data epoch of each method's own prompts. */
  | { readonly epoch: number }
  /** Samples before the read-outs, those of selections included. */
  | { readonly totalSamples: number }
  /** The largest number of total samples at which every seed has a read-out of both. */
  | { readonly equal: 'totalSamples' }
  /** The mean accuracy from the base to this read-out: the area under the curve over its length. */
  | { readonly areaTo: number };

/** Values of settings, by the dotted paths of the settings in a config. */
export type Where = Readonly<Record<string, string | number | boolean>>;

/** A comparison that was fixed before its results: the accuracy of `one` minus that of `other`. */
export interface RegisteredContrast {
  readonly name: string;
  readonly one: MethodName;
  readonly other: MethodName;
  readonly where: Where;
  readonly at: Place;
}

/** What was fixed before the first seed of a sweep. */
export interface Preregistration {
  readonly schema: 1;
  readonly title: string;
  /** The chance of any false rejection among all contrasts. */
  readonly alpha: number;
  /** Differences within ± this much count as none. */
  readonly equivalence: number;
  readonly seeds: readonly number[];
  readonly contrasts: readonly RegisteredContrast[];
  /** SHA-256 of the file's bytes, in hex. */
  readonly sha256: string;
}

/** Most bytes of a file. */
const MOST_BYTES = 1 << 20;

const text = v.pipe(v.string(), v.minLength(1), v.maxLength(200));
const whole = v.pipe(v.number(), v.safeInteger(), v.minValue(1));
const setting = v.union([v.string(), v.boolean(), v.pipe(v.number(), v.finite())]);
const schema = v.strictObject({
  schema: v.literal(1),
  title: text,
  alpha: v.pipe(v.number(), v.gtValue(0), v.maxValue(0.5)),
  equivalence: v.pipe(v.number(), v.gtValue(0), v.ltValue(1)),
  seeds: v.pipe(
    v.array(v.pipe(v.number(), v.integer(), v.minValue(0), v.maxValue(0xffff_ffff))),
    v.minLength(2),
    v.maxLength(10_000),
  ),
  contrasts: v.pipe(
    v.array(
      v.strictObject({
        name: text,
        one: methodName,
        other: methodName,
        where: v.record(v.string(), setting),
        at: v.union([
          v.strictObject({ update: whole }),
          v.strictObject({ epoch: whole }),
          v.strictObject({ totalSamples: whole }),
          v.strictObject({ equal: v.literal('totalSamples') }),
          v.strictObject({ areaTo: whole }),
        ]),
      }),
    ),
    v.minLength(1),
    v.maxLength(100),
  ),
});

/**
 * Reads a pre-registration.
 *
 * @param where The file, for messages.
 * @throws FormatError naming the field at fault.
 */
export function parsePreregistration(bytes: Uint8Array, where: string): Preregistration {
  const fail = (why: string): never => {
    throw new FormatError(`${where}: ${why}`);
  };
  if (bytes.length > MOST_BYTES) {
    fail(`${bytes.length} bytes, more than the ${MOST_BYTES} of a pre-registration`);
  }
  const parsed = v.safeParse(schema, parseJson(utf8(bytes) ?? fail('is no UTF-8'), where), {
    abortEarly: true,
  });
  if (!parsed.success) return fail(issueText(parsed.issues[0]));
  const { seeds, contrasts } = parsed.output;
  const seed = seeds.find((one, i) => seeds.indexOf(one) !== i);
  if (seed !== undefined) fail(`seeds: ${seed} is given twice`);
  for (const [i, { name, one, other }] of contrasts.entries()) {
    if (contrasts.findIndex((contrast) => contrast.name === name) !== i) {
      fail(`contrasts.${i}.name: '${shorten(name)}' is given twice`);
    }
    if (one === other) fail(`contrasts.${i}: ${shorten(one)} is compared with itself`);
  }
  return { ...parsed.output, sha256: digestOf(bytes) };
}

function utf8(bytes: Uint8Array): string | undefined {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    return undefined;
  }
}
