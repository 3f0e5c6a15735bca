// limr-lab: an experiment, from its config to its results. The rest of the public API: `limr-lab/bases`
// (src/bases/shipped.ts), `limr-lab/playwright` (src/playwright.ts), `limr-lab/lim`, `limr-lab/model`
// and `limr-lab/browser` (src/entries).
export {
  configFrom,
  configHash,
  drawnConfig,
  overridesOf,
  parseConfig,
  startsDrawn,
  startsFromFolder,
  type BaseConfig,
  type DrawnExperimentConfig,
  type DrawnModelConfig,
  type EvaluationConfig,
  type ExperimentConfig,
  type FolderExperimentConfig,
  type FolderModelConfig,
  type LimConfig,
  type OptimizerConfig,
  type Override,
  type PpoConfig,
  type RolloutConfig,
  type RunConfig,
} from './config.ts';
export { limrDefaults } from './limr-defaults.ts';
export {
  presets,
  presetSeeds,
  PRETRAINED,
  pretrained,
  pretrainedPresets,
  type PretrainedPreset,
} from './presets.ts';
export { iterationsOf, updatesPerEpoch } from './run-plan.ts';
export { ShaderError, ShapeError } from '../kernels/lib/errors.ts';
export { ConfigError } from './config-error.ts';
export { FileError } from './file-error.ts';
export { metric, metrics, type Metric, type MetricKey } from './metrics.ts';
export type {
  Accuracy,
  Completion,
  Evaluation,
  EventOf,
  ExperimentEvent,
  ExperimentResults,
  FileMark,
  GivenModelFacts,
  LimSummary,
  Loading,
  Probe,
  PromptCompletions,
  Reopening,
  RunState,
  ScoredPrompt,
  SeedResults,
  SelectionSummary,
  UpdateRecord,
} from './results.ts';
export { FormatError } from './formats/format-error.ts';
export { SafetensorsError } from './formats/safetensors.ts';
export {
  AdapterError,
  describeAdapter,
  DeviceLostError,
  type AdapterChoice,
  type AdapterDescription,
} from './gpu/device.ts';
export { AllocationError, type MemoryLimits, type MemoryPurpose } from './gpu/memory.ts';
export { CheckpointError, CheckpointWriteError } from './scheduler/checkpoint.ts';
export {
  estimate,
  type EstimateInputs,
  type MemoryEstimate,
  type MemoryUse,
} from './scheduler/estimate.ts';
export type { MemoryChoices } from './scheduler/experiment-buffers.ts';
export { planRun, type MemoryBudget, type PlannedRun } from './scheduler/plan-memory.ts';
export { MemoryError } from './rollout/batches.ts';
export { readoutOf, readoutUnit } from './readouts.ts';
export { WorkerError, type Called, type Connection } from './threads/connect.ts';
export type { WorkerApi } from './threads/worker-api.ts';
export { connectTrainer, eventsOf } from './workers/trainer.ts';
export type { FilePlace } from './workers/given-files.ts';
export type {
  OpenedRun,
  OpenRequest,
  StartedRun,
  StartRequest,
  StorePlace,
  TrainerApi,
} from './workers/protocol.ts';
export type {
  AlternativeToken,
  AnsweredBy,
  AnsweredPrompt,
  AskedPrompt,
  AskedVerdict,
  Attention,
  AttentionCall,
  GenerateCall,
  Generated,
  GeneratedResponse,
  InspectCall,
  Inspected,
  InspectedResponse,
  InspectedToken,
  LastRollout,
  LikelyToken,
  NextToken,
  RolloutCall,
  WeightsName,
} from './inspection/calls.ts';
export {
  accuracyOf,
  differenceOf,
  leastSeeds,
  tierPrompts,
  type Estimate,
  type Reading,
} from './interval.ts';
export { readRun, type Run, type RunFolder } from './run-folder/finished-run.ts';
export { leastP, seedsCaveat, wrongKeysCaveat, type WrongKeys } from './report/caveats.ts';
export { cutOf, cutText, isByCount } from './report/cut.ts';
export { metricMeaning } from './report/readings.ts';
export { reportOf } from './report/stored-report.ts';
export type { BaseRecord, InputMark, RunInputs } from './run-folder/inputs.ts';
export { runFileText } from './run-folder/run-file.ts';
export {
  datasetTask,
  isModule,
  usualLengths,
  type DatasetConfig,
  type DatasetTier,
} from './tasks/dataset-config.ts';
export {
  describeTask,
  modulesOf,
  outsideTierSizesOf,
  poolPromptsOf,
  tierSizesOf,
  type TaskConfig,
} from './tasks/registry.ts';
export type { Origin, TaskDescription, TaskShape } from './tasks/task.ts';
export { VerifierError } from './tasks/verification.ts';
export type { FamilyChoice } from '../kernels/lib/variants.ts';
export { defaultAdapter } from './vocabulary/adapters.ts';
export { estimatorLabel } from './vocabulary/estimators.ts';
export type { Storage } from './vocabulary/storages.ts';
export {
  type ByMethod,
  inTableOrder,
  isMethodName,
  methodEntries,
  methodLabel,
  type MethodName,
  methodNames,
  passShare,
} from './selection/methods.ts';
export { historyOf } from './run-folder/history.ts';
export {
  buttonsFor,
  keptText,
  RunView,
  type FixedReadout,
  type Keeping,
  type Makeup,
  type PoolPrompt,
  type Verdict,
} from './view/run-view.ts';
export {
  restartAdvice,
  standing,
  standingWords,
  type Standing,
  type StandingWords,
} from './view/standing.ts';
export { readRecording, timed, type Recording, type TimedEvent } from './view/recording.ts';
export { readTold, toldText } from './view/told-event.ts';
export * as runFiles from './run-folder/names.ts';
