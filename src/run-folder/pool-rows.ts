// Rows of `scores.json` and of subsets, which name a prompt of a pool. In a run on a made-up task,
// `id` is the prompt's place in the pool. In a run on the user's prompts, `index` is the place, and
// `id` is what the prompt's row says, if it says one: other programs find the row by it.
import * as v from 'valibot';
import { whole } from '../results-schema.ts';

/** The fields of a row that name its prompt. */
export const nameFields = {
  id: v.exactOptional(v.union([whole, v.string()])),
  index: v.exactOptional(whole),
};

type Named = v.InferOutput<v.ObjectSchema<typeof nameFields, undefined>>;

/** The place of a row's prompt; undefined if the row does not tell. */
export const placeOf = ({ id, index }: Named): number | undefined =>
  index ?? (typeof id === 'number' ? id : undefined);

/** The rows of a subset, as the places of their prompts. */
export const subsetPlaces = v.array(
  v.pipe(
    v.object(nameFields),
    v.check((row) => placeOf(row) !== undefined, 'has neither index nor a number as id'),
    v.transform((row) => placeOf(row) ?? NaN),
  ),
);

/**
 * The fields that name a prompt.
 *
 * @param row.id The id of the prompt's row in its file.
 * @param row.isOfFile Whether the prompt is a row of a file.
 */
export const namesOf = (
  place: number,
  { id, isOfFile }: { readonly id?: string | undefined; readonly isOfFile: boolean },
): { readonly id?: string | number; readonly index?: number } =>
  isOfFile ? { ...(id === undefined ? {} : { id }), index: place } : { id: place };
