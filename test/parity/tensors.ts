import { type SafetensorsEntry, toFloat32, toInt32 } from '../../src/formats/safetensors.ts';
import type { Fixtures } from './folder.ts';

/** Tensors of a fixture file, of which every one must be asked for. */
export class ExpectedTensors {
  readonly where: string;
  readonly #entries: ReadonlyMap<string, SafetensorsEntry>;
  readonly #asked = new Set<string>();

  constructor(entries: ReadonlyMap<string, SafetensorsEntry>, where: string) {
    this.#entries = entries;
    this.where = where;
  }

  static async open(fixtures: Fixtures, path: string): Promise<ExpectedTensors> {
    return new ExpectedTensors(await fixtures.tensors(path), path);
  }

  get keys(): string[] {
    return [...this.#entries.keys()];
  }

  has(key: string): boolean {
    return this.#entries.has(key);
  }

  #entry(key: string): SafetensorsEntry {
    const entry = this.#entries.get(key);
    if (!entry) throw new Error(`${this.where}: no tensor ${key}`);
    this.#asked.add(key);
    return entry;
  }

  f32(key: string): Float32Array {
    return toFloat32(this.#entry(key), this.where);
  }

  i32(key: string): Int32Array {
    return toInt32(this.#entry(key), this.where);
  }

  shape(key: string): readonly number[] {
    return this.#entry(key).shape;
  }

  /** An integer matrix as rows. */
  rows(key: string): number[][] {
    const [count = 0, width = 0, ...more] = this.shape(key);
    if (more.length > 0) throw new Error(`${this.where}: ${key} must be a matrix`);
    const values = this.i32(key);
    return Array.from({ length: count }, (_, i) => [
      ...values.subarray(i * width, (i + 1) * width),
    ]);
  }

  /** @throws Error when a tensor has not been asked for. */
  done(): void {
    const left = this.keys.filter((key) => !this.#asked.has(key));
    if (left.length > 0)
      throw new Error(`${this.where}: nothing here understands ${left.join(', ')}`);
  }
}

/**
 * What the gradients of one loss may be off by, tensor by tensor: a share of the tensor's largest
 * entry. A tensor that is 0 but for rounding (attention over a single token has no gradient of its
 * queries) is allowed the rounding of the sums it comes from, a millionth of the largest of all.
 */
export function gradientTolerance(
  gradients: readonly ArrayLike<number>[],
  share: number,
): (want: ArrayLike<number>) => number {
  const rounding = 1e-6 * Math.max(0, ...gradients.map(largest));
  return (want) => Math.max(share * largest(want), rounding);
}

/** The largest absolute value: what a gradient's error is measured by. */
export const largest = (values: ArrayLike<number>): number =>
  Array.from(values).reduce((top, value) => Math.max(top, Math.abs(value)), 0);
