import { estimate, type ExperimentConfig } from '../src/index.ts';
import { bytes } from './adapter.ts';

/**
 * What a run will take, before it is started.
 *
 * @param limits Of the adapter; none where it is not known yet.
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
