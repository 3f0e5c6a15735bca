import type { ExperimentConfig } from '../config.ts';
import type { Gpu } from '../gpu/device.ts';
import type { ExperimentEvent } from '../results.ts';
import type { TaskResources } from '../tasks/task.ts';
import type { GivenModel } from './base.ts';
import type { Verifier } from './evaluator.ts';
import type { MemoryChoices } from './experiment-buffers.ts';
import type { RunStore } from './run-store.ts';

/** What an experiment needs from its host. */
export interface ExperimentHost {
  readonly gpu: Gpu;
  /** `node`, `deno`, `chromium`, ... : goes into the results. */
  readonly hostName: string;
  readonly store: RunStore;
  readonly verify: Verifier;
  /** The files that the config names, and the tokenizer of its model; none when left out. */
  readonly resources?: TaskResources | undefined;
  /** The model that the config names; none where the config has the model drawn. */
  readonly given?: GivenModel | undefined;
  /** A base trained before for this config, if there is one. */
  readonly shippedBase: (
    config: ExperimentConfig,
  ) => Promise<ReadonlyMap<string, Float32Array> | undefined>;
  readonly emit: (event: ExperimentEvent) => void;
  /** What a run met that goes on by itself. */
  readonly reason?: string | undefined;
  /** What the device's memory decides; nothing when left out. */
  readonly memory?: MemoryChoices | undefined;
  /** Bytes of buffers that the run may take: `planRun` then makes the other choices. */
  readonly budget?: number | undefined;
  /** Whether weights of drawn models are kept where the config does not say; true when left out. */
  readonly keepWeights?: boolean | undefined;
}
