// limr-lab/browser: what a page needs beside `limr-lab`: runs that the browser keeps, and how their
// prompts are shown.
export { arithmeticAnswer, withoutPadding } from '../tasks/arithmetic.ts';
export { StorageError } from '../workers/browser-store.ts';
export {
  MOST_STORED_RUNS,
  StoredRuns,
  type CheckpointPlace,
  type RunClaim,
  type StoredRun,
} from '../workers/stored-runs.ts';
