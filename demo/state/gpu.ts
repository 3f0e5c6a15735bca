// What the browser offers to train on.
import { signal } from '@preact/signals';
import type { AdapterState } from '../adapter.ts';

/** Undefined until the browser has answered. */
export const adapter = signal<AdapterState | undefined>(undefined);
/** Whether the browser had an adapter before and has none now. */
export const lostAdapter = signal(false);
