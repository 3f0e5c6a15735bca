// The FULL pass that experiments can share.
import type { ExperimentConfig } from './config.ts';
import { limrDefaults } from './limr-defaults.ts';
import { iterationsOf } from './run-plan.ts';
import { poolPromptsOf, takesGivenModel } from './tasks/registry.ts';

/**
 * The config of the FULL pass that experiments share: equal for configs whose FULL training is the
 * same. Selections have no part in FULL: `lim`, the other methods, their length, the read-outs that
 * FULL does not reach and the read-out of the table. All other settings are kept.
 *
 * @returns Undefined if the pass cannot be shared: before FULL, a run from a given model samples that
 *   model for its selections.
 */
export function passConfig(config: ExperimentConfig): ExperimentConfig | undefined {
  const pool = poolPromptsOf(config.task);
  if (pool === undefined || takesGivenModel(config.task)) return undefined;
  const { experiment } = config;
  const { fullLength = experiment.epochs } = experiment;
  const end = experiment.budget === 'epochs' ? fullLength : iterationsOf(config, 'full', pool);
  return {
    ...config,
    lim: limrDefaults.lim,
    experiment: {
      ...experiment,
      methods: ['full'],
      armLength: 1,
      readouts: [...experiment.readouts.filter((readout) => readout < end), end],
      tableReadout: end,
    },
  };
}
