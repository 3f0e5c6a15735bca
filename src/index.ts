// The whole public API. What is not exported here may change without notice.
export {
  configFrom,
  configHash,
  limrDefaults,
  overridesOf,
  parseConfig,
  presets,
  presetSeeds,
  type ExperimentConfig,
  type Override,
} from './config.ts';
export { ConfigError } from './config-error.ts';
export { metric, metrics, type Metric, type MetricKey } from './metrics.ts';
export type {
  Accuracy,
  Completion,
  Evaluation,
  ExperimentEvent,
  ExperimentResults,
  LimSummary,
  PromptCompletions,
  RunState,
  ScoredPrompt,
  SeedResults,
  SelectionSummary,
  UpdateRecord,
} from './results.ts';
export {
  AdapterError,
  describeAdapter,
  DeviceLostError,
  Gpu,
  openGpu,
  type AdapterDescription,
  type GpuOptions,
} from './gpu/device.ts';
export { estimate, type MemoryEstimate, type MemoryUse } from './scheduler/estimate.ts';
export { scoreMatrix, type LimOptions, type LimResult } from './lim/score.ts';
export type { AnyMatrix, MatrixTensors, RewardMatrix, ValueMatrix } from './lim/matrix.ts';
export { selectLim } from './lim/selection/lim.ts';
export { linearScores, selectLinear } from './lim/selection/linear.ts';
export { SelectionError } from './lim/selection/method.ts';
export { selectRandom } from './lim/selection/rand.ts';
export { readoutOf, readoutUnit } from './readouts.ts';
export { shippedBases } from './bases/shipped.ts';
export { WorkerError, type Connection } from './threads/connect.ts';
export { connectTrainer, eventsOf } from './workers/trainer.ts';
export type { StartRequest, TrainerApi } from './workers/protocol.ts';
export { accuracyOf, differenceOf, tierPrompts, type Estimate } from './report/interval.ts';
export { readRun, type Run, type RunFolder } from './run-folder/finished-run.ts';
export { seedsCaveat, wrongKeysCaveat } from './report/caveats.ts';
export { cutOf, cutText } from './report/readings.ts';
export { reportOf } from './report/stored-report.ts';
export { runFileText } from './run-folder/run-file.ts';
export { arithmeticAnswer, withoutPadding } from './tasks/arithmetic.ts';
export { VerifierError } from './tasks/verification.ts';
export { methodLabel, methodNames, methodsAsShown, type MethodName } from './vocabulary/methods.ts';
export { StorageError } from './workers/browser-store.ts';
export {
  MOST_STORED_RUNS,
  StoredRuns,
  type CheckpointPlace,
  type RunClaim,
  type StoredRun,
} from './workers/stored-runs.ts';
export { historyOf } from './run-folder/history.ts';
export {
  buttonsFor,
  keptText,
  restartAdvice,
  RunView,
  standing,
  type FixedReadout,
  type Keeping,
  type Makeup,
  type PoolPrompt,
  type Standing,
  type Verdict,
} from './view/run-view.ts';
export * as runFiles from './run-folder/names.ts';
