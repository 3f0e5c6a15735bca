// What the pointer and the page's cursor are at, for all views of the reward matrix.
import { signal } from '@preact/signals';

/** A place of the reward matrix under the pointer: a cell, or an epoch alone. */
export interface Pointed {
  readonly epoch: number;
  readonly prompt?: number;
}

/** Undefined while the pointer is over no view of the matrix. */
export const pointed = signal<Pointed | undefined>(undefined);
/** The data epoch that the cursor of the curves is at; undefined for none. */
export const cursorEpoch = signal<number | undefined>(undefined);

/** The data epoch that views of the matrix mark. */
export const epochNow = (): number | undefined => pointed.value?.epoch ?? cursorEpoch.value;
