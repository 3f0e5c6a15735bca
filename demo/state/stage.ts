// What the page shows: one run, and one choice in it, for all rooms. The run is the one under way,
// else a finished one as a film: the recording that the page comes with, or a run of this browser.
import { computed, signal } from '@preact/signals';
import type {
  Completion,
  ExperimentConfig,
  MethodName,
  PromptCompletions,
  RunView,
} from '../../src/index.ts';
import { Film } from './film.ts';
import type { Lesson } from './lessons.ts';
import type { CurveAxis, FilmPlace, Language, Look, Room, Theme } from './url.ts';

/** Responses to a prompt by data epoch, and the prompt's key where that is known. */
export type Answers = Pick<PromptCompletions, 'epochs'> & { readonly key?: string };

/** What a method answered to a prompt of the pool. */
export type AnswersOf = (prompt: number, method: MethodName) => Promise<Answers>;

/** Where a shown run comes from. */
export type Origin =
  | { readonly kind: 'recorded'; readonly adapter: string; readonly date: string }
  /** `name` is that among the stored runs; undefined for a run in memory alone. */
  | { readonly kind: 'own'; readonly name?: string | undefined }
  /** Numbers that came with a link. */
  | { readonly kind: 'shared' };

/** A finished run with its responses. */
export interface Reel {
  readonly film: Film;
  readonly origin: Origin;
  readonly answersOf: AnswersOf;
}

export const room = signal<Room>('run');
/** The lesson that is open; undefined for the overview. */
export const lesson = signal<Lesson | undefined>(undefined);
export const language = signal<Language>('en');
/** Undefined for the browser's choice. */
export const theme = signal<Theme | undefined>(undefined);
/** Whether the page is shown to others: larger, and without controls. */
export const presenting = signal(false);
/** The step of the tour, from 0; undefined while nobody takes it. */
export const touring = signal<number | undefined>(undefined);
/** Undefined for the room's own choice. */
export const look = signal<Look | undefined>(undefined);
/** What was dropped on the page last; an entry is null where it is no file. */
export const dropped = signal<readonly (FileSystemEntry | null)[]>([]);
/** What is wrong with what the user asked for; empty for nothing. */
export const problem = signal('');
/** Whether what is wrong came with the address. */
export const badLink = signal(false);
/** Whether the page moves by itself. */
export const motion = signal(true);
/** The run under way, or one that ended without a result. */
export const live = signal<RunView | undefined>(undefined);
/** The run of another tab that this one watches; it is `live` for as long as it is shown. */
export const watched = signal<RunView | undefined>(undefined);
/** Responses of the run under way. */
export const liveAnswers = signal<AnswersOf | undefined>(undefined);
export const reel = signal<Reel | undefined>(undefined);
/** The recording that the page comes with; undefined until it is read. */
export const recording = signal<Reel | undefined>(undefined);
/** Why there is no recording; undefined if there is one, or it is still coming. */
export const missing = signal<string | undefined>(undefined);
/** Milliseconds of film. */
export const place = signal(0);
export const playing = signal(false);
/** Film played in a second, in seconds. */
export const speed = signal(1);
/** The prompt that the user has chosen. */
export const chosen = signal<number | undefined>(undefined);
/** The data epoch that the user has chosen, from 0. */
export const chosenEpoch = signal<number | undefined>(undefined);
/** The read-out that curves show the values of; undefined for the one fixed before the run. */
export const pinned = signal<number | undefined>(undefined);
/** Runs that are compared, by their names; undefined for the shown one alone. */
export const compared = signal<readonly string[] | undefined>(undefined);
/** What the curves of the comparison are drawn over. */
export const axis = signal<CurveAxis>('updates');
/** What is typed into the field that asks the models; undefined for the chosen prompt. */
export const typedText = signal<string | undefined>(undefined);

/** What the address asks for of a run that is still to come. */
export interface WantedRun {
  /** `recorded`, or its name in this browser; undefined for whichever comes first. */
  readonly run: string | undefined;
  readonly at: FilmPlace | undefined;
}
export const wantedRun = signal<WantedRun | undefined>(undefined);
/** Counts changes of a run under way. */
export const changes = signal(0);

/** The trainer's side of the page, once it is loaded. */
export interface Workshop {
  /** Begins the run that the controls describe. */
  readonly start: () => void;
  /** Goes on with the unfinished run of this browser; undefined if there is none. */
  readonly resume: (() => void) | undefined;
  readonly canStart: boolean;
  /** As `about 27 MiB`; empty while nobody knows. */
  readonly memory: string;
  /** Why this browser cannot train; undefined if it can, or while nobody knows. */
  readonly problem: string | undefined;
}
export const workshop = signal<Workshop | undefined>(undefined);

