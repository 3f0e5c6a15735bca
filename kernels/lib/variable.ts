/**
 * A number that changes between runs of a plan without rebuilding it: a count of rows, a learning
 * rate, a step. Kernels read its value from their uniform, which the plan rewrites before each run.
 */
export class Variable {
  readonly name: string;
  /** Largest value the plan's buffers were sized for; Infinity for a plain hyperparameter. */
  readonly max: number;
  /**
   * The value that kernels are chosen for. Plans for one piece of work that are sized for more or
   * less memory share this value, and so compute the same bits.
   */
  readonly usual: number;
  #value: number | (() => number);

  /** @param value A number to be set later, or a function of other variables. */
  constructor(name: string, value: number | (() => number), max = Infinity, usual = max) {
    this.name = name;
    this.max = max;
    this.usual = usual;
    this.#value = value;
  }

  get value(): number {
    return typeof this.#value === 'number' ? this.#value : this.#value();
  }

  /** @throws RangeError when the value is NaN or exceeds `max`. */
  set value(value: number) {
    if (!(value <= this.max)) throw new RangeError(`${this.name}: ${value} exceeds ${this.max}`);
    this.#value = value;
  }
}

/** A fixed number, or one that may change between runs of a plan. */
export type Size = number | Variable;

export const valueOf = (size: Size): number => (typeof size === 'number' ? size : size.value);

/** The largest value a size can take: what buffers must hold. */
export const maxOf = (size: Size): number => (typeof size === 'number' ? size : size.max);

/** The value that kernels are chosen for. */
export const usualOf = (size: Size): number => (typeof size === 'number' ? size : size.usual);
