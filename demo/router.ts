// Rooms and their addresses.
import { effect, signal } from '@preact/signals';
import { chosen, motion, problem, room } from './state/stage.ts';
import { plainWish, readAddress, rooms, writeAddress, type Room, type Wish } from './state/url.ts';

/** The run that the controls describe, for the address; plain until they are touched. */
let wish: Wish = plainWish;

const panels = (): readonly HTMLElement[] => [
  ...document.querySelectorAll<HTMLElement>('[data-in]'),
];

/** Whether a panel belongs to a room. */
const isIn = (panel: HTMLElement, name: Room): boolean =>
  (panel.dataset['in'] ?? '').split(' ').includes(name);

/** The run that the address asked for last; undefined while it asked for none. */
export const asked = signal<Wish | undefined>(undefined);

/** Follows the address, and keeps it: shows a room's panels alone, and names the room on the body. */
export function followAddress(): void {
  const read = (): void => {
    try {
      const address = readAddress(location.hash);
      room.value = address.room;
      motion.value = address.motion;
      chosen.value = address.prompt ?? chosen.peek();
      problem.value = '';
      if (address.wish) {
        wish = address.wish;
        asked.value = { ...address.wish };
      }
    } catch (error) {
      problem.value = error instanceof Error ? error.message : String(error);
    }
  };
  read();
  window.addEventListener('hashchange', read);
  effect(() => {
    document.body.dataset['room'] = room.value;
    for (const panel of panels()) panel.hidden = !isIn(panel, room.value);
  });
  effect(() => {
    const written = addressNow(room.value, motion.value, chosen.value);
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
  if (location.hash !== hash) history.replaceState(null, '', hash);
}

/** Puts what the controls describe into the address. */
export function keepWish(now: Wish): void {
  wish = now;
  replace(addressNow(room.peek(), motion.peek(), chosen.peek()));
}

const addressNow = (name: Room, moves: boolean, prompt: number | undefined): string =>
  writeAddress({ room: name, wish, motion: moves, ...(prompt === undefined ? {} : { prompt }) });

/** Goes to a room, as a link would. */
export function goTo(name: Room): void {
  if (room.peek() === name) return;
  location.hash = addressNow(name, motion.peek(), chosen.peek());
}

/** The room whose name begins with a letter. */
export const roomOfKey = (key: string): Room | undefined =>
  rooms.find((name) => name.startsWith(key));
