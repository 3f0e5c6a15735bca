// What the panel of the run under way shows, and what its buttons do.
import { signal } from '@preact/signals';
import type { RunView } from '../../src/index.ts';

export interface LivePanel {
  /** Undefined while there is none. */
  readonly run: RunView | undefined;
  /** Whether the browser offers an adapter; undefined until it has answered. */
  readonly canTrain: boolean | undefined;
  /** Whether the user has asked the run to stop. */
  readonly stopping: boolean;
  /** Whether the run is that of another tab, which has the buttons. */
  readonly watching: boolean;
  readonly buttons: Readonly<Record<'pause' | 'resumes' | 'step' | 'stop', boolean>>;
}

/** A new object with each change of the run. */
export const livePanel = signal<LivePanel>({
  run: undefined,
  canTrain: undefined,
  stopping: false,
  watching: false,
  buttons: { pause: false, resumes: false, step: false, stop: false },
});

/** Asks the trainer; what comes of it is told by the run's events. */
export const liveActions = signal<Readonly<Record<'pause' | 'step' | 'stop', () => void>>>({
  pause: () => undefined,
  step: () => undefined,
  stop: () => undefined,
});
