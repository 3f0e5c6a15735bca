/** Thrown where an answer would take more work than one comparison is given. */
export class TooCostly extends Error {}

/** Counts the operations of one comparison, so that hostile answers end early on every machine. */
export class Work {
  #left: number;

  constructor(operations: number) {
    this.#left = operations;
  }

  get left(): number {
    return this.#left;
  }

  /** @throws TooCostly once more is spent than there was. */
  spend(operations: number): void {
    this.#left -= operations;
    if (this.#left < 0) throw new TooCostly();
  }
}
