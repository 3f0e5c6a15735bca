import { elementCount } from '../../kernels/lib/tensor.ts';
import { RandomStream } from '../random.ts';
import type { Gpu } from '../gpu/device.ts';
import type { ModelConfig } from './config.ts';
import { hfName } from './hugging-face/names.ts';
import type { ParameterPart, StoredParameter } from './parameters.ts';

/** Numbers [first, first + count) of a parameter, row after row. */
export interface NumberRange {
  readonly first: number;
  readonly count: number;
  /** How many numbers the parameter must have. */
  readonly of: number;
}

/** Parameters by their names in files, some numbers at a time. */
export interface ParameterSource {
  /**
   * @param range All numbers when left out.
   * @throws RangeError when there is no such parameter, or it has another size.
   */
  read(name: string, range?: NumberRange): Promise<Float32Array>;
}

/** How parameters are loaded. */
export interface LoadOptions {
  /** Ends the loading with its reason. What is loaded by then stays. */
  readonly signal?: AbortSignal | undefined;
  /** Told after each piece. @param loaded Numbers read so far, of `total`. */
  readonly onProgress?: ((loaded: number, total: number) => void) | undefined;
}

/** @throws RangeError when the parameter is missing or has another size. */
export function heldRange(
  held: ReadonlyMap<string, Float32Array>,
  name: string,
  range?: NumberRange,
): Float32Array {
  const found = held.get(name);
  if (!found) throw new RangeError(`parameter ${name} is missing`);
  if (!range) return found;
  const { first, count, of } = range;
  if (found.length === of) return found.subarray(first, first + count);
  throw new RangeError(`parameter ${name} must have ${of} elements, has ${found.length}`);
}

/** Parameters that the host holds. */
export const heldParameters = (held: ReadonlyMap<string, Float32Array>): ParameterSource => ({
  read: (name, range) => Promise.resolve().then(() => heldRange(held, name, range)),
});

/** Numbers of a piece: 16 MiB in f32. */
export const pieceNumbers = 2 ** 22;

/** Most numbers on their way: what is written waits in staging memory until the device is done. */
const pendingNumbers = 2 ** 24;

/** Where a part's numbers lie in its parameter. @param row The first row, of the part's. */
export function rangeOf(part: ParameterPart, row: number, rows: number): NumberRange {
  const width = elementCount(part.shape.slice(1));
  const first = (part.fileRow + row) * width;
  return { first, count: rows * width, of: elementCount(part.shape) };
}

/**
 * Reads all parameters of some stored tensors, a piece of whole rows after another, and hands each on.
 *
 * @param write Given the first row of the part that a piece holds.
 */
export async function loadRows<Stored extends Pick<StoredParameter, 'parts'>>(
  gpu: Gpu,
  stored: readonly Stored[],
  source: ParameterSource,
  { signal, onProgress }: LoadOptions,
  write: (stored: Stored, part: ParameterPart, row: number, numbers: Float32Array) => void,
): Promise<void> {
  const total = stored
    .flatMap(({ parts }) => parts)
    .reduce((sum, part) => sum + rangeOf(part, 0, part.rows).count, 0);
  let loaded = 0;
  let pending = 0;
  for (const one of stored) {
    for (const part of one.parts) {
      const width = elementCount(part.shape.slice(1));
      // An even number of rows, so that halves are whole words.
      const step = Math.max(2, Math.floor(pieceNumbers / width / 2) * 2);
      for (let row = 0; row < part.rows; row += step) {
        signal?.throwIfAborted();
        const range = rangeOf(part, row, Math.min(step, part.rows - row));
        const numbers = await source.read(part.file, range);
        if (numbers.length !== range.count) {
          throw new RangeError(
            `parameter ${part.file} must be (${part.shape.join(', ')}): of ${range.count} elements ` +
              `from ${range.first} on, ${numbers.length} are there`,
          );
        }
        write(one, part, row, numbers);
        loaded += range.count;
        pending += range.count;
        if (pending >= pendingNumbers) {
          await gpu.idle();
          pending = 0;
        }
        onProgress?.(loaded, total);
      }
    }
  }
}

/**
 * A critic that starts from an actor: the actor's trunk and a random head.
 *
 * @param headScale As for `valueHead`.
 */
export function criticFromActor(
  actor: ParameterSource,
  config: ModelConfig,
  seed: number,
  headScale?: number,
): ParameterSource {
  const score = hfName(config.architecture, 'score');
  return {
    read: (name, range) =>
      name === score
        ? Promise.resolve(valueHead(config, seed, headScale))
        : actor.read(name, range),
  };
}

/**
 * The weights of a critic's head before training, f32 (C), normal.
 *
 * @param scale Standard deviation. OpenRLHF uses 1/(hidden + 1); with 0 every value starts at 0.
 */
export function valueHead(
  { hiddenSize }: Pick<ModelConfig, 'hiddenSize'>,
  seed: number,
  scale = 1 / (hiddenSize + 1),
): Float32Array {
  const stream = new RandomStream(seed, 'valueHead');
  const score = new Float32Array(hiddenSize);
  for (let i = 0; i < score.length; i++) score[i] = stream.normal() * scale;
  return score;
}
