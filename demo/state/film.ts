// A finished run as a film: the reducer of a run under way, fed with the run's own events at the
// pace of a story instead of the pace of an adapter.
import {
  RunView,
  type ExperimentConfig,
  type ExperimentEvent,
  type Keeping,
  type TimedEvent,
} from '../../src/index.ts';
import { actOf, type Act } from './act.ts';

/** What a film shows. */
export interface Footage {
  readonly config: ExperimentConfig;
  readonly seeds: readonly number[];
  readonly keeping?: Keeping;
  readonly events: readonly TimedEvent[];
}

/** Milliseconds of film for all updates of a run, however long they took. */
const UPDATES_MS = 24_000;
/** Milliseconds for which a film stays at what deserves a look. */
const stays: Readonly<Partial<Record<ExperimentEvent['type'], number>>> = {
  column: 500,
  scores: 4500,
};
/** For which it stays with the base. */
const BASE_MS = 4000;
/** For which it stays with the end. */
const END_MS = 5000;

interface Frame {
  /** Milliseconds of film before it. */
  readonly at: number;
  readonly event: ExperimentEvent;
}

export class Film {
  readonly config: ExperimentConfig;
  readonly seeds: readonly number[];
  /** Milliseconds. */
  readonly length: number;
  /** Where each act begins, of the acts that the run has. */
  readonly begins: ReadonlyMap<Act, number>;
  /** Where each act has something to show for the first time. */
  readonly shows: ReadonlyMap<Act, number>;
  /** Where half of the columns of rewards are there: the first picture worth a look. */
  readonly opening: number;
  /** The run at its end. */
  readonly end: RunView;
  /** The prompt whose share of right answers rose most; undefined if there is none. */
  readonly featured: number | undefined;
  readonly #frames: readonly Frame[];
  readonly #keeping: Keeping;
  #view: RunView;
  #next = 0;

  /** @throws RangeError if there are no events. */
  constructor({ config, seeds, keeping = { stored: false }, events }: Footage) {
    if (events.length === 0) throw new RangeError('a film without an event');
    this.config = config;
    this.seeds = seeds;
    this.#keeping = keeping;
    this.#frames = edited(events);
    const last = this.#frames.at(-1)?.at ?? 0;
    this.length = last + END_MS;
    this.#view = this.#blank();
    const [begins, shows] = [new Map<Act, number>(), new Map<Act, number>()];
    let half: number | undefined;
    const end = this.#blank();
    for (const { at, event } of this.#frames) {
      end.apply(event);
      const act = actOf(end);
      if (!begins.has(act)) begins.set(act, at);
      if (!shows.has(act) && isShown(event, act)) shows.set(act, at);
      if (event.type === 'column' && 2 * end.columns.length >= config.experiment.epochs)
        half ??= at;
    }
    this.begins = begins;
    this.shows = shows;
    this.opening = half ?? shows.get(2) ?? 0;
    this.end = end;
    this.featured = featuredOf(end);
  }

  #blank(): RunView {
    return new RunView(this.config, this.seeds, this.#keeping);
  }

  /**
   * The run as it was at a place of the film. The same object as before while the film goes forward.
   *
   * @param ms In [0, length].
   */
  viewAt(ms: number): RunView {
    const before = this.#frames[this.#next - 1];
    if (before && before.at > ms) {
      this.#view = this.#blank();
      this.#next = 0;
    }
    for (;;) {
      const frame = this.#frames[this.#next];
      if (!frame || frame.at > ms) return this.#view;
      this.#view.apply(frame.event);
      this.#next++;
    }
  }

  /** How many events are before a place: equal numbers are equal pictures. */
  picturesBefore(ms: number): number {
    const next = this.#frames.findIndex(({ at }) => at > ms);
    return next === -1 ? this.#frames.length : next;
  }

  /** The place of the next or the previous picture, as seen from another place. */
  beside(ms: number, direction: 1 | -1): number {
    const places = this.#frames.map(({ at }) => at);
    return direction === 1
      ? (places.find((at) => at > ms + 1) ?? this.length)
      : (places.findLast((at) => at < ms - 1) ?? 0);
  }
}

/** Whether an event is what an act is there for. */
function isShown(event: ExperimentEvent, act: Act): boolean {
  switch (act) {
    case 1:
      return event.type === 'evaluation';
    case 2:
      return event.type === 'column';
    case 3:
      return event.type === 'scores';
    case 4:
      return event.type === 'evaluation' && event.method !== 'full';
    case 5:
      return true;
  }
}

/** Events with their places in the film. */
function edited(events: readonly TimedEvent[]): Frame[] {
  const total = events.at(-1)?.ms ?? 0;
  const updates = events.filter(({ event }) => event.type === 'update').length;
  let place = 0;
  let before = 0;
  return events.map(({ ms, event }) => {
    if (event.type === 'update') {
      // A run that did not note its times goes at an even pace.
      place += total > 0 ? ((ms - before) / total) * UPDATES_MS : UPDATES_MS / updates;
      before = ms;
    }
    const at = place;
    if (event.type === 'evaluation' && event.method === 'base') place += BASE_MS;
    else place += stays[event.type] ?? 0;
    return { at, event };
  });
}

/**
 * The prompt that is shown before one is chosen: the one that rose most from the first epoch to the last,
 * of those that LIM kept if one of them rose; of equals the longest text.
 */
function featuredOf(run: RunView): number | undefined {
  const [first, last] = [run.columns[0], run.columns.at(-1)];
  if (!first || !last) return undefined;
  const kept = new Set(run.selections.lim);
  const rises = run.pool.map(({ wrongKey = false }, place) => ({
    place,
    rise: wrongKey ? NaN : (last[place] ?? NaN) - (first[place] ?? NaN),
    length: run.textOf(place).length,
    kept: kept.has(place),
  }));
  const [found] = rises
    .filter(({ rise }) => rise > 0)
    .sort(
      (a, b) =>
        Number(b.kept) - Number(a.kept) ||
        b.rise - a.rise ||
        b.length - a.length ||
        a.place - b.place,
    );
  return found?.place;
}
