import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { MessageChannel, type MessagePort } from 'node:worker_threads';
import { expose, wrap } from 'comlink';
import { afterAll, afterEach, beforeEach, describe, expect, test } from 'vitest';
import { MemoryStore, runPath, type RunStore } from '../../src/scheduler/run-store.ts';
import { FolderStore } from '../../src/workers/folder-store.ts';
import { nodeEndpoint } from '../../src/threads/node-threads.ts';
import { callsOf, storeOver } from '../../src/workers/remote-store.ts';
import { hostName } from '../../src/host-name.ts';

let folder = '';
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'limr-store-'));
});
afterEach(() => rm(folder, { recursive: true }));

describe('a folder of run files', () => {
  test('gives back what was written, text and bytes, in folders it makes', async () => {
    const store = new FolderStore(join(folder, 'run'));
    await store.write('results.json', '{"a": "ä"}');
    await store.write('subsets/lim.json', Uint8Array.of(1, 2, 3));
    expect(new TextDecoder().decode(await store.read('results.json'))).toBe('{"a": "ä"}');
    expect(await store.read('subsets/lim.json')).toEqual(Uint8Array.of(1, 2, 3));
    expect(await readdir(join(folder, 'run'))).toEqual(['results.json', 'subsets']);
  });

  test('replaces a longer file whole and leaves nothing beside it', async () => {
    const store = new FolderStore(folder);
    await store.write('a', 'long text');
    await store.write('a', 'short');
    expect(new TextDecoder().decode(await store.read('a'))).toBe('short');
    expect(await readdir(folder)).toEqual(['a']);
  });

  test('is not misled by what a crash left half-written, nor by another process', async () => {
    const store = new FolderStore(folder);
    await store.write('a', 'whole');
    await writeFile(join(folder, `a.${process.pid}.part`), 'hal');
    await writeFile(join(folder, 'a.1.part'), 'of another');
    expect(new TextDecoder().decode(await store.read('a'))).toBe('whole');
    await store.write('a', 'next');
    expect(await readdir(folder)).toEqual(['a', 'a.1.part']);
  });

  test('drops what it could not write whole', async () => {
    const store = new FolderStore(folder);
    await store.write('a', 'whole');
    const pieces = function* (): Generator<Uint8Array> {
      yield Uint8Array.of(1);
      throw new Error('no more');
    };
    await expect(store.write('a', pieces())).rejects.toThrow('no more');
    expect(new TextDecoder().decode(await store.read('a'))).toBe('whole');
    expect(await readdir(folder)).toEqual(['a']);
  });

  test('knows a missing file from an error', async () => {
    const store = new FolderStore(folder);
    expect(await store.read('nothing')).toBeUndefined();
    await store.remove('nothing');
    await store.write('sub/a', '1');
    await expect(store.read('sub')).rejects.toMatchObject({
      name: 'FileError',
      cause: { code: 'EISDIR' },
    });
    await store.remove('sub/a');
    expect(await store.read('sub/a')).toBeUndefined();
  });
});

/** Every kind of store that this host can have; a page's is tested in its browser. */
const stores: readonly (readonly [string, () => RunStore])[] = [
  ['memory', () => new MemoryStore()],
  ['folder', () => new FolderStore(join(folder, 'run'))],
  ['remote', () => storeOver(callsOf(new FolderStore(join(folder, 'far'))))],
  [
    'served',
    () => {
      // As in the page of --host chromium: through a port.
      const { port1, port2 } = new MessageChannel();
      ports.push(port1, port2);
      expose(callsOf(new FolderStore(join(folder, 'served'))), nodeEndpoint(port1));
      return storeOver(wrap(nodeEndpoint(port2)));
    },
  ],
];
const ports: MessagePort[] = [];
afterAll(() => ports.forEach((port) => port.close()));

