import { describe, expect, test } from 'vitest';
import { copyColumns } from '../../kernels/copy-columns.ts';
import { Variable } from '../../kernels/lib/variable.ts';
import { copyColumnsReference } from '../reference/copy-columns.ts';
import { expectClose, openTestGpu, run, seeded, tensorOf } from '../support/gpu.ts';
import { marked } from '../support/marked.ts';

const gpu = await openTestGpu();

async function copied(
  [xRows, xColumns]: readonly [number, number],
  [outRows, outColumns]: readonly [number, number],
  options: { rows: number | Variable; count: number; from?: number; to?: number },
) {
  const x = seeded(xRows * xColumns, 1);
  const before = marked(outRows * outColumns);
  const out = tensorOf(gpu, 'out', before, [outRows, outColumns]);
  await run(gpu, [copyColumns({ x: tensorOf(gpu, 'x', x, [xRows, xColumns]), out }, options)]);
  const { rows, count, from = 0, to = 0 } = options;
  const used = typeof rows === 'number' ? rows : rows.value;
  const place = { rows: used, count, from, to };
  return {
    got: await gpu.read(out, 'f32'),
    want: copyColumnsReference(x, xColumns, before, outColumns, place),
  };
}

describe('copy-columns', () => {
  test.each([
    ['in fours', [3, 320], [5, 320], { rows: 3, count: 64, from: 256, to: 256 }],
    ['into a wider matrix', [9, 64], [9, 322], { rows: 9, count: 64, to: 256 }],
    ['one by one', [2, 7], [4, 5], { rows: 2, count: 3, from: 2, to: 1 }],
    ['one column', [70, 1], [70, 1], { rows: 70, count: 1 }],
  ] as const)('copies columns %s', async (_, x, out, options) => {
    const { got, want } = await copied(x, out, options);
    expectClose(got, want, { abs: 0 });
  });

  test('leaves rows past the rows in use alone', async () => {
    const rows = new Variable('rows', 4, 9);
    const { got, want } = await copied([9, 8], [9, 16], { rows, count: 8, to: 8 });
    expectClose(got, want, { abs: 0 });
  });

  test('refuses columns and rows that a matrix has not', () => {
    const matrix = (rows: number, columns: number) =>
      tensorOf(gpu, 'matrix', marked(rows * columns), [rows, columns]);
    const [x, out] = [matrix(2, 8), matrix(2, 4)];
    expect(() => copyColumns({ x, out }, { rows: 2, count: 4, from: 5 })).toThrow(
      'copy-columns: 4 columns from 5 of 8 to 0 of 4',
    );
    expect(() => copyColumns({ x, out }, { rows: 2, count: 4, to: 1 })).toThrow('to 1 of 4');
    expect(() => copyColumns({ x, out }, { rows: 3, count: 4 })).toThrow('past the 2 held');
  });
});
