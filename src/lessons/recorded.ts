// What the lessons of the page show and the recording of a run does not hold: one JSON file, made by
// `npm run record-lessons`.
import * as v from 'valibot';
import { issueText } from '../config-issue.ts';
import { FormatError } from '../formats/format-error.ts';
import { parseJson } from '../formats/json.ts';

const number = v.pipe(v.number(), v.finite());
const whole = v.pipe(number, v.integer(), v.minValue(0));
const share = v.pipe(number, v.minValue(0), v.maxValue(1));
const bit = v.pipe(
  v.picklist([0, 1]),
  v.transform((value) => value === 1),
);

const prompt = v.object({
  text: v.string(),
  key: v.exactOptional(v.string()),
  /** The right answer, where the key is wrong on purpose. */
  truth: v.exactOptional(v.string()),
});

/** A token of an update: its ratio after the update, its advantage in it, whether the clip held it. */
const clipToken = v.pipe(
  v.tuple([v.string(), v.pipe(number, v.minValue(0)), number, bit]),
  v.transform(([text, ratio, advantage, held]) => ({ text, ratio, advantage, held })),
);

/** A token of a response: value before it, its reward, and its whitened advantage. */
const creditToken = v.pipe(
  v.tuple([v.string(), number, number, number]),
  v.transform(([text, value, reward, advantage]) => ({ text, value, reward, advantage })),
);

const nextToken = v.pipe(
  v.tuple([v.string(), share]),
  v.transform(([text, plain]) => ({ text, plain })),
);

const klUpdate = v.pipe(
  v.tuple([number, number, number]),
  v.transform(([kl, reward, entropy]) => ({ kl, reward, entropy })),
);

const schema = v.object({
  schema: v.literal(1),
  adapter: v.string(),
  host: v.string(),
  date: v.pipe(v.string(), v.isoDate()),
  commit: v.pipe(v.string(), v.regex(/^[0-9a-f]{7,40}$/)),
  preset: v.string(),
  seed: whole,
  /** By their places in the pool. */
  prompts: v.record(v.string(), prompt),
  clip: v.object({
    update: whole,
    clip: share,
    tokens: v.pipe(v.array(clipToken), v.minLength(1)),
  }),
  credit: v.object({
    update: whole,
    gamma: share,
    gaeLambda: share,
    responses: v.pipe(
      v.array(
        v.object({
          kind: v.picklist(['right', 'slip', 'malformed', 'wrong-key']),
          place: whole,
          reward: number,
          tokens: v.pipe(v.array(creditToken), v.minLength(1)),
        }),
      ),
      v.minLength(1),
    ),
  }),
  /** Distributions of the first token of a response, at temperature 1. */
  next: v.pipe(
    v.array(
      v.object({
        place: whole,
        weights: v.picklist(['base', 'full']),
        tokens: v.pipe(v.array(nextToken), v.minLength(1)),
        rest: number,
      }),
    ),
    v.minLength(1),
  ),
  /** FULL with other coefficients of the KL penalty. */
  kl: v.pipe(
    v.array(
      v.object({
        /** Of the preset's coefficient. */
        multiple: number,
        klCoef: number,
        /** One of each update: KL in nats a token, mean reward, entropy in nats. */
        updates: v.pipe(v.array(klUpdate), v.minLength(1)),
        /** Update, and the share of greedy answers to held-out problems that is right. */
        accuracy: v.array(v.tuple([whole, share])),
        /** The same share of the base. */
        base: share,
      }),
    ),
    v.minLength(1),
  ),
});

export type RecordedLessons = v.InferOutput<typeof schema>;

/** What a response can teach about credit. */
export type CreditKind = RecordedLessons['credit']['responses'][number]['kind'];

/** The kind of a response, by its verdict and by whether the key of its prompt is wrong on purpose. */
export const creditKind = (
  { correct, formatted }: { readonly correct: boolean; readonly formatted: boolean },
  wrongKey: boolean,
): CreditKind => (!formatted ? 'malformed' : wrongKey ? 'wrong-key' : correct ? 'right' : 'slip');

/**
 * Reads the file of the lessons.
 *
 * @param where Name of the file, for messages.
 * @throws FormatError naming the file and the field, also for a prompt that is not in the file.
 */
export function readLessons(text: string, where: string): RecordedLessons {
  const result = v.safeParse(schema, parseJson(text, where), { abortEarly: true });
  if (!result.success) throw new FormatError(`${where}: ${issueText(result.issues[0])}`);
  const { output } = result;
  for (const { place } of [...output.credit.responses, ...output.next]) {
    if (!Object.hasOwn(output.prompts, String(place))) {
      throw new FormatError(`${where}: prompts has no ${place}`);
    }
  }
  return output;
}
