// Where the runs of the comparison come from: the recording, the run that is shown, this browser's
// stored runs.
import { computed, effect, signal } from '@preact/signals';
import { StoredRuns, type StoredRun } from '../../../src/entries/browser.ts';
import { readRun, type RunView } from '../../../src/index.ts';
import {
  changes,
  compared,
  depends,
  live,
  recording,
  reel,
  room,
  type Reel,
} from '../../state/stage.ts';
import { resultsOf, type ComparedRun } from './runs.ts';

/** The run that the other rooms show, to its end if it has ended. */
export const wholeRun = computed((): RunView | undefined => live.value ?? reel.value?.film.end);

/** Finished runs of this browser, newest first; undefined while they are looked up. */
export const stored = signal<readonly StoredRun[] | undefined>(undefined);
/** Why stored runs cannot be looked up, or one of them not be read; empty for nothing. */
export const unread = signal('');
const read = signal<ReadonlyMap<string, ComparedRun>>(new Map());

/** Looks again at what this browser keeps, while the room is shown. */
export function followStored(): void {
  let asked = false;
  const look = async (): Promise<void> => {
    if (asked) return;
    asked = true;
    try {
      const runs = await (await StoredRuns.open()).list();
      stored.value = runs.filter(({ finished, settings }) => finished && settings);
    } catch (error) {
      stored.value = [];
      unread.value = error instanceof Error ? error.message : String(error);
    }
    asked = false;
  };
  effect(() => {
    depends(live.value?.state, reel.value);
    if (room.value === 'compare') void look();
  });
  window.addEventListener('focus', () => {
    if (room.peek() === 'compare') void look();
  });
  effect(() => {
    for (const id of compared.value ?? []) {
      const found = stored.value?.find(({ name }) => name === id);
      if (found && !read.peek().has(id)) void open(found);
    }
  });
}

async function open({ name, started }: StoredRun): Promise<void> {
  try {
    const runs = await StoredRuns.open();
    const { results } = await readRun({
      name,
      read: async (path) => {
        const bytes = await runs.read(name, path);
        return bytes && new TextDecoder().decode(bytes);
      },
    });
    const run: ComparedRun = {
      id: name,
      kind: 'stored',
      date: started,
      adapter: results.adapter,
      seeds: results.seeds.map(({ seed }) => seed),
      results,
      running: false,
    };
    read.value = new Map([...read.peek(), [name, run]]);
  } catch (error) {
    unread.value = `${name}: ${error instanceof Error ? error.message : String(error)}`;
  }
}

/** What the table of runs offers. */
export interface Offer {
  readonly id: string;
  /** What its user calls it. */
  readonly title?: string;
  readonly kind: ComparedRun['kind'];
  readonly date: Date | undefined;
  readonly seeds: readonly number[];
  readonly adapter: string;
  readonly running: boolean;
}

/** A run of the other rooms, for the comparison. */
function ofView(view: RunView, origin: Reel['origin'] | undefined): ComparedRun | undefined {
  const results = resultsOf(view);
  if (!results) return undefined;
  const common = {
    seeds: view.seeds,
    adapter: view.adapter,
    results,
    running: view.running,
  };
  if (origin?.kind === 'recorded') {
    const date = new Date(`${origin.date}T12:00:00Z`);
    return { ...common, id: 'recorded', kind: 'recorded', date, adapter: origin.adapter };
  }
  if (origin?.kind === 'shared')
    return { ...common, id: 'shared', kind: 'shared', date: undefined };
  const name = origin?.kind === 'own' ? origin.name : undefined;
  return { ...common, id: name ?? 'shown', kind: 'shown', date: undefined };
}

/** The run that the other rooms show, as far as it can be compared. */
export const shownOne = computed((): ComparedRun | undefined => {
  depends(changes.value);
  const [now, film] = [live.value, reel.value];
  if (now) return ofView(now, undefined);
  return film && ofView(film.film.end, film.origin);
});

const recordedOne = computed(
  (): ComparedRun | undefined =>
    recording.value && ofView(recording.value.film.end, recording.value.origin),
);

/** All runs that can be compared: the shown one, the recording, the stored ones. */
export const offers = computed((): readonly Offer[] => {
  const [now, recorded] = [shownOne.value, recordedOne.value];
  const known = [...(now ? [now] : []), ...(recorded && recorded.id !== now?.id ? [recorded] : [])];
  const kept = (stored.value ?? []).flatMap((run): Offer[] =>
    known.some(({ id }) => id === run.name)
      ? []
      : [
          {
            id: run.name,
            title: run.label.title,
            kind: 'stored',
            date: run.started,
            seeds: run.settings?.seeds ?? [],
            adapter: read.value.get(run.name)?.adapter ?? '',
            running: false,
          },
        ],
  );
  return [...known, ...kept];
});

/** Names of the runs that are compared: those that were picked, else the shown one. */
export const pickedIds = computed((): readonly string[] => {
  const wanted = compared.value;
  if (wanted) return wanted;
  const now = shownOne.value;
  return now ? [now.id] : [];
});

/** The runs that are compared, as far as they are read. */
export const pickedRuns = computed((): readonly ComparedRun[] => {
  const all = new Map([...read.value]);
  for (const one of [recordedOne.value, shownOne.value]) if (one) all.set(one.id, one);
  return pickedIds.value.flatMap((id) => all.get(id) ?? []);
});

/** Takes a run into the comparison, or out of it. */
export function pick(id: string, on: boolean): void {
  const now = pickedIds.peek();
  compared.value = on ? [...now.filter((one) => one !== id), id] : now.filter((one) => one !== id);
}
