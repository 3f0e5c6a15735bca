import { describe, expect, test } from 'vitest';
import { FileError } from '../../src/file-error.ts';
import { bytesSource } from '../../src/formats/byte-source.ts';
import type { InputFiles } from '../../src/formats/input-files.ts';
import type { Loading } from '../../src/results.ts';
import { UnreadError, WatchedFiles } from '../../src/workers/watched-files.ts';
import { openFiles } from '../../src/workers/given-files.ts';

const MIB = 2 ** 20;

/** A file of 40 MiB, and every range that was asked of it. */
function large() {
  const bytes = new Uint8Array(40 * MIB);
  for (let mebibyte = 0; mebibyte < 40; mebibyte++) {
    bytes.fill(mebibyte, mebibyte * MIB, (mebibyte + 1) * MIB);
  }
  const asked: [number, number][] = [];
  const source = bytesSource('model.safetensors', bytes);
  const files: InputFiles = {
    open: () =>
      Promise.resolve({
        ...source,
        slice: (start, end) => {
          asked.push([start, end]);
          return source.slice(start, end);
        },
      }),
  };
  return { bytes, asked, files };
}

describe('files that are watched', () => {
  test('are read in pieces of 16 MiB, and each piece of a stage is told', async () => {
    const { bytes, asked, files } = large();
    const told: Loading[] = [];
    const watched = new WatchedFiles(files, new AbortController().signal, (one) => told.push(one));
    const source = (await watched.open('model.safetensors'))!;
    // Headers are read before any stage.
    await source.slice(0, 8);
    expect(told).toEqual([]);
    watched.begin('weights', 40 * MIB);
    expect(Buffer.compare(await source.slice(0, source.size), bytes)).toBe(0);
    expect(asked.slice(1)).toEqual([
      [0, 16 * MIB],
      [16 * MIB, 32 * MIB],
      [32 * MIB, 40 * MIB],
    ]);
    expect(told).toEqual(
      [0, 16, 32, 40].map((read) => ({ stage: 'weights', bytes: read * MIB, of: 40 * MIB })),
    );
    // Past its end a file has no bytes.
    expect([...(await source.slice(40 * MIB - 2, 50 * MIB))]).toEqual([39, 39]);
  });

  test('end between two pieces once nobody wants them', async () => {
    const { asked, files } = large();
    const reading = new AbortController();
    const watched = new WatchedFiles(files, reading.signal, ({ bytes }) => {
      if (bytes > 0) reading.abort(new UnreadError('stopped'));
    });
    const source = (await watched.open('model.safetensors'))!;
    watched.begin('check', source.size);
    await expect(source.slice(0, source.size)).rejects.toThrow(new UnreadError('stopped'));
    expect(asked).toHaveLength(1);
    await expect(source.slice(0, 1)).rejects.toThrow(UnreadError);
    await expect(watched.open('config.json')).rejects.toThrow(UnreadError);
  });

  test('that become shorter are no model', async () => {
    const short = { name: 'a.json', size: 9, slice: () => Promise.resolve(new Uint8Array(4)) };
    const files = { open: () => Promise.resolve(short) };
    const watched = new WatchedFiles(files, new AbortController().signal, () => undefined);
    const source = (await watched.open('a.json'))!;
    await expect(source.slice(0, 9)).rejects.toThrow('a.json: became shorter while it was read');
  });
});

describe('files that a page holds', () => {
  test('are found by their paths, and read in slices', async () => {
    const files = openFiles({
      kind: 'blobs',
      files: new Map([['tiny/config.json', new Blob(['{"a": 1}'])]]),
    });
    const source = (await files.open('tiny/config.json'))!;
    expect([source.name, source.size]).toEqual(['tiny/config.json', 8]);
    expect(new TextDecoder().decode(await source.slice(1, 4))).toBe('"a"');
    expect(await files.open('config.json')).toBeUndefined();
  });

  test('and changed meanwhile are named', async () => {
    const gone = new Blob(['x']);
    gone.slice = () => {
      throw new DOMException('could not be read', 'NotReadableError');
    };
    const files = openFiles({ kind: 'blobs', files: new Map([['p.jsonl', gone]]) });
    const source = (await files.open('p.jsonl'))!;
    await expect(source.slice(0, 1)).rejects.toSatisfy(
      (error) =>
        error instanceof FileError &&
        error.message.includes('p.jsonl: cannot be read: it has changed or is gone'),
    );
  });
});
