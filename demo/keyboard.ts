// Keys of the whole page. None of them starts, stops or deletes anything.
import { goTo, roomOfKey } from './router.ts';
import { chosen, film, place, presenting, togglePlaying, touring, wind } from './state/stage.ts';
import { acts } from './state/act.ts';
import { toAct } from './views/spine.tsx';
import { keysShown } from './views/banner.tsx';

/** Elements that take keys themselves. */
const takesKeys = 'input, select, textarea, dialog, [contenteditable]';
/** Those of them, and what a press of space works. */
const takesSpace = `${takesKeys}, summary, button, a`;

/** How long a `g` waits for the letter of a room. */
const LETTER_MS = 1500;
/** Milliseconds between two looks for a field. */
const WAIT_MS = 50;

export function listenToKeys(): void {
  let gone = -Infinity;
  document.addEventListener('keydown', (event) => {
    const { key, target } = event;
    if (event.defaultPrevented || event.altKey || event.ctrlKey || event.metaKey) return;
    if (keysShown.peek()) return;
    const element = target instanceof Element ? target : document.body;
    if (key === 'Escape' && !element.closest('input, textarea, select')) {
      chosen.value = undefined;
      return;
    }
    if (element.closest(key === ' ' ? takesSpace : takesKeys)) return;
    const to = event.timeStamp - gone < LETTER_MS ? roomOfKey(key) : undefined;
    gone = key === 'g' ? event.timeStamp : -Infinity;
    const act = acts.find((one) => String(one) === key);
    const now = film.peek();
    if (to !== undefined) goTo(to);
    else if (key === '?') keysShown.value = true;
    else if (key === 'P') presenting.value = !presenting.peek();
    else if (key === 't') touring.value ??= 0;
    else if (key === '/') {
      goTo('prompts');
      focusWhenShown('search', 'prompts');
    } else if (!now) return;
    else if (key === ' ') togglePlaying();
    else if (key === 'ArrowRight') wind(now.beside(place.peek(), 1));
    else if (key === 'ArrowLeft') wind(now.beside(place.peek(), -1));
    else if (act !== undefined) toAct(act);
    else return;
    event.preventDefault();
  });
}

/** Focuses a field of a room once it is shown: the room may have to be loaded, and may be left before. */
function focusWhenShown(id: string, room: string): void {
  const field = document.getElementById(id);
  if (field?.checkVisibility()) field.focus();
  else if (document.body.dataset['room'] === room) {
    setTimeout(() => focusWhenShown(id, room), WAIT_MS);
  }
}
