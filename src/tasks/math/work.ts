/** Thrown if an answer takes more work than one comparison may use. */
export class TooCostly extends Error {}

/**
 * Counts the operations of one comparison, so that a hostile answer ends early on every machine.
 */
export class Work {
  #left: number;

  constructor(operations: number) {
    this.#left = operations;
  }

  get left(): number {
    return this.#left;
  }

  /** @throws TooCostly if more operations are spent than were given. */
  spend(operations: number): void {
    this.#left -= operations;
    if (this.#left < 0) throw new TooCostly();
  }
}
