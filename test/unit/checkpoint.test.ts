import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { digestOf } from '../../src/formats/digest.ts';
import { readSafetensors, writeSafetensors } from '../../src/formats/safetensors.ts';
import { DamageError } from '../../src/scheduler/appended-file.ts';
import {
  type Checkpoint,
  CheckpointError,
  Checkpoints,
  type FoundCheckpoint,
  resultMarks,
} from '../../src/scheduler/checkpoint.ts';
import type { FileContent } from '../../src/formats/file-content.ts';
import { MemoryStore, type RunStore } from '../../src/scheduler/run-store.ts';
import { FolderStore } from '../../src/workers/folder-store.ts';

const numbers = (count: number, first: number): Float32Array =>
  Float32Array.from({ length: count }, (_, i) => first + i / 8);

/** A checkpoint whose every number tells its iteration. */
function checkpointOf(iteration: number): Checkpoint {
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
    pretraining: null,
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

  override write(path: string, content: FileContent): Promise<void> {
    return this.#spend() ? super.write(path, content) : Promise.reject(new Error('crash'));
  }

  override remove(path: string): Promise<void> {
    return this.#spend() ? super.remove(path) : Promise.reject(new Error('crash'));
  }

  #spend(): boolean {
    return this.left-- > 0;
  }
}

const run = { configHash: 'c0ffee', seeds: [7, 8] };
const marks = { 'metrics.jsonl': { bytes: 3, sha256: 'ab'.repeat(32) } };

interface Read {
  readonly checkpoints: Checkpoints;
  readonly found: FoundCheckpoint | undefined;
  readonly told: string[];
}

/** As a run would read it: whatever is whole will do. */
async function read(store: RunStore, accept = (_found: FoundCheckpoint) => true): Promise<Read> {
  const told: string[] = [];
  const checkpoints = new Checkpoints(store);
  const found = await checkpoints.find(
    run,
    async (one) => {
      if (!accept(one)) throw new DamageError(`${one.file}: not liked`);
      return one;
    },
    (text) => told.push(text),
  );
  return { checkpoints, found, told };
}

/** A run that writes some checkpoints, one after another. */
async function written(store: RunStore, ...iterations: number[]): Promise<Checkpoints> {
  const { checkpoints } = await read(store);
  for (const i of iterations) await checkpoints.write(`full-${i}`, checkpointOf(i), marks);
  return checkpoints;
}

const iterationOf = ({ found }: Read): unknown =>
  (found?.progress as { iteration: number } | undefined)?.iteration;
const kept = (store: MemoryStore): string[] =>
  [...store.files.keys()].filter((name) => name.endsWith('.safetensors')).sort();
const pathOf = (iteration: number): string => `checkpoints/full-${iteration}.safetensors`;
function flip(store: MemoryStore, path: string, bit: number): void {
  const bytes = store.files.get(path)!.slice();
  bytes[bit >> 3] ^= 1 << (bit & 7);
  store.files.set(path, bytes);
}

const folder = mkdtempSync(join(tmpdir(), 'limr-checkpoint-'));
afterAll(() => rmSync(folder, { recursive: true }));

