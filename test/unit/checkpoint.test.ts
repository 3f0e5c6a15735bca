import { describe, expect, test } from 'vitest';
import {
  type Checkpoint,
  CheckpointError,
  readCheckpoint,
  writeCheckpoint,
} from '../../src/scheduler/checkpoint.ts';
import { MemoryStore } from '../../src/scheduler/run-store.ts';

const numbers = (count: number, first: number): Float32Array =>
  Float32Array.from({ length: count }, (_, i) => first + i / 8);

/** A checkpoint whose every number tells its iteration. */
function checkpointOf(iteration: number): Checkpoint<{ iteration: number }> {
  const network = (first: number) => ({
    parameters: new Map([
      ['a.weight', numbers(5, first)],
      ['b.weight', numbers(3, first + 100)],
    ]),
    optimizer: {
      updates: iteration * 2,
      // More than ten pages, so that their order is not that of their names.
      moments: Array.from({ length: 12 }, (_, page) => ({
        first: numbers(4, first + 200 + page),
        second: numbers(4, first + 300 + page),
      })),
    },
  });
  return {
    configHash: 'c0ffee',
    seeds: [7, 8],
    adapter: 'llvmpipe',
    host: 'node',
    progress: { iteration },
    base: new Map([['a.weight', numbers(5, -1)]]),
    ppo: { actor: network(iteration), critic: network(iteration + 0.5) },
    matrix: {
      accuracySums: numbers(6, iteration),
      rewardSums: numbers(6, -iteration),
      samples: Uint32Array.of(8, 8, 0, 0, 0xffff_ffff, iteration),
    },
  };
}

/** A store whose n-th change fails: a crash, as far as files can tell. */
class CrashingStore extends MemoryStore {
  left = Infinity;

  override write(path: string, data: Uint8Array | string): Promise<void> {
    return this.#spend() ? super.write(path, data) : Promise.reject(new Error('crash'));
  }

  override remove(path: string): Promise<void> {
    return this.#spend() ? super.remove(path) : Promise.reject(new Error('crash'));
  }

  #spend(): boolean {
    return this.left-- > 0;
  }
}

const write = (store: MemoryStore, iteration: number): Promise<void> =>
  writeCheckpoint(store, `full-${iteration}`, checkpointOf(iteration));
const run = { configHash: 'c0ffee', seeds: [7, 8] };
const read = (store: MemoryStore) => readCheckpoint<{ iteration: number }>(store, run);

describe('a checkpoint', () => {
  test('comes back as it was written, with a critic and without', async () => {
    const store = new MemoryStore();
    expect(await read(store)).toBeUndefined();
    await write(store, 3);
    expect(await read(store)).toEqual(checkpointOf(3));
    const whole = checkpointOf(4);
    const alone = { ...whole, ppo: { ...whole.ppo, critic: null } };
    await writeCheckpoint(store, 'full-4', alone);
    expect(await read(store)).toEqual(alone);
  });

  test('leaves the one before it and no older one', async () => {
    const store = new MemoryStore();
    const kept = (): string[] =>
      [...store.files.keys()].filter((name) => name.endsWith('.safetensors')).sort();
    for (const iteration of [1, 2, 3]) await write(store, iteration);
    expect(kept()).toEqual(['checkpoints/full-2.safetensors', 'checkpoints/full-3.safetensors']);
    // As when a run is stopped right behind a checkpoint.
    await write(store, 3);
    expect(kept()).toEqual(['checkpoints/full-2.safetensors', 'checkpoints/full-3.safetensors']);
    await write(store, 4);
    expect(kept()).toEqual(['checkpoints/full-3.safetensors', 'checkpoints/full-4.safetensors']);
  });

  test('is the old one or the new one wherever a crash happens', async () => {
    const outcomes = [];
    for (let changes = 0; changes <= 3; changes++) {
      const store = new CrashingStore();
      for (const iteration of [1, 2]) await write(store, iteration);
      store.left = changes;
      const done = await write(store, 3).then(
        () => 'done',
        () => 'crashed',
      );
      const found = await read(store);
      expect(found).toEqual(checkpointOf(found?.progress.iteration ?? 0));
      outcomes.push([done, found?.progress.iteration]);
      // Whatever was left behind, the run goes on from there.
      store.left = Infinity;
      await write(store, 4);
      expect(await read(store)).toEqual(checkpointOf(4));
    }
    // File, pointer, removal of the oldest.
    expect(outcomes).toEqual([
      ['crashed', 2],
      ['crashed', 2],
      ['crashed', 3],
      ['done', 3],
    ]);
  });

  test('is refused where it is of another config or other seeds, damaged or missing', async () => {
    const store = new MemoryStore();
    await write(store, 1);
    const file = 'checkpoints/full-1.safetensors';
    const bytes = store.files.get(file)!;
    await expect(readCheckpoint(store, { ...run, configHash: 'beef' })).rejects.toThrow(
      `${file}: is of config c0ffee, this run is beef`,
    );
    for (const seeds of [[7], [8, 7], [7, 8, 9], []]) {
      const reading = readCheckpoint(store, { ...run, seeds });
      await expect(reading).rejects.toThrow(CheckpointError);
      await expect(reading).rejects.toThrow(
        `${file}: is of seeds 7,8, this run has ${seeds.join(',')}`,
      );
    }
    for (let length = 0; length < bytes.length; length += 97) {
      store.files.set(file, bytes.slice(0, length));
      await expect(read(store)).rejects.toThrow(CheckpointError);
    }
    store.files.delete(file);
    await expect(read(store)).rejects.toThrow(`${file}: is missing`);
    for (const pointer of ['', '{', 'null', '{}', '{"file":"../secret"}', '{"file":3}']) {
      await store.write('checkpoints/latest.json', pointer);
      await expect(read(store)).rejects.toThrow(
        'checkpoints/latest.json: does not name a checkpoint file',
      );
    }
  });
});
