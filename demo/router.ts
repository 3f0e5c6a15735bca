// Rooms and their addresses.
import { effect, signal, untracked } from '@preact/signals';
import {
  axis,
  badLink,
  chosen,
  chosenEpoch,
  compared,
  film,
  language,
  lesson,
  live,
  look,
  motion,
  nameOf,
  pinned,
  place,
  placeIn,
  placeText,
  playing,
  presenting,
  problem,
  recording,
  reel,
  room,
  showReel,
  theme,
  typedText,
  wantedRun,
} from './state/stage.ts';
import { type Lesson } from './state/lessons.ts';
import {
  plainWish,
  readAddress,
  readManner,
  rooms,
  writeAddress,
  type Address,
  type Room,
  type Wish,
} from './state/url.ts';

/** The run that the controls describe, for the address; plain until they are touched. */
let wish: Wish = plainWish;
/** Whether the address names the language, and the colours. */
const names = { language: false, theme: false };

const panels = (): readonly HTMLElement[] => [
  ...document.querySelectorAll<HTMLElement>('[data-in]'),
];

/** Whether a panel belongs to a room. */
const isIn = (panel: HTMLElement, name: Room): boolean =>
  (panel.dataset['in'] ?? '').split(' ').includes(name);

/** The run that the address asked for last; undefined while it asked for none. */
export const asked = signal<Wish | undefined>(undefined);

/** Keeps the page in its colours, and tells its language. */
export function wearLook(): void {
  effect(() => {
    const { dataset } = document.documentElement;
    if (theme.value === undefined) delete dataset['theme'];
    else dataset['theme'] = theme.value;
    document.documentElement.lang = language.value;
  });
}

/** Numbers of a run that the address carries; undefined if it carries none. */
export const sharedNumbers = signal<string | undefined>(undefined);

/** Shows the run and the place of its film that an address names, now or when the run is there. */
function wantRun({ run: named, at, shared }: Address): void {
  const run = shared === undefined ? named : 'shared';
  if (run === undefined && !at) return;
  const shown = reel.peek();
  const isShown = shown && (run === undefined || run === nameOf(shown.origin));
  if (isShown) {
    if (at) place.value = placeIn(shown.film, at);
    return;
  }
  wantedRun.value = { run, at };
  const recorded = recording.peek();
  if (recorded && run === 'recorded' && !live.peek()) showReel(recorded, 'opening');
}

/** The address that was read or written last. */
let known = '';

/** Takes over what the address says. */
function read(): void {
  known = location.hash;
  try {
    const address = readAddress(location.hash);
    problem.value = '';
    room.value = address.room;
    motion.value = address.motion;
    lesson.value = address.lesson;
    chosen.value = address.prompt ?? chosen.peek();
    chosenEpoch.value = address.epoch ?? chosenEpoch.peek();
    look.value = address.look ?? look.peek();
    names.language ||= address.language !== undefined;
    names.theme ||= address.theme !== undefined;
    language.value = address.language ?? language.peek();
    theme.value = address.theme ?? theme.peek();
    pinned.value = address.cursor ?? pinned.peek();
    typedText.value = address.typed ?? typedText.peek();
    compared.value = address.compared ?? compared.peek();
    axis.value = address.axis ?? axis.peek();
    sharedNumbers.value = address.shared ?? sharedNumbers.peek();
    wantRun(address);
    presenting.value = address.present === true;
    badLink.value = false;
    if (address.wish) {
      wish = address.wish;
      asked.value = { ...address.wish };
    }
  } catch (error) {
    problem.value = error instanceof Error ? error.message : String(error);
    badLink.value = true;
    const manner = readManner(location.hash);
    language.value = manner.language ?? language.peek();
    theme.value = manner.theme ?? theme.peek();
    motion.value = manner.motion;
  }
}

/** Follows the address, and keeps it: shows a room's panels alone, and names the room on the body. */
export function followAddress(): void {
  read();
  window.addEventListener('hashchange', read);
  wearLook();
  effect(() => {
    document.body.dataset['room'] = room.value;
    for (const panel of panels()) panel.hidden = !isIn(panel, room.value);
  });
  effect(() => {
    const written = addressNow();
    // What is wrong with a bad address can be read off it until it is left.
    if (isGood(location.hash) && location.hash !== '') replace(written);
  });
}

function isGood(hash: string): boolean {
  try {
    readAddress(hash);
    return true;
  } catch {
    return false;
  }
}

function replace(hash: string): void {
  // Somebody has gone elsewhere, and the event that says so is on its way: that address is read first.
  if (location.hash !== known || known === hash) return;
  history.replaceState(null, '', hash);
  known = location.hash;
}

/** Puts what the controls describe into the address. */
export function keepWish(now: Wish): void {
  wish = now;
  replace(untracked(() => addressNow()));
}

/** The address of what is shown; an effect that calls this follows it. */
export const addressNow = (instead: Partial<Address> = {}): string =>
  writeAddress({
    room: room.value,
    lesson: lesson.value,
    wish,
    ...runNow(),
    cursor: pinned.value,
    typed: typedText.value,
    compared: compared.value,
    axis: axis.value === 'updates' ? undefined : axis.value,
    prompt: chosen.value,
    epoch: chosenEpoch.value,
    look: look.value,
    language: names.language ? language.value : undefined,
    theme: names.theme ? theme.value : undefined,
    present: presenting.value,
    motion: motion.value,
    ...instead,
  });

/** The run that is shown, and where its film stands still. */
function runNow(): Pick<Address, 'run' | 'at' | 'shared'> {
  const wanted = wantedRun.value;
  if (wanted) {
    const { run, at } = wanted;
    return run === 'shared' ? { at, shared: sharedNumbers.value } : { run, at };
  }
  const shown = reel.value;
  if (!shown || live.value) return {};
  const { origin } = shown;
  if (origin.kind === 'shared') return { shared: sharedNumbers.value, at: placeNow() };
  return { run: origin.kind === 'recorded' ? undefined : nameOf(origin), at: placeNow() };
}

/** Undefined while the film plays, and where it opens by itself. */
function placeNow(): Address['at'] {
  const now = film.value;
  if (!now || playing.value) return undefined;
  const ms = place.value;
  return ms === now.opening ? undefined : placeText(now, ms);
}

/** Goes to a room, or to a lesson in the room of lessons, as a link would. */
export function goTo(name: Room, open?: Lesson): void {
  if (room.peek() === name && lesson.peek() === open) return;
  // Not by the hash alone: until that is told, whatever changes would write the room before again.
  history.pushState(
    null,
    '',
    untracked(() => addressNow({ room: name, lesson: open })),
  );
  read();
}

/** The room whose name begins with a letter. */
export const roomOfKey = (key: string): Room | undefined =>
  rooms.find((name) => name.startsWith(key));
