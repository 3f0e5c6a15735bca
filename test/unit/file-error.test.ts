import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import * as fs from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { nodeSystem } from '../../src/cli/node-system.ts';
import { fileError, makeFolder } from '../../src/file-error.ts';
import { FolderStore } from '../../src/workers/folder-store.ts';

const folder = mkdtempSync(join(tmpdir(), 'limr-files-'));
afterAll(() => rmSync(folder, { recursive: true }));
const at = (name: string): string => join(folder, name);
const failure = (code: string) => Object.assign(new Error(`${code}: noise`), { code });

describe('a file error', () => {
  test.each([
    ['ENOSPC', 'the disk is full (ENOSPC)'],
    ['EROFS', 'the file system is read-only (EROFS)'],
    ['EACCES', 'permission denied (EACCES)'],
    ['EIO', 'the disk failed (EIO)'],
    ['EODD', 'EODD'],
  ])('says what %s means, and of which file', (code, meaning) => {
    const error = fileError(failure(code), 'runs/x/config.json', 'written');
    expect(error).toMatchObject({
      name: 'FileError',
      message: `runs/x/config.json: cannot be written: ${meaning}`,
    });
  });

  test('is made of errors of the file system alone, and once', () => {
    const other = new RangeError('x');
    expect(fileError(other, 'y', 'read')).toBe(other);
    const once = fileError(failure('EIO'), 'inner', 'read');
    expect(fileError(once, 'outer', 'written')).toBe(once);
  });
});

describe('making a folder', () => {
  test('makes those above it, and takes one that is there', async () => {
    await makeFolder(fs, at('a/b/c'), dirname);
    await makeFolder(fs, at('a/b/c'), dirname);
    expect(existsSync(at('a/b/c'))).toBe(true);
  });

  test('says why the first of them could not be made', async () => {
    // As Node has it on a file system that is read-only: ENOENT of the folder, EROFS of the one above.
    const held = new Set(['/', '/ro']);
    const made: string[] = [];
    const calls = {
      mkdir: (path: string) => {
        made.push(path);
        return Promise.reject(failure(held.has(dirname(path)) ? 'EROFS' : 'ENOENT'));
      },
      stat: (path: string) =>
        held.has(path)
          ? Promise.resolve({ isDirectory: () => true })
          : Promise.reject(failure('ENOENT')),
    };
    await expect(makeFolder(calls, '/ro/x/y', dirname)).rejects.toMatchObject({ code: 'EROFS' });
    expect(made).toEqual(['/ro/x/y', '/ro/x']);
  });

  test('comes back from where none can be made', async (context) => {
    if (!existsSync('/proc/self')) context.skip('no /proc here');
    await expect(makeFolder(fs, '/proc/limr/x', dirname)).rejects.toMatchObject({ code: 'ENOENT' });
  });
});

test.each([
  ['the system of Node', (path: string) => nodeSystem.write(path, 'x')],
  ['the store of a run', (path: string) => new FolderStore(dirname(path)).write('f.json', 'x')],
])('%s names the file that it cannot write, and leaves nothing behind', async (_, write) => {
  writeFileSync(at('file'), '');
  for (const path of ['file/f.json', 'file/deep/f.json']) {
    await expect(write(at(path))).rejects.toMatchObject({
      name: 'FileError',
      message: expect.stringContaining(
        `${at(path)}: cannot be written: a part of its path is a file, not a folder (`,
      ) as string,
    });
  }
  mkdirSync(at('taken/f.json/full'), { recursive: true });
  await expect(write(at('taken/f.json'))).rejects.toThrow(
    `${at('taken/f.json')}: cannot be written`,
  );
  expect(readdirSync(at('taken'))).toEqual(['f.json']);
});

test('a file that is written clears what a killed command had begun of it, and nothing else', async () => {
  const { status, pid } = spawnSync(process.execPath, ['-e', '']);
  expect(status).toBe(0);
  const kept = ['one.x.partial', `one.${process.ppid}.partial`, `other.${pid}.partial`];
  for (const name of [...kept, `one.${pid}.partial`]) writeFileSync(at(name), '');
  await nodeSystem.write(at('one'), 'x');
  const found = readdirSync(folder).filter((name) => name.endsWith('.partial'));
  expect(found.sort()).toEqual([...kept].sort());
});
