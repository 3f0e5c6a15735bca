import { expect, test } from 'vitest';
import { matrixColumns } from '../../kernels/matrix-columns.ts';
import { matrixColumnsReference } from '../reference/matrix-columns.ts';
import { openTestGpu, run, tensorOf } from '../support/gpu.ts';

test.each([
  [1, 1, 1],
  [3, 5, 2],
  [67, 7, 7],
  [1027, 21, 3],
  [90_000, 4, 1],
])('copies the first columns of (%i, %i): %i of them', async (rows, columns, count) => {
  const gpu = await openTestGpu();
  const words = Uint32Array.from({ length: rows * columns }, (_, i) => Math.imul(i, 0x9e37_79b1));
  const matrix = tensorOf(gpu, 'matrix', words, [rows, columns]);
  const kept = gpu.tensor('kept', [rows, count], 'u32', 'rewards');
  await run(gpu, [matrixColumns(matrix, kept)]);
  const got = await gpu.read(kept, 'u32');
  expect([...got]).toEqual(matrixColumnsReference(words, columns, count));
  gpu.destroy(matrix, kept);
});

test('keeps the bits of numbers, NaN among them', async () => {
  const gpu = await openTestGpu();
  const matrix = tensorOf(gpu, 'matrix', Float32Array.of(0.5, 1, NaN, -0, 3, 4), [2, 3]);
  const kept = gpu.tensor('kept', [2, 2], 'f32', 'rewards');
  await run(gpu, [matrixColumns(matrix, kept)]);
  expect([...(await gpu.read(kept, 'f32'))]).toEqual([0.5, 1, -0, 3]);
  gpu.destroy(matrix, kept);
});

test('refuses other rows, and more columns than there are', async () => {
  const gpu = await openTestGpu();
  const matrix = tensorOf(gpu, 'matrix', new Uint32Array(6), [2, 3]);
  const rows = gpu.tensor('rows', [3, 2], 'u32', 'rewards');
  const wide = gpu.tensor('wide', [2, 4], 'u32', 'rewards');
  expect(() => matrixColumns(matrix, rows)).toThrow(
    "matrix-columns: columns must be (2, 2), got (3, 2) from 'rows'",
  );
  expect(() => matrixColumns(matrix, wide)).toThrow('4 columns wanted, the matrix has 3');
  gpu.destroy(matrix, rows, wide);
});
