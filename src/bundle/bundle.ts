// A bundle: the files of a finished run in one zip, `NAME.limr`, with a list of them and their digests.
// docs/bundles.md describes the format. A bundle is hostile until it is read: nothing of it runs, and no
// path of it leads anywhere.
import { unzipSync, Zip, ZipDeflate, ZipPassThrough } from 'fflate';
import * as v from 'valibot';
import { issueText } from '../config-issue.ts';
import { type ByteSource, readAll } from '../formats/byte-source.ts';
import { createDigest, digestOf } from '../formats/digest.ts';
import { FormatError } from '../formats/format-error.ts';
import { jsonText, parseJson, shorten } from '../formats/json.ts';

/** The list of a bundle's files, in the bundle. */
export const BUNDLE_LIST = 'limr.json';

/** Largest bundle that is read, in bytes. */
const MOST_BUNDLE_BYTES = 2 ** 30;
/** Largest file in a bundle, and all files together, in bytes. */
const MOST_FILE_BYTES = 2 ** 30;
const MOST_BYTES = 2 ** 32;
const MOST_FILES = 5000;
/** A file above so many bytes may not be so many times larger than its compressed form. */
const RATIO_FROM = 2 ** 20;
const MOST_RATIO = 300;

/** Files of a run, but for weights. */
const plainFile = new RegExp(
  [
    '^(?:config|inputs|base|left-out|results|label)\\.json$',
    '^(?:metrics|events)\\.jsonl$',
    '^scores(?:-seed-\\d+)?\\.json$',
    '^rewards(?:-seed-\\d+)?\\.safetensors$',
    '^subsets/[\\w-]+\\.json$',
    '^online/[\\w-]+\\.safetensors$',
    '^completions/[\\w-]+\\.jsonl$',
  ].join('|'),
);
/** Weights in the layouts of PEFT and of Hugging Face, without what a model could be told to run. */
const weightsFile =
  /^(?:adapter|model)[\w-]*\/(?:adapter_config\.json|adapter_model\.safetensors|config\.json|generation_config\.json|model\.safetensors|critic\.safetensors|tokenizer\.json)$/;

/** A name of hostile origin in a message. */
const quoted = (name: string): string => shorten(JSON.stringify(name));

/** What a path in a run's folder is in a bundle; undefined for what no bundle has. */
export const bundledAs = (path: string): 'plain' | 'weights' | undefined =>
  plainFile.test(path) ? 'plain' : weightsFile.test(path) ? 'weights' : undefined;

/** A file that goes into a bundle. */
export interface BundlePart {
  /** In the run's folder; `bundledAs` knows it. */
  readonly path: string;
  /** The file's bytes, in pieces. */
  readonly pieces: () => AsyncIterable<Uint8Array>;
}

/** Zip has no time zones and no day before this one: equal files give equal bundles. */
const NO_TIME = new Date(1980, 0, 1);

/**
 * The bytes of a bundle, piece by piece: equal files give equal bytes.
 *
 * @throws FormatError for a path that no bundle has, or that comes twice; for more bytes than are read.
 */
export async function* bundleOf(
  parts: readonly BundlePart[],
): AsyncGenerator<Uint8Array, void, void> {
  const waiting: Uint8Array[] = [];
  let failure: Error | undefined;
  const zip = new Zip((error, piece) => {
    // It is null where there is none, whatever its type says.
    if ((error as Error | null) !== null) failure = error as Error;
    else waiting.push(piece);
  });
  let made = 0;
  const drained = (): Uint8Array[] => {
    if (failure) throw failure;
    made += waiting.reduce((sum, { length }) => sum + length, 0);
    if (made > MOST_BUNDLE_BYTES) {
      throw new FormatError(`a bundle of more than ${MOST_BUNDLE_BYTES} bytes cannot be opened`);
    }
    return waiting.splice(0);
  };
  async function* packed(
    path: string,
    pieces: AsyncIterable<Uint8Array> | Iterable<Uint8Array>,
    stored: boolean,
  ): AsyncGenerator<Uint8Array, { readonly bytes: number; readonly sha256: string }, void> {
    const file = stored ? new ZipPassThrough(path) : new ZipDeflate(path, { level: 6 });
    file.mtime = NO_TIME;
    zip.add(file);
    const digest = createDigest();
    let bytes = 0;
    for await (const piece of pieces) {
      digest.update(piece);
      bytes += piece.length;
      if (bytes > MOST_FILE_BYTES) {
        throw new FormatError(
          `${path}: more than the ${MOST_FILE_BYTES} bytes that a bundle holds`,
        );
      }
      // The stream keeps what it is given, and whoever gave it may use it again.
      file.push(piece.slice(), false);
      yield* drained();
    }
    file.push(new Uint8Array(0), true);
    yield* drained();
    return { bytes, sha256: digest.hex() };
  }
  const files: Record<string, { bytes: number; sha256: string }> = {};
  const sorted = [...parts].sort((a, b) => (a.path < b.path ? -1 : Number(a.path > b.path)));
  for (const { path, pieces } of sorted) {
    const kind = bundledAs(path);
    if (!kind) throw new FormatError(`${quoted(path)}: is no file of a bundle`);
    if (Object.hasOwn(files, path)) throw new FormatError(`${path}: is given twice`);
    files[path] = yield* packed(path, pieces(), kind === 'weights');
  }
  yield* packed(BUNDLE_LIST, [new TextEncoder().encode(jsonText({ limr: 1, files }))], false);
  zip.end();
  yield* drained();
}

