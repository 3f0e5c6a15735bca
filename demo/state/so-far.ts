// The events of a run under way, for whoever comes late: another tab, or the film of the run once it
// is done.
import type { ExperimentEvent } from '../../src/index.ts';

/** Events of which only the last says anything: it takes the place of those before it. */
const passing: readonly ExperimentEvent['type'][] = [
  'compiling',
  'loading',
  'pretraining',
  'progress',
  'checkpoint',
  'recovery',
  'state',
];

export class SoFar {
  readonly #events = new Map<number, ExperimentEvent>();
  readonly #last = new Map<ExperimentEvent['type'], number>();
  #next = 0;

  add(event: ExperimentEvent): void {
    // A run that goes on on another device tells all from its beginning.
    if (event.type === 'started') this.#events.clear();
    const place = this.#next++;
    if (passing.includes(event.type)) {
      this.#events.delete(this.#last.get(event.type) ?? -1);
      this.#last.set(event.type, place);
    }
    this.#events.set(place, event);
  }

  /** All that tells where the run is now, in order. */
  get events(): readonly ExperimentEvent[] {
    return [...this.#events.values()];
  }

  /** What is part of the finished run: other events tell how it was computed. */
  get lasting(): readonly ExperimentEvent[] {
    return this.events.filter((event) =>
      event.type === 'state'
        ? event.state === 'done'
        : event.type !== 'resumed' && !passing.includes(event.type),
    );
  }
}
