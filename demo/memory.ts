import { estimate, type ExperimentConfig } from '../src/index.ts';
import { bytes } from '../src/look/wording.ts';

/**
 * The memory that a run will need, before its start.
 *
 * @param limits Limits of the adapter; undefined while they are unknown.
 * @throws AdapterError naming what does not fit, its bytes and the limit.
 */
export function describeMemory(config: ExperimentConfig, limits?: GPUSupportedLimits): string {
  const { run, pretraining } = estimate(config, limits);
  const before =
    pretraining.total > run.total
      ? `; ${bytes(pretraining.total)} where its base has to be pre-trained first`
      : '';
  return `About ${bytes(run.total)} of GPU memory${before}.`;
}