describe('a checkpoint', () => {
  test.each(['memory', 'a folder'])('comes back from %s as it was written', async (place) => {
    const store = place === 'memory' ? new MemoryStore() : new FolderStore(join(folder, 'run'));
    expect((await read(store)).found).toBeUndefined();
    const checkpoints = await written(store, 3);
    expect((await read(store)).found).toEqual({
      ...checkpointOf(3),
      file: pathOf(3),
      files: new Map(Object.entries(marks)),
      layout: 3,
    });
    const whole = checkpointOf(4);
    const alone = { ...whole, ppo: { actor: whole.ppo!.actor, critic: null } };
    await checkpoints.write('full-4', alone, {});
    expect((await read(store)).found).toMatchObject(alone);
    const half = {
      ...whole,
      base: new Map(),
      pretraining: whole.ppo!.actor,
      ppo: null,
      matrix: null,
    };
    await checkpoints.write('base-5', half, {});
    expect((await read(store)).found).toMatchObject(half);
  });

  test('leaves the one before it and no older one, and is never written over', async () => {
    const store = new MemoryStore();
    const checkpoints = await written(store, 1, 2, 3);
    expect(kept(store)).toEqual([2, 3].map(pathOf));
    // As when a run is stopped at the place of its last checkpoint, with something to add.
    await checkpoints.write('full-3', checkpointOf(3), {});
    expect(kept(store)).toEqual([pathOf(3), 'checkpoints/full-3_2.safetensors']);
    await checkpoints.write('full-3', checkpointOf(3), {});
    expect(kept(store)).toEqual([
      'checkpoints/full-3_2.safetensors',
      'checkpoints/full-3_3.safetensors',
    ]);
  });

  test('is the old one or the new one wherever a crash happens, and leaves nothing behind', async () => {
    const outcomes = [];
    for (let changes = 0; changes <= 5; changes++) {
      const store = new CrashingStore();
      const checkpoints = await written(store, 1, 2);
      store.left = changes;
      const done = await checkpoints.write('full-3', checkpointOf(3), {}).then(
        () => 'done',
        (error: unknown) => {
          expect(error).toMatchObject({ name: 'CheckpointWriteError' });
          expect(String(error)).toContain(': crash; the last good one is checkpoints/full-');
          return 'crashed';
        },
      );
      store.left = Infinity;
      const again = await read(store);
      expect(again.told).toEqual([]);
      expect(again.found).toMatchObject(checkpointOf(Number(iterationOf(again))));
      outcomes.push([done, iterationOf(again), kept(store).length]);
      await again.checkpoints.write('full-4', checkpointOf(4), {});
      expect(iterationOf(await read(store))).toBe(4);
    }
    // File, old pointer, pointer, removal of the oldest; it is cleared by the next run.
    expect(outcomes).toEqual([
      ['crashed', 2, 2],
      ['crashed', 2, 2],
      ['crashed', 2, 2],
      ['crashed', 3, 2],
      ['done', 3, 2],
      ['done', 3, 2],
    ]);
  });

  test('clears what a killed writer left, and nothing else', async () => {
    const store = new MemoryStore();
    await written(store, 1, 2);
    const own = ['latest.json', 'previous.json', 'full-1.safetensors', 'full-2.safetensors'];
    for (const name of ['full-3.safetensors', 'full-3.safetensors.77.part', 'latest.json.part']) {
      await store.write(`checkpoints/${name}`, 'half');
    }
    await store.write('checkpoints/notes.txt', 'mine');
    await read(store);
    expect(await store.list('checkpoints')).toEqual([...own, 'notes.txt'].sort());
  });

  test('no flipped bit goes unsaid, and the one before is taken', async () => {
    const store = new MemoryStore();
    await written(store, 1, 2);
    const files = new Map(store.files);
    const bits = (path: string): number => files.get(path)!.length * 8;
    for (let bit = 0; bit < bits(pathOf(2)); bit += 211) {
      flip(store, pathOf(2), bit);
      const again = await read(store);
      expect([bit, iterationOf(again)]).toEqual([bit, 1]);
      expect(again.told).toEqual([
        expect.stringMatching(/^the newest checkpoint is damaged \(.+\)/),
      ]);
      store.files.set(pathOf(2), files.get(pathOf(2))!);
    }
    const pointer = 'checkpoints/latest.json';
    for (let bit = 0; bit < bits(pointer); bit++) {
      flip(store, pointer, bit);
      const again = await read(store);
      // White space may become other white space.
      expect([bit, iterationOf(again), again.told.length]).toEqual(
        again.told.length === 0 ? [bit, 2, 0] : [bit, 1, 1],
      );
      if (again.told.length === 0) {
        const text = new TextDecoder().decode(store.files.get(pointer));
        const was = new TextDecoder().decode(files.get(pointer));
        expect(JSON.parse(text)).toEqual(JSON.parse(was));
      } else expect(again.told[0]).toContain('damaged');
      store.files.set(pointer, files.get(pointer)!);
    }
  });

  test.each([
    ['is missing', (store: MemoryStore) => store.files.delete(pathOf(2))],
    ['is shorter', (store: MemoryStore) => store.files.set(pathOf(2), new Uint8Array(7))],
    ['is empty', (store: MemoryStore) => store.files.set(pathOf(2), new Uint8Array())],
    ['has no pointer', (store: MemoryStore) => store.files.delete('checkpoints/latest.json')],
  ])('that %s is told, and the run goes on from the one before', async (_, damage) => {
    const store = new MemoryStore();
    await written(store, 1, 2);
    damage(store);
    const again = await read(store);
    expect(iterationOf(again)).toBe(1);
    expect(again.told).toEqual([expect.stringContaining('the newest checkpoint is damaged (')]);
    // The damaged one is not the one before the next.
    await again.checkpoints.write('full-2', checkpointOf(2), {});
    const healed = await read(store);
    expect([iterationOf(healed), healed.told]).toEqual([2, []]);
    expect(kept(store)).toHaveLength(2);
    flip(store, healed.found!.file, 9000);
    expect(iterationOf(await read(store))).toBe(1);
  });

  test('is refused where both are damaged, naming both', async () => {
    const store = new MemoryStore();
    await written(store, 1, 2);
    for (const i of [1, 2]) flip(store, pathOf(i), 9999);
    const reading = read(store);
    await expect(reading).rejects.toThrow(CheckpointError);
    await expect(reading).rejects.toThrow(
      new RegExp(`${pathOf(2)} is damaged: .+; ${pathOf(1)} is damaged: .+`),
    );
  });

  test('is not taken where its run does not take it', async () => {
    const store = new MemoryStore();
    await written(store, 1, 2);
    const older = await read(store, ({ file }) => file === pathOf(1));
    expect(iterationOf(older)).toBe(1);
    expect(older.told).toEqual([
      `the newest checkpoint is damaged (${pathOf(2)}: not liked): going on from the one before, ${pathOf(1)}`,
    ]);
  });

  test('is refused where it is of another config or other seeds', async () => {
    const store = new MemoryStore();
    await written(store, 1);
    const find = (other: Partial<typeof run>) =>
      new Checkpoints(store).find({ ...run, ...other }, async (one) => one, expect.unreachable);
    await expect(find({ configHash: 'beef' })).rejects.toThrow(
      `${pathOf(1)}: is of config c0ffee, this run is beef`,
    );
    for (const seeds of [[7], [8, 7], [7, 8, 9], []]) {
      await expect(find({ seeds })).rejects.toThrow(CheckpointError);
      await expect(find({ seeds })).rejects.toThrow(
        `${pathOf(1)}: is of seeds 7,8, this run has ${seeds.join(',')}`,
      );
    }
  });

  test.each([
    '',
    '{',
    'null',
    '{}',
    '{"file":"../secret"}',
    '{"file":3}',
    '{"file":"checkpoints/full-2.safetensors","previous":"checkpoints/../../victim.txt"}',
    '{"file":"checkpoints/full-2.safetensors","previous":"/etc/passwd"}',
    '{"file":"checkpoints/full-2.safetensors","previous":null}',
    '{"file":"checkpoints/sub/full-2.safetensors","previous":null}',
  ])('is neither read nor removed where the pointer says %j', async (text) => {
    const store = new MemoryStore();
    await written(store, 1, 2);
    await store.write('checkpoints/latest.json', text);
    await store.write('victim.txt', 'precious');
    const again = await read(store);
    expect(iterationOf(again)).toBe(1);
    expect(again.told[0]).toContain('damaged');
    await again.checkpoints.write('full-9', checkpointOf(9), {});
    expect(store.files.has('victim.txt')).toBe(true);
    // Alone it is an error.
    const bare = new MemoryStore();
    await bare.write('checkpoints/latest.json', text);
    await expect(read(bare)).rejects.toMatchObject({ name: 'CheckpointError' });
  });

  test('of a newer version is left to it', async () => {
    const store = new MemoryStore();
    await written(store, 1);
    const path = 'checkpoints/latest.json';
    const text = new TextDecoder().decode(store.files.get(path));
    const value = JSON.parse(text) as Record<string, unknown>;
    delete value['digest'];
    const newer = { ...value, schema: 4 };
    await store.write(path, JSON.stringify({ ...newer, digest: digestOf(JSON.stringify(newer)) }));
    await expect(read(store)).rejects.toThrow(`${path}: schema 4 is of another version of limr`);
  });

  test('tells the marks of a finished run', async () => {
    const store = new MemoryStore();
    expect(await resultMarks(store)).toBeUndefined();
    const checkpoints = await written(store, 1);
    expect(await resultMarks(store)).toBeUndefined();
    await checkpoints.finish(marks);
    expect(await resultMarks(store)).toEqual(new Map(Object.entries(marks)));
    expect(iterationOf(await read(store))).toBe(1);
  });

  test('is refused by its writer where its reader would refuse it', async () => {
    const store = new MemoryStore();
    const checkpoints = await written(store, 1);
    const large = { ...checkpointOf(2), progress: { text: 'x'.repeat(25_000_000) } };
    const writing = checkpoints.write('full-2', large, {});
    await expect(writing).rejects.toMatchObject({ name: 'CheckpointWriteError' });
    await expect(writing).rejects.toThrow(`the last good one is ${pathOf(1)}`);
    expect(iterationOf(await read(store))).toBe(1);
  });
});

