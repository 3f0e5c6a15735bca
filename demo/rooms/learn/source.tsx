// Where the numbers of a lesson come from: the run that the page shows, or what was recorded for lessons.
import { signal } from '@preact/signals';
import type { JSX } from 'preact';
import type { RunView } from '../../../src/index.ts';
import { readLessons, type RecordedLessons } from '../../../src/lessons/recorded.ts';
import { learnText } from '../../strings/learn.ts';
import { follow, live, recording, reel } from '../../state/stage.ts';
import { dayText } from './lesson.tsx';
import type { OfUpdate, OwnNumbers } from './own-numbers.ts';
import { OwnSource } from './own-source.tsx';

/** A run with some columns, and what it is. */
export interface LessonRun {
  readonly run: RunView;
  readonly origin: 'recorded' | 'own' | 'live';
  /** Of a recording. */
  readonly date?: string;
}

/** Columns of which a curve can be made. */
const LEAST_COLUMNS = 2;

/**
 * The run of the lessons, at its end where it has one: the one that the page shows, else the recording.
 * Undefined before there is any with two columns of rewards.
 */
export function lessonRun(): LessonRun | undefined {
  const [now, shown, kept] = [live.value, reel.value, recording.value];
  if (now && follow(now).columns.length >= LEAST_COLUMNS) return { run: now, origin: 'live' };
  for (const one of [shown, kept]) {
    const end = one?.film.end;
    if (!one || !end || end.columns.length < LEAST_COLUMNS) continue;
    const { origin } = one;
    return origin.kind === 'recorded'
      ? { run: end, origin: 'recorded', date: origin.date }
      : { run: end, origin: 'own' };
  }
  return undefined;
}

/** Says of which run the numbers are. */
export function RunSource({ of: { origin, date } }: { readonly of: LessonRun }): JSX.Element {
  const words = learnText.value;
  return (
    <>
      {origin === 'live'
        ? words.ofLive
        : origin === 'own'
          ? words.ofRun
          : words.ofRecording(dayText(date ?? ''))}
    </>
  );
}

/** What a lesson says while there is no run. */
export const NoRun = (): JSX.Element => <p class="quiet">{learnText.value.noRun}</p>;

/** What `npm run record-lessons` made. */
const FILE = 'replays/lessons.json';

type Fetched =
  | { readonly state: 'coming' }
  | { readonly state: 'here'; readonly recorded: RecordedLessons }
  | { readonly state: 'missing'; readonly why: string };

const fetched = signal<Fetched | undefined>(undefined);

async function fetchLessons(): Promise<RecordedLessons> {
  const response = await fetch(new URL(FILE, document.baseURI));
  if (!response.ok) throw new Error(`${FILE}: the server answers ${response.status}`);
  return readLessons(await response.text(), FILE);
}

/** What was recorded for the lessons; it is fetched when the first lesson asks. */
export function recordedLessons(): Fetched {
  const now = fetched.value;
  if (now) return now;
  const coming = { state: 'coming' } as const;
  // Not while a view is drawn that reads the signal.
  queueMicrotask(() => {
    if (fetched.peek()) return;
    fetched.value = coming;
    fetchLessons().then(
      (recorded) => {
        fetched.value = { state: 'here', recorded };
      },
      (error: unknown) => {
        const why = error instanceof Error ? error.message : String(error);
        fetched.value = { state: 'missing', why };
      },
    );
  });
  return coming;
}

/** What a lesson says while its recording is not here; the run under way can stand in for it. */
export function Waiting<Numbers extends OfUpdate>(props: {
  readonly of: Fetched;
  readonly own?: OwnNumbers<Numbers>;
}): JSX.Element {
  const { of, own } = props;
  const words = learnText.value;
  return (
    <p class="quiet">
      {of.state === 'coming' && words.recordedComing}
      {of.state === 'missing' && words.recordedMissing(of.why)}{' '}
      {own && <OwnSource own={own} recorded={undefined} />}
    </p>
  );
}

/** Says where and when the numbers were recorded. */
export function RecordedSource({ of }: { readonly of: RecordedLessons }): JSX.Element {
  return (
    <>
      {learnText.value.recorded(dayText(of.date))} <span lang="en">{of.adapter}</span>.
    </>
  );
}
