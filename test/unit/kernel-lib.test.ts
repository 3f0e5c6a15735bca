import { describe, expect, test } from 'vitest';
import { defineKernel, linearGrid } from '../../kernels/lib/kernel.ts';
import { rowPieces } from '../../kernels/lib/row-pieces.ts';
import { byteLength, rank1, reshape, rowsOf, type Tensor } from '../../kernels/lib/tensor.ts';
import { maxOf, valueOf, Variable } from '../../kernels/lib/variable.ts';
import { ropeKernel } from '../../kernels/rope.ts';
import library from '../../shaders/lib/kl.wgsl?raw';
import code from '../../shaders/rope.wgsl?raw';
import { isSoftware } from '../../src/gpu/device.ts';

const tensor = (shape: number[], dtype: Tensor['dtype'] = 'f32', offset = 0): Tensor => ({
  name: 'grades',
  dtype,
  shape,
  offset,
  buffer: {} as GPUBuffer,
});

describe('tensors', () => {
  test('count their bytes up to the 4 that copies need', () => {
    expect(byteLength(tensor([3, 5]))).toBe(60);
    expect(byteLength(tensor([3, 5], 'f16'))).toBe(32);
    expect(byteLength(tensor([0, 5]))).toBe(0);
    expect(byteLength(tensor([]))).toBe(4);
  });

  test('take another shape of as many elements, over the same memory', () => {
    const whole = tensor([4, 6], 'u32', 512);
    expect(reshape(whole, [24])).toEqual({ ...whole, shape: [24] });
    expect(() => reshape(whole, [25])).toThrow("reshape: (4, 6) from 'grades' does not hold (25)");
  });

  test('lend rows that start where WebGPU can bind', () => {
    const whole = tensor([8, 32], 'f32', 256);
    expect(rowsOf(whole, 2, 3)).toEqual({ ...whole, shape: [3, 32], offset: 512 });
    expect(rowsOf(whole, 8, 0)).toMatchObject({ shape: [0, 32] });
    expect(() => rowsOf(whole, 1, 3)).toThrow("rowsOf: rows 1 to 4 of (8, 32) from 'grades'");
    expect(() => rowsOf(whole, 6, 3)).toThrow('rows 6 to 9');
    expect(rowsOf(tensor([512], 'f16'), 128, 64).offset).toBe(256);
    expect(() => rank1('gae', 'rewards', whole)).toThrow(
      "gae: rewards must have rank 1, got (8, 32) from 'grades'",
    );
  });
});

describe('variables', () => {
  test('hold a number below their largest, or follow others', () => {
    const rows = new Variable('rows', 3, 10);
    const padded = new Variable('padded', () => rows.value + 1, 11);
    rows.value = 10;
    expect([valueOf(rows), valueOf(padded), valueOf(7)]).toEqual([10, 11, 7]);
    expect([maxOf(rows), maxOf(padded), maxOf(7)]).toEqual([10, 11, 7]);
    expect(maxOf(new Variable('rate', 0.1))).toBe(Infinity);
    expect(() => (rows.value = 11)).toThrow(new RangeError('rows: 11 exceeds 10'));
    expect(() => (rows.value = NaN)).toThrow(RangeError);
    expect(rows.value).toBe(10);
  });
});

describe('linearGrid', () => {
  test.each([0, 1, 65_535, 65_536, 131_071, 10_000_000, 65_535 * 65_535])(
    'covers %i workgroups within the limit of each dimension',
    (count) => {
      const [x, y] = linearGrid(count);
      expect(Math.max(x, y)).toBeLessThanOrEqual(65_535);
      expect(x * y).toBeGreaterThanOrEqual(count);
      // At most one workgroup too many per row of them.
      expect(x * y - count).toBeLessThan(Math.max(y, 1));
    },
  );
});

describe('rowPieces', () => {
  const summary = (pieces: ReturnType<typeof rowPieces>) =>
    pieces.map(({ start, end, count }) => [start, valueOf(end), count()]);

  test('cuts rows at multiples of 64, no piece above the most work', () => {
    expect(summary(rowPieces(400, 10, 1300))).toEqual([
      [0, 128, 128],
      [128, 256, 128],
      [256, 384, 128],
      [384, 400, 16],
    ]);
    expect(summary(rowPieces(400, 10))).toEqual([[0, 400, 400]]);
    // Rows too dear for the bound still come 64 at a time.
    expect(summary(rowPieces(70, 1e9, 100))).toEqual([
      [0, 64, 64],
      [64, 70, 6],
    ]);
    expect(rowPieces(0, 10)).toEqual([]);
  });

  test('follows a variable: pieces past the rows in use are empty', () => {
    const rows = new Variable('rows', 140, 400);
    const pieces = rowPieces(rows, 10, 1300);
    expect(summary(pieces)).toEqual([
      [0, 128, 128],
      [128, 140, 12],
      [256, 140, 0],
      [384, 140, 0],
    ]);
    rows.value = 385;
    expect(summary(pieces).map(([, , count]) => count)).toEqual([128, 128, 128, 1]);
  });
});

