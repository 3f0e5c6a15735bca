import * as v from 'valibot';
import { createDigest, digestOf } from '../formats/digest.ts';
import {
  float32Entry,
  int32Entry,
  parseSafetensorsHeader,
  SafetensorsError,
  safetensorsHeaderBytes,
  safetensorsPieces,
  safetensorsPrefixBytes,
  toFloat32,
  type SafetensorsEntry,
  type SafetensorsHeader,
} from '../formats/safetensors.ts';
import type { TrainableState } from '../optim/trainable.ts';
import type { PpoState } from '../ppo/trainer.ts';
import { DamageError } from './appended-file.ts';
import type { HostMatrix } from './reward-matrix.ts';
import type { FileMark } from '../results.ts';
import {
  checkpointFile,
  CHECKPOINTS,
  isCheckpointFile,
  isLeftOver,
  LATEST,
  PREVIOUS,
} from '../run-folder/names.ts';
import { PathError, runPath, type RunStore } from './run-store.ts';

/** A checkpoint cannot be used: it is damaged, absent, or of another config, seeds or version. */
export class CheckpointError extends Error {
  override readonly name = 'CheckpointError';
}

/** A checkpoint could not be written. The run ends and can continue from the checkpoint before. */
export class CheckpointWriteError extends Error {
  override readonly name = 'CheckpointWriteError';
}

/**
 * Everything that a run needs to continue bit for bit, except its growing files; see
 * `FoundCheckpoint`.
 */
export interface Checkpoint {
  readonly configHash: string;
  readonly seeds: readonly number[];
  /** The adapter and the host that computed the checkpoint. Others may compute other bits. */
  readonly adapter: string;
  readonly host: string;
  /**
   * Plain data that its owner understands and checks. It must be small, as it is in the file's
   * header.
   */
  readonly progress: unknown;
  /** The base of a drawn model; empty during pre-training, and for a model that is given. */
  readonly base: ReadonlyMap<string, Float32Array>;
  /** `GivenModel.digest` of the model that the run starts from; undefined for a drawn model. */
  readonly baseDigest?: string | undefined;
  /** The unfinished base during pre-training. */
  readonly pretraining: TrainableState | null;
  readonly ppo: PpoState | null;
  readonly matrix: HostMatrix | null;
  /** The matrix of the online method under way; absent if the run has none. */
  readonly online?: HostMatrix | undefined;
}

/** A checkpoint that was read whole and unchanged. */
export interface FoundCheckpoint extends Checkpoint {
  readonly file: string;
  /** The marks of the run's other files: how much of each belongs to the checkpoint. */
  readonly files: ReadonlyMap<string, FileMark>;
  /**
   * 1: version 0.1.0, without digests, with the records of all updates in `progress`. 2: without an
   * event log, with all results in `progress`. 3: the current layout.
   */
  readonly layout: 1 | 2 | 3;
}

/** One checkpoint in the pointer. */
interface Entry {
  readonly file: string;
  /** Undefined if a version without digests wrote the pointer. */
  readonly mark: FileMark | undefined;
  readonly files: Readonly<Record<string, FileMark>>;
}

const KEPT = 2;
const checkpointPath = (name: string): string => `${CHECKPOINTS}/${name}`;
/** Bytes per read. */
const PIECE = 2 ** 24;

const filePath = v.pipe(v.string(), v.check(isCheckpointFile, 'is no checkpoint'));
const mark = v.object({
  bytes: v.pipe(v.number(), v.safeInteger(), v.minValue(0)),
  sha256: v.pipe(v.string(), v.regex(/^[0-9a-f]{64}$/)),
});
const filesSchema = v.record(v.string(), mark);
const entrySchema = v.object({ file: filePath, ...mark.entries, files: filesSchema });
const pointerSchema = v.object({
  schema: v.picklist([2, 3]),
  file: filePath,
  previous: v.nullable(filePath),
  checkpoints: v.pipe(v.array(entrySchema), v.minLength(1), v.maxLength(KEPT)),
  results: v.exactOptional(filesSchema),
});
/** The pointer of version 0.1.0. */
const firstPointerSchema = v.strictObject({ file: filePath, previous: v.nullable(filePath) });

