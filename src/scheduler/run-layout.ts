import type { ExperimentConfig } from '../config.ts';
import type { ModelConfig } from '../model/config.ts';
import type { Task } from '../tasks/task.ts';
import { modelConfigOf } from './base.ts';
import type { MemoryChoices } from './experiment-buffers.ts';
import type { ExperimentHost } from './experiment-host.ts';
import { planRun } from './plan-memory.ts';

/** The model that a run trains, and how its buffers are laid out. */
export interface RunLayout {
  readonly model: ModelConfig;
  readonly choices: MemoryChoices;
  /** How the run uses memory, in words; undefined where nothing limits it. */
  readonly sentence: string | undefined;
}

/**
 * Lays a run out on its device: within the budget if there is one, else as a whole.
 *
 * @throws AdapterError when the device cannot bind one of its buffers, MemoryError when the budget is
 *   too small; both in a budget alone.
 */
export function layoutOf(
  { gpu, given, memory = {}, budget }: ExperimentHost,
  config: ExperimentConfig,
  task: Task,
): RunLayout {
  const model = modelConfigOf(config, task, given?.directory.config);
  if (budget === undefined) return { model, choices: memory, sentence: undefined };
  const { choices, sentence } = planRun(config, model, task, {
    memory: budget,
    limits: gpu.limits,
  });
  // After a failed allocation fewer rows decode together than planned.
  const rowsTogether = Math.min(choices.rowsTogether, memory.rowsTogether ?? Infinity);
  return { model, choices: { ...choices, ...memory, rowsTogether }, sentence };
}
