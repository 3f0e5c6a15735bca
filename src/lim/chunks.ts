import { rowsOf, type Tensor } from '../../kernels/lib/tensor.ts';
import type { Gpu } from '../gpu/device.ts';
import type { Step } from '../gpu/plan.ts';
import {
  type AnyMatrix,
  isTensors,
  mapTensors,
  type MatrixTensors,
  type RewardMatrix,
  shapeOf,
  type ValueMatrix,
} from './matrix.ts';

/** Limits on how much of a matrix is on the device at once. */
export interface ChunkOptions {
  /** Most bytes of one array bound at once. Default and maximum: the limit of the device. */
  readonly chunkBytes?: number;
  /**
   * Most bytes that a host matrix takes on the device, with filled copies. A larger matrix is
   * streamed through the device in chunks. Default 1 GiB.
   */
  readonly residentBytes?: number;
}

/** Rows [first, first + count) of the matrix on the device. */
export interface Chunk {
  readonly first: number;
  readonly count: number;
  /** The rows with all their columns, if `raw` has only the first. */
  readonly whole?: MatrixTensors;
  readonly raw: MatrixTensors;
  /** The rows that are scored: `raw` or its filled copy. */
  readonly used: MatrixTensors;
  /** Uploads the rows to the device; absent if they are there already. */
  readonly load?: () => void;
}

/** Allocates a tensor for whoever supplied this function, who also destroys the tensor. */
export type Own = (
  name: string,
  shape: readonly number[],
  dtype: 'f32' | 'u32',
  purpose?: 'rewards' | 'uniforms',
) => Tensor;

/**
 * Splits the matrix into chunks that fit one binding.
 *
 * @param copies.fills Whether a filled copy is scored in place of the matrix.
 * @param copies.epochs Number of the first columns that are scored; all when left out.
 */
export function chunksOf(
  gpu: Gpu,
  matrix: AnyMatrix,
  options: ChunkOptions,
  { fills, epochs: wanted }: { readonly fills: boolean; readonly epochs?: number },
  own: Own,
): Chunk[] {
  const [prompts, columns] = shapeOf(matrix);
  const epochs = wanted ?? columns;
  const cuts = epochs < columns;
  const { maxStorageBufferBindingSize, maxBufferSize } = gpu.limits;
  const bytes = Math.min(
    options.chunkBytes ?? Infinity,
    maxStorageBufferBindingSize,
    maxBufferSize,
  );
  // With a multiple of 64 rows per chunk, every offset is a multiple of 256 bytes.
  const most = Math.max(64, Math.floor(bytes / (columns * 4 * 64)) * 64);
  const held = Math.min(prompts, most);
  const copies = fills ? 2 : 1;
  const entryBytes = 'values' in matrix ? 4 : 8;
  const resident = entryBytes * prompts * epochs * copies <= (options.residentBytes ?? 2 ** 30);
  const make = (name: string, count: number): MatrixTensors =>
    'values' in matrix
      ? { values: own(`${name} values`, [count, epochs], 'f32') }
      : {
          sums: own(`${name} sums`, [count, epochs], 'f32'),
          samples: own(`${name} samples`, [count, epochs], 'u32'),
        };
  const view = (tensors: MatrixTensors, first: number, count: number): MatrixTensors =>
    mapTensors(tensors, (tensor) => rowsOf(tensor, first, count));
  // All chunks of a streamed matrix share one set of tensors, which each pass writes again.
  const shared = isTensors(matrix) || resident ? undefined : make('matrix', held);
  const filled = fills && !resident ? make('filled', held) : undefined;
  const chunks: Chunk[] = [];
  for (let first = 0; first < prompts; first += most) {
    const count = Math.min(most, prompts - first);
    let raw: MatrixTensors;
    let whole: MatrixTensors | undefined;
    let load: (() => void) | undefined;
    if (isTensors(matrix)) {
      const rows = view(matrix, first, count);
      if (cuts) whole = rows;
      raw = cuts ? make('first epochs', count) : rows;
    } else {
      raw = shared ? view(shared, 0, count) : make('matrix', count);
      const tensors = raw;
      const upload = (): void => {
        uploadRows(gpu, matrix, tensors, first * epochs, (first + count) * epochs);
      };
      if (shared) load = upload;
      else upload();
    }
    const used = !fills ? raw : filled ? view(filled, 0, count) : make('filled', count);
    chunks.push({ first, count, ...(whole && { whole }), raw, used, ...(load && { load }) });
  }
  return chunks;
}

/** Uploads elements [from, to) of a matrix to tensors of the same form. */
function uploadRows(
  gpu: Gpu,
  matrix: RewardMatrix | ValueMatrix,
  tensors: MatrixTensors,
  from: number,
  to: number,
): void {
  if ('values' in matrix) {
    if ('values' in tensors) gpu.upload(tensors.values, matrix.values.subarray(from, to));
  } else if ('sums' in tensors) {
    const sums = matrix.sums.subarray(from, to);
    gpu.upload(tensors.sums, sums instanceof Float32Array ? sums : Float32Array.from(sums));
    gpu.upload(tensors.samples, matrix.samples.subarray(from, to));
  }
}

/** Runs steps once and waits for them. */
export async function runOnce(gpu: Gpu, name: string, steps: readonly Step[]): Promise<void> {
  const plan = gpu.plan(name, steps);
  await gpu.run(plan);
  await gpu.idle();
  plan.destroy();
}
