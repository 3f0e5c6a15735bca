// What a hub says of a model, and which of its files are wanted.
import * as v from 'valibot';
import { ModelIdError } from './model-id.ts';

/** A file of a model. Its content is known by one of two digests. */
export interface HubFile {
  readonly name: string;
  readonly size: number;
  readonly digest:
    | { readonly kind: 'sha256'; readonly hex: string }
    /** Of git: the SHA-1 of `blob SIZE\0` and the content. */
    | { readonly kind: 'git-sha1'; readonly hex: string };
}

/** A model at a commit. */
export interface HubModel {
  readonly repo: string;
  readonly commit: string;
  /** As the hub names it; undefined where it names none. */
  readonly licence: string | undefined;
  /** Config, tokenizer and templates. */
  readonly small: readonly HubFile[];
  /** The weights, and their index. */
  readonly weights: readonly HubFile[];
}

const size = v.pipe(v.number(), v.integer(), v.minValue(0), v.maxValue(2 ** 44));
const sha1 = v.pipe(v.string(), v.regex(/^[0-9a-f]{40}$/));
const sha256 = v.pipe(v.string(), v.regex(/^[0-9a-f]{64}$/));

/** What is read of the answer to `/api/models/ORG/NAME/revision/REVISION?blobs=true`. */
export const listingSchema = v.object({
  sha: sha1,
  tags: v.optional(v.array(v.string()), []),
  cardData: v.nullish(v.object({ license: v.nullish(v.union([v.string(), v.array(v.string())])) })),
  siblings: v.pipe(
    v.array(
      v.object({
        rfilename: v.string(),
        size: v.optional(size),
        blobId: v.optional(sha1),
        lfs: v.nullish(v.object({ sha256, size })),
      }),
    ),
    v.maxLength(100_000),
  ),
});

export type Listing = v.InferOutput<typeof listingSchema>;

/** Names of files that are read of a model: bare, and of kinds that carry no code that runs. */
const allowed = /^[A-Za-z0-9_][A-Za-z0-9._-]{0,127}\.(?:safetensors|json|jinja|txt)$/;
const MOST_SMALL = 64 * 2 ** 20;

const WHOLE = 'model.safetensors';
const INDEX = 'model.safetensors.index.json';
const shard = /^model-\d{1,6}-of-\d{1,6}\.safetensors$/;

/**
 * The files of a model that are wanted, of those that the hub has: what loads it, in one place.
 *
 * @throws ModelIdError where there is no config, or there are no weights in safetensors.
 */
export function modelOf(id: string, repo: string, listing: Listing): HubModel {
  const files = listing.siblings
    .filter(({ rfilename }) => allowed.test(rfilename))
    .map((sibling): HubFile => {
      const { rfilename: name, lfs, blobId } = sibling;
      if (lfs) return { name, size: lfs.size, digest: { kind: 'sha256', hex: lfs.sha256 } };
      if (sibling.size === undefined || blobId === undefined) {
        throw new ModelIdError(`${id}: the hub tells no size or no digest of ${name}`);
      }
      return { name, size: sibling.size, digest: { kind: 'git-sha1', hex: blobId } };
    });
  const isWeights = ({ name }: HubFile): boolean => name.endsWith('.safetensors');
  const index = files.find(({ name }) => name === INDEX);
  const tensors = files.filter(({ name }) => (index ? shard.test(name) : name === WHOLE));
  if (!files.some(({ name }) => name === 'config.json')) {
    throw new ModelIdError(`${id}: it has no config.json`);
  }
  if (tensors.length === 0) {
    const others = listing.siblings.find(({ rfilename }) => /\.(?:bin|pth?|gguf)$/.test(rfilename));
    throw new ModelIdError(
      `${id}: it has no ${WHOLE}${others ? `; ${others.rfilename.slice(0, 100)} is not read` : ''}`,
    );
  }
  const small = files.filter((file) => !isWeights(file) && file !== index);
  for (const { name, size: bytes } of [...small, ...(index ? [index] : [])]) {
    if (bytes > MOST_SMALL) {
      throw new ModelIdError(`${id}: ${name} has ${bytes} bytes, more than ${MOST_SMALL}`);
    }
  }
  return {
    repo,
    commit: listing.sha,
    licence: licenceOf(listing),
    small,
    weights: index ? [index, ...tensors] : tensors,
  };
}

function licenceOf({ cardData, tags }: Listing): string | undefined {
  const named = [cardData?.license ?? []].flat();
  const tagged = tags.flatMap((tag) => /^license:(.+)$/.exec(tag)?.[1] ?? []);
  const all = named.length > 0 ? named : tagged;
  return all.length > 0 ? all.join(', ').slice(0, 200) : undefined;
}
