import blocks from '../../shaders/lib/matrix-blocks.wgsl?raw';
import numbers from '../../shaders/lib/matrix-numbers.wgsl?raw';
import quads from '../../shaders/lib/matrix-quads.wgsl?raw';
import library from '../../shaders/lib/weight.wgsl?raw';
import { blockBytes, blockNumbers, type DType, isBlockType, type Tensor } from './tensor.ts';

/** Storage types of keys and values that a kernel reads through `shaders/lib/weight.wgsl`. */
export const weightTypes = ['f32', 'f16'] as const satisfies readonly DType[];

/** Storage types of a matrix that a kernel multiplies by, or looks rows up in. */
export const matrixTypes = [...weightTypes, 'int8', 'int4'] as const satisfies readonly DType[];
export type MatrixType = (typeof matrixTypes)[number];

/** The WGSL with which a kernel begins that reads keys and values. */
export const weightLibrary = library;

const headers = {
  f32: 'const WEIGHT_WORDS = 4u;\nalias Weight = f32;\nalias Weights = vec4f;',
  f16: 'const WEIGHT_WORDS = 2u;\nalias Weight = u32;\nalias Weights = vec2u;',
} as const;

/** The header that a kernel needs that reads a tensor of `weightTypes`. */
export const weightHeader = ({ dtype }: Pick<Tensor, 'dtype'>): string =>
  headers[dtype === 'f16' ? 'f16' : 'f32'];

/** Headers by what they are made of: a plan asks for one at every dispatch. */
const matrixHeaders = new Map<string, string>();

/**
 * The header that a kernel needs that reads the matrix `weight`, of `matrixTypes`.
 *
 * @param by Whether it reads four numbers at a time or one.
 * @param enables `enable` lines to put first.
 */
export function matrixHeader(
  { dtype, shape }: Tensor,
  by: 'quads' | 'numbers',
  enables = '',
): string {
  const width = shape.at(-1) ?? 0;
  const row = width % blockNumbers === 0 ? blockNumbers : width;
  const key = `${dtype} ${isBlockType(dtype) ? row : by} ${enables}`;
  const made = matrixHeaders.get(key) ?? makeHeader(dtype, row, by, enables);
  matrixHeaders.set(key, made);
  return made;
}

/** @param row Numbers of a row, or of a block where rows fill their blocks. */
function makeHeader(dtype: DType, row: number, by: 'quads' | 'numbers', enables: string): string {
  const first = enables === '' ? [] : [enables];
  if (!isBlockType(dtype)) {
    const reader = by === 'quads' ? quads : numbers;
    return [...first, weightHeader({ dtype }), library, reader].join('\n');
  }
  return [
    ...first,
    'alias Weight = u32;',
    'alias Weights = u32;',
    `const BLOCK_WORDS = ${blockBytes[dtype] / 4}u;`,
    `const ROW_NUMBERS = ${row}u;`,
    blocks,
  ].join('\n');
}