describe.each(stores)('a store: %s', (_, open) => {
  test('takes files in pieces, and gives parts of them', async () => {
    const store = open();
    const piece = Uint8Array.from({ length: 4_000_001 }, (_, i) => i * 7);
    await store.write('sub/large', [piece, piece]);
    expect(await store.size('sub/large')).toBe(8_000_002);
    expect(await store.slice('sub/large', 3_999_999, 4_000_003)).toEqual(
      Uint8Array.of(...piece.slice(-2), ...piece.slice(0, 2)),
    );
    const whole = await store.read('sub/large');
    expect(Buffer.compare(whole!.subarray(4_000_001), piece)).toBe(0);
    await expect(store.slice('sub/large', 8_000_000, 8_000_003)).rejects.toThrow('ends before');
    expect(await store.size('sub/none')).toBeUndefined();
    expect(await store.read('sub/none')).toBeUndefined();
  });

  test('appends behind what it is told is there, and drops the rest', async () => {
    const store = open();
    const text = async () => new TextDecoder().decode(await store.read('log'));
    await store.append('log', 0, 'one\n');
    await store.append('log', 4, 'two\nthree\n');
    expect(await text()).toBe('one\ntwo\nthree\n');
    await store.append('log', 8, 'four\n');
    expect(await text()).toBe('one\ntwo\nfour\n');
    await expect(store.append('log', 99, 'x')).rejects.toThrow('is shorter than 99 bytes');
    expect(await text()).toBe('one\ntwo\nfour\n');
    await store.append('log', 0, 'anew');
    expect(await text()).toBe('anew');
  });

  test('lists the files of one folder', async () => {
    const store = open();
    for (const path of ['b', 'a', 'sub/c', 'sub/deep/d']) await store.write(path, path);
    expect(await store.list('')).toEqual(['a', 'b']);
    expect(await store.list('sub')).toEqual(['c']);
    expect(await store.list('nowhere')).toEqual([]);
  });

  test('touches nothing outside the run’s folder', async () => {
    const store = open();
    await store.write('checkpoints/own', 'own');
    await writeFile(join(folder, 'victim.txt'), 'precious');
    for (const path of hostilePaths) {
      const refused = { name: 'PathError' };
      await expect(store.write(path, '')).rejects.toMatchObject(refused);
      await expect(store.append(path, 0, '')).rejects.toMatchObject(refused);
      await expect(store.read(path)).rejects.toMatchObject(refused);
      await expect(store.size(path)).rejects.toMatchObject(refused);
      await expect(store.slice(path, 0, 1)).rejects.toMatchObject(refused);
      await expect(store.remove(path)).rejects.toMatchObject(refused);
      if (path !== '') await expect(store.list(path)).rejects.toMatchObject(refused);
    }
    expect(await readFile(join(folder, 'victim.txt'), 'utf8')).toBe('precious');
  });
});

const hostilePaths = [
  '',
  '.',
  '..',
  '../victim.txt',
  'checkpoints/../../victim.txt',
  'checkpoints/..',
  'checkpoints/./own',
  'checkpoints//own',
  'checkpoints/',
  '/etc/passwd',
  '\\\\host\\share',
  'checkpoints\\..\\..\\victim.txt',
  'C:/victim.txt',
  'c:victim.txt',
  'own:stream',
  'own\0.txt',
  'own\n',
  'checkpoints/.. /own',
  'checkpoints/.../own',
  'own.',
  'NUL',
  'checkpoints/com1.json',
  'x'.repeat(301),
];

test.each(['results.json', 'subsets/lim-seed-2.json', 'checkpoints/a_b-1.safetensors', 'ä.json'])(
  '%j is a path of a run',
  (path) => {
    expect(runPath(path)).toBe(path);
  },
);

test('the host is named with its version', () => {
  expect(hostName()).toBe(`node ${process.versions.node}`);
  expect(hostName({ Deno: { version: { deno: '2.9.6' } }, process })).toBe('deno 2.9.6');
  expect(hostName({ Bun: { version: '1.4.5' }, process })).toBe('bun 1.4.5');
  const browser = (userAgent: string) => hostName({ navigator: { userAgent } });
  expect(browser('Mozilla/5.0 (X11; Linux x86_64; rv:150.0) Gecko/20100101 Firefox/150.0')).toBe(
    'firefox 150',
  );
  expect(browser('Mozilla/5.0 AppleWebKit/605.1.15 Version/26.1 Safari/605.1.15')).toBe(
    'safari 26',
  );
  expect(browser('Mozilla/5.0 AppleWebKit/537.36 Chrome/156.0.0.0 Safari/537.36')).toBe(
    'chromium 156',
  );
  const brands = [
    { brand: 'Not A Brand', version: '8' },
    { brand: 'Chromium', version: '156' },
  ];
  expect(hostName({ navigator: { userAgent: '', userAgentData: { brands } } })).toBe(
    'chromium 156',
  );
  expect(browser('')).toBe('browser');
});