describe('defineKernel', () => {
  const params = ['rows', 'heads', 'half_dim', 'stride', 'direction'] as const;
  const tensors = { positions: 'u32', table: 'f32', qkv: 'f32' } as const;

  test('reads types of parameters and which tensors are written off the WGSL', () => {
    const kernel = defineKernel('rope', code, { params, tensors });
    expect(kernel.params.map(({ type }) => type)).toEqual(['u32', 'u32', 'u32', 'u32', 'f32']);
    expect(kernel.bindings).toEqual([
      { name: 'positions', kind: 'read' },
      { name: 'table', kind: 'read' },
      { name: 'qkv', kind: 'write' },
    ]);
    expect(ropeKernel.params).toEqual(kernel.params);
  });

  test('reads a tensor as a uniform where the WGSL does', () => {
    const uniform = code.replace('var<storage, read> table', 'var<uniform> table');
    const { bindings } = defineKernel('rope', uniform, { params, tensors });
    expect(bindings.map(({ kind }) => kind)).toEqual(['read', 'uniform', 'write']);
  });

  test('knows on which line each file of a joined shader begins', () => {
    const kernel = defineKernel('rope', [library, code], { params, tensors });
    const [first, own] = kernel.files;
    expect(first).toEqual({ name: 'lib/kl.wgsl', firstLine: 1 });
    expect(own.name).toBe('rope.wgsl');
    expect(kernel.code.split('\n')[own.firstLine - 1]).toBe(code.split('\n')[0]);
  });

  test('refuses a wrapper whose names or their order are not those of the WGSL', () => {
    const define = (text: string, other: object = {}) =>
      defineKernel('rope', text, { params, tensors, ...other });
    const [rows, heads, ...others] = params;
    expect(() => define(code)).not.toThrow();
    expect(() => define(code, { params: [heads, rows, ...others] })).toThrow(
      'rope: wrapper says Params (heads,rows,half_dim,stride,direction), ' +
        'WGSL (rows,heads,half_dim,stride,direction)',
    );
    const { positions, ...rest } = tensors;
    expect(() => define(code, { tensors: { ...rest, positions } })).toThrow('says bindings (table');
    expect(() => define(code.replace('struct Params', 'struct Sizes'))).toThrow('no struct Params');
    expect(() => define(code.replace('direction: f32', 'direction: vec2f'))).toThrow(
      'Params.direction must be u32, i32 or f32, is vec2f',
    );
    expect(() => define(code.replace('@binding(2)', '@binding(7)'))).toThrow(
      'binding 7 is not in order',
    );
    expect(() => define(code.replace('var<uniform>', 'var<storage, read>'))).toThrow(
      'binding 0 must be the uniform Params',
    );
  });

  test('refuses a tensor that is missing or has another dtype', () => {
    const kernel = defineKernel('rope', code, { params, tensors });
    const values = { rows: 5, heads: 4, half_dim: 3, stride: 2, direction: 1 };
    const good = { positions: tensor([1], 'u32'), table: tensor([1]), qkv: tensor([1]) };
    expect(kernel.bind(good, values, [1]).params).toEqual([5, 4, 3, 2, 1]);
    expect(() => kernel.bind({ ...good, positions: good.qkv }, values, [1])).toThrow(
      "rope: positions must be u32, got f32 from 'grades'",
    );
    const missing = { ...good, table: undefined } as unknown as typeof good;
    expect(() => kernel.bind(missing, values, [1])).toThrow('rope: table is missing');
  });
});

describe('isSoftware', () => {
  const info = (fields: object): GPUAdapterInfo =>
    ({ vendor: '', architecture: '', device: '', description: '', ...fields }) as GPUAdapterInfo;

  test.each([
    [{ description: 'llvmpipe (LLVM 19.1.7, 256 bits)' }, true],
    [{ vendor: 'google', architecture: 'swiftshader' }, true],
    [{ description: 'Microsoft Basic Render Driver' }, true],
    [{ vendor: 'unknown', isFallbackAdapter: true }, true],
    [{ vendor: 'nvidia', architecture: 'hopper', description: 'NVIDIA H200' }, false],
    [{ vendor: 'apple', architecture: 'metal-3' }, false],
  ])('tells %o: %s', (fields, software) => {
    expect(isSoftware(info(fields))).toBe(software);
  });
});
