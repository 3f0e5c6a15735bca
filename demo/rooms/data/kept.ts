// Runs that this browser keeps, the room that they take, and the files of the run that is shown.
import { signal } from '@preact/signals';
import { type RunLabel, type StoredRun } from '../../../src/entries/browser.ts';

/** What can be done with a kept run. */
export interface KeptActions {
  readonly resume: (run: StoredRun) => void;
  readonly open: (run: StoredRun) => void;
  readonly remove: (run: StoredRun) => void;
  /** Downloads a bundle of a finished run. */
  readonly bundle: (run: StoredRun, weights: boolean) => void;
  readonly setLabel: (run: StoredRun, label: RunLabel) => void;
  /** Asks the browser to keep the files of this site when it needs room. */
  readonly persist: () => void;
}

/** The state of the tab. */
export interface KeptContext {
  /** A run is under way, so no kept run can be resumed, opened or removed. */
  readonly busy: boolean;
  /** Whether there is an adapter. Without one a run can be opened but not resumed. */
  readonly canTrain: boolean;
  /** The run that the page shows. */
  readonly current: string | undefined;
}

/** Room for the files of this site, in bytes, as the browser estimates it. */
export interface Quota {
  readonly used: number;
  readonly of: number;
  /** Whether the browser keeps the files when it needs room. */
  readonly persisted: boolean;
}

export const keptRuns = signal<readonly StoredRun[]>([]);
export const keptActions = signal<KeptActions | undefined>(undefined);
export const keptContext = signal<KeptContext>({
  busy: false,
  canTrain: false,
  current: undefined,
});
export const quota = signal<Quota | undefined>(undefined);
/** Why this browser keeps no runs, in the browser's words; undefined if it does. */
export const notKept = signal<string | undefined>(undefined);

/** The files of the run that is shown, as far as they can be taken away. */
export interface TakeAway {
  /** Downloads the report. Undefined until the run has ended. */
  readonly report: (() => void) | undefined;
  readonly bundle: ((weights: boolean) => void) | undefined;
}
export const takeAway = signal<TakeAway>({ report: undefined, bundle: undefined });
/** What the report is at. */
export const reportState = signal<'none' | 'making' | 'made'>('none');

/** Asks the browser how much room there is. */
export async function lookAtQuota(): Promise<void> {
  const { storage } = navigator as { readonly storage?: StorageManager };
  if (!storage) return;
  const [{ usage = 0, quota: most = 0 }, persisted] = await Promise.all([
    storage.estimate(),
    storage.persisted(),
  ]);
  quota.value = { used: usage, of: most, persisted };
}
