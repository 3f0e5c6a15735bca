// limr-lab/browser: what a page needs in addition to `limr-lab`: the runs that the browser keeps,
// and the display of their prompts.
export { arithmeticAnswer, withoutPadding } from '../tasks/arithmetic.ts';
export { StorageError } from '../workers/browser-store.ts';
export {
  MOST_STORED_RUNS,
  StoredRuns,
  type CheckpointPlace,
  type RunClaim,
  type StoredRun,
} from '../workers/stored-runs.ts';