/** The content of `latest.json`. */
interface Pointer {
  readonly entries: readonly Entry[];
  /** The marks of a finished run's files. */
  readonly results: ReadonlyMap<string, FileMark> | undefined;
}

function pointerText(
  entries: readonly Entry[],
  results?: Readonly<Record<string, FileMark>>,
): string {
  const value = {
    schema: 3,
    file: entries[0]?.file,
    previous: entries[1]?.file ?? null,
    checkpoints: entries.map(({ file, mark: own, files }) => ({ file, ...own, files })),
    ...(results ? { results } : {}),
  };
  return `${JSON.stringify({ ...value, digest: digestOf(JSON.stringify(value)) }, null, 1)}\n`;
}

/**
 * Parses a pointer. @throws DamageError if it is damaged, CheckpointError if a newer version wrote
 * it.
 */
function parsePointer(text: string, where: string): Pointer {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw new DamageError(`${where} is damaged: not JSON`);
  }
  if (typeof value !== 'object' || value === null) {
    throw new DamageError(`${where} is damaged: does not name a checkpoint file`);
  }
  const { schema } = value as { readonly schema?: unknown };
  if (schema === undefined) {
    const first = v.safeParse(firstPointerSchema, value);
    if (!first.success)
      throw new DamageError(`${where} is damaged: does not name a checkpoint file`);
    const { file, previous } = first.output;
    const files = previous === null ? [file] : [file, previous];
    return {
      entries: files.map((name) => ({ file: name, mark: undefined, files: {} })),
      results: undefined,
    };
  }
  const { digest, ...rest } = value as { readonly digest?: unknown };
  if (digest !== digestOf(JSON.stringify(rest))) {
    throw new DamageError(`${where} is damaged: its digest is not the one that was written`);
  }
  if (schema !== 2 && schema !== 3) {
    throw new CheckpointError(
      `${where}: schema ${JSON.stringify(schema)} is of another version of limr: go on with that one`,
    );
  }
  const parsed = v.safeParse(pointerSchema, rest);
  if (!parsed.success) throw new DamageError(`${where} is damaged: ${parsed.issues[0].message}`);
  const { checkpoints, results } = parsed.output;
  return {
    entries: checkpoints.map(({ file, bytes, sha256, files }) => ({
      file,
      mark: { bytes, sha256 },
      files,
    })),
    results: results && new Map(Object.entries(results)),
  };
}

async function readPointer(store: RunStore, where: string): Promise<Pointer | undefined> {
  const bytes = await store.read(where);
  return bytes && parsePointer(new TextDecoder().decode(bytes), where);
}

/**
 * The marks of a finished run's files; undefined if the run has not finished or kept no marks.
 *
 * @throws CheckpointError if the pointer with the marks is damaged.
 */
export async function resultMarks(
  store: RunStore,
): Promise<ReadonlyMap<string, FileMark> | undefined> {
  try {
    return (await readPointer(store, LATEST))?.results;
  } catch (cause) {
    if (!(cause instanceof DamageError)) throw cause;
    throw new CheckpointError(cause.message, { cause });
  }
}

/**
 * Describes the checkpoint that an ended run can continue from. It accompanies an error, so it
 * throws nothing.
 */
export async function lastCheckpointText(store: RunStore): Promise<string> {
  for (const where of [LATEST, PREVIOUS]) {
    const pointer = await readPointer(store, where).catch(() => undefined);
    const [newest] = pointer?.entries ?? [];
    if (newest) return `the last good checkpoint is ${newest.file}`;
  }
  return 'the run has no checkpoint yet';
}

/** Whether an error means a damaged file, and not a failure to read it. */
const isDamage = (error: unknown): error is Error =>
  error instanceof DamageError ||
  error instanceof SafetensorsError ||
  error instanceof PathError ||
  (error instanceof Error && (error.cause as NodeJS.ErrnoException | undefined)?.code === 'EIO');

