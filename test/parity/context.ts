import type { DType, Tensor } from '../../kernels/lib/tensor.ts';
import type { Gpu } from '../../src/gpu/device.ts';
import type { Step } from '../../src/gpu/plan.ts';
import type { Fixtures } from './folder.ts';
import type { Report } from './report.ts';

/** What every part of the suite works with. */
export interface Context {
  readonly gpu: Gpu;
  readonly fixtures: Fixtures;
  readonly report: Report;
  readonly memo: Memo;
}

/** One part of the suite: reads its files, computes, compares. */
export type Part = (context: Context) => Promise<void>;

/**
 * Results by everything that went into them, so that a run over the same inputs with other expected
 * numbers compares without computing again.
 */
export class Memo {
  readonly #results = new Map<string, Promise<unknown>>();

  /** The result of `compute`, computed once for equal names and inputs. */
  get<Result>(name: string, inputs: unknown, compute: () => Promise<Result>): Promise<Result> {
    const key = `${name} ${Memo.digest(inputs)}`;
    const known = this.#results.get(key) as Promise<Result> | undefined;
    if (known) return known;
    const result = compute();
    this.#results.set(key, result);
    return result;
  }

  /** Two FNV-1a hashes of a value's JSON, typed arrays by their bytes. */
  static digest(value: unknown): string {
    let a = 0x811c9dc5;
    let b = 0x9747b28c;
    const add = (byte: number): void => {
      a = Math.imul(a ^ byte, 0x01000193);
      b = Math.imul(b ^ byte, 0x01000197);
    };
    const visit = (item: unknown): void => {
      if (ArrayBuffer.isView(item)) {
        for (const byte of new Uint8Array(item.buffer, item.byteOffset, item.byteLength)) add(byte);
      } else if (Array.isArray(item)) item.forEach(visit);
      else for (const byte of new TextEncoder().encode(JSON.stringify(item))) add(byte);
      add(0xff); // No UTF-8 byte: what it ends cannot run into what follows.
    };
    visit(value);
    return `${a >>> 0} ${b >>> 0}`;
  }
}

/** Tensors and plans that live as long as one computation. */
export class Scope {
  readonly gpu: Gpu;
  readonly #tensors: Tensor[] = [];

  constructor(gpu: Gpu) {
    this.gpu = gpu;
  }

  /** A zeroed tensor. */
  empty(name: string, shape: readonly number[], dtype: DType = 'f32'): Tensor {
    const tensor = this.gpu.tensor(name, shape, dtype, 'activations');
    this.#tensors.push(tensor);
    return tensor;
  }

  /** A tensor that holds data: u32 for a Uint32Array, else f32. */
  tensor(
    name: string,
    data: Float32Array | Uint32Array | readonly number[],
    shape: readonly number[] = [data.length],
  ): Tensor {
    const typed = 'buffer' in data ? data : Float32Array.from(data);
    const tensor = this.empty(name, shape, typed instanceof Uint32Array ? 'u32' : 'f32');
    if (typed.length > 0) this.gpu.upload(tensor, typed);
    return tensor;
  }

  /** Runs steps once, to their end. */
  async run(steps: readonly Step[]): Promise<void> {
    const plan = this.gpu.plan('parity', steps);
    try {
      await this.gpu.run(plan);
      await this.gpu.idle();
    } finally {
      plan.destroy();
    }
  }

  close(): void {
    this.gpu.destroy(...this.#tensors);
  }
}

/** Runs a computation with a scope, freed whatever happens. */
export async function withScope<Result>(
  gpu: Gpu,
  compute: (scope: Scope) => Promise<Result>,
): Promise<Result> {
  const scope = new Scope(gpu);
  try {
    return await compute(scope);
  } finally {
    scope.close();
  }
}

/** The rows of u32 (S, 2): first action and action count of sequences of these lengths. */
export function sequencesOf(lengths: readonly number[]): Uint32Array {
  const rows: number[] = [];
  let first = 0;
  for (const length of lengths) {
    rows.push(first, length);
    first += length;
  }
  return Uint32Array.from(rows);
}
