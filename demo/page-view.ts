import type { StoredRun, StoredRuns } from '../src/entries/browser.ts';
import type { Connection, RunView, TrainerApi } from '../src/index.ts';
import type { AdapterState } from './adapter.ts';
import type { Choice } from './link.ts';
import type { AnswersOf } from './state/stage.ts';

/** Everything that the page shows and that its controls change. `main.ts` draws it. */
export interface PageView {
  /** Undefined until the browser has answered. */
  adapter: AdapterState | undefined;
  /** The run that the controls describe; undefined while they describe none. */
  choice: Choice | undefined;
  /** Whether the chosen run does not fit the adapter. */
  tooLarge: boolean;
  /** Bytes of GPU memory that the chosen run needs; undefined while nobody knows. */
  memory: number | undefined;
  /** Computes the memory of the chosen run once the settings rest. */
  settling: ReturnType<typeof setTimeout> | undefined;
  /** The run that is shown. */
  run: RunView | undefined;
  /** Name of the shown run among the stored ones; undefined if it is in memory alone. */
  current: string | undefined;
  /** Whether the user has asked the run to stop. */
  stopping: boolean;
  /** Whether a run is being claimed, opened or removed. */
  preparing: boolean;
  trainer: Connection<TrainerApi> | undefined;
  /** The file of the shown run at a path; undefined if there is none. */
  readFile: ((path: string) => Promise<Uint8Array | undefined>) | undefined;
  /** Responses of a method to a prompt of the shown run. */
  readAnswers: AnswersOf | undefined;
  /** Undefined if the browser keeps no files for this page: runs are then in memory alone. */
  storage: StoredRuns | undefined;
  stored: readonly StoredRun[];
}

/** The page before anything is known or asked. */
export const emptyView = (): PageView => ({
  adapter: undefined,
  choice: undefined,
  tooLarge: false,
  memory: undefined,
  settling: undefined,
  run: undefined,
  current: undefined,
  stopping: false,
  preparing: false,
  trainer: undefined,
  readFile: undefined,
  readAnswers: undefined,
  storage: undefined,
  stored: [],
});

/** Whether the page works on a run, so that no other can begin. */
export const isBusy = ({ preparing, run }: PageView): boolean =>
  preparing || (run?.running ?? false);

/** Whether the browser offers an adapter. */
export const canTrain = ({ adapter }: PageView): boolean => adapter?.kind === 'ready';
