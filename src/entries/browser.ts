// limr-lab/browser: what a page needs in addition to `limr-lab`: the runs that the browser keeps.
export { ShaderError, ShapeError } from '../../kernels/lib/errors.ts';
export { AdapterError, DeviceLostError } from '../gpu/device.ts';
export { AllocationError } from '../gpu/memory.ts';
export { DamageError } from '../scheduler/appended-file.ts';
export { PathError } from '../scheduler/run-store.ts';
export { ConfigError } from '../config-error.ts';
export { FileError } from '../file-error.ts';
export { FormatError } from '../formats/format-error.ts';
export { SafetensorsError } from '../formats/safetensors.ts';
export { VerifierError } from '../tasks/verification.ts';
export { WorkerError } from '../threads/connect.ts';
export {
  type ChosenModel,
  type ChosenVerifier,
  countPrompts,
  lookAtModel,
  lookAtVerifier,
} from './chosen-files.ts';
export { type Importer, type ImportRequest, connectImporter } from '../workers/importer.ts';
export type {
  ImportCut,
  ImportedRow,
  ImportedScores,
  ImportSettings,
} from '../imports/import-session.ts';
export {
  type BundledFiles,
  type BundledRun,
  openBundledRun,
  pathsOfRun,
} from '../workers/bundled-run.ts';
export { exportFormats, type ExportFormat } from '../formats/subsets.ts';
export { rolloutFormats } from '../formats/rollouts.ts';
export { type SettingField, settingFields } from '../config-fields.ts';
export { type KeptModel, KeptModels } from '../workers/kept-models.ts';
export {
  boxOf,
  field,
  meet,
  orderWords,
  ranksOf,
  type FieldShares,
  type Ray,
} from '../landscape/field.ts';
export { LandscapeError, type LandscapeView } from '../landscape/landscape.ts';
export { StandaloneLandscape } from '../landscape/standalone.ts';
export type { Drawn } from '../landscape/surface.ts';
export { NoRoomError, StorageError } from '../workers/browser-store.ts';
export {
  type KeptLabel,
  MOST_STORED_RUNS,
  StoredRuns,
  type CheckpointPlace,
  type RunClaim,
  type StoredRun,
} from '../workers/stored-runs.ts';
export { serveVerifierFrames } from '../workers/verifier-frames.ts';
export { inputTexts } from '../run-folder/inputs.ts';
export { labelText, MOST_NOTE, MOST_TITLE, noLabel, type RunLabel } from '../run-folder/label.ts';
export { LABEL } from '../run-folder/names.ts';
export { type KeptFolder, weightsIn } from '../run-folder/weights.ts';
export type { RunFile } from '../run-folder/run-file.ts';