const whole = v.pipe(v.number(), v.integer(), v.minValue(0));
const listSchema = v.strictObject({
  limr: v.literal(1),
  files: v.record(
    v.string(),
    v.strictObject({ bytes: whole, sha256: v.pipe(v.string(), v.regex(/^[0-9a-f]{64}$/)) }),
  ),
});

/** Whether a file begins as a bundle does. */
export async function isBundle(source: ByteSource): Promise<boolean> {
  const [p, k, three, four] = await source.slice(0, Math.min(4, source.size));
  return p === 0x50 && k === 0x4b && three === 3 && four === 4;
}

/** A bundle whose list is read and whose files are read one at a time. */
export class Bundle {
  readonly name: string;
  /** Paths of its files, sorted, without the list. */
  readonly paths: readonly string[];
  readonly #bytes: Uint8Array;
  readonly #list: v.InferOutput<typeof listSchema>['files'];

  private constructor(
    name: string,
    bytes: Uint8Array,
    list: v.InferOutput<typeof listSchema>['files'],
  ) {
    this.name = name;
    this.#bytes = bytes;
    this.#list = list;
    this.paths = Object.keys(list).sort();
  }

  /**
   * Looks through a bundle. Of its files only the list is unpacked.
   *
   * @throws FormatError naming the bundle and the file in it that is at fault.
   */
  static async open(source: ByteSource): Promise<Bundle> {
    const { name } = source;
    if (!(await isBundle(source))) throw new FormatError(`${name}: is no bundle`);
    const bytes = await readAll(source, MOST_BUNDLE_BYTES);
    const found = new Map<string, number>();
    let total = 0;
    zipEntries(name, bytes, (file) => {
      const path = quoted(file.name);
      const refuse = (why: string): never => {
        throw new FormatError(`${name}: ${path}: ${why}`);
      };
      if (file.name !== BUNDLE_LIST && !bundledAs(file.name)) refuse('is no file of a bundle');
      if (found.has(file.name.toLowerCase())) refuse('is in it twice');
      if (found.size >= MOST_FILES) refuse(`is one of more than ${MOST_FILES} files`);
      if (!(file.originalSize <= MOST_FILE_BYTES)) {
        refuse(`${file.originalSize} bytes, more than the ${MOST_FILE_BYTES} allowed`);
      }
      if (file.originalSize > RATIO_FROM && file.originalSize > MOST_RATIO * file.size) {
        refuse(`unpacks to more than ${MOST_RATIO} times its size`);
      }
      total += file.originalSize;
      if (total > MOST_BYTES) refuse(`brings all files to more than ${MOST_BYTES} bytes`);
      found.set(file.name.toLowerCase(), file.originalSize);
      return false;
    });
    const text = zipEntries(name, bytes, (file) => file.name === BUNDLE_LIST)[BUNDLE_LIST];
    if (!text)
      throw new FormatError(`${name}: holds no ${BUNDLE_LIST}, so it is no bundle of a run`);
    const where = `${name}: ${BUNDLE_LIST}`;
    const parsed = v.safeParse(listSchema, parseJson(utf8(text, where), where), {
      abortEarly: true,
    });
    if (!parsed.success) throw new FormatError(`${where}: ${issueText(parsed.issues[0])}`);
    const { files } = parsed.output;
    for (const [path, { bytes: size }] of Object.entries(files)) {
      if (found.get(path.toLowerCase()) === size) continue;
      throw new FormatError(`${name}: ${quoted(path)}: is damaged or missing`);
    }
    if (Object.keys(files).length !== found.size - 1) {
      throw new FormatError(`${where}: does not list every file of it`);
    }
    return new Bundle(name, bytes, files);
  }

  /** Bytes of a file; undefined if the bundle lacks it. */
  size(path: string): number | undefined {
    return Object.hasOwn(this.#list, path) ? this.#list[path]?.bytes : undefined;
  }

  /** A file; undefined if the bundle lacks it. @throws FormatError if the file is damaged. */
  read(path: string): Uint8Array | undefined {
    const known = Object.hasOwn(this.#list, path) ? this.#list[path] : undefined;
    if (!known) return undefined;
    const found = zipEntries(this.name, this.#bytes, (file) => file.name === path)[path];
    if (found?.length === known.bytes && digestOf(found) === known.sha256) return found;
    throw new FormatError(`${this.name}: ${path}: is damaged`);
  }

  /** As `read`, a text. */
  readText(path: string): string | undefined {
    const bytes = this.read(path);
    return bytes && utf8(bytes, `${this.name}: ${path}`);
  }
}

type ZipFilter = (file: {
  readonly name: string;
  readonly size: number;
  readonly originalSize: number;
}) => boolean;

/** Unpacked files that a filter takes. @throws FormatError for what is no zip, and what the filter throws. */
function zipEntries(
  name: string,
  bytes: Uint8Array,
  filter: ZipFilter,
): Record<string, Uint8Array> {
  try {
    return unzipSync(bytes, { filter });
  } catch (error) {
    if (error instanceof FormatError) throw error;
    const why = error instanceof Error ? error.message : String(error);
    throw new FormatError(`${name}: not readable as a zip: ${why}`);
  }
}

function utf8(bytes: Uint8Array, where: string): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    throw new FormatError(`${where}: not UTF-8 text`);
  }
}
