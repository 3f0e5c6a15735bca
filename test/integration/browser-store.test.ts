import { expect, test } from 'vitest';
import { BrowserStore, runsFolder } from '../../src/workers/browser-store.ts';

const filesHere = (): boolean =>
  typeof navigator === 'object' && 'storage' in navigator && 'FileSystemFileHandle' in globalThis;

test('a file whose first write was cut off is missing, and can be written', async (context) => {
  if (!filesHere()) return context.skip('only a browser has a private file system');
  const name = `cut-off-${Math.random()}`;
  const store = await BrowserStore.open(name);
  const runs = await runsFolder();
  try {
    // What a tab leaves that ends between the making of the file and its content.
    const folder = await (
      await runs.getDirectoryHandle(name)
    ).getDirectoryHandle('checkpoints', { create: true });
    await folder.getFileHandle('latest.json', { create: true });
    const path = 'checkpoints/latest.json';
    expect([await store.read(path), await store.size(path)]).toEqual([undefined, undefined]);
    expect(await store.list('checkpoints')).toEqual(['latest.json']);
    await store.append(path, 0, new Uint8Array([1, 2]));
    await store.append(path, 2, new Uint8Array([3]));
    expect(await store.read(path)).toEqual(new Uint8Array([1, 2, 3]));
    await store.write('config.json', '{}');
    expect(await store.bytes()).toBe(5);
    await store.remove(path);
    expect(await store.list('checkpoints')).toEqual([]);
  } finally {
    await runs.removeEntry(name, { recursive: true });
  }
});