/** A run that the controls describe and nobody has started. */
export interface Planned {
  /** Undefined while something is missing or wrong. */
  readonly config: ExperimentConfig | undefined;
  /** Whether it starts from a model of the user's. */
  readonly own: boolean;
}
/** Undefined where the controls describe the plain preset, or the user has a run. */
export const planned = signal<Planned | undefined>(undefined);

/** Changes when the film comes to another picture, and not with every frame of the screen. */
const picture = computed(() => reel.value?.film.picturesBefore(place.value) ?? 0);

/** Its arguments were read, so what is computed or drawn here follows their signals. */
export const depends = (..._read: readonly unknown[]): void => undefined;

/**
 * A run that is passed on as it is: its parts change in place, so a component that is given one says
 * by this call that it is drawn again when they have.
 */
export function follow(run: RunView): RunView {
  depends(changes.value, picture.value);
  return run;
}

/** The run that all rooms show; a component that calls this is drawn again when the run changes. */
export function shownRun(): RunView | undefined {
  const now = live.value;
  if (now) {
    depends(changes.value);
    return now;
  }
  depends(picture.value);
  return reel.value?.film.viewAt(place.peek());
}

/** The film that can be wound; undefined while a run is under way. */
export const film = computed(() => (live.value ? undefined : reel.value?.film));

/** The prompt that is looked at: the chosen one, else the film's own. */
export const inspected = computed(() => chosen.value ?? film.value?.featured);

/** The name of a run in an address; undefined for one in memory alone. */
export const nameOf = (origin: Origin): string | undefined =>
  origin.kind === 'own' ? origin.name : origin.kind;

/** Shows a finished run, at the place that the address asks for if it asks for this run. */
export function showReel(shown: Reel, at: 'opening' | 'end'): void {
  live.value = undefined;
  liveAnswers.value = undefined;
  reel.value = shown;
  chosen.value = undefined;
  const { film, origin } = shown;
  const wanted = wantedRun.peek();
  const isWanted = wanted && (wanted.run === undefined || wanted.run === nameOf(origin));
  if (isWanted) wantedRun.value = undefined;
  place.value =
    isWanted && wanted.at ? placeIn(film, wanted.at) : at === 'end' ? film.length : film.opening;
}

/** Milliseconds of a film. */
export function placeIn(
  { shows, begins, length }: Pick<Film, 'shows' | 'begins' | 'length'>,
  at: FilmPlace,
): number {
  if ('seconds' in at) return Math.min(length, 1000 * at.seconds);
  return shows.get(at.act) ?? begins.get(at.act) ?? length;
}

/** A place of a film as an address has it: an act where it shows what it is there for. */
export function placeText(
  { shows, begins }: Pick<Film, 'shows' | 'begins'>,
  ms: number,
): FilmPlace {
  const act = ([1, 2, 3, 4, 5] as const).find((one) => (shows.get(one) ?? begins.get(one)) === ms);
  return act ? { act } : { seconds: Math.round(ms / 100) / 10 };
}

export function wind(to: number): void {
  const length = film.value?.length;
  if (length === undefined) return;
  place.value = Math.min(length, Math.max(0, to));
}

/** Plays on, from the beginning if the film is at its end; or pauses. */
export function togglePlaying(): void {
  const now = film.value;
  if (!now) return;
  if (!playing.value && place.value >= now.length) place.value = 0;
  playing.value = !playing.value;
}

/**
 * Responses of a method to a prompt, as far as the shown run has come: the data epochs that it has
 * gone through. Undefined if none can be told.
 */
export async function answersTo(prompt: number, method: MethodName): Promise<Answers | undefined> {
  if (live.peek()) return liveAnswers.peek()?.(prompt, method);
  const [shown, run] = [reel.peek(), shownRun()];
  // A film of several seeds has the answers of its last one.
  if (!shown || run?.seed !== shown.film.end.seed) return undefined;
  const done = run.updates[method]?.length ?? 0;
  const under = shown.film.end.updates[method]?.[done]?.epoch ?? Infinity;
  const { epochs, ...rest } = await shown.answersOf(prompt, method);
  return { ...rest, epochs: epochs.filter(({ epoch }) => done > 0 && epoch < under) };
}

/**
 * Responses of a recording, which is read whole.
 *
 * @param others Tells those of other methods than FULL.
 */
export const recordedAnswers =
  (recorded: readonly (readonly (readonly Completion[])[])[], others: AnswersOf): AnswersOf =>
  (prompt, method) =>
    method === 'full'
      ? Promise.resolve({
          epochs: recorded.flatMap((prompts, epoch) => {
            const completions = prompts[prompt] ?? [];
            return completions.length > 0 ? [{ epoch, completions }] : [];
          }),
        })
      : others(prompt, method);
