// Rooms whose views are loaded when they are first shown.
import { effect } from '@preact/signals';
import { render } from 'preact';
import { byId } from '../dom.ts';
import { problem, room } from '../state/stage.ts';
import type { Room } from '../state/url.ts';

/** How each room is shown in its element. */
const views: Partial<Record<Room, () => Promise<(host: HTMLElement) => void>>> = {
  prompts: async () => {
    const { PromptsRoom } = await import('./prompts/room.tsx');
    return (host) => render(<PromptsRoom />, host);
  },
  learn: async () => {
    const { LearnRoom } = await import('./learn/room.tsx');
    return (host) => render(<LearnRoom />, host);
  },
};

/** Shows the room that the page is in, and every other one once the page comes to it. Called once. */
export function openRooms(): void {
  const shown = new Set<Room>();
  effect(() => {
    const name = room.value;
    const load = views[name];
    if (!load || shown.has(name)) return;
    shown.add(name);
    load().then(
      (show) => show(byId(name, HTMLElement)),
      (error: unknown) => {
        // It may be tried again: the server may have been away for a moment.
        shown.delete(name);
        problem.value = `The room ${name} did not come: ${String(error)}`;
      },
    );
  });
}
