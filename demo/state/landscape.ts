// Who draws the landscape of the run under way: the worker that trains it.
import { signal } from '@preact/signals';
import type { Drawn, LandscapeView } from '../../src/entries/browser.ts';

/** Draws a view into the canvas that was handed over with the first one. */
export type DrawLandscape = (view: LandscapeView, canvas?: OffscreenCanvas) => Promise<Drawn>;

/** Undefined while no run is under way. */
export const liveLandscape = signal<DrawLandscape | undefined>(undefined);