/** The run that is to continue. */
interface RunIdentity {
  readonly configHash: string;
  readonly seeds: readonly number[];
}

/**
 * A run's newest two checkpoints, each with the marks of everything else that a resume reads. One
 * writer at a time.
 */
export class Checkpoints {
  readonly #store: RunStore;
  /** The kept checkpoints, newest first. */
  #kept: readonly Entry[] = [];

  constructor(store: RunStore) {
    this.#store = store;
  }

  /** The file that the run would continue from. */
  get newest(): string | undefined {
    return this.#kept[0]?.file;
  }

  /**
   * Writes a checkpoint: first the file, then the pointer to it. A crash at any point leaves the
   * previous checkpoint or the new one. No file is overwritten. Files that neither of the last two
   * pointers names are removed.
   *
   * @param name The name of the file.
   * @param files The marks of the run's other files that belong to the checkpoint.
   * @throws CheckpointWriteError with the reason, and with the checkpoint that the run still has.
   */
  async write(
    name: string,
    checkpoint: Checkpoint,
    files: Readonly<Record<string, FileMark>>,
  ): Promise<void> {
    try {
      const entry = await this.#writeFile(name, checkpoint, files);
      await this.#point([entry, ...this.#kept.slice(0, KEPT - 1)]);
    } catch (cause) {
      throw this.writeError(`the checkpoint ${name} could not be written`, cause);
    }
    try {
      await this.clear();
    } catch (cause) {
      throw this.writeError('older checkpoints could not be removed', cause);
    }
  }

  /** An error about the run's files, with its cause and with the last good checkpoint. */
  writeError(what: string, cause: unknown): CheckpointWriteError {
    if (cause instanceof CheckpointWriteError) return cause;
    const why = cause instanceof Error ? cause.message : String(cause);
    const last =
      this.newest === undefined
        ? 'the run has no checkpoint yet'
        : `the last good one is ${this.newest}, and the run goes on from there`;
    return new CheckpointWriteError(`${what}: ${why}; ${last}`, { cause });
  }

  /** Adds the marks of a finished run's files to the pointer. The caller writes the files next. */
  async finish(results: Readonly<Record<string, FileMark>>): Promise<void> {
    if (this.#kept.length > 0) {
      await this.#store.write(LATEST, pointerText(this.#kept, results));
    }
  }