describe('a checkpoint of version 0.1.0', () => {
  const from = (name: string): Uint8Array =>
    new Uint8Array(readFileSync(join(import.meta.dirname, '../old-runs/layout-1', name)));
  const names = ['latest.json', 'seed-0-full-3.safetensors', 'seed-0-full-5.safetensors'];
  const old = (): MemoryStore => {
    const store = new MemoryStore();
    for (const name of names) store.files.set(`checkpoints/${name}`, from(`checkpoints/${name}`));
    return store;
  };
  const identity = (() => {
    const { metadata } = readSafetensors(from('checkpoints/seed-0-full-5.safetensors'), 'old');
    return { configHash: metadata.get('configHash')!, seeds: [1] };
  })();

  test('opens, and is followed by one with digests', async () => {
    const store = old();
    const checkpoints = new Checkpoints(store);
    const found = await checkpoints.find(identity, async (one) => one, expect.unreachable);
    expect(found).toMatchObject({
      layout: 1,
      file: 'checkpoints/seed-0-full-5.safetensors',
    });
    expect((found?.progress as { records: unknown[] }).records).toHaveLength(5);
    await checkpoints.write('seed-0-full-8', { ...checkpointOf(8), ...identity }, {});
    expect(kept(store)).toEqual([
      'checkpoints/seed-0-full-5.safetensors',
      'checkpoints/seed-0-full-8.safetensors',
    ]);
    // The old one has a digest by now.
    flip(store, 'checkpoints/seed-0-full-8.safetensors', 9999);
    const again = await new Checkpoints(store).find(
      identity,
      async (one) => one,
      () => undefined,
    );
    expect(again).toMatchObject({ layout: 1 });
    flip(store, 'checkpoints/seed-0-full-5.safetensors', 99_999);
    await expect(
      new Checkpoints(store).find(
        identity,
        async (one) => one,
        () => undefined,
      ),
    ).rejects.toThrow('seed-0-full-5.safetensors is damaged');
  });

  test('does not stand in for a newer one that has lost its digests', async () => {
    const store = new MemoryStore();
    await written(store, 1);
    store.files.delete('checkpoints/previous.json');
    await store.write(
      'checkpoints/latest.json',
      JSON.stringify({ file: pathOf(1), previous: null }),
    );
    await expect(read(store)).rejects.toThrow('it holds no digest of');
  });
});

