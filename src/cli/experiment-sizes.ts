import { type ExperimentConfig, startsFromFolder } from '../config.ts';
import type { ModelConfig } from '../model/config.ts';
import { taskModelOf } from '../scheduler/given-inputs.ts';
import { openTask } from '../tasks/registry.ts';
import type { TaskShape } from '../tasks/task.ts';
import { openDiskDescription } from './model-files.ts';
import { SystemFiles } from './system-files.ts';
import type { System } from './system.ts';

/** The sizes of an experiment that its config may leave to files. */
export interface ExperimentSizes {
  readonly task: TaskShape;
  /** Undefined if the config has the model drawn. */
  readonly model?: ModelConfig;
}

/**
 * Calls back with the sizes of an experiment. Opens the files that the config names; reads no
 * weights.
 *
 * @throws The errors of `openTask` and `openDiskDescription`.
 */
export async function withSizes<Result>(
  host: System,
  config: ExperimentConfig,
  use: (sizes: ExperimentSizes) => Result | Promise<Result>,
): Promise<Result> {
  const files = new SystemFiles(host);
  const model = startsFromFolder(config) ? await openDiskDescription(config.model.path) : undefined;
  try {
    const resources = model ? { files, model: taskModelOf(model) } : { files };
    const task = await openTask(config.task, resources);
    try {
      return await use({ task, ...(model ? { model: model.config } : {}) });
    } finally {
      await task.text.close();
    }
  } finally {
    await model?.close();
    await files.close();
  }
}