  async #writeFile(
    name: string,
    checkpoint: Checkpoint,
    files: Readonly<Record<string, FileMark>>,
  ): Promise<Entry> {
    const taken = new Set((await this.#store.list(CHECKPOINTS)).map(checkpointPath));
    let file = checkpointFile(name);
    for (let i = 2; taken.has(file); i++) file = checkpointFile(name, i);
    const digest = createDigest();
    let bytes = 0;
    const pieces = safetensorsPieces(entriesOf(checkpoint), metadataOf(checkpoint));
    const seen = function* (): Generator<Uint8Array> {
      for (const piece of pieces) {
        digest.update(piece);
        bytes += piece.length;
        yield piece;
      }
    };
    await this.#store.write(file, seen());
    return { file, mark: { bytes, sha256: digest.hex() }, files };
  }

  async #point(kept: readonly Entry[]): Promise<void> {
    if (this.#kept.length > 0) await this.#store.write(PREVIOUS, pointerText(this.#kept));
    await this.#store.write(LATEST, pointerText(kept));
    this.#kept = kept;
  }

  /** Removes checkpoints that no pointer names, and files that a killed run was still writing. */
  async clear(): Promise<void> {
    const named = new Set(this.#kept.map(({ file }) => file));
    for (const name of await this.#store.list(CHECKPOINTS)) {
      const file = checkpointPath(name);
      const orphaned = isCheckpointFile(file) && !named.has(file);
      if (orphaned || isLeftOver(name)) await this.#store.remove(file);
    }
  }

  /**
   * Finds the newest checkpoint that is whole.
   *
   * @param run The run that is to continue.
   * @param accept Turns a checkpoint into what the run needs. It throws DamageError if the
   *   checkpoint, or a file that belongs to it, is damaged. `strict` includes files that the run
   *   can do without: a checkpoint with such damage is taken only if no other is whole.
   * @param tell Receives a sentence if the newest checkpoint is damaged.
   * @returns Undefined if the run has no checkpoint yet.
   * @throws CheckpointError if all checkpoints are damaged, or if they belong to another config,
   *   other seeds or another version.
   */
  async find<Result>(
    run: RunIdentity,
    accept: (found: FoundCheckpoint, strict: boolean) => Promise<Result>,
    tell: (text: string) => void,
  ): Promise<Result | undefined> {
    const { pointer, damage } = await this.#pointers();
    if (!pointer) {
      await this.clear();
      return undefined;
    }
    const { entries } = pointer;
    const reasons = new Map<Entry, string>();
    for (const strict of [true, false]) {
      for (const [i, entry] of entries.entries()) {
        try {
          const { found, whole } = await this.#read(entry, run);
          const result = await accept(found, strict);
          const why = damage ?? (i > 0 ? reasons.get(entries[0] ?? entry) : undefined);
          if (why !== undefined) {
            tell(
              `the newest checkpoint is damaged (${why}): going on from the one before, ${entry.file}`,
            );
          }
          this.#kept = [{ ...entry, mark: whole }];
          const next = entries[i + 1];
          // An entry without a mark would count as whole, so it is not kept.
          if (next?.mark) this.#kept = [...this.#kept, next];
          // A damaged run loses no file before its next checkpoint is written.
          if (why === undefined && entry.mark) await this.clear();
          return result;
        } catch (error) {
          if (!isDamage(error)) throw error;
          const { message } = error;
          // The damaged file may be another file that belongs to the checkpoint.
          reasons.set(entry, message.includes(entry.file) ? message : `${entry.file}: ${message}`);
        }
      }
    }
    const all = [...(damage === undefined ? [] : [damage]), ...reasons.values()];
    throw new CheckpointError(
      `no checkpoint of this run can be used: ${all.join('; ')} (to begin again, give another --out)`,
    );
  }

  /** The newest pointer that is whole, and the damage of the newer pointer, if any. */
  async #pointers(): Promise<{ pointer: Pointer | undefined; damage: string | undefined }> {
    const look = async (where: string): Promise<Pointer | Error | undefined> => {
      try {
        return await readPointer(this.#store, where);
      } catch (error) {
        if (isDamage(error)) return error;
        throw error;
      }
    };
    const newest = await look(LATEST);
    const plain = !(newest instanceof Error) && newest?.entries.every((entry) => entry.mark);
    if (plain) return { pointer: newest, damage: undefined };
    let damage: string | undefined;
    const old = await look(PREVIOUS);
    if (newest instanceof Error) damage = newest.message;
    else if (newest && !old) return { pointer: newest, damage };
    // A version without digests wrote only one pointer.
    else if (newest) damage = `${LATEST} is damaged: it holds no digests`;
    else if (old) damage = `${LATEST} is missing`;
    if (old instanceof Error || (damage !== undefined && !old)) {
      const all = [damage, ...(old ? [old.message] : [])];
      throw new CheckpointError(all.join('; '), { cause: newest });
    }
    return { pointer: old, damage };
  }

  async #read(
    entry: Entry,
    run: RunIdentity,
  ): Promise<{ found: FoundCheckpoint; whole: FileMark }> {
    const { tensors, metadata, mark: whole } = await readTensors(this.#store, entry);
    const layout = layoutOf(metadata.get('layout'), entry.file);
    if (!entry.mark && layout > 1) {
      throw new DamageError(`${LATEST} is damaged: it holds no digest of ${entry.file}`);
    }
    const { file, files } = entry;
    const found = contentOf(file, tensors, metadata, layout);
    if (found.configHash !== run.configHash) {
      throw new CheckpointError(
        `${file}: is of config ${found.configHash.slice(0, 12) || 'unknown'}, this run is ${run.configHash.slice(0, 12)}`,
      );
    }
    if (String(found.seeds) !== String(run.seeds)) {
      throw new CheckpointError(
        `${file}: is of seeds ${String(found.seeds)}, this run has ${String(run.seeds)}`,
      );
    }
    for (const path of Object.keys(files)) runPath(path);
    return { found: { ...found, file, files: new Map(Object.entries(files)), layout }, whole };
  }
}

/** The layout of a file. @throws DamageError for a layout that no version has written. */
function layoutOf(text: string | undefined, file: string): FoundCheckpoint['layout'] {
  if (text === undefined) return 1;
  if (text === '2' || text === '3') return text === '2' ? 2 : 3;
  throw new DamageError(`${file} is damaged: of layout ${JSON.stringify(text.slice(0, 20))}`);
}

function metadataOf(checkpoint: Checkpoint): Record<string, string> {
  const updates: Record<string, number> = {};
  for (const [name, { optimizer }] of networksOf(checkpoint)) updates[name] = optimizer.updates;
  return {
    layout: '3',
    // Version 0.1.0 looks for `configHash` and refuses a checkpoint without it.
    config: checkpoint.configHash,
    seeds: JSON.stringify(checkpoint.seeds),
    adapter: checkpoint.adapter,
    host: checkpoint.host,
    updates: JSON.stringify(updates),
    progress: JSON.stringify(checkpoint.progress),
    ...(checkpoint.baseDigest === undefined ? {} : { base: checkpoint.baseDigest }),
  };
}

const networksOf = ({ pretraining, ppo }: Checkpoint): [string, TrainableState][] =>
  Object.entries({ pretraining, actor: ppo?.actor, critic: ppo?.critic }).flatMap(
    ([name, state]) => (state ? [[name, state] as [string, TrainableState]] : []),
  );

function* entriesOf(checkpoint: Checkpoint): Generator<SafetensorsEntry, void, void> {
  const put = (key: string, data: Float32Array): SafetensorsEntry =>
    float32Entry(key, [data.length], data);
  for (const [key, data] of checkpoint.base) yield put(`base/${key}`, data);
  for (const [network, { parameters, optimizer }] of networksOf(checkpoint)) {
    for (const [key, data] of parameters) yield put(`${network}/${key}`, data);
    for (const [page, { first, second }] of optimizer.moments.entries()) {
      yield put(`${network}.first/${page}`, first);
      yield put(`${network}.second/${page}`, second);
    }
  }
  for (const [name, matrix] of Object.entries({
    matrix: checkpoint.matrix,
    online: checkpoint.online,
  })) {
    if (!matrix) continue;
    const { accuracySums, rewardSums, samples } = matrix;
    yield put(`${name}.accuracy`, accuracySums);
    yield put(`${name}.reward`, rewardSums);
    yield int32Entry(`${name}.samples`, [samples.length], samples);
  }
}

interface ReadTensors {
  readonly tensors: ReadonlyMap<string, SafetensorsEntry>;
  readonly metadata: ReadonlyMap<string, string>;
  readonly mark: FileMark;
}

/**
 * Reads a file tensor by tensor, each into its own array, as a checkpoint may exceed the largest
 * array.
 *
 * @throws DamageError or SafetensorsError if the file is damaged.
 */
async function readTensors(store: RunStore, { file, mark: wanted }: Entry): Promise<ReadTensors> {
  const bytes = await store.size(file);
  if (bytes === undefined) throw new DamageError(`${file} is missing`);
  if (wanted && wanted.bytes !== bytes) {
    throw new DamageError(`${file} is damaged: ${bytes} bytes, ${wanted.bytes} were written`);
  }
  const digest = createDigest();
  const damaged = (cause: unknown): never => {
    if (!(cause instanceof SafetensorsError)) throw cause;
    throw new DamageError(cause.message.replace(/^[^:]*/, '$& is damaged'), { cause });
  };
  const next = async (start: number, end: number): Promise<Uint8Array> => {
    const whole = allocate(end - start, file);
    for (let at = start; at < end; at += PIECE) {
      const piece = await store.slice(file, at, Math.min(end, at + PIECE));
      digest.update(piece);
      whole.set(piece, at - start);
    }
    return whole;
  };
  const prefix = await next(0, Math.min(safetensorsPrefixBytes, bytes));
  let header: SafetensorsHeader;
  try {
    const length = safetensorsHeaderBytes(prefix, bytes, file);
    const text = await next(safetensorsPrefixBytes, safetensorsPrefixBytes + length);
    header = parseSafetensorsHeader(text, bytes, file);
  } catch (error) {
    return damaged(error);
  }
  const { slots, metadata, dataStart } = header;
  const tensors = new Map<string, SafetensorsEntry>();
  // Read in the order of the file, so that one pass computes the digest as well.
  for (const slot of [...slots.values()].sort((a, b) => a.begin - b.begin || a.end - b.end)) {
    const { name, dtype, shape, begin, end } = slot;
    tensors.set(name, {
      name,
      dtype,
      shape,
      bytes: await next(dataStart + begin, dataStart + end),
    });
  }
  const sha256 = digest.hex();
  if (wanted && wanted.sha256 !== sha256) {
    throw new DamageError(`${file} is damaged: its digest is not the one that was written`);
  }
  return { tensors, metadata, mark: { bytes, sha256 } };
}

function allocate(bytes: number, file: string): Uint8Array {
  try {
    return new Uint8Array(bytes);
  } catch {
    throw new DamageError(`${file}: a tensor of ${bytes} bytes is more than there is memory for`);
  }
}

function contentOf(
  file: string,
  tensors: ReadonlyMap<string, SafetensorsEntry>,
  metadata: ReadonlyMap<string, string>,
  layout: FoundCheckpoint['layout'],
): Checkpoint {
  const json = <Schema extends v.GenericSchema>(key: string, schema: Schema) => {
    try {
      return v.parse(schema, JSON.parse(metadata.get(key) ?? ''));
    } catch (cause) {
      throw new DamageError(`${file}: metadata '${key}' is damaged`, { cause });
    }
  };
  const float = (key: string): Float32Array => {
    const entry = tensors.get(key);
    if (!entry) throw new DamageError(`${file}: tensor '${key}' is missing`);
    return toFloat32(entry, file);
  };
  const whole = (key: string): Uint32Array => {
    const entry = tensors.get(key);
    if (entry?.dtype !== 'U32') throw new DamageError(`${file}: tensor '${key}' is missing`);
    return new Uint32Array(new Uint8Array(entry.bytes).buffer);
  };
  const named = <T>(prefix: string, read: (key: string) => T): Map<string, T> =>
    new Map(
      [...tensors.keys()]
        .filter((key) => key.startsWith(prefix))
        .map((key) => [key.slice(prefix.length), read(key)]),
    );
  const updates = json('updates', v.record(v.string(), v.pipe(v.number(), v.integer())));
  const network = (name: string): TrainableState => ({
    parameters: named(`${name}/`, float),
    optimizer: {
      updates: updates[name] ?? 0,
      moments: [...named(`${name}.first/`, float)]
        .sort(([a], [b]) => Number(a) - Number(b))
        .map(([page, first]) => ({ first, second: float(`${name}.second/${page}`) })),
    },
  });
  const has = (name: string): boolean => Object.hasOwn(updates, name);
  const matrix = (name: 'matrix' | 'online'): HostMatrix | undefined =>
    tensors.has(`${name}.samples`)
      ? {
          accuracySums: float(`${name}.accuracy`),
          rewardSums: float(`${name}.reward`),
          samples: whole(`${name}.samples`),
        }
      : undefined;
  return {
    configHash: metadata.get(layout === 1 ? 'configHash' : 'config') ?? '',
    seeds: json('seeds', v.array(v.number())),
    adapter: metadata.get('adapter') ?? '',
    host: metadata.get('host') ?? '',
    progress: json('progress', v.unknown()),
    base: named('base/', float),
    baseDigest: metadata.get('base'),
    pretraining: has('pretraining') ? network('pretraining') : null,
    ppo: has('actor')
      ? { actor: network('actor'), critic: has('critic') ? network('critic') : null }
      : null,
    matrix: matrix('matrix') ?? null,
    online: matrix('online'),
  };
}
