// Plays a film, one animation frame after another: a hidden tab plays nothing.
import { effect } from '@preact/signals';
import { film, place, playing, speed } from './stage.ts';

/** Longest step: after a pause of the tab the film goes on where it was. */
const LONGEST_MS = 100;

export function runPlayer(): void {
  let before = 0;
  let asked = 0;
  const frame = (now: number): void => {
    const length = film.peek()?.length ?? 0;
    const step = before === 0 ? 0 : Math.min(LONGEST_MS, now - before);
    before = now;
    const to = place.peek() + step * speed.peek();
    if (to >= length) {
      place.value = length;
      playing.value = false;
      return;
    }
    place.value = to;
    asked = requestAnimationFrame(frame);
  };
  effect(() => {
    cancelAnimationFrame(asked);
    before = 0;
    if (playing.value && film.value) asked = requestAnimationFrame(frame);
  });
}
