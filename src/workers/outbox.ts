/**
 * Events for one reader, who asks for them. Batches leave at least `intervalMs` apart, at any rate
 * of events. A slow reader gets larger batches, not a growing queue of messages. An event waits for
 * a timer only if it would otherwise leave too soon.
 */
export class Outbox<Event> {
  readonly #intervalMs: number;
  readonly #supersedes: (event: Event) => string | undefined;
  #events: Event[] = [];
  #last = Number.NEGATIVE_INFINITY;
  #deliver: ((events: readonly Event[]) => void) | undefined;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #closed = false;

  /**
   * @param supersedes Gives a name to events of which only the newest matters, such as progress. A
   *   new event drops an unread one of the same name. Undefined: every event counts.
   */
  constructor(intervalMs: number, supersedes: (event: Event) => string | undefined) {
    this.#intervalMs = intervalMs;
    this.#supersedes = supersedes;
  }

  push(event: Event): void {
    const name = this.#supersedes(event);
    if (name !== undefined) {
      this.#events = this.#events.filter((other) => this.#supersedes(other) !== name);
    }
    this.#events.push(event);
    this.#send();
  }

  /**
   * The next batch. It is empty only if the outbox is closed and everything was read. There is one
   * reader at a time: a waiting call of an earlier reader gets an empty batch.
   */
  next(): Promise<readonly Event[]> {
    this.#deliver?.([]);
    return new Promise((resolve) => {
      this.#deliver = resolve;
      this.#send();
    });
  }

  /** Ends the events. Unread events can still be read. */
  close(): void {
    this.#closed = true;
    this.#send();
  }

  #send(): void {
    if (!this.#deliver || (this.#events.length === 0 && !this.#closed)) return;
    const early = this.#last + this.#intervalMs - performance.now();
    if (early > 0 && !this.#closed) {
      this.#timer ??= setTimeout(() => {
        this.#timer = undefined;
        this.#send();
      }, early);
      return;
    }
    const deliver = this.#deliver;
    const events = this.#events;
    this.#deliver = undefined;
    this.#events = [];
    this.#last = performance.now();
    deliver(events);
  }
}
