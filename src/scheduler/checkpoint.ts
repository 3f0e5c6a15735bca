import {
  float32Entry,
  int32Entry,
  readSafetensors,
  SafetensorsError,
  toFloat32,
  writeSafetensors,
  type SafetensorsEntry,
} from '../formats/safetensors.ts';
import type { PpoState } from '../ppo/trainer.ts';
import type { TrainableState } from '../optim/trainable.ts';
import type { RunStore } from './run-store.ts';

/** A checkpoint that cannot be used: damaged, absent, or of another config or other seeds. */
export class CheckpointError extends Error {
  override readonly name = 'CheckpointError';
}

/** All that a run needs to go on bit for bit. `progress` is plain data that its owner understands. */
export interface Checkpoint<Progress> {
  readonly configHash: string;
  readonly seeds: readonly number[];
  /** What computed it: another adapter or host need not go on with the same bits. */
  readonly adapter: string;
  readonly host: string;
  readonly progress: Progress;
  readonly base: ReadonlyMap<string, Float32Array>;
  readonly ppo: PpoState;
  readonly matrix: {
    readonly accuracySums: Float32Array;
    readonly rewardSums: Float32Array;
    readonly samples: Uint32Array;
  };
}

const POINTER = 'checkpoints/latest.json';

/**
 * Writes a checkpoint: the file first, then the pointer that names it, so that a crash at any point
 * leaves the previous or the new one. The last two files are kept.
 *
 * @param name Of the file, unique within the run.
 */
export async function writeCheckpoint(
  store: RunStore,
  name: string,
  checkpoint: Checkpoint<unknown>,
): Promise<void> {
  const entries: SafetensorsEntry[] = [];
  const put = (key: string, data: Float32Array): void => {
    entries.push(float32Entry(key, [data.length], data));
  };
  for (const [key, data] of checkpoint.base) put(`base/${key}`, data);
  const networks = Object.entries(checkpoint.ppo) as [string, TrainableState | null][];
  const updates: Record<string, number> = {};
  for (const [network, state] of networks) {
    if (!state) continue;
    updates[network] = state.optimizer.updates;
    for (const [key, data] of state.parameters) put(`${network}/${key}`, data);
    for (const [page, { first, second }] of state.optimizer.moments.entries()) {
      put(`${network}.first/${page}`, first);
      put(`${network}.second/${page}`, second);
    }
  }
  const { accuracySums, rewardSums, samples } = checkpoint.matrix;
  put('matrix.accuracy', accuracySums);
  put('matrix.reward', rewardSums);
  entries.push(int32Entry('matrix.samples', [samples.length], samples));
  const file = `checkpoints/${name}.safetensors`;
  const bytes = writeSafetensors(entries, {
    configHash: checkpoint.configHash,
    seeds: JSON.stringify(checkpoint.seeds),
    adapter: checkpoint.adapter,
    host: checkpoint.host,
    updates: JSON.stringify(updates),
    progress: JSON.stringify(checkpoint.progress),
  });
  await store.write(file, bytes);
  const before = await readPointer(store);
  // Written again under its own name, as where a stop follows a checkpoint, it has the same previous.
  const again = before?.file === file;
  const previous = (again ? before.previous : before?.file) ?? null;
  await store.write(POINTER, `${JSON.stringify({ file, previous })}\n`);
  if (!again && before?.previous && before.previous !== file) await store.remove(before.previous);
}

async function readPointer(
  store: RunStore,
): Promise<{ file: string; previous: string | null } | undefined> {
  const bytes = await store.read(POINTER);
  if (!bytes) return undefined;
  try {
    const value = JSON.parse(new TextDecoder().decode(bytes)) as Record<string, unknown>;
    const { file, previous } = value;
    if (typeof file === 'string' && /^checkpoints\/[\w-]+\.safetensors$/.test(file)) {
      const known = typeof previous === 'string' && previous.startsWith('checkpoints/');
      return { file, previous: known ? previous : null };
    }
  } catch {
    // Falls through to the error below.
  }
  throw new CheckpointError(`${POINTER}: does not name a checkpoint file`);
}

function parse(bytes: Uint8Array, file: string): ReturnType<typeof readSafetensors> {
  try {
    return readSafetensors(bytes, file);
  } catch (cause) {
    if (cause instanceof SafetensorsError) throw new CheckpointError(cause.message, { cause });
    throw cause;
  }
}

/**
 * Reads the newest checkpoint of a run.
 *
 * @param run What is to go on with it.
 * @returns Undefined where the run has none yet.
 * @throws CheckpointError when it is damaged, or of another config or other seeds.
 */
export async function readCheckpoint<Progress>(
  store: RunStore,
  run: { readonly configHash: string; readonly seeds: readonly number[] },
): Promise<Checkpoint<Progress> | undefined> {
  const pointer = await readPointer(store);
  if (!pointer) return undefined;
  const bytes = await store.read(pointer.file);
  if (!bytes) throw new CheckpointError(`${pointer.file}: is missing`);
  const { tensors, metadata } = parse(bytes, pointer.file);
  const found = metadata.get('configHash');
  if (found !== run.configHash) {
    throw new CheckpointError(
      `${pointer.file}: is of config ${found?.slice(0, 12) ?? 'unknown'}, this run is ${run.configHash.slice(0, 12)}`,
    );
  }
  const json = (key: string): unknown => {
    try {
      return JSON.parse(metadata.get(key) ?? '');
    } catch (cause) {
      throw new CheckpointError(`${pointer.file}: metadata '${key}' is damaged`, { cause });
    }
  };
  const float = (key: string): Float32Array => {
    const entry = tensors.get(key);
    if (!entry) throw new CheckpointError(`${pointer.file}: tensor '${key}' is missing`);
    return toFloat32(entry, pointer.file);
  };
  const group = (prefix: string): Map<string, Float32Array> =>
    new Map(
      [...tensors.keys()]
        .filter((key) => key.startsWith(prefix))
        .map((key) => [key.slice(prefix.length), float(key)]),
    );
  const seeds = json('seeds') as readonly number[];
  if (String(seeds) !== String(run.seeds)) {
    throw new CheckpointError(
      `${pointer.file}: is of seeds ${String(seeds)}, this run has ${String(run.seeds)}`,
    );
  }
  const updates = json('updates') as Record<string, number>;
  const network = (name: string): TrainableState => ({
    parameters: group(`${name}/`),
    optimizer: {
      updates: updates[name] ?? 0,
      moments: [...group(`${name}.first/`)]
        .sort(([a], [b]) => Number(a) - Number(b))
        .map(([page, first]) => ({ first, second: float(`${name}.second/${page}`) })),
    },
  });
  const samples = tensors.get('matrix.samples');
  if (samples?.dtype !== 'U32') {
    throw new CheckpointError(`${pointer.file}: tensor 'matrix.samples' is missing`);
  }
  return {
    configHash: run.configHash,
    seeds: run.seeds,
    adapter: metadata.get('adapter') ?? '',
    host: metadata.get('host') ?? '',
    progress: json('progress') as Progress,
    base: group('base/'),
    ppo: { actor: network('actor'), critic: 'critic' in updates ? network('critic') : null },
    matrix: {
      accuracySums: float('matrix.accuracy'),
      rewardSums: float('matrix.reward'),
      samples: new Uint32Array(new Uint8Array(samples.bytes).buffer),
    },
  };
}
