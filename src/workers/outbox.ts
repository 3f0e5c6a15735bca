/**
 * Events on their way to one reader who asks for them. Batches leave at least `intervalMs` apart,
 * whatever the pace of the events; a reader who is slow gets larger batches, not a growing queue of
 * messages. No event waits for a timer unless it would leave too soon.
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
   * @param supersedes Names events of which only the newest matters, such as progress: an unread
   *   one of the same name is dropped. Undefined: every one counts.
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
   * The next batch, never empty; an empty one once closed and read out. One reader at a time: a
   * call left waiting by an earlier reader gets nothing.
   */
  next(): Promise<readonly Event[]> {
    this.#deliver?.([]);
    return new Promise((resolve) => {
      this.#deliver = resolve;
      this.#send();
    });
  }

  /** No more events will come; what is there can still be read. */
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