// 5 GiB on disk, and as much memory again: `LIMR_LARGE=1 npx vitest run --project unit checkpoint`.
test('a checkpoint is larger than one array can be', { timeout: 900_000 }, async (context) => {
  if (process.env.LIMR_LARGE === undefined) context.skip('takes 5 GiB: LIMR_LARGE=1 asks for it');
  const store = new FolderStore(join(folder, 'large'));
  const { checkpoints } = await read(store);
  const page = new Float32Array(2 ** 27).fill(0.5);
  const names = Array.from({ length: 10 }, (_, i) => `page.${i}`);
  const base = new Map(names.map((name) => [name, page]));
  await checkpoints.write('large', { ...checkpointOf(1), base }, {});
  expect(await store.size('checkpoints/large.safetensors')).toBeGreaterThan(5 * 2 ** 30);
  const { found } = await read(store);
  expect([...found!.base.keys()]).toEqual(names);
  for (const data of found!.base.values()) expect(data[2 ** 27 - 1]).toBe(0.5);
});

test('a header that readers refuse is not written', () => {
  const huge = { note: 'x'.repeat(25_000_001) };
  expect(() => writeSafetensors([], huge)).toThrow('would be refused on reading');
  const fits = writeSafetensors([], { note: 'x'.repeat(24_000_000) });
  const path = join(folder, 'large.safetensors');
  writeFileSync(path, fits);
  expect(readSafetensors(new Uint8Array(readFileSync(path)), path).metadata.size).toBe(1);
});
