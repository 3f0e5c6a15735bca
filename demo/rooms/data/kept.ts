// Runs that this browser keeps, the room that they take, and the files of the run that is shown.
import { computed, signal } from '@preact/signals';
import {
  type KeptLabel,
  noLabel,
  type RunLabel,
  type StoredRun,
} from '../../../src/entries/browser.ts';

/** What can be done with a kept run. */
export interface KeptActions {
  readonly resume: (run: StoredRun) => void;
  readonly open: (run: StoredRun) => void;
  readonly remove: (run: StoredRun) => void;
  /** Downloads a bundle of a finished run. */
  readonly bundle: (run: StoredRun, weights: boolean) => void;
  /** Saves a bundle with the weights, then asks whether the finished run may go: `freeing`. */
  readonly takeAndFree: (run: StoredRun) => void;
  /** Removes the run that `freeing` asks about. */
  readonly free: (run: StoredRun) => Promise<void>;
  readonly setLabel: (run: StoredRun, label: KeptLabel) => void;
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
/** Whether the browser has refused a file for want of room. */
export const noRoom = signal(false);
/** From this share of the room on little is left. */
const LITTLE = 0.9;
/** Whether a run should go before the next one comes. */
export const littleRoom = computed(() => {
  const { used, of } = quota.value ?? { used: 0, of: 0 };
  return noRoom.value || (of > 0 && used >= LITTLE * of);
});
/** The run that a new one would replace first: the oldest finished one that is not pinned. */
export const oldestRun = computed(() =>
  keptRuns.value.findLast(
    ({ finished, settings, claimed, label }) => finished && settings && !claimed && !label.pinned,
  ),
);
/** Why this browser keeps no runs, in the browser's words; undefined if it does. */
export const notKept = signal<string | undefined>(undefined);

/** The files of the run that is shown, as far as they can be taken away. */
export interface TakeAway {
  /** Downloads the report. Undefined until the run has ended. */
  readonly report: (() => void) | undefined;
  readonly bundle: ((weights: boolean) => void) | undefined;
}
export const takeAway = signal<TakeAway>({ report: undefined, bundle: undefined });

/** What came with the bundle that is shown. */
export const sentLabel = signal<RunLabel>(noLabel);
/** Name and note of the run that is shown. */
export const shownLabel = computed<RunLabel>(
  () =>
    keptRuns.value.find(({ name }) => name === keptContext.value.current)?.label ?? sentLabel.value,
);
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
