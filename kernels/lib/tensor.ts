import { ShapeError } from './errors.ts';
import { maxOf, type Size } from './variable.ts';

/** Numbers that lie one after another. */
export type NumberType = 'f32' | 'u32' | 'i32' | 'f16';

/** Numbers in blocks with a scale of their own (`shaders/lib/matrix-blocks.wgsl`). */
export type BlockType = 'int8' | 'int4';

export type DType = NumberType | BlockType;

export const bytesPerElement: Readonly<Record<NumberType, number>> = {
  f32: 4,
  u32: 4,
  i32: 4,
  f16: 2,
};

/** Numbers of a row that share a block. A row's last block is filled up. */
export const blockNumbers = 32;

/** Bytes of a block. */
export const blockBytes: Readonly<Record<BlockType, number>> = { int8: 36, int4: 20 };

export const isBlockType = (dtype: DType): dtype is BlockType => dtype in blockBytes;

/** The host's array of each dtype: halves as their bits, blocks as their words. */
export interface HostArrays {
  readonly f32: Float32Array<ArrayBuffer>;
  readonly u32: Uint32Array<ArrayBuffer>;
  readonly i32: Int32Array<ArrayBuffer>;
  readonly f16: Uint16Array<ArrayBuffer>;
  readonly int8: Uint32Array<ArrayBuffer>;
  readonly int4: Uint32Array<ArrayBuffer>;
}

/** A dense row-major array inside a GPU buffer. It does not own the buffer. */
export interface Tensor<Type extends DType = DType> {
  readonly name: string;
  readonly dtype: Type;
  readonly shape: readonly number[];
  readonly buffer: GPUBuffer;
  /** First byte inside `buffer`; a multiple of 256, so that it can be bound. */
  readonly offset: number;
}

export const elementCount = (shape: readonly number[]): number =>
  shape.reduce((product, size) => product * size, 1);

/** Bytes of a row of `width` numbers. */
export const rowBytes = (dtype: DType, width: number): number =>
  isBlockType(dtype)
    ? Math.ceil(width / blockNumbers) * blockBytes[dtype]
    : width * bytesPerElement[dtype];

/** Bytes of a dense array, before any rounding. */
const bytesOf = (dtype: DType, shape: readonly number[]): number =>
  elementCount(shape.slice(0, -1)) * rowBytes(dtype, shape.at(-1) ?? 1);

/** Bytes of the tensor itself, rounded up to the 4 bytes that copies need. */
export const byteLength = ({ dtype, shape }: Pick<Tensor, 'dtype' | 'shape'>): number =>
  Math.ceil(bytesOf(dtype, shape) / 4) * 4;

/** The same memory under another shape. @throws ShapeError when the element counts differ. */
export function reshape<Type extends DType>(
  tensor: Tensor<Type>,
  shape: readonly number[],
): Tensor<Type> {
  if (elementCount(shape) !== elementCount(tensor.shape)) {
    throw new ShapeError(`reshape: ${describe(tensor)} does not hold (${shape.join(', ')})`);
  }
  return { ...tensor, shape };
}

/**
 * Rows [first, first + count) of a tensor along its first axis, sharing its memory.
 *
 * @throws ShapeError when the rows lie outside the tensor, or start where WebGPU cannot bind (256
 *   bytes).
 */
export function rowsOf<Type extends DType>(
  tensor: Tensor<Type>,
  first: number,
  count: number,
): Tensor<Type> {
  const [rows = 0, ...rest] = tensor.shape;
  const offset = tensor.offset + first * bytesOf(tensor.dtype, rest);
  if (first + count > rows || offset % 256 !== 0) {
    throw new ShapeError(`rowsOf: rows ${first} to ${first + count} of ${describe(tensor)}`);
  }
  return { ...tensor, shape: [count, ...rest], offset };
}

const describe = (tensor: Tensor): string => `(${tensor.shape.join(', ')}) from '${tensor.name}'`;

/** The two sizes of a matrix. @throws ShapeError when the tensor has another rank. */
export function rank2(kernel: string, role: string, tensor: Tensor): [number, number] {
  const [rows, columns] = tensor.shape;
  if (tensor.shape.length !== 2 || rows === undefined || columns === undefined) {
    throw new ShapeError(`${kernel}: ${role} must have rank 2, got ${describe(tensor)}`);
  }
  return [rows, columns];
}

/** The size of a vector. @throws ShapeError when the tensor has another rank. */
export function rank1(kernel: string, role: string, tensor: Tensor): number {
  const [size] = tensor.shape;
  if (tensor.shape.length !== 1 || size === undefined) {
    throw new ShapeError(`${kernel}: ${role} must have rank 1, got ${describe(tensor)}`);
  }
  return size;
}

/** @throws ShapeError unless the tensor has exactly this shape. */
export function expectShape(
  kernel: string,
  role: string,
  tensor: Tensor,
  shape: readonly number[],
): void {
  if (tensor.shape.length !== shape.length || shape.some((size, i) => tensor.shape[i] !== size)) {
    throw new ShapeError(
      `${kernel}: ${role} must be (${shape.join(', ')}), got ${describe(tensor)}`,
    );
  }
}

/** @throws ShapeError when a count can outgrow the dimension that it indexes. */
export function expectCapacity(kernel: string, what: string, size: Size, capacity: number): void {
  if (maxOf(size) > capacity) {
    throw new ShapeError(`${kernel}: ${what} may reach ${maxOf(size)}, past the ${capacity} held`);
  }
}
