import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { FolderStore } from '../../src/workers/folder-store.ts';
import { hostName } from '../../src/workers/host-name.ts';

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

  test('is not misled by what a crash left half-written', async () => {
    const store = new FolderStore(folder);
    await store.write('a', 'whole');
    await writeFile(join(folder, 'a.part'), 'hal');
    expect(new TextDecoder().decode(await store.read('a'))).toBe('whole');
    await store.write('a', 'next');
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
