import { expect, test } from 'vitest';
import {
  checkpointFile,
  checkpointName,
  isCheckpointFile,
  methodFileName,
  placeOfCheckpoint,
  seedFiles,
  trainedFolder,
} from '../../src/run-folder/names.ts';

test('files of a subset from a file have letters of its path, and no part of it', () => {
  const [one, other] = ['file:/home/x/top.json', 'file:/home/y/top.json'] as const;
  const name = methodFileName(one);
  expect(name).toMatch(/^file-[a-p]{16}$/);
  expect(methodFileName(other)).not.toBe(name);
  expect(seedFiles(7, [1, 7]).subset(one)).toBe(`subsets/${name}-seed-7.json`);
  expect(trainedFolder('adapter', one, 1, [1])).toBe(`adapter-${name}`);
  const file = checkpointFile(checkpointName({ seedIndex: 1, method: name, update: 12 }), 2);
  expect(isCheckpointFile(file)).toBe(true);
  expect(placeOfCheckpoint(file)).toEqual({ seedIndex: 1, method: name, update: 12 });
  expect(methodFileName('lim')).toBe('lim');
});
